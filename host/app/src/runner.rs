//! The order runner: does what an order's tasks say, now or when their time comes.
//!
//! A commit that makes a task leases the order to this node and hands it over in memory. If the process dies, or the
//! hand-over is switched off, the sweeper finds the order once its lease and its `wake_at` have passed. Everything else
//! that has to happen later (a retry, a poll, a timer) waits in the store for the sweeper too.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::command::{self, Command};
use domain::ids::{OrderId, TenantId};
use domain::order::{Task, TaskKind};
use domain::time::Timestamp;
use store::{Changeset, Lease, OrderChange, StoredOrder};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::command::Updated;
use crate::effects::{Begun, Progress};
use crate::{App, Error, clock};

/// How long an order stays with a node that says nothing. Longer than the longest request to a provider, with its
/// commits; an order that takes longer is leased anew at each commit.
const LEASE: Duration = Duration::from_secs(30);
/// How often the sweeper looks.
const SWEEP_INTERVAL: Duration = Duration::from_millis(200);
/// How many orders a sweep takes at once.
const SWEEP_BATCH: usize = 200;
/// How many orders are worked on at once: most of them wait for a provider.
const CONCURRENCY: usize = 256;
/// An order whose runner fails is left alone for so long.
const FAILURE_PAUSE_SECONDS: i64 = 5;
/// A run that makes more moves than this has a defect; it is put off rather than let spin.
const MOVES_MAX: u32 = 50;

/// Works on orders.
pub(crate) struct Runner {
    /// This process, in leases.
    node: String,
    /// Whether commits hand over in memory.
    fast_path: bool,
    slots: Arc<Semaphore>,
    /// The orders under way here, and whether one has changed meanwhile and wants another look.
    running: Mutex<HashMap<OrderId, bool>>,
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Runner {
    pub fn new(node: String, fast_path: bool) -> Self {
        Self {
            node,
            fast_path,
            slots: Arc::new(Semaphore::new(CONCURRENCY)),
            running: Mutex::default(),
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
        }
    }

    pub(crate) fn lease(&self) -> Lease {
        Lease { owner: self.node.clone(), until: clock::now().plus_millis(LEASE.as_millis() as i64) }
    }

    /// Whether the caller shall run the order: not if it is running already, which is told to look again.
    fn begin(&self, order_id: OrderId) -> bool {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        match running.entry(order_id) {
            Entry::Occupied(mut entry) => {
                entry.insert(true);
                false
            }
            Entry::Vacant(entry) => {
                entry.insert(false);
                true
            }
        }
    }

    /// Whether the order has to be looked at again; if not, it is no longer running.
    fn end(&self, order_id: OrderId) -> bool {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let again = running.remove(&order_id).unwrap_or(false);
        if again {
            running.insert(order_id, false);
        }
        again
    }

    pub const fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Ends the sweeper and waits for what is under way, at most so long: what is cut off is found again by its lease.
    pub async fn shut_down(&self, at_most: Duration) {
        self.stop.cancel();
        self.tracker.close();
        if tokio::time::timeout(at_most, self.tracker.wait()).await.is_err() {
            tracing::info!("orders that wait for a provider are left to the next start");
        }
    }
}

impl App {
    /// The lease that a commit with a task to do now carries.
    pub(crate) fn lease_for_new_task(&self) -> Option<Lease> {
        let runner = self.runner();
        (runner.fast_path && !runner.stop.is_cancelled()).then(|| runner.lease())
    }

    /// Takes up an order that a commit has just leased. Tasks numbered above `known_tasks` were made by that commit, so
    /// that nothing can have been journalled for them.
    pub(crate) fn hand_over(&self, stored: StoredOrder, known_tasks: u32, begun: Option<Begun>) {
        let (tenant, order_id) = (stored.order.tenant_id, stored.order.order_id);
        self.take_up(tenant, order_id, Some(Handed { stored, known_tasks, begun }));
    }

    fn take_up(&self, tenant: TenantId, order_id: OrderId, mut known: Option<Handed>) {
        if !self.runner().begin(order_id) {
            return;
        }
        let app = self.clone();
        self.runner().tracker.spawn(async move {
            let slots = Arc::clone(&app.runner().slots);
            let stop = app.runner().stop.clone();
            let _slot = tokio::select! {
                slot = slots.acquire_owned() => slot,
                () = stop.cancelled() => return,
            };
            loop {
                if let Err(error) = app.run_order(tenant, order_id, known.take()).await {
                    tracing::error!(%tenant, %order_id, %error, "the order runner failed; it tries again");
                    metrics::counter!("orderwright_runner_failures_total").increment(1);
                }
                if !app.runner().end(order_id) {
                    return;
                }
            }
        });
    }

