//! Following a log: read, take, commit, wait for more; after a failure go on from what the consumer last committed.

use std::fmt::Display;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

/// How many events are read at once.
const BATCH: u32 = 2000;
/// The pause after a failure of log or consumer.
const FAILURE_PAUSE: Duration = Duration::from_secs(1);

/// A log with gap-free positions in the order of commits.
pub trait Log: Send + Sync {
    /// An entry.
    type Event: Send + Sync;
    /// Why it cannot be read.
    type Error: Display + Send;

    /// The entries after a position, oldest first, at most so many, each with its position.
    fn after(
        &self,
        position: u64,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<(u64, Self::Event)>, Self::Error>> + Send;

    /// Ends once the log has entries beyond a position.
    fn grown(&self, beyond: u64) -> impl Future<Output = ()> + Send;
}

/// What takes the entries of a log. Its position lives with its effect.
pub trait Consumer: Send {
    /// What it takes.
    type Event;
    /// Why it cannot.
    type Error: Display + Send;

    /// For logs and metrics.
    fn name(&self) -> &'static str;

    /// Forgets what is not committed and answers the last committed position.
    fn resume(&mut self) -> impl Future<Output = Result<u64, Self::Error>> + Send;

    /// Takes entries up to a position. It may see an entry again.
    fn take(&mut self, events: Vec<Self::Event>, position: u64)
    -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Makes the effect of what was taken durable, with its position.
    fn commit(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// Lets a consumer follow a log until told to stop. It commits at most once in `pace`, and soon after the last entry.
pub async fn follow<L, C>(log: &L, consumer: &mut C, pace: Duration, stop: &CancellationToken)
where
    L: Log,
    C: Consumer<Event = L::Event>,
{
    while !stop.is_cancelled() {
        if let Err(error) = follow_until_failure(log, consumer, pace, stop).await {
            tracing::warn!(consumer = consumer.name(), error, "a consumer failed; it goes on from its last commit");
            tokio::select! {
                () = tokio::time::sleep(FAILURE_PAUSE) => {}
                () = stop.cancelled() => {}
            }
        }
    }
}

async fn follow_until_failure<L, C>(
    log: &L,
    consumer: &mut C,
    pace: Duration,
    stop: &CancellationToken,
) -> Result<(), String>
where
    L: Log,
    C: Consumer<Event = L::Event>,
{
    let mut position = consumer.resume().await.map_err(|error| error.to_string())?;
    let mut dirty_since: Option<Instant> = None;
    loop {
        let batch = log.after(position, BATCH).await.map_err(|error| error.to_string())?;
        let caught_up = batch.len() < BATCH as usize;
        if let Some((last, _)) = batch.last() {
            position = *last;
            let events = batch.into_iter().map(|(_, event)| event).collect();
            consumer.take(events, position).await.map_err(|error| error.to_string())?;
            dirty_since.get_or_insert_with(Instant::now);
        }
        let due = dirty_since.map(|since| pace.saturating_sub(since.elapsed()));
        let stopping = stop.is_cancelled();
        if due.is_some_and(|left| left.is_zero()) || (stopping && due.is_some()) {
            consumer.commit().await.map_err(|error| error.to_string())?;
            dirty_since = None;
        } else if stopping {
            return Ok(());
        } else if caught_up {
            tokio::select! {
                () = log.grown(position), if due.is_none() => {}
                () = tokio::time::sleep(due.unwrap_or(FAILURE_PAUSE)), if due.is_some() => {}
                () = stop.cancelled() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use tokio::sync::watch;

    struct Memory {
        entries: Mutex<Vec<u32>>,
        head: watch::Sender<u64>,
    }

    impl Memory {
        fn append(&self, entry: u32) {
            let mut entries = self.entries.lock().unwrap();
            entries.push(entry);
            self.head.send_replace(entries.len() as u64);
        }
    }

    impl Log for Memory {
        type Event = u32;
        type Error = String;

        async fn after(&self, position: u64, limit: u32) -> Result<Vec<(u64, u32)>, String> {
            let entries = self.entries.lock().unwrap();
            let rest = entries.iter().enumerate().skip(position as usize).take(limit as usize);
            Ok(rest.map(|(index, entry)| (index as u64 + 1, *entry)).collect())
        }

        async fn grown(&self, beyond: u64) {
            let _ = self.head.subscribe().wait_for(|head| *head > beyond).await;
        }
    }

    #[derive(Default)]
    struct Sum {
        pending: Vec<u32>,
        committed: Arc<Mutex<Vec<u32>>>,
        fail_at: Option<u32>,
    }

    impl Consumer for Sum {
        type Event = u32;
        type Error = String;

        fn name(&self) -> &'static str {
            "sum"
        }

        async fn resume(&mut self) -> Result<u64, String> {
            self.pending.clear();
            Ok(self.committed.lock().unwrap().len() as u64)
        }

        async fn take(&mut self, events: Vec<u32>, _position: u64) -> Result<(), String> {
            self.pending.extend(&events);
            match self.fail_at.take_if(|bad| events.contains(bad)) {
                Some(bad) => Err(format!("cannot take {bad} the first time")),
                None => Ok(()),
            }
        }

        async fn commit(&mut self) -> Result<(), String> {
            self.committed.lock().unwrap().append(&mut self.pending);
            Ok(())
        }
    }

    #[tokio::test]
    async fn every_entry_is_taken_once_in_order_over_a_failure() {
        let log = Arc::new(Memory { entries: Mutex::default(), head: watch::channel(0).0 });
        let committed = Arc::new(Mutex::new(Vec::new()));
        let mut sum = Sum { committed: committed.clone(), fail_at: Some(2500), ..Sum::default() };
        let stop = CancellationToken::new();
        let (writer, stopper) = (log.clone(), stop.clone());
        let done = committed.clone();
        let writing = tokio::spawn(async move {
            for entry in 0..5000 {
                writer.append(entry);
                if entry % 100 == 0 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
            while done.lock().unwrap().len() < 5000 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            stopper.cancel();
        });
        follow(&*log, &mut sum, Duration::from_millis(50), &stop).await;
        writing.await.unwrap();
        assert_eq!(*committed.lock().unwrap(), (0..5000).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_stop_commits_what_was_taken() {
        let log = Memory { entries: Mutex::new(vec![1, 2, 3]), head: watch::channel(3).0 };
        let mut sum = Sum::default();
        let stop = CancellationToken::new();
        let stopper = stop.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(10)).await;
            stopper.cancel();
        });
        follow(&log, &mut sum, Duration::from_secs(3600), &stop).await;
        assert_eq!(*sum.committed.lock().unwrap(), [1, 2, 3]);
    }
}
