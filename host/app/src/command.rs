//! Commands on an existing order, and reading it.

use std::sync::Arc;
use std::time::Duration;

use domain::command::{self, Command};
use domain::event::Event;
use domain::ids::{OrderId, TenantId};
use domain::order::{HoldSource, Order};
use domain::status::PaymentStatus;
use domain::time::Timestamp;
use domain::transition;
use store::{Changeset, OrderChange, Outcome, StoredOrder};

use crate::merchant::Caller;
use crate::place::{Done, ReplayError};
use crate::{App, Error, Idempotency, clock, idempotency};

/// How often a command without `If-Match` is decided again when the order has moved on meanwhile.
const CONFLICT_RETRIES_MAX: u32 = 20;

/// Why a command is not followed.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The merchant has no such order.
    #[error("there is no such order")]
    NotFound,
    /// The domain refuses it.
    #[error(transparent)]
    Domain(#[from] command::Refusal),
    /// The idempotency key cannot be used.
    #[error(transparent)]
    Idempotency(#[from] idempotency::Refusal),
    /// `If-Match` names another version.
    #[error("the order is at version {current}")]
    VersionMismatch {
        /// Where it is.
        current: u64,
    },
    /// Something else.
    #[error(transparent)]
    Error(#[from] Error),
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Self {
        Self::Error(error.into())
    }
}

impl From<ReplayError> for Refusal {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Idempotency(refusal) => refusal.into(),
            ReplayError::Error(error) => error.into(),
        }
    }
}

impl App {
    /// Does a command. Runs in a task of its own, so that a client that hangs up does not stop it half way.
    ///
    /// # Errors
    /// [`Refusal`]; nothing is changed, and the key is not used up.
    pub async fn command(
        &self,
        caller: Arc<Caller>,
        order_id: OrderId,
        command: Command,
        if_match: Option<u64>,
        key: Option<Idempotency>,
    ) -> Result<Done, Refusal> {
        let app = self.clone();
        tokio::spawn(async move { app.command_now(&caller, order_id, &command, if_match, key.as_ref()).await })
            .await
            .map_err(Error::from)?
    }

    async fn command_now(
        &self,
        caller: &Caller,
        order_id: OrderId,
        command: &Command,
        if_match: Option<u64>,
        key: Option<&Idempotency>,
    ) -> Result<Done, Refusal> {
        let tenant = caller.tenant();
        if let Some(done) = self.replay_of(tenant, key).await? {
            return Ok(done);
        }
        match self.decide_and_commit(caller, order_id, command, if_match, key).await {
            // The same request may have been followed meanwhile, and what refuses this one is its own effect.
            Err(refusal @ (Refusal::Domain(_) | Refusal::VersionMismatch { .. })) => {
                self.replay_of(tenant, key).await?.ok_or(refusal)
            }
            result => result,
        }
    }

    /// The answer to an earlier request with the same key.
    pub(crate) async fn replay_of(
        &self,
        tenant: TenantId,
        key: Option<&Idempotency>,
    ) -> Result<Option<Done>, ReplayError> {
        let Some(key) = key else { return Ok(None) };
        match self.store().stored_key(tenant, &key.key).await.map_err(Error::from)? {
            Some(stored) => Ok(Some(self.replay(tenant, key, &stored).await?)),
            None => Ok(None),
        }
    }

    async fn decide_and_commit(
        &self,
        caller: &Caller,
        order_id: OrderId,
        command: &Command,
        if_match: Option<u64>,
        key: Option<&Idempotency>,
    ) -> Result<Done, Refusal> {
        let tenant = caller.tenant();
        for _ in 0..CONFLICT_RETRIES_MAX {
            let before = self.store().order(tenant, order_id).await?.ok_or(Refusal::NotFound)?;
            let current = before.order.version;
            if if_match.is_some_and(|version| version != current) {
                return Err(Refusal::VersionMismatch { current });
            }
            let (after, events) = command::execute(&before.order, command, clock::now())?;
            if events.is_empty() {
                // It has been done already. Nothing changes, so that the key is not used up either.
                return Ok(Done { order: before.order, replayed: false });
            }
            let mut changeset = Changeset::new(tenant, caller.actor());
            changeset.key = key.map(|k| k.claim(200, None));
            match self.commit_update(changeset, &before, after, events).await? {
                Updated::Committed(stored) => {
                    let order = stored.order.clone();
                    if order.wake_at().is_some_and(|at| at <= clock::now()) && self.lease_for_new_task().is_some() {
                        self.hand_over(*stored, before.order.counters.tasks, None);
                    }
                    return Ok(Done { order, replayed: false });
                }
                Updated::SameKey(stored) => {
                    let key = key.ok_or_else(|| Error::Internal("a key was answered that was not sent".into()))?;
                    return Ok(self.replay(tenant, key, &stored).await?);
                }
                Updated::Conflict => {}
            }
        }
        Err(Error::Unavailable("the order changes faster than it can be decided upon".into()).into())
    }

