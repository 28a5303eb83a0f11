//! The writer: one task that takes whatever waits into one transaction, and answers every waiter after the commit.

use std::sync::Arc;
use std::time::Instant;

use sqlx::SqliteConnection;
use tokio::sync::{Mutex, MutexGuard, watch};

use crate::levels::Levels;
use crate::prepare::Prepared;
use crate::queue::{Caps, Job, Queue};
use crate::resolve::{self, Claimed, Net, Snapshot, Verdict, Wanted};
use crate::{Committed, Error, Outcome, postgres, sqlite};

/// How often a batch is tried again because other nodes' commits were in its way.
const CONTENTIONS_MAX: u32 = 20;

pub(crate) struct Writer {
    pub queue: Arc<Queue>,
    pub database: Database,
    pub caps: Caps,
    pub levels: Arc<Levels>,
    pub head: Arc<watch::Sender<u64>>,
}

/// Where the batches go.
pub(crate) enum Database {
    /// Shared with the few single statements that go past the queue; the lock is fair, so neither side starves.
    Sqlite(Arc<Mutex<SqliteConnection>>),
    /// A connection of the writer's own.
    Postgres(Box<postgres::Connection>),
}

/// The database, for one batch. What is asked of either stands in its module.
enum Turn<'d> {
    Sqlite(MutexGuard<'d, SqliteConnection>),
    Postgres(&'d mut postgres::Connection),
}

impl Database {
    async fn turn(&mut self) -> Turn<'_> {
        match self {
            Self::Sqlite(connection) => Turn::Sqlite(connection.lock().await),
            Self::Postgres(connection) => Turn::Postgres(connection),
        }
    }
}

impl Turn<'_> {
    async fn begin(&mut self, part: &[Job]) -> Result<(), Error> {
        match self {
            Self::Sqlite(connection) => sqlite::begin(connection).await,
            Self::Postgres(connection) => connection.begin(&part.iter().map(|job| job.prepared.tenant).collect()).await,
        }
    }

    async fn claim(&mut self, batch: &[&Prepared], wanted: &Wanted) -> Result<Claimed, Error> {
        match self {
            Self::Sqlite(connection) => sqlite::claim(connection, wanted).await,
            Self::Postgres(connection) => connection.claim(batch).await,
        }
    }

    /// The locked rows, and the head of the log where it is locked already.
    async fn read(
        &mut self,
        wanted: &Wanted,
        claimed: Claimed,
        known: &Levels,
    ) -> Result<(Snapshot, Option<u64>), Error> {
        match self {
            Self::Sqlite(connection) => {
                let (snapshot, head) = sqlite::read(connection, wanted, claimed, known).await?;
                Ok((snapshot, Some(head)))
            }
            Self::Postgres(connection) => Ok((connection.read(wanted, claimed).await?, None)),
        }
    }

    /// Writes; the head of the log before and after.
    async fn write(&mut self, batch: &[&Prepared], net: &Net, head: Option<u64>) -> Result<(u64, u64), Error> {
        match self {
            Self::Sqlite(connection) => {
                let before = head.unwrap_or_default();
                Ok((before, sqlite::write(connection, batch, net, before).await?))
            }
            Self::Postgres(connection) => connection.write(batch, net).await,
        }
    }

    async fn commit(&mut self) -> Result<(), Error> {
        match self {
            Self::Sqlite(connection) => sqlite::commit(connection).await,
            Self::Postgres(connection) => connection.commit().await,
        }
    }

    async fn rollback(&mut self) {
        match self {
            Self::Sqlite(connection) => sqlite::rollback(connection).await,
            Self::Postgres(connection) => connection.rollback().await,
        }
    }
}

/// However the writer ends, nobody waits for it in vain.
struct AbandonOnExit(Arc<Queue>);

impl Drop for AbandonOnExit {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

impl Writer {
    /// Works until the queue is closed and empty.
    pub async fn run(mut self) {
        let _guard = AbandonOnExit(self.queue.clone());
        while let Some(batch) = self.queue.take(self.caps).await {
            metrics::histogram!("store_batch_changesets").record(batch.len() as f64);
            self.process(batch).await;
        }
        if let Database::Postgres(connection) = self.database {
            connection.close().await;
        }
    }

