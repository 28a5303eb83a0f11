//! The naive model: one changeset at a time upon plain maps, everything copied before and put back on failure.

use std::collections::BTreeMap;

use domain::ids::{ExternalId, OrderId, Sku, TenantId, WarehouseId};
use domain::native;
use domain::order::Order;
use domain::placement::Shortage;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::random::{Reservations, Scene};
use crate::changeset::{Lease, StockChange};
use crate::outcome::Outcome;
use crate::prepare::{Change, Place, Prepared, Update};
use crate::resolve::{Head, Level, Net, Snapshot, Verdict};

/// What two ways of deciding must agree on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Summary {
    Accepted(Option<Seen>),
    Conflict,
    Short(Vec<Shortage>),
    SameKey([u8; 32]),
    Duplicate(OrderId),
    Reserved(Sku, WarehouseId, i64, i64),
    TooLarge(Sku, WarehouseId),
    UnknownWarehouse(WarehouseId),
    Faulty,
}

impl Summary {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Accepted(_) => "accepted",
            Self::Conflict => "conflict",
            Self::Short(_) => "short",
            Self::SameKey(_) => "same key",
            Self::Duplicate(_) => "duplicate",
            Self::Reserved(..) => "reserved",
            Self::TooLarge(..) => "too large",
            Self::UnknownWarehouse(_) => "unknown warehouse",
            Self::Faulty => "faulty",
        }
    }
}

pub fn summary(verdict: &Verdict) -> Summary {
    match verdict {
        Verdict::Accepted(accepted) => Summary::Accepted(accepted.order.as_deref().map(seen)),
        Verdict::Faulty(_) => Summary::Faulty,
        Verdict::Refused(outcome) => match outcome.clone() {
            Outcome::Committed(_) => panic!("a refusal is no commit"),
            Outcome::VersionConflict => Summary::Conflict,
            Outcome::OutOfStock(short) => Summary::Short(short),
            Outcome::SameKey(stored) => Summary::SameKey(stored.fingerprint),
            Outcome::DuplicateExternalId(order) => Summary::Duplicate(order),
            Outcome::StockReserved { sku, warehouse, on_hand, reserved } => {
                Summary::Reserved(sku, warehouse, on_hand, reserved)
            }
            Outcome::StockTooLarge { sku, warehouse } => Summary::TooLarge(sku, warehouse),
            Outcome::UnknownWarehouse(warehouse) => Summary::UnknownWarehouse(warehouse),
        },
    }
}

/// An order's id, version and reservations.
type Seen = (OrderId, u64, Vec<(Sku, WarehouseId, i64)>);

fn seen(order: &Order) -> Seen {
    (order.order_id, order.version, order.reservations())
}

type StockKey = (TenantId, Sku, WarehouseId);

/// The rows of an order that matter here.
type Row = (Head, Option<i64>, Option<Lease>);

#[derive(Clone, Default, PartialEq, Debug)]
struct Rows {
    keys: BTreeMap<(TenantId, String), [u8; 32]>,
    external_ids: BTreeMap<(TenantId, ExternalId), OrderId>,
    orders: BTreeMap<(TenantId, OrderId), Row>,
    stock: BTreeMap<StockKey, (i64, i64)>,
    reservations: Reservations,
    events: u64,
}

/// Units by SKU and warehouse.
type Taken = Vec<(Sku, WarehouseId, i64)>;

pub struct Model {
    rows: Rows,
    /// What has left the shelves for each order; none of a scene has shipped anything before.
    taken: BTreeMap<(TenantId, OrderId), Taken>,
    warehouses: std::collections::HashSet<(TenantId, WarehouseId)>,
}

impl Model {
    pub fn new(scene: &Scene) -> Self {
        let snapshot = scene.snapshot();
        let warehouses = snapshot.warehouses.clone();
        Self { rows: rows(snapshot, scene.reservations()), taken: BTreeMap::new(), warehouses }
    }

    pub fn take(&mut self, prepared: &Prepared) -> Summary {
        let before = self.rows.clone();
        match self.try_take(prepared) {
            Ok(order) => Summary::Accepted(order.as_ref().map(seen)),
            Err(why) => {
                self.rows = before;
                why
            }
        }
    }

    fn try_take(&mut self, prepared: &Prepared) -> Result<Option<Order>, Summary> {
        if let Some(claim) = &prepared.key {
            let key = (prepared.tenant, claim.key.clone());
            if let Some(fingerprint) = self.rows.keys.insert(key, claim.fingerprint) {
                return Err(Summary::SameKey(fingerprint));
            }
        }
        for change in &prepared.stock {
            self.stock(prepared.tenant, change)?;
        }
        match &prepared.order {
            Change::None => Ok(None),
            Change::Place(place) => self.place(prepared.tenant, place).map(Some),
            Change::Update(update) => self.update(prepared.tenant, update).map(Some),
            Change::Defer { order_id, expected_version, wake_at, lease } => {
                if let Some(row) = self.rows.orders.get_mut(&(prepared.tenant, *order_id))
                    && row.0.version == *expected_version
                {
                    (row.1, row.2) = (wake_at.map(|t| t.micros()), lease.clone());
                }
                Ok(None)
            }
        }
    }

