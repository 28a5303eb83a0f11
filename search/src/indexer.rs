//! Keeps the index up to date.
//!
//! One thread of its own owns the index's writer, because a commit blocks for as long as the disk takes. [`Indexer`] is
//! the handle to it: every method sends the thread a command and waits for the answer.
//!
//! The protocol with the log: take [`Indexer::resume`], read the log after that position, [`Indexer::apply`] what the
//! database says of the orders in it together with the position reached, and [`Indexer::commit`] now and then. What was
//! applied and not committed is lost in a crash, and is read again from the log because the position comes back with
//! the index. After any error of `apply` or `commit`, start again with `resume`.

mod directory;
mod lock;
mod open;
mod versions;
mod worker;

use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tantivy::IndexReader;

use self::worker::{Command, Reply, Worker};
use crate::searcher::Searcher;
use crate::{Error, OrderDocument, OrderKey};

/// Commands that may wait for the writer; each carries a batch, so this bounds memory.
const COMMANDS_WAITING_MAX: usize = 4;

/// How an index was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// There was none; it is empty.
    Created,
    /// It goes on from its last commit.
    Resumed,
    /// What was there could not be used; it is empty now and must be fed from the beginning.
    Rebuilt {
        /// What was wrong, for the log.
        reason: String,
    },
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Applied {
    /// Orders that were written.
    pub written: usize,
    /// Orders that were left out because this version or a newer one is in the index or in the batch.
    pub stale: usize,
    /// Orders that were removed.
    pub deleted: usize,
}

/// An open index. Only one can be open on a folder; dropping it and all its [`Indexer`]s closes it as [`Index::close`]
/// does.
#[derive(Debug)]
pub struct Index {
    indexer: Indexer,
    searcher: Searcher,
    opened: Opened,
}

impl Index {
    /// Opens the index in a folder, which is made if it is missing. An index that is damaged or of another schema
    /// version is thrown away and begun anew, see [`Index::opened`].
    ///
    /// # Errors
    /// [`Error::InUse`] if the folder is open elsewhere, [`Error::Folder`] and [`Error::Tantivy`] if it cannot be used.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let open::Parts { store, reader, fields, opened } = open::open(folder)?;
        let searcher = Searcher::new(reader.clone(), fields);
        let worker = Worker::new(store, reader.clone(), fields)?;
        let indexer = Indexer { thread: Arc::new(WriterThread::start(worker)?), reader };
        Ok(Self { indexer, searcher, opened })
    }

    /// How the index was found.
    #[must_use]
    pub const fn opened(&self) -> &Opened {
        &self.opened
    }

    /// A handle that writes.
    #[must_use]
    pub fn indexer(&self) -> Indexer {
        self.indexer.clone()
    }

    /// A handle that searches.
    #[must_use]
    pub fn searcher(&self) -> Searcher {
        self.searcher.clone()
    }

    /// Ends the writer without a commit, and lets go of the folder before it returns. Every [`Indexer`] answers
    /// [`Error::Stopped`] from then on; searching goes on in what was committed.
    pub fn close(&self) {
        self.indexer.thread.stop();
    }
}

/// Writes to the index. A cheap handle: clone it freely. Its methods block until the writer has answered.
#[derive(Clone)]
pub struct Indexer {
    thread: Arc<WriterThread>,
    reader: IndexReader,
}

impl std::fmt::Debug for Indexer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Indexer").finish_non_exhaustive()
    }
}

impl Indexer {
    /// Forgets what is not committed and answers the last committed position: where to read the log on from, 0 at the
    /// beginning. To be called before the first `apply` and after every error.
    ///
    /// # Errors
    /// [`Error::Tantivy`] if the index cannot be written; the call may be repeated.
    pub fn resume(&self) -> Result<u64, Error> {
        self.ask(|reply| Command::Resume { reply })
    }

