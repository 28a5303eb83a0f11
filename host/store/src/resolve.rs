//! Deciding a batch: a pure function from the waiting changesets and the locked rows to outcomes and net writes.
//!
//! The result is the same as if the changesets had been taken one at a time in the order of the batch; that is what the
//! property tests compare with. Nothing here knows SQL, waits, or reads a clock.

mod demand;
mod snapshot;
mod stock;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use domain::ids::{ExternalId, OrderId, Sku, TenantId, WarehouseId};
use domain::native;
use domain::order::Order;
use domain::placement::Shortage;
use domain::time::Timestamp;

use crate::Error;
use crate::chain::Hash;
use crate::changeset::Lease;
use crate::encode::{self, Encoded};
use crate::outcome::{Outcome, StoredKey};
use crate::prepare::{Change, Place, Prepared, Update};

pub(crate) use snapshot::{Claimed, Head, Level, Snapshot, Wanted};
use stock::Ledger;

/// How a changeset of the batch ended.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It is part of the net writes.
    Accepted(Accepted),
    /// It changes nothing.
    Refused(Outcome),
    /// It cannot be: it contradicts the stored rows.
    Faulty(Error),
}

#[derive(Debug)]
pub(crate) struct Accepted {
    pub order: Option<Arc<Order>>,
    pub head_hash: Option<Hash>,
    /// How many of the batch's events come up to and with its last.
    pub events_end: usize,
}

/// What is written for the batch: one row per row touched, however often the batch touched it.
#[derive(Debug, Default)]
pub(crate) struct Net {
    /// Places in the batch of the accepted changesets, whose records are written as they are.
    pub accepted: Vec<usize>,
    pub keys: Vec<KeyWrite>,
    pub inserted: Vec<OrderWrite>,
    pub updated: Vec<OrderWrite>,
    pub deferred: Vec<DeferWrite>,
    /// Changes whose events are appended, in the order of their positions.
    pub events: Vec<Arc<Encoded>>,
    pub held: Vec<ReservationWrite>,
    pub released: Vec<(TenantId, OrderId, Sku, WarehouseId)>,
    pub stock: Vec<Level>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct KeyWrite {
    /// The place in the batch of the changeset with the claim.
    pub of: usize,
    pub order_id: Option<OrderId>,
    pub order_version: Option<u64>,
}

#[derive(Debug)]
pub(crate) struct OrderWrite {
    pub encoded: Arc<Encoded>,
    pub wake_at: Option<Timestamp>,
    pub lease: Option<Lease>,
}

#[derive(Debug)]
pub(crate) struct DeferWrite {
    pub tenant: TenantId,
    pub order_id: OrderId,
    pub wake_at: Option<Timestamp>,
    pub lease: Option<Lease>,
}

#[derive(Debug)]
pub(crate) struct ReservationWrite {
    pub tenant: TenantId,
    pub order_id: OrderId,
    pub sku: Sku,
    pub warehouse: WarehouseId,
    pub units: i64,
}

/// Decides the batch.
pub(crate) fn resolve(batch: &[&Prepared], snapshot: Snapshot) -> (Vec<Verdict>, Net) {
    let mut state = State::new(snapshot);
    let verdicts = batch.iter().enumerate().map(|(index, prepared)| state.take(index, prepared)).collect();
    (verdicts, state.finish())
}

/// The locked rows as the changesets before this one leave them.
struct State {
    keys: HashMap<(TenantId, String), StoredKey>,
    external_ids: HashMap<(TenantId, ExternalId), OrderId>,
    orders: HashMap<(TenantId, OrderId), Current>,
    ledger: Ledger,
    reservations: HashMap<(TenantId, OrderId, Sku, WarehouseId), i64>,
    events_end: usize,
    accepted: Vec<usize>,
    key_writes: Vec<KeyWrite>,
    events: Vec<Arc<Encoded>>,
}

/// An order as the batch has it.
struct Current {
    head: Head,
    write: Write,
}

/// What the batch writes of an order.
enum Write {
    Nothing,
    Insert(OrderWrite),
    Update(OrderWrite),
    Defer(DeferWrite),
}

/// Why a changeset is not accepted.
enum No {
    Refused(Outcome),
    Faulty(Error),
}

impl From<Outcome> for No {
    fn from(outcome: Outcome) -> Self {
        Self::Refused(outcome)
    }
}

impl State {
    fn new(snapshot: Snapshot) -> Self {
        let current = |(id, head)| (id, Current { head, write: Write::Nothing });
        Self {
            keys: snapshot.keys,
            external_ids: snapshot.external_ids,
            orders: snapshot.orders.into_iter().map(current).collect(),
            ledger: Ledger::new(snapshot.stock, snapshot.warehouses),
            reservations: HashMap::new(),
            events_end: 0,
            accepted: Vec::new(),
            key_writes: Vec::new(),
            events: Vec::new(),
        }
    }