    fn stock(&mut self, tenant: TenantId, change: &StockChange) -> Result<(), Summary> {
        let (StockChange::SetOnHand { sku, warehouse, .. } | StockChange::Adjust { sku, warehouse, .. }) = change;
        if !self.warehouses.contains(&(tenant, warehouse.clone())) {
            return Err(Summary::UnknownWarehouse(warehouse.clone()));
        }
        let row = self.rows.stock.entry((tenant, sku.clone(), warehouse.clone())).or_default();
        let wanted = match change {
            StockChange::SetOnHand { on_hand, .. } => i128::from(*on_hand),
            StockChange::Adjust { delta, .. } => i128::from(row.0) + i128::from(*delta),
        };
        if wanted > 1_000_000_000_000_000 {
            return Err(Summary::TooLarge(sku.clone(), warehouse.clone()));
        }
        // A delta so negative that the sum does not fit is refused as too large a number, not as a shortage.
        if i64::try_from(wanted).is_err() {
            return Err(Summary::TooLarge(sku.clone(), warehouse.clone()));
        }
        if wanted < i128::from(row.1) {
            return Err(Summary::Reserved(sku.clone(), warehouse.clone(), row.0, row.1));
        }
        row.0 = i64::try_from(wanted).unwrap();
        Ok(())
    }

    fn available(&self, tenant: TenantId, sku: &Sku, warehouse: &WarehouseId) -> i64 {
        self.rows
            .stock
            .get(&(tenant, sku.clone(), warehouse.clone()))
            .map_or(0, |(on_hand, reserved)| on_hand - reserved)
    }

    fn place(&mut self, tenant: TenantId, place: &Place) -> Result<Order, Summary> {
        let order_id = place.draft.order_id;
        if let Some(external) = &place.draft.external_id
            && let Some(other) = self.rows.external_ids.insert((tenant, external.clone()), order_id)
        {
            return Err(Summary::Duplicate(other));
        }
        if self.rows.orders.contains_key(&(tenant, order_id)) {
            return Err(Summary::Faulty);
        }
        let available = |sku: &Sku, warehouse: &WarehouseId| self.available(tenant, sku, warehouse);
        let fits =
            |plan: &&_| place.draft.place(plan).0.reservations().iter().all(|(s, w, units)| available(s, w) >= *units);
        let chosen = place.plans.iter().take(4).find(fits).cloned();
        let Some(plan) = chosen.or_else(|| native::allocate(&place.draft.routing, &available)) else {
            return Err(Summary::Short(place.draft.shortages(&available)));
        };
        let (order, events) = place.draft.place(&plan);
        for (sku, warehouse, units) in order.reservations() {
            self.rows.stock.get_mut(&(tenant, sku.clone(), warehouse.clone())).unwrap().1 += units;
            self.rows.reservations.insert((tenant, order_id, sku, warehouse), units);
        }
        self.rows.events += events.len() as u64;
        let ids = &place.event_ids;
        let encoded = crate::encode::placement(&place.draft, &plan, ids, &"ann".into()).unwrap();
        let head = Head { version: order.version, hash: encoded.head_hash };
        let row = (head, order.wake_at().map(|t| t.micros()), place.lease.clone());
        self.rows.orders.insert((tenant, order_id), row);
        Ok(order)
    }

    fn update(&mut self, tenant: TenantId, update: &Update) -> Result<Order, Summary> {
        let order = (*update.encoded.order).clone();
        let key = (tenant, order.order_id);
        let expected = Head { version: update.expected_version, hash: update.previous_hash };
        if self.rows.orders.get(&key).map(|row| row.0) != Some(expected) {
            return Err(Summary::Conflict);
        }
        let is_own = |k: &(TenantId, OrderId, Sku, WarehouseId)| (k.0, k.1) == key;
        let before: Reservations = self.rows.reservations.extract_if(.., |k, _| is_own(k)).collect();
        for ((_, _, sku, warehouse), units) in &before {
            self.rows.stock.get_mut(&(tenant, sku.clone(), warehouse.clone())).unwrap().1 -= units;
        }
        // What it takes now leaves the shelves, what it had taken before has left them.
        let left = self.taken.get(&key).cloned().unwrap_or_default();
        for (units, sign) in [(left, 1), (order.taken_units(), -1)] {
            for (sku, warehouse, units) in units {
                self.rows.stock.get_mut(&(tenant, sku, warehouse)).unwrap().0 += sign * units;
            }
        }
        let mut short = Vec::new();
        for (sku, warehouse, units) in order.reservations() {
            let place = (tenant, order.order_id, sku.clone(), warehouse.clone());
            let had = before.get(&place).copied().unwrap_or(0);
            let available = self.available(tenant, &sku, &warehouse);
            if units > available {
                short.push(Shortage { sku, requested: units - had, available: available - had });
                continue;
            }
            self.rows.stock.get_mut(&(tenant, sku, warehouse)).unwrap().1 += units;
            self.rows.reservations.insert(place, units);
        }
        if !short.is_empty() {
            return Err(Summary::Short(short));
        }
        self.taken.insert(key, order.taken_units());
        self.rows.events += update.encoded.events.len() as u64;
        let head = Head { version: order.version, hash: update.encoded.head_hash };
        self.rows.orders.insert(key, (head, order.wake_at().map(|t| t.micros()), update.lease.clone()));
        Ok(order)
    }

