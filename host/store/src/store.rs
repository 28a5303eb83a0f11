//! The handle: opening, committing, closing.

use std::sync::{Arc, Mutex as SyncMutex, PoisonError};

use sqlx::{SqliteConnection, SqlitePool};
use tokio::sync::{Mutex, MutexGuard, oneshot, watch};

use crate::config::Config;
use crate::levels::Levels;
use crate::lock::Lock;
use crate::prepare::Prepared;
use crate::queue::{Caps, Job, Queue};
use crate::thread::{self, Finished};
use crate::writer::Writer;
use crate::{Changeset, Error, Outcome, sqlite};

/// An open store. Cheap to clone; the last handle to go closes it, [`Store::shutdown`] does so in an orderly way.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    queue: Arc<Queue>,
    writer: Arc<Mutex<SqliteConnection>>,
    readers: SqlitePool,
    levels: Arc<Levels>,
    head: watch::Receiver<u64>,
    closing: SyncMutex<Option<Closing>>,
}

/// What ends with the store.
struct Closing {
    writer: Finished,
    lock: Lock,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("head", &*self.0.head.borrow()).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens a directory, makes it where it is missing, and brings its schema up to date.
    ///
    /// # Errors
    /// [`Error::Locked`] where another process has it open; otherwise what keeps it from being used.
    pub async fn open(config: Config) -> Result<Self, Error> {
        let mut opened = sqlite::open(&config).await?;
        let (head_sender, head) = watch::channel(sqlite::head(&mut opened.writer).await?);
        let queue = Arc::new(Queue::new(config.queue_capacity));
        let writer = Arc::new(Mutex::new(opened.writer));
        let levels = Arc::new(Levels::default());
        let task = Writer {
            queue: queue.clone(),
            connection: writer.clone(),
            caps: Caps { changesets: config.batch_changesets_max.max(1), bytes: config.batch_bytes_max },
            levels: levels.clone(),
            head: head_sender,
        };
        let failed = |source| Error::Thread(Arc::new(source));
        let writing = thread::spawn("store-writer", task.run()).map_err(failed)?;
        let closing = Closing { writer: writing, lock: opened.lock };
        let closing = SyncMutex::new(Some(closing));
        Ok(Self(Arc::new(Inner { queue, writer, readers: opened.readers, levels, head, closing })))
    }

    /// Commits a changeset, together with whatever else waits.
    ///
    /// Once this was polled, the changeset is committed or refused whatever happens to the future: a caller that goes
    /// away does not take the change with it.
    ///
    /// # Errors
    /// [`Error::QueueFull`], [`Error::Unavailable`], [`Error::DiskFull`] and [`Error::Closed`] where the store cannot
    /// take it now (after `Unavailable` it may have been kept: ask again with the key); another where it cannot be kept.
    pub async fn commit(&self, changeset: Changeset) -> Result<Outcome, Error> {
        let prepared = Prepared::new(changeset)?;
        let (reply, answer) = oneshot::channel();
        self.0.queue.push(Job { prepared, reply })?;
        answer.await.unwrap_or(Err(Error::Closed))
    }

    /// The position of the last committed event, as it moves.
    #[must_use]
    pub fn head(&self) -> watch::Receiver<u64> {
        self.0.head.clone()
    }

    /// Whether changesets are still taken: false after a shutdown or where the writer died.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.0.queue.is_closed()
    }

    /// Accepts nothing more, commits what waits, moves the log into the database and lets go of the directory.
    ///
    /// # Errors
    /// Where the database cannot be closed cleanly. Nothing committed is lost by that.
    pub async fn shutdown(&self) -> Result<(), Error> {
        let closing = self.0.closing.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(closing) = closing else { return Ok(()) };
        self.0.queue.close();
        if closing.writer.await.is_err() {
            tracing::error!("the writer had died");
        }
        self.0.readers.close().await;
        let mut writer = self.0.writer.lock().await;
        sqlite::checkpoint(&mut writer).await?;
        drop(closing.lock);
        Ok(())
    }

    /// The writer's connection, for a single statement that need not go through the queue. The lock is fair.
    pub(crate) async fn writer(&self) -> MutexGuard<'_, SqliteConnection> {
        self.0.writer.lock().await
    }

    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.0.readers
    }

    pub(crate) fn levels(&self) -> &Levels {
        &self.0.levels
    }
}
