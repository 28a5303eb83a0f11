//! Where changesets wait for the writer: bounded, and fair between merchants.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use domain::ids::TenantId;
use tokio::sync::{Notify, oneshot};

use crate::prepare::Prepared;
use crate::{Error, Outcome};

/// A changeset that waits, and who waits for it.
#[derive(Debug)]
pub(crate) struct Job {
    pub prepared: Prepared,
    pub reply: oneshot::Sender<Result<Outcome, Error>>,
}

/// How much one transaction takes on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caps {
    pub changesets: usize,
    pub bytes: usize,
}

/// The queue. Any number of tasks push, one takes.
#[derive(Debug)]
pub(crate) struct Queue {
    capacity: usize,
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    closed: bool,
    len: usize,
    by_tenant: HashMap<TenantId, VecDeque<Job>>,
    /// The merchants with something to do; the first is next.
    ring: VecDeque<TenantId>,
}

impl Queue {
    pub fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), waiting: Mutex::default(), arrived: Notify::new() }
    }

    /// # Errors
    /// `QueueFull` where the queue, or this merchant's half of it, is full; `Closed` after [`Queue::close`].
    pub fn push(&self, job: Job) -> Result<(), Error> {
        let tenant = job.prepared.tenant;
        {
            let mut waiting = self.lock();
            if waiting.closed {
                return Err(Error::Closed);
            }
            // No merchant alone can shut the others out.
            let own_max = self.capacity.div_ceil(2);
            let own = waiting.by_tenant.get(&tenant).map_or(0, VecDeque::len);
            if waiting.len >= self.capacity || own >= own_max {
                metrics::counter!("store_queue_full_total").increment(1);
                return Err(Error::QueueFull);
            }
            waiting.by_tenant.entry(tenant).or_default().push_back(job);
            if own == 0 {
                waiting.ring.push_back(tenant);
            }
            waiting.len += 1;
            metrics::gauge!("store_queue_depth").set(waiting.len as f64);
        }
        self.arrived.notify_one();
        Ok(())
    }

    /// The next batch, one job of each merchant in turn; waits where there is none. `None` once closed and empty.
    pub async fn take(&self, caps: Caps) -> Option<Vec<Job>> {
        loop {
            {
                let mut waiting = self.lock();
                if waiting.len > 0 {
                    return Some(waiting.batch(caps));
                }
                if waiting.closed {
                    return None;
                }
            }
            self.arrived.notified().await;
        }
    }

    /// Whether nothing more is accepted.
    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Nothing more is accepted; what waits is still taken.
    pub fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_one();
    }

    /// Nothing more is accepted, and what waits is answered with `Closed`.
    pub fn abandon(&self) {
        let abandoned = {
            let mut waiting = self.lock();
            waiting.closed = true;
            waiting.len = 0;
            waiting.ring.clear();
            std::mem::take(&mut waiting.by_tenant)
        };
        for job in abandoned.into_values().flatten() {
            let _gone = job.reply.send(Err(Error::Closed));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        // Every change under the lock is complete before anything can panic.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn batch(&mut self, caps: Caps) -> Vec<Job> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        while batch.len() < caps.changesets
            && let Some(tenant) = self.ring.pop_front()
        {
            let Some(own) = self.by_tenant.get_mut(&tenant) else { continue };
            let next = own.front().map_or(0, |job| job.prepared.bytes);
            if !batch.is_empty() && bytes + next > caps.bytes {
                self.ring.push_front(tenant);
                break;
            }
            if let Some(job) = own.pop_front() {
                bytes += next;
                self.len -= 1;
                batch.push(job);
            }
            if own.is_empty() {
                self.by_tenant.remove(&tenant);
            } else {
                self.ring.push_back(tenant);
            }
        }
        metrics::gauge!("store_queue_depth").set(self.len as f64);
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Changeset;

    fn tenant(n: u128) -> TenantId {
        TenantId::new(uuid::Uuid::from_u128(n))
    }

    fn job(n: u128, bytes: usize) -> Job {
        let mut prepared = Prepared::new(Changeset::new(tenant(n), "ann")).unwrap();
        prepared.bytes = bytes;
        Job { prepared, reply: oneshot::channel().0 }
    }

    fn merchants(batch: &[Job]) -> Vec<u128> {
        batch.iter().map(|j| j.prepared.tenant.uuid().as_u128()).collect()
    }

    const CAPS: Caps = Caps { changesets: 4, bytes: 1000 };

    #[tokio::test]
    async fn merchants_take_turns() {
        let queue = Queue::new(100);
        for n in [1, 1, 1, 1, 1, 2, 3, 3] {
            queue.push(job(n, 10)).unwrap();
        }
        assert_eq!(merchants(&queue.take(CAPS).await.unwrap()), [1, 2, 3, 1]);
        assert_eq!(merchants(&queue.take(CAPS).await.unwrap()), [3, 1, 1, 1]);
        queue.close();
        assert!(queue.take(CAPS).await.is_none());
    }

    #[tokio::test]
    async fn a_batch_is_capped_by_bytes_but_a_giant_goes_alone() {
        let queue = Queue::new(100);
        for bytes in [5000, 600, 300, 300] {
            queue.push(job(1, bytes)).unwrap();
        }
        let sizes =
            async || -> Vec<usize> { queue.take(CAPS).await.unwrap().iter().map(|j| j.prepared.bytes).collect() };
        assert_eq!(sizes().await, [5000]);
        assert_eq!(sizes().await, [600, 300]);
        assert_eq!(sizes().await, [300]);
    }

    #[tokio::test]
    async fn a_full_queue_refuses_and_no_merchant_takes_all_of_it() {
        let queue = Queue::new(4);
        queue.push(job(1, 1)).unwrap();
        queue.push(job(1, 1)).unwrap();
        assert!(matches!(queue.push(job(1, 1)), Err(Error::QueueFull)));
        queue.push(job(2, 1)).unwrap();
        queue.push(job(3, 1)).unwrap();
        assert!(matches!(queue.push(job(4, 1)), Err(Error::QueueFull)));
        queue.take(CAPS).await.unwrap();
        queue.push(job(1, 1)).unwrap();
        queue.close();
        assert!(matches!(queue.push(job(1, 1)), Err(Error::Closed)));
        assert_eq!(queue.take(CAPS).await.unwrap().len(), 1);
    }
}