    /// Removes the orders of `deletions`, then writes the documents that are newer than what the index has, and notes
    /// the position of the log that this brings the index to. Nothing is searchable, or safe, before the next commit.
    ///
    /// An order that is in both is written whatever its version: that is how personal data is erased from an order that
    /// stays. A position below the one reached leaves that one as it is.
    ///
    /// # Errors
    /// [`Error::ResumeNeeded`] after an earlier failure, [`Error::Tantivy`] for a new one.
    pub fn apply(
        &self,
        documents: Vec<OrderDocument>,
        deletions: Vec<OrderKey>,
        position: u64,
    ) -> Result<Applied, Error> {
        self.ask(|reply| Command::Apply { documents, deletions, position, reply })
    }

    /// Makes everything applied so far durable and searchable, and answers the position that is now safe. Costs next to
    /// nothing if there is nothing new.
    ///
    /// # Errors
    /// As [`Indexer::apply`].
    pub fn commit(&self) -> Result<u64, Error> {
        self.ask(|reply| Command::Commit { reply })
    }

    /// The last committed position, 0 if there is none: what a reopened index would resume from.
    ///
    /// # Errors
    /// [`Error::Stopped`] if the writer has died or was closed.
    pub fn position(&self) -> Result<u64, Error> {
        self.ask(|reply| Command::Position { reply })
    }

    /// Empties the index and sets its position to 0, durably: the beginning of a rebuild.
    ///
    /// # Errors
    /// As [`Indexer::apply`].
    pub fn clear(&self) -> Result<(), Error> {
        self.ask(|reply| Command::Clear { reply })
    }

    /// Rewrites the parts of the index that hold removed or replaced documents, so that their words are gone from the
    /// disk and not only from the results. Merging does this in time by itself; erasure of personal data asks for it.
    /// Commits first, and takes as long as the parts are large.
    ///
    /// # Errors
    /// As [`Indexer::apply`].
    pub fn compact(&self) -> Result<(), Error> {
        self.ask(|reply| Command::Compact { reply })
    }

    /// How many parts the index has, for metrics.
    #[must_use]
    pub fn segment_count(&self) -> usize {
        self.reader.searcher().segment_readers().len()
    }

    fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, Error> {
        let (reply, answer) = sync_channel(1);
        self.thread.send(command(reply))?;
        answer.recv().map_err(|_| Error::Stopped)?
    }
}

/// The writer's thread, which ends when this is stopped or dropped.
struct WriterThread {
    commands: Mutex<Option<SyncSender<Command>>>,
    handle: Mutex<Option<JoinHandle<()>>>,
}

impl WriterThread {
    fn start(worker: Worker) -> Result<Self, Error> {
        let (commands, inbox) = sync_channel(COMMANDS_WAITING_MAX);
        let handle = std::thread::Builder::new()
            .name("search-writer".to_owned())
            .spawn(move || worker.run(&inbox))
            .map_err(|error| Error::Tantivy(tantivy::TantivyError::SystemError(error.to_string())))?;
        Ok(Self { commands: Mutex::new(Some(commands)), handle: Mutex::new(Some(handle)) })
    }

    fn send(&self, command: Command) -> Result<(), Error> {
        let commands = self.commands.lock().map_err(|_| Error::Stopped)?.clone();
        commands.and_then(|commands| commands.send(command).ok()).ok_or(Error::Stopped)
    }

    fn stop(&self) {
        // Closing the channel ends the thread; waiting for it frees the folder's lock before this returns.
        if let Ok(mut commands) = self.commands.lock() {
            commands.take();
        }
        if let Some(handle) = self.handle.lock().ok().and_then(|mut handle| handle.take()) {
            // A panic of the thread has been reported where it happened.
            handle.join().ok();
        }
    }
}

impl Drop for WriterThread {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_may_go_to_any_thread() {
        fn check<T: Send + Sync>() {}
        check::<Index>();
        check::<Indexer>();
        check::<Searcher>();
    }
}
