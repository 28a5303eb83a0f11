//! The ledger file. All writes go through one thread that puts the requests waiting at the same moment into one
//! durable transaction; an answer leaves only after the commit.

use crate::records::Entry;
use jiff::Timestamp;
use redb::{Database, Durability, ReadableDatabase, ReadableTable, TableDefinition};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

mod book;
mod snapshot;

pub use book::Book;
pub use snapshot::{Since, Snapshot};

/// The ledger's file name inside the data directory.
pub const FILE_NAME: &str = "sandbox-ledger.redb";

/// The version of the file's contents. Another version is refused rather than misread.
const FORMAT: u64 = 1;

/// How many requests one transaction carries at most: an answer never waits for more work than this.
const BATCH_MAX: usize = 256;

/// How many requests wait for the writer at most before their clients have to wait to be queued.
const QUEUE_MAX: usize = 1024;

/// How long another process may still have the file open: one whose parent was killed finishes what it is answering, which
/// it has a second for, before it ends.
const ENDING_MAX: Duration = Duration::from_secs(3);

/// The pause between two looks whether it has.
const ENDING_PAUSE: Duration = Duration::from_millis(20);

/// The page cache. redb's default of 1 GiB is far more than a sandbox should take.
const CACHE_BYTES: usize = 32 * 1024 * 1024;

const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
const INTENTS: TableDefinition<&str, &[u8]> = TableDefinition::new("intents");
/// (reference, intent): finds the intents of a merchant's reference, oldest first.
const REFERENCES: TableDefinition<(&str, &str), ()> = TableDefinition::new("intents_by_reference");
/// (milliseconds, intent): what changes by itself, and when.
const DUE: TableDefinition<(i64, &str), ()> = TableDefinition::new("intents_due");
const REFUNDS: TableDefinition<&str, &[u8]> = TableDefinition::new("refunds");
const LEDGER: TableDefinition<u64, &[u8]> = TableDefinition::new("ledger");
/// (milliseconds, number): what is to be sent, and when.
const EVENTS: TableDefinition<(i64, u64), &[u8]> = TableDefinition::new("events");
const SETTINGS: TableDefinition<&str, &[u8]> = TableDefinition::new("settings");
const KEYS: TableDefinition<&str, &[u8]> = TableDefinition::new("idempotency_keys");
/// (milliseconds, key): which keys to forget, and when.
const KEY_EXPIRY: TableDefinition<(i64, &str), ()> = TableDefinition::new("idempotency_keys_expiry");