    /// Looks for orders whose time has come, until told to stop.
    pub(crate) async fn sweep(&self) {
        let stop = self.runner().stop.clone();
        while !stop.is_cancelled() {
            let lease = self.runner().lease();
            let free = self.runner().slots.available_permits().min(SWEEP_BATCH) as u32;
            let found = if free == 0 {
                Ok(Vec::new())
            } else {
                self.store().claim_due(&lease.owner, clock::now(), lease.until, free).await
            };
            let more = match found {
                Ok(orders) => {
                    let more = free > 0 && orders.len() as u32 == free;
                    orders.into_iter().for_each(|(tenant, order_id)| self.take_up(tenant, order_id, None));
                    more
                }
                Err(error) => {
                    tracing::warn!(%error, "the sweeper could not look for due orders");
                    false
                }
            };
            let pause = if more { Duration::from_millis(1) } else { SWEEP_INTERVAL };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Does everything that an order has to do now.
    async fn run_order(&self, tenant: TenantId, order_id: OrderId, known: Option<Handed>) -> Result<(), Error> {
        let mut handed = known;
        for _ in 0..MOVES_MAX {
            let Handed { stored, known_tasks, begun } = match handed.take() {
                Some(handed) => handed,
                None => match self.store().order(tenant, order_id).await? {
                    Some(stored) => Handed { stored, known_tasks: u32::MAX, begun: None },
                    None => return Ok(()),
                },
            };
            match self.run_tasks(&stored, known_tasks, begun).await? {
                Turn::Moved(after, begun) => {
                    if after.order.wake_at().is_none_or(|at| at > clock::now()) {
                        // The commit that moved it has freed it too, and says when to look again.
                        return Ok(());
                    }
                    handed = Some(Handed { stored: *after, known_tasks: stored.order.counters.tasks, begun });
                }
                Turn::Conflict => {}
                Turn::Sleep(wake_at) => return self.go_to_sleep(&stored, wake_at).await,
            }
            if self.runner().stop.is_cancelled() {
                // What is left is due now: the sweeper of the next start takes it up at once.
                return Ok(self.store().release_lease(tenant, order_id, &self.runner().node).await?);
            }
        }
        tracing::error!(%tenant, %order_id, "an order moves without end; it is put off");
        let Some(stored) = self.store().order(tenant, order_id).await? else { return Ok(()) };
        self.go_to_sleep(&stored, Some(clock::now().plus_seconds(FAILURE_PAUSE_SECONDS))).await
    }

    /// Runs the tasks that are due, up to the first that changes the order.
    async fn run_tasks(&self, stored: &StoredOrder, known_tasks: u32, mut begun: Option<Begun>) -> Result<Turn, Error> {
        let now = clock::now();
        let mut wake_at: Option<Timestamp> = None;
        let mut tasks: Vec<&Task> = stored.order.tasks.iter().filter(|t| stored.order.is_runnable(t)).collect();
        tasks.sort_by_key(|t| t.due);
        for task in tasks {
            if task.due > now {
                wake_at = earlier(wake_at, task.due);
                continue;
            }
            match self.run_task(stored, task, task.task_id > known_tasks, begun.take()).await {
                Ok(Progress::Moved(after, begun)) => return Ok(Turn::Moved(after, begun)),
                Ok(Progress::Conflict) => return Ok(Turn::Conflict),
                Ok(Progress::Later(at)) => wake_at = earlier(wake_at, at),
                Err(error) => {
                    self.go_to_sleep(stored, Some(clock::now().plus_seconds(FAILURE_PAUSE_SECONDS))).await?;
                    return Err(error);
                }
            }
        }
        Ok(Turn::Sleep(wake_at))
    }

    async fn run_task(
        &self,
        stored: &StoredOrder,
        task: &Task,
        fresh: bool,
        begun: Option<Begun>,
    ) -> Result<Progress, Error> {
        if task.kind != TaskKind::ExpirePayment {
            return self.drive(stored, task, fresh, begun).await;
        }
        let command = Command::Expire { task_id: task.task_id };
        let (after, events) = command::execute(&stored.order, &command, clock::now()).map_err(Error::internal)?;
        if events.is_empty() {
            return Ok(Progress::Later(clock::now().plus_seconds(60)));
        }
        let changeset = Changeset::new(stored.order.tenant_id, "timer");
        match self.commit_update(changeset, stored, after, events).await? {
            Updated::Committed(after) => Ok(Progress::Moved(after, None)),
            Updated::SameKey(_) | Updated::Conflict => Ok(Progress::Conflict),
        }
    }

    /// Writes when to look again and gives the lease back.
    async fn go_to_sleep(&self, stored: &StoredOrder, wake_at: Option<Timestamp>) -> Result<(), Error> {
        let mut changeset = Changeset::new(stored.order.tenant_id, "runner");
        changeset.order = OrderChange::Defer {
            order_id: stored.order.order_id,
            expected_version: stored.order.version,
            wake_at,
            lease: None,
        };
        self.commit(changeset).await?;
        Ok(())
    }
}

/// An order as the commit just before has left it.
struct Handed {
    stored: StoredOrder,
    /// Tasks with a higher number were made by that commit.
    known_tasks: u32,
    /// The one among them that it has begun.
    begun: Option<Begun>,
}

/// What a look at an order led to.
enum Turn {
    Moved(Box<StoredOrder>, Option<Begun>),
    Conflict,
    Sleep(Option<Timestamp>),
}

fn earlier(one: Option<Timestamp>, other: Timestamp) -> Option<Timestamp> {
    Some(one.map_or(other, |one| one.min(other)))
}
