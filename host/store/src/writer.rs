//! The writer: one task that takes whatever waits into one transaction, and answers every waiter after the commit.

use std::sync::Arc;
use std::time::Instant;

use sqlx::SqliteConnection;
use tokio::sync::{Mutex, watch};

use crate::levels::Levels;
use crate::queue::{Caps, Job, Queue};
use crate::resolve::{self, Verdict, Wanted};
use crate::{Committed, Error, Outcome, sqlite};

pub(crate) struct Writer {
    pub queue: Arc<Queue>,
    /// Shared with the few single statements that go past the queue; the lock is fair, so neither side starves.
    pub connection: Arc<Mutex<SqliteConnection>>,
    pub caps: Caps,
    pub levels: Arc<Levels>,
    pub head: watch::Sender<u64>,
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
    pub async fn run(self) {
        let _guard = AbandonOnExit(self.queue.clone());
        while let Some(batch) = self.queue.take(self.caps).await {
            metrics::histogram!("store_batch_changesets").record(batch.len() as f64);
            self.process(batch).await;
        }
    }

    async fn process(&self, batch: Vec<Job>) {
        let mut connection = self.connection.lock().await;
        // The parts still to do; the last is next, so that they are done in the order of the batch.
        let mut parts = vec![batch];
        while let Some(mut part) = parts.pop() {
            let begun = Instant::now();
            let result = self.attempt(&mut connection, &part).await;
            metrics::histogram!("store_commit_seconds").record(begun.elapsed().as_secs_f64());
            match result {
                Ok(outcomes) => answer(part, outcomes),
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

    async fn attempt(
        &self,
        connection: &mut SqliteConnection,
        part: &[Job],
    ) -> Result<Vec<Result<Outcome, Error>>, Error> {
        sqlite::begin(connection).await?;
        match self.transact(connection, part).await {
            Ok((outcomes, head)) => {
                self.head.send_if_modified(|known| std::mem::replace(known, head) != head);
                fail::fail_point!("store.after_commit");
                Ok(outcomes)
            }
            Err(error) => {
                sqlite::rollback(connection).await;
                self.levels.forget();
                Err(error)
            }
        }
    }

    /// Everything from the claims to the commit. A fault point set to `return` stands for a disk that does not answer.
    async fn transact(
        &self,
        connection: &mut SqliteConnection,
        part: &[Job],
    ) -> Result<(Vec<Result<Outcome, Error>>, u64), Error> {
        let batch: Vec<_> = part.iter().map(|job| &job.prepared).collect();
        let wanted = Wanted::of(&batch);
        let claimed = sqlite::claim(connection, &wanted).await?;
        fail::fail_point!("store.after_claim", |_| Err(sqlx::Error::Io(std::io::Error::other("injected")).into()));
        let (snapshot, head_before) = sqlite::read(connection, &wanted, claimed, &self.levels).await?;
        let (verdicts, net) = resolve::resolve(&batch, snapshot);
        if net.accepted.is_empty() {
            sqlite::rollback(connection).await;
            return Ok((outcomes(verdicts, head_before), head_before));
        }
        let head = sqlite::write(connection, &batch, &net, head_before).await?;
        fail::fail_point!("store.before_commit", |_| Err(sqlx::Error::Io(std::io::Error::other("injected")).into()));
        sqlite::commit(connection).await?;
        self.levels.write(&net.stock);
        Ok((outcomes(verdicts, head_before), head))
    }
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