/// Why the ledger could not be opened, read or written.
#[derive(Debug, Error)]
pub enum Error {
    /// The data directory could not be made.
    #[error("cannot make the folder {}: {source}", .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another process has the file open.
    #[error("{} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// The file was written by another version.
    #[error("the ledger has format {found}, this program reads format {FORMAT}")]
    Format {
        /// The version found.
        found: u64,
    },
    /// The database failed.
    #[error("the ledger's database failed: {0}")]
    Database(#[source] Box<redb::Error>),
    /// A record could not be read back.
    #[error("a record of the ledger cannot be read: {0}")]
    Record(#[from] serde_json::Error),
    /// The transaction that carried the request was not committed.
    #[error("the request was not written")]
    NotWritten,
    /// The ledger is closed.
    #[error("the ledger is closed")]
    Closed,
}

/// Turns any of redb's errors into ours.
fn database<E: Into<redb::Error>>(error: E) -> Error {
    Error::Database(Box::new(error.into()))
}

/// Tells a waiting request its result.
type Reply = Box<dyn FnOnce() + Send>;
type Job = Box<dyn FnOnce(&mut Book<'_>) -> Result<Reply, Error> + Send>;

enum Message {
    Write(Job),
    Stop,
}

/// A handle to the open ledger.
#[derive(Clone)]
pub struct Store {
    database: Arc<Database>,
    queue: mpsc::Sender<Message>,
    failed: CancellationToken,
}

/// The writing thread, to be stopped when no more requests come.
pub struct Writer {
    queue: mpsc::Sender<Message>,
    thread: JoinHandle<()>,
}

impl Store {
    /// Opens the ledger in `folder`, making both where they are missing. Waits a moment for another process that has it
    /// open, which may be about to end.
    pub fn open(folder: &Path) -> Result<(Self, Writer), Error> {
        std::fs::create_dir_all(folder).map_err(|source| Error::Folder { path: folder.to_owned(), source })?;
        let database = open_file(&folder.join(FILE_NAME))?;
        let last = prepare(&database)?;
        let database = Arc::new(database);
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let failed = CancellationToken::new();
        let thread = std::thread::Builder::new()
            .name("sandbox-ledger".into())
            .spawn({
                let (database, failed) = (Arc::clone(&database), failed.clone());
                move || write_all(&database, jobs, last, &failed)
            })
            .map_err(database_io)?;
        let writer = Writer { queue: queue.clone(), thread };
        let store = Self { database, queue, failed };
        Ok((store, writer))
    }

    /// Runs `job` inside a transaction and returns its value once that is durable. The job runs to its end even if
    /// the caller goes away. An error of the job is an error of the ledger: nothing of the whole transaction is kept.
    pub async fn write<T, F>(&self, job: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Book<'_>) -> Result<T, Error> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move |book| {
            let value = job(book)?;
            Ok(Box::new(move || {
                // A client that went away does not wait for its answer any more.
                let _ = sender.send(value);
            }))
        });
        self.queue.send(Message::Write(job)).await.map_err(|_| Error::Closed)?;
        receiver.await.map_err(|_| Error::NotWritten)
    }

    /// Reads from one consistent snapshot, on a thread that may block.
    pub async fn read<T, F>(&self, read: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Snapshot) -> Result<T, Error> + Send + 'static,
    {
        let database = Arc::clone(&self.database);
        tokio::task::spawn_blocking(move || {
            let transaction = database.begin_read().map_err(self::database)?;
            read(&Snapshot::open(&transaction)?)
        })
        .await
        .map_err(|_| Error::Closed)?
    }

    /// Waits until a transaction could not be committed. The file may then only be trusted after it was opened again.
    pub async fn failed(&self) {
        self.failed.cancelled().await;
    }
}

impl Writer {
    /// Commits what is queued and closes the queue. Blocks.
    pub fn stop(self) {
        // Where the thread has ended already, there is nothing to stop.
        let _ = self.queue.blocking_send(Message::Stop);
        if self.thread.join().is_err() {
            tracing::error!("the ledger's writing thread panicked");
        }
    }
}

fn database_io(error: std::io::Error) -> Error {
    database(redb::StorageError::Io(error))
}

fn open_file(path: &Path) -> Result<Database, Error> {
    let deadline = Instant::now() + ENDING_MAX;
    loop {
        match Database::builder().set_cache_size(CACHE_BYTES).create(path) {
            Ok(database) => return Ok(database),
            Err(redb::DatabaseError::DatabaseAlreadyOpen) if Instant::now() < deadline => pause(),
            Err(redb::DatabaseError::DatabaseAlreadyOpen) => return Err(Error::InUse(path.to_owned())),
            Err(other) => return Err(database(other)),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "opening a ledger blocks, and is done where it may")]
fn pause() {
    std::thread::sleep(ENDING_PAUSE);
}

/// Makes the tables, checks the format and finds the last entry.
fn prepare(db: &Database) -> Result<Option<Entry>, Error> {
    let transaction = db.begin_write().map_err(database)?;
    let last;
    {
        let mut meta = transaction.open_table(META).map_err(database)?;
        let found = meta.get("format").map_err(database)?.map(|format| format.value());
        match found {
            Some(FORMAT) => {}
            Some(found) => return Err(Error::Format { found }),
            None => {
                meta.insert("format", FORMAT).map_err(database)?;
            }
        }
        last = Book::open(&transaction, Timestamp::UNIX_EPOCH, 0)?.last_entry()?;
    }
    transaction.commit().map_err(database)?;
    Ok(last)
}

/// The writing thread.
fn write_all(db: &Database, mut queue: mpsc::Receiver<Message>, last: Option<Entry>, failed: &CancellationToken) {
    let (mut sequence, mut clock) = match last {
        Some(entry) => (entry.sequence, entry.at),
        None => (0, Timestamp::UNIX_EPOCH),
    };
    let mut stopping = false;
    while !stopping {
        let Some(first) = queue.blocking_recv() else {
            return;
        };
        let mut jobs = Vec::new();
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                Message::Write(job) => jobs.push(job),
                Message::Stop => {
                    queue.close();
                    stopping = true;
                }
            }
            next = if jobs.len() < BATCH_MAX || stopping { queue.try_recv().ok() } else { None };
        }
        // The ledger's times never go back, whatever the machine's clock does.
        clock = clock.max(now_ms());
        match commit(db, jobs, clock, sequence) {
            Ok((replies, reached)) => {
                sequence = reached;
                for reply in replies {
                    reply();
                }
            }
            Err(error) => {
                tracing::error!(%error, "the ledger could not be written");
                failed.cancel();
                return;
            }
        }
    }
}

/// Runs the jobs in one durable transaction.
fn commit(db: &Database, jobs: Vec<Job>, now: Timestamp, sequence: u64) -> Result<(Vec<Reply>, u64), Error> {
    let mut transaction = db.begin_write().map_err(database)?;
    transaction.set_durability(Durability::Immediate).map_err(database)?;
    let mut replies = Vec::with_capacity(jobs.len());
    let reached = {
        let mut book = Book::open(&transaction, now, sequence)?;
        for job in jobs {
            replies.push(job(&mut book)?);
        }
        book.sequence()
    };
    transaction.commit().map_err(database)?;
    Ok((replies, reached))
}

/// The time in whole milliseconds, the ledger's resolution.
pub fn now_ms() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}