    /// The net writes, applied to the rows before, give the model's rows.
    pub fn compare(&self, scene: &Scene, batch: &[&Prepared], net: &Net) -> Result<(), TestCaseError> {
        let mut after = rows(apply(scene.snapshot(), batch, net), scene.reservations());
        for held in &net.held {
            let key = (held.tenant, held.order_id, held.sku.clone(), held.warehouse.clone());
            after.reservations.insert(key, held.units);
        }
        for released in &net.released {
            after.reservations.remove(released);
        }
        for write in net.inserted.iter().chain(&net.updated) {
            let row = after.orders.get_mut(&(write.encoded.order.tenant_id, write.encoded.order.order_id)).unwrap();
            (row.1, row.2) = (write.wake_at.map(|t| t.micros()), write.lease.clone());
        }
        for write in &net.deferred {
            let row = after.orders.get_mut(&(write.tenant, write.order_id)).unwrap();
            (row.1, row.2) = (write.wake_at.map(|t| t.micros()), write.lease.clone());
        }
        after.events = net.events.iter().map(|e| e.events.len() as u64).sum();
        let mut expected = self.rows.clone();
        // A row that a failed changeset touched first, or that was set to nothing, may be there or not.
        expected.stock.retain(|key, level| *level != (0, 0) || after.stock.contains_key(key));
        after.stock.retain(|key, level| *level != (0, 0) || expected.stock.contains_key(key));
        prop_assert_eq!(after, expected);
        Ok(())
    }

    pub fn check_laws(&self) -> Result<(), TestCaseError> {
        let mut sums: BTreeMap<StockKey, i64> = BTreeMap::new();
        for ((tenant, _, sku, warehouse), units) in &self.rows.reservations {
            prop_assert!(*units > 0);
            *sums.entry((*tenant, sku.clone(), warehouse.clone())).or_default() += units;
        }
        for (key, (on_hand, reserved)) in &self.rows.stock {
            prop_assert!(0 <= *reserved && reserved <= on_hand, "{key:?}: {reserved} of {on_hand}");
            prop_assert_eq!(*reserved, sums.get(key).copied().unwrap_or(0), "{:?}", key);
        }
        Ok(())
    }
}

fn rows(snapshot: Snapshot, reservations: Reservations) -> Rows {
    Rows {
        keys: snapshot.keys.into_iter().map(|(key, stored)| (key, stored.fingerprint)).collect(),
        external_ids: snapshot.external_ids.into_iter().collect(),
        orders: snapshot.orders.into_iter().map(|(key, head)| (key, (head, None, None))).collect(),
        stock: snapshot.stock.into_iter().map(|l| ((l.tenant, l.sku, l.warehouse), (l.on_hand, l.reserved))).collect(),
        reservations,
        events: 0,
    }
}

/// The database after the net writes of a batch.
pub fn apply(mut snapshot: Snapshot, batch: &[&Prepared], net: &Net) -> Snapshot {
    for write in net.inserted.iter().chain(&net.updated) {
        let order = &write.encoded.order;
        let key = (order.tenant_id, order.order_id);
        snapshot.orders.insert(key, Head { version: order.version, hash: write.encoded.head_hash });
        if let Some(external) = &order.external_id {
            snapshot.external_ids.insert((order.tenant_id, external.clone()), order.order_id);
        }
    }
    for write in &net.keys {
        let prepared = batch[write.of];
        let claim = prepared.key.as_ref().unwrap();
        let stored = crate::StoredKey {
            fingerprint: claim.fingerprint,
            order_id: write.order_id,
            order_version: write.order_version,
            status: claim.status,
            response: claim.response.clone(),
        };
        let replaced = snapshot.keys.insert((prepared.tenant, claim.key.clone()), stored);
        assert_eq!(replaced, None, "a key is written once");
    }
    for level in &net.stock {
        let same = |l: &&mut Level| (l.tenant, &l.sku, &l.warehouse) == (level.tenant, &level.sku, &level.warehouse);
        match snapshot.stock.iter_mut().find(same) {
            Some(stored) => *stored = level.clone(),
            None => snapshot.stock.push(level.clone()),
        }
    }
    snapshot
}