    fn take(&mut self, index: usize, prepared: &Prepared) -> Verdict {
        if let Some(stored) = self.stored_key(prepared) {
            return Verdict::Refused(Outcome::SameKey(stored.clone()));
        }
        let decided = self.stock(prepared).and_then(|()| self.order(prepared));
        let encoded = match decided {
            Ok(encoded) => encoded,
            Err(no) => {
                self.ledger.undo();
                return match no {
                    No::Refused(outcome) => Verdict::Refused(outcome),
                    No::Faulty(why) => Verdict::Faulty(why),
                };
            }
        };
        self.ledger.keep();
        self.accepted.push(index);
        self.use_up_key(index, prepared, encoded.as_deref());
        let (order, head_hash) = encoded.as_ref().map_or((None, None), |e| (Some(e.order.clone()), Some(e.head_hash)));
        if let Some(encoded) = encoded {
            self.events_end += encoded.events.len();
            self.events.push(encoded);
        }
        Verdict::Accepted(Accepted { order, head_hash, events_end: self.events_end })
    }

    fn stored_key(&self, prepared: &Prepared) -> Option<&StoredKey> {
        let claim = prepared.key.as_ref()?;
        self.keys.get(&(prepared.tenant, claim.key.clone()))
    }

    fn use_up_key(&mut self, index: usize, prepared: &Prepared, encoded: Option<&Encoded>) {
        let Some(claim) = &prepared.key else { return };
        let order_id = encoded.map(|e| e.order.order_id);
        let order_version = encoded.map(|e| e.order.version);
        let stored = StoredKey {
            fingerprint: claim.fingerprint,
            order_id,
            order_version,
            status: claim.status,
            response: claim.response.clone(),
        };
        self.keys.insert((prepared.tenant, claim.key.clone()), stored);
        self.key_writes.push(KeyWrite { of: index, order_id, order_version });
    }

    fn stock(&mut self, prepared: &Prepared) -> Result<(), No> {
        prepared.stock.iter().try_for_each(|change| self.ledger.change(prepared.tenant, change).map_err(No::Refused))
    }

    fn order(&mut self, prepared: &Prepared) -> Result<Option<Arc<Encoded>>, No> {
        match &prepared.order {
            Change::None => Ok(None),
            Change::Place(place) => self.place(prepared, place).map(Some),
            Change::Update(update) => self.update(prepared.tenant, update).map(Some),
            Change::Defer { order_id, expected_version, wake_at, lease } => {
                let write = DeferWrite {
                    tenant: prepared.tenant,
                    order_id: *order_id,
                    wake_at: *wake_at,
                    lease: lease.clone(),
                };
                self.defer(*expected_version, write);
                Ok(None)
            }
        }
    }

    fn place(&mut self, prepared: &Prepared, place: &Place) -> Result<Arc<Encoded>, No> {
        let (tenant, order_id) = (prepared.tenant, place.draft.order_id);
        let external = place.draft.external_id.as_ref().map(|id| (tenant, id.clone()));
        if let Some(other) = external.as_ref().and_then(|id| self.external_ids.get(id)) {
            return Err(Outcome::DuplicateExternalId(*other).into());
        }
        if self.orders.contains_key(&(tenant, order_id)) {
            return Err(No::Faulty(Error::Inconsistent(format!("order {order_id} exists"))));
        }
        let encoded = self.choose(prepared, place)?;
        for (sku, warehouse, units) in &encoded.reservations {
            let taken = self.ledger.reserve(tenant, sku, warehouse, *units);
            taken.map_err(|why| No::Faulty(Error::Inconsistent(why)))?;
        }
        for (sku, warehouse, units) in &encoded.reservations {
            self.reservations.insert((tenant, order_id, sku.clone(), warehouse.clone()), *units);
        }
        if let Some(id) = external {
            self.external_ids.insert(id, order_id);
        }
        let write =
            OrderWrite { encoded: encoded.clone(), wake_at: encoded.order.wake_at(), lease: place.lease.clone() };
        let head = Head { version: encoded.order.version, hash: encoded.head_hash };
        self.orders.insert((tenant, order_id), Current { head, write: Write::Insert(write) });
        Ok(encoded)
    }

