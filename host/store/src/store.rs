//! The handle: opening, committing, closing.

use std::sync::{Arc, Mutex as SyncMutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

use crate::backend::Backend;
use crate::config::Config;
use crate::levels::Levels;
use crate::lock::Lock;
use crate::postgres::Pools;
use crate::prepare::Prepared;
use crate::queue::{Caps, Job, Queue};
use crate::thread::{self, Finished};
use crate::writer::{self, Database, Writer};
use crate::{Changeset, Error, Outcome, postgres, sqlite};

/// An open store. Cheap to clone; the last handle to go closes it, [`Store::shutdown`] does so in an orderly way.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    queue: Arc<Queue>,
    backend: Backend,
    levels: Arc<Levels>,
    head: watch::Receiver<u64>,
    closing: SyncMutex<Option<Closing>>,
}

/// How often it is looked for other nodes' commits. What they change is searchable within half a second.
const HEAD_INTERVAL: Duration = Duration::from_millis(50);
/// How often it is looked whether the log has its partitions. They are made three months ahead.
const MONTHS_INTERVAL: Duration = Duration::from_secs(6 * 60 * 60);

/// What ends with the store.
struct Closing {
    writer: Finished,
    /// On the directory of an embedded database.
    lock: Option<Lock>,
    /// What looks for other nodes' commits.
    watch: Option<JoinHandle<()>>,
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
    /// Opens a database, makes the directory of an embedded one where it is missing, and brings its schema up to date.
    ///
    /// # Errors
    /// [`Error::Locked`] where another process has it open; otherwise what keeps it from being used.
    pub async fn open(config: Config) -> Result<Self, Error> {
        let (backend, database, head, lock) = open(&config).await?;
        let (head_sender, head) = watch::channel(head);
        let head_sender = Arc::new(head_sender);
        let queue = Arc::new(Queue::new(config.queue_capacity));
        let levels = Arc::new(Levels::default());
        let task = Writer {
            queue: queue.clone(),
            database,
            caps: Caps { changesets: config.batch_changesets_max.max(1), bytes: config.batch_bytes_max },
            levels: levels.clone(),
            head: head_sender.clone(),
        };
        let failed = |source| Error::Thread(Arc::new(source));
        let writing = thread::spawn("store-writer", task.run()).map_err(failed)?;
        let watch = match &backend {
            Backend::Sqlite { .. } => None,
            Backend::Postgres(pools) => Some(tokio::spawn(look_for_commits(pools.clone(), head_sender))),
        };
        let closing = SyncMutex::new(Some(Closing { writer: writing, lock, watch }));
        Ok(Self(Arc::new(Inner { queue, backend, levels, head, closing })))
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

    /// How far the database's clock is ahead of this machine's, in microseconds. An embedded database has no other.
    ///
    /// # Errors
    /// What the database said.
    pub async fn clock_offset_micros(&self) -> Result<i64, Error> {
        match self.backend() {
            Backend::Sqlite { .. } => Ok(0),
            Backend::Postgres(pools) => pools.clock_offset_micros().await,
        }
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
        if let Some(watch) = closing.watch {
            watch.abort();
        }
        match &self.0.backend {
            Backend::Sqlite { writer, readers } => {
                readers.close().await;
                sqlite::checkpoint(&mut *writer.lock().await).await?;
            }
            Backend::Postgres(pools) => pools.close().await,
        }
        drop(closing.lock);
        Ok(())
    }

    pub(crate) fn backend(&self) -> &Backend {
        &self.0.backend
    }

    pub(crate) fn levels(&self) -> &Levels {
        &self.0.levels
    }
}

async fn open(config: &Config) -> Result<(Backend, Database, u64, Option<Lock>), Error> {
    if let Some(postgres) = &config.postgres {
        let opened = postgres::open(config, postgres).await?;
        let database = Database::Postgres(Box::new(opened.writer));
        return Ok((Backend::Postgres(opened.pools), database, opened.head, None));
    }
    let mut opened = sqlite::open(config).await?;
    let head = sqlite::head(&mut opened.writer).await?;
    let writer = Arc::new(Mutex::new(opened.writer));
    let backend = Backend::Sqlite { writer: writer.clone(), readers: opened.readers };
    Ok((backend, Database::Sqlite(writer), head, Some(opened.lock)))
}

/// Notices what other nodes have committed, and keeps the log's partitions ahead of time.
async fn look_for_commits(pools: Pools, head: Arc<watch::Sender<u64>>) {
    let mut look = tokio::time::interval(HEAD_INTERVAL);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut made_at = Instant::now();
    loop {
        look.tick().await;
        match pools.head().await {
            Ok(position) => writer::raise(&head, position),
            Err(error) => tracing::debug!(%error, "the head of the log cannot be read"),
        }
        if made_at.elapsed() > MONTHS_INTERVAL {
            made_at = Instant::now();
            if let Err(error) = pools.make_event_months().await {
                tracing::warn!(%error, "the partitions of the coming months are not made");
            }
        }
    }
}