    /// Commits events of an order. While it has something to do now it stays leased to this node.
    pub(crate) async fn commit_update(
        &self,
        mut changeset: Changeset,
        before: &StoredOrder,
        after: Order,
        events: Vec<Event>,
    ) -> Result<Updated, Error> {
        let due = after.wake_at().is_some_and(|at| at <= clock::now());
        let lease = if due { self.lease_for_new_task() } else { None };
        let before = Arc::new(before.clone());
        changeset.order = OrderChange::Update { before, order: Box::new(after), events, lease };
        match self.commit(changeset).await? {
            Outcome::Committed(committed) => {
                let stored = self.stored_order(committed)?;
                self.changes().announce(stored.order.order_id);
                Ok(Updated::Committed(Box::new(stored)))
            }
            Outcome::SameKey(stored) => Ok(Updated::SameKey(stored)),
            Outcome::VersionConflict => Ok(Updated::Conflict),
            other => Err(Error::Internal(format!("unexpected outcome of an update: {other:?}"))),
        }
    }

    /// The order that a commit has written.
    pub(crate) fn stored_order(&self, committed: store::Committed) -> Result<StoredOrder, Error> {
        let written = committed.order.zip(committed.head_hash);
        let (order, head_hash) =
            written.ok_or_else(|| Error::Internal("a commit answered without its order".into()))?;
        self.caches().recent_orders.insert(order.order_id, Arc::clone(&order));
        Ok(StoredOrder { order, head_hash })
    }

    /// An order of a merchant.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn order(&self, tenant: TenantId, order_id: OrderId) -> Result<Option<Arc<Order>>, Error> {
        Ok(self.store().order(tenant, order_id).await?.map(|stored| stored.order))
    }

    /// An order as it was at a version, from its events.
    pub(crate) async fn order_at(
        &self,
        tenant: TenantId,
        order_id: OrderId,
        version: u64,
    ) -> Result<Option<Arc<Order>>, Error> {
        let events = self.store().order_events(tenant, order_id).await?;
        let mut parsed = Vec::new();
        for record in events.iter().filter(|e| e.version <= version) {
            parsed.push((record.event()?, record.at));
        }
        Ok(transition::replay(parsed.iter().map(|(event, at)| (event, *at))).map(Arc::new))
    }

    /// The ledger of an order; none where there is no such order.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn ledger(&self, tenant: TenantId, order_id: OrderId) -> Result<Option<Ledger>, Error> {
        let records = self.store().order_events(tenant, order_id).await?;
        let mut events = Vec::with_capacity(records.len());
        for record in &records {
            events.push((record.event()?, record.at));
        }
        let events = || events.iter().map(|(event, at)| (event, *at));
        let order = transition::replay(events());
        Ok(order.map(|order| Ledger { order, entries: domain::ledger::ledger(events()) }))
    }

    /// A merchant's orders, newest first.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn orders(
        &self,
        tenant: TenantId,
        filter: store::Filter,
        limit: u32,
        after: Option<(Timestamp, OrderId)>,
    ) -> Result<Vec<Arc<Order>>, Error> {
        Ok(self.store().list_orders(tenant, &filter, limit, after).await?)
    }

    /// The history of an order, oldest first; none where there is no such order.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn order_events(
        &self,
        tenant: TenantId,
        order_id: OrderId,
    ) -> Result<Option<Vec<store::EventRecord>>, Error> {
        let events = self.store().order_events(tenant, order_id).await?;
        Ok((!events.is_empty()).then_some(events))
    }

    /// A merchant's events after a position, optionally of one kind (`order.cancelled`, `order.*`).
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn events(
        &self,
        tenant: TenantId,
        after: u64,
        kind: Option<&str>,
        limit: u32,
    ) -> Result<Vec<store::EventRecord>, Error> {
        Ok(self.store().tenant_events(tenant, after, kind, limit).await?)
    }

    /// What the policies decided about an order; none where there is no such order.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn decisions(&self, tenant: TenantId, order_id: OrderId) -> Result<Option<Vec<store::Decision>>, Error> {
        let decisions = self.store().decisions(tenant, order_id).await?;
        if decisions.is_empty() && self.order(tenant, order_id).await?.is_none() {
            return Ok(None);
        }
        Ok(Some(decisions))
    }

    /// Waits until the payment of an order is settled or needs somebody, at most so long.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn wait_settled(
        &self,
        tenant: TenantId,
        order_id: OrderId,
        at_most: Duration,
    ) -> Result<Option<Arc<Order>>, Error> {
        let deadline = tokio::time::Instant::now() + at_most;
        loop {
            let changed = self.changes().subscribe(order_id);
            let Some(order) = self.order(tenant, order_id).await? else { return Ok(None) };
            if is_settled(&order) || tokio::time::Instant::now() >= deadline {
                return Ok(Some(order));
            }
            // Another node may make the change, of which this one hears nothing: so look again now and then.
            let look_again = tokio::time::Instant::now() + Duration::from_millis(500);
            let _ = tokio::time::timeout_at(deadline.min(look_again), changed).await;
        }
    }
}

/// The ledger of an order.
#[derive(Debug)]
pub struct Ledger {
    /// The order that the entries lead to.
    pub order: Order,
    /// Oldest first.
    pub entries: Vec<domain::ledger::Entry>,
}

/// What became of an update.
pub(crate) enum Updated {
    Committed(Box<StoredOrder>),
    SameKey(store::StoredKey),
    Conflict,
}

/// Whether nothing more happens to the payment without somebody's doing.
fn is_settled(order: &Order) -> bool {
    let parked = order.holds.iter().any(|h| h.source != HoldSource::Manual) || order.is_held();
    let pending =
        order.payment().is_some_and(|p| matches!(p.status, PaymentStatus::Pending | PaymentStatus::Authorized));
    parked || !pending
}