    /// The order under the first plan that fits; else under the native allocator's, on what is really there.
    fn choose(&self, prepared: &Prepared, place: &Place) -> Result<Arc<Encoded>, No> {
        let tenant = prepared.tenant;
        let available = |sku: &Sku, warehouse: &WarehouseId| self.ledger.available(tenant, sku, warehouse);
        let encode = |plan| {
            let encoded = encode::placement(&place.draft, plan, &place.event_ids, &prepared.actor);
            encoded.map(Arc::new).map_err(No::Faulty)
        };
        for (rank, plan) in place.plans.iter().enumerate() {
            match &place.first {
                Some(first) if rank == 0 => {
                    if first.reservations.iter().all(|(sku, warehouse, units)| available(sku, warehouse) >= *units) {
                        return Ok(first.clone());
                    }
                }
                _ => {
                    if demand::fits(&place.draft, plan, &available) {
                        return encode(plan);
                    }
                }
            }
        }
        match native::allocate(&place.draft.routing, &available) {
            Some(plan) => encode(&plan),
            None => Err(Outcome::OutOfStock(place.draft.shortages(&available)).into()),
        }
    }

    fn update(&mut self, tenant: TenantId, update: &Update) -> Result<Arc<Encoded>, No> {
        let encoded = &update.encoded;
        let order_id = encoded.order.order_id;
        let current = self.orders.get_mut(&(tenant, order_id)).ok_or(Outcome::VersionConflict)?;
        if current.head != (Head { version: update.expected_version, hash: update.previous_hash }) {
            return Err(Outcome::VersionConflict.into());
        }
        let mut short = Vec::new();
        for delta in update.deltas.iter().filter(|delta| delta.reserved > 0) {
            let available = self.ledger.available(tenant, &delta.sku, &delta.warehouse);
            if available < delta.reserved {
                short.push(Shortage { sku: delta.sku.clone(), requested: delta.reserved, available });
            }
        }
        if !short.is_empty() {
            return Err(Outcome::OutOfStock(short).into());
        }
        for delta in &update.deltas {
            self.ledger.shift(tenant, delta).map_err(|why| No::Faulty(Error::Inconsistent(why)))?;
        }
        for (sku, warehouse) in &update.gone {
            self.reservations.insert((tenant, order_id, sku.clone(), warehouse.clone()), 0);
        }
        for (sku, warehouse, units) in &update.held {
            self.reservations.insert((tenant, order_id, sku.clone(), warehouse.clone()), *units);
        }
        let write =
            OrderWrite { encoded: encoded.clone(), wake_at: encoded.order.wake_at(), lease: update.lease.clone() };
        current.head = Head { version: encoded.order.version, hash: encoded.head_hash };
        current.write = match current.write {
            Write::Insert(_) => Write::Insert(write),
            Write::Nothing | Write::Update(_) | Write::Defer(_) => Write::Update(write),
        };
        Ok(encoded.clone())
    }

    fn defer(&mut self, expected_version: u64, defer: DeferWrite) {
        let Some(current) = self.orders.get_mut(&(defer.tenant, defer.order_id)) else { return };
        if current.head.version != expected_version {
            return;
        }
        match &mut current.write {
            Write::Insert(write) | Write::Update(write) => {
                write.wake_at = defer.wake_at;
                write.lease = defer.lease;
            }
            Write::Nothing | Write::Defer(_) => current.write = Write::Defer(defer),
        }
    }

    fn finish(self) -> Net {
        let mut net = Net {
            accepted: self.accepted,
            keys: self.key_writes,
            events: self.events,
            stock: self.ledger.writes(),
            ..Net::default()
        };
        for current in self.orders.into_values() {
            match current.write {
                Write::Nothing => {}
                Write::Insert(write) => net.inserted.push(write),
                Write::Update(write) => net.updated.push(write),
                Write::Defer(write) => net.deferred.push(write),
            }
        }
        // One fixed order for every table: rows are then locked, and pages filled, alike in every batch.
        net.inserted.sort_by_key(|w| (w.encoded.order.tenant_id, w.encoded.order.order_id));
        net.updated.sort_by_key(|w| (w.encoded.order.tenant_id, w.encoded.order.order_id));
        net.deferred.sort_by_key(|w| (w.tenant, w.order_id));
        let mut reservations: Vec<_> = self.reservations.into_iter().collect();
        reservations.sort_unstable();
        for ((tenant, order_id, sku, warehouse), units) in reservations {
            if units == 0 {
                net.released.push((tenant, order_id, sku, warehouse));
            } else {
                net.held.push(ReservationWrite { tenant, order_id, sku, warehouse, units });
            }
        }
        net
    }
}