    async fn process(&mut self, batch: Vec<Job>) {
        let Self { database, levels, head, .. } = self;
        let mut attempt = Attempt { turn: database.turn().await, levels, head };
        let mut contentions = 0;
        // The parts still to do; the last is next, so that they are done in the order of the batch.
        let mut parts = vec![batch];
        while let Some(mut part) = parts.pop() {
            let begun = Instant::now();
            let result = attempt.run(&part).await;
            metrics::histogram!("store_commit_seconds").record(begun.elapsed().as_secs_f64());
            match result {
                Ok(outcomes) => answer(part, outcomes),
                Err(Error::Contended(error)) if contentions < CONTENTIONS_MAX => {
                    metrics::counter!("store_contentions_total").increment(1);
                    tracing::debug!(%error, "a batch is tried again");
                    contentions += 1;
                    parts.push(part);
                }
                Err(error) if error.is_lasting() && part.len() > 1 => {
                    metrics::counter!("store_bisections_total").increment(1);
                    let second = part.split_off(part.len() / 2);
                    parts.push(second);
                    parts.push(part);
                }
                Err(error) => {
                    tracing::warn!(%error, changesets = part.len(), "a batch failed");
                    metrics::counter!("store_failed_changesets_total").increment(part.len() as u64);
                    let errors = part.iter().map(|_| Err(error.clone())).collect();
                    answer(part, errors);
                }
            }
        }
    }
}

/// One transaction.
struct Attempt<'w> {
    turn: Turn<'w>,
    levels: &'w Levels,
    head: &'w watch::Sender<u64>,
}

impl Attempt<'_> {
    async fn run(&mut self, part: &[Job]) -> Result<Vec<Result<Outcome, Error>>, Error> {
        self.turn.begin(part).await?;
        match self.transact(part).await {
            Ok((outcomes, head)) => {
                raise(self.head, head);
                fail::fail_point!("store.after_commit");
                Ok(outcomes)
            }
            Err(error) => {
                self.turn.rollback().await;
                self.levels.forget();
                Err(error)
            }
        }
    }

    /// Everything from the claims to the commit. A fault point set to `return` stands for a disk that does not answer.
    async fn transact(&mut self, part: &[Job]) -> Result<(Vec<Result<Outcome, Error>>, u64), Error> {
        let batch: Vec<_> = part.iter().map(|job| &job.prepared).collect();
        let wanted = Wanted::of(&batch);
        let claimed = self.turn.claim(&batch, &wanted).await?;
        fail::fail_point!("store.after_claim", |_| Err(sqlx::Error::Io(std::io::Error::other("injected")).into()));
        let (snapshot, head) = self.turn.read(&wanted, claimed, self.levels).await?;
        let (verdicts, net) = resolve::resolve(&batch, snapshot);
        if net.accepted.is_empty() {
            self.turn.rollback().await;
            return Ok((outcomes(verdicts, 0), 0));
        }
        let (head_before, head) = self.turn.write(&batch, &net, head).await?;
        fail::fail_point!("store.before_commit", |_| Err(sqlx::Error::Io(std::io::Error::other("injected")).into()));
        self.turn.commit().await?;
        self.levels.write(&net.stock);
        Ok((outcomes(verdicts, head_before), head))
    }
}

/// Another node's position may be ahead of this one's already.
pub(crate) fn raise(known: &watch::Sender<u64>, head: u64) {
    known.send_if_modified(|known| {
        let has_grown = head > *known;
        *known = head.max(*known);
        has_grown
    });
}

fn outcomes(verdicts: Vec<Verdict>, head_before: u64) -> Vec<Result<Outcome, Error>> {
    let outcome = |verdict| match verdict {
        Verdict::Refused(outcome) => Ok(outcome),
        Verdict::Faulty(why) => Err(why),
        Verdict::Accepted(accepted) => Ok(Outcome::Committed(Committed {
            order: accepted.order,
            head_hash: accepted.head_hash,
            position: head_before + accepted.events_end as u64,
        })),
    };
    verdicts.into_iter().map(outcome).collect()
}

fn answer(part: Vec<Job>, outcomes: Vec<Result<Outcome, Error>>) {
    for (job, outcome) in part.into_iter().zip(outcomes) {
        // Nobody may be waiting any more: what is committed is committed.
        let _gone = job.reply.send(outcome);
    }
}
