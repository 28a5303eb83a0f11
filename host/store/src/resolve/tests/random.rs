//! Random databases with random batches upon them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use domain::event::Event;
use domain::hooks::routing::{Allocation, Plan};
use domain::ids::{ExternalId, OrderId, Sku, TenantId, WarehouseId};
use domain::order::{HoldSource, Order, TrackingNews};
use domain::placement::Draft;
use domain::transition;
use proptest::prelude::*;

use super::sample::{self, NOW, sku, tenant, warehouse};
use crate::changeset::{Changeset, KeyClaim, Lease, OrderChange, StockChange};
use crate::encode::{self, Encoded};
use crate::outcome::StoredKey;
use crate::prepare::{Change, Prepared};
use crate::records::StoredOrder;
use crate::resolve::{Head, Level, Snapshot};

const SKUS: u8 = 3;
const WAREHOUSES: u8 = 3;

/// A database, and a batch upon it.
#[derive(Debug, Clone)]
pub struct Scene {
    pub orders: Vec<Arc<StoredOrder>>,
    /// The same orders as the batch wrote them that placed them.
    pub seed: Vec<Arc<Encoded>>,
    pub spare: Vec<(u8, u8, u8, i64)>,
    pub taken_key: bool,
    pub actions: Vec<Action>,
}

#[derive(Debug, Clone)]
pub struct Action {
    tenant: u8,
    key: Option<u8>,
    what: What,
    stock: Vec<(u8, u8, Stock)>,
}

#[derive(Debug, Clone)]
enum What {
    Nothing,
    Place {
        lines: Vec<(u8, u32)>,
        plans: Vec<Vec<u8>>,
        external: Option<u8>,
        again: bool,
    },
    /// An update of a stored order, on what the update before it in the batch made of it where `chained`.
    Update {
        order: u8,
        chained: bool,
        stale: bool,
        how: How,
    },
    Defer {
        order: u8,
        stale: bool,
    },
}

#[derive(Debug, Clone, Copy)]
enum How {
    Cancel,
    Hold,
    Ship,
    Grow(u32),
}

#[derive(Debug, Clone, Copy)]
enum Stock {
    Set(i64),
    Adjust(i64),
}

pub fn scene() -> impl Strategy<Value = Scene> {
    let stored = prop::collection::vec((0..2u8, 0..SKUS, 0..WAREHOUSES, 1..5u32), 0..5);
    let spare = prop::collection::vec((0..2u8, 0..SKUS, 0..WAREHOUSES, 0..12i64), 0..18);
    (stored, spare, any::<bool>(), prop::collection::vec(action(), 1..12)).prop_map(
        |(stored, spare, taken_key, actions)| {
            let seed: Vec<_> = stored.into_iter().map(stored_order).collect();
            Scene { orders: seed.iter().map(as_read).collect(), seed, spare, taken_key, actions }
        },
    )
}

fn action() -> impl Strategy<Value = Action> {
    let key = prop::option::weighted(0.4, 0..4u8);
    let stock =
        prop_oneof![7 => Just(Vec::new()), 3 => prop::collection::vec((0..SKUS, 0..=WAREHOUSES, stock()), 1..3)];
    (0..2u8, key, what(), stock).prop_map(|(tenant, key, what, stock)| Action { tenant, key, what, stock })
}

fn what() -> impl Strategy<Value = What> {
    let lines = prop::collection::vec((0..SKUS, 1..5u32), 1..4);
    let plan = prop::collection::vec(0..WAREHOUSES, 4);
    let plans = prop::collection::vec(plan, 0..6);
    let external = prop::option::weighted(0.3, 0..4u8);
    let place = (lines, plans, external, prop::bool::weighted(0.05))
        .prop_map(|(lines, plans, external, again)| What::Place { lines, plans, external, again });
    let ends = prop_oneof![Just(How::Cancel), Just(How::Ship)];
    let how = prop_oneof![3 => ends, 1 => Just(How::Hold), 2 => (1..4u32).prop_map(How::Grow)];
    let update = (0..5u8, any::<bool>(), prop::bool::weighted(0.2), how)
        .prop_map(|(order, chained, stale, how)| What::Update { order, chained, stale, how });
    let defer = (0..5u8, prop::bool::weighted(0.3)).prop_map(|(order, stale)| What::Defer { order, stale });
    prop_oneof![2 => Just(What::Nothing), 6 => place, 4 => update, 1 => defer]
}

fn stock() -> impl Strategy<Value = Stock> {
    let set = prop_oneof![9 => 0..12i64, 1 => Just(i64::MAX), 1 => Just(-1)].prop_map(Stock::Set);
    let adjust = prop_oneof![9 => -6..8i64, 1 => Just(i64::MAX), 1 => Just(i64::MIN)].prop_map(Stock::Adjust);
    prop_oneof![set, adjust]
}

fn stored_order((owner, item, place, units): (u8, u8, u8, u32)) -> Arc<Encoded> {
    let draft = sample::draft(tenant(owner.into()), &[(sku(item), units)], &warehouses());
    let plan = sample::all_from(&draft, &warehouse(place));
    let ids = [encode::new_event_id(), encode::new_event_id()];
    Arc::new(encode::placement(&draft, &plan, &ids, &"ann".into()).unwrap())
}

fn as_read(encoded: &Arc<Encoded>) -> Arc<StoredOrder> {
    Arc::new(StoredOrder { order: encoded.order.clone(), head_hash: encoded.head_hash })
}

pub fn warehouses() -> Vec<WarehouseId> {
    (0..WAREHOUSES).map(warehouse).collect()
}

pub type Reservations = BTreeMap<(TenantId, OrderId, Sku, WarehouseId), i64>;

impl Scene {
    pub fn reservations(&self) -> Reservations {
        let of_order = |stored: &Arc<StoredOrder>| {
            let order = &stored.order;
            let keyed = |(sku, warehouse, units)| ((order.tenant_id, order.order_id, sku, warehouse), units);
            order.reservations().into_iter().map(keyed).collect::<Vec<_>>()
        };
        self.orders.iter().flat_map(of_order).collect()
    }

    pub fn snapshot(&self) -> Snapshot {
        let mut levels: BTreeMap<(TenantId, Sku, WarehouseId), (i64, i64)> = BTreeMap::new();
        for ((tenant, _, sku, warehouse), units) in self.reservations() {
            let level = levels.entry((tenant, sku, warehouse)).or_default();
            *level = (level.0 + units, level.1 + units);
        }
        for (owner, item, place, units) in &self.spare {
            levels.entry((tenant((*owner).into()), sku(item), warehouse(place))).or_default().0 += units;
        }
        let level =
            |((tenant, sku, warehouse), (on_hand, reserved))| Level { tenant, sku, warehouse, on_hand, reserved };
        let head = |o: &Arc<StoredOrder>| {
            ((o.order.tenant_id, o.order.order_id), Head { version: o.order.version, hash: o.head_hash })
        };
        let (mut keys, mut external_ids) = (HashMap::new(), HashMap::new());
        if self.taken_key {
            let stored =
                StoredKey { fingerprint: [99; 32], order_id: None, order_version: None, status: 200, response: None };
            keys.insert((tenant(0), "0".into()), stored);
            external_ids.insert((tenant(1), external_id(0)), OrderId::new(uuid::Uuid::from_u128(7)));
        }
        Snapshot {
            keys,
            external_ids,
            orders: self.orders.iter().map(head).collect(),
            stock: levels.into_iter().map(level).collect(),
            warehouses: (0..2)
                .flat_map(|t| warehouses().into_iter().map(move |w| (tenant(t), w)))
                .collect::<HashSet<_>>(),
        }
    }

    pub fn prepare(&self) -> Vec<Prepared> {
        let mut latest = self.orders.clone();
        let mut last_draft = None;
        let prepare = |(index, action): (usize, &Action)| self.prepare_one(index, action, &mut latest, &mut last_draft);
        self.actions.iter().enumerate().map(prepare).collect()
    }

    fn prepare_one(
        &self,
        index: usize,
        action: &Action,
        latest: &mut [Arc<StoredOrder>],
        last_draft: &mut Option<Arc<Draft>>,
    ) -> Prepared {
        let mut changeset = Changeset::new(tenant(action.tenant.into()), "ann");
        let claim =
            |key: u8| KeyClaim { key: key.to_string(), fingerprint: [index as u8; 32], status: 201, response: None };
        changeset.key = action.key.map(claim);
        changeset.stock = action.stock.iter().map(stock_change).collect();
        let lease = index.is_multiple_of(2).then(|| Lease { owner: format!("node {index}"), until: NOW });
        match &action.what {
            What::Nothing => {}
            What::Place { lines, plans, external, again } => {
                let mut draft = draft(changeset.tenant, lines);
                draft.external_id = external.map(external_id);
                if let Some(last) = last_draft.as_ref().filter(|_| *again) {
                    draft.order_id = last.order_id;
                }
                let plans = plans.iter().map(|places| plan(&draft, places)).collect();
                let draft = Arc::new(draft);
                *last_draft = Some(draft.clone());
                changeset.order = OrderChange::Place { draft, plans, lease };
            }
            What::Update { order, chained, stale, how } => {
                let at = usize::from(*order) % latest.len().max(1);
                if let Some(stored) = self.orders.get(at) {
                    let before = if *chained { latest[at].clone() } else { stored.clone() };
                    changeset.tenant = before.order.tenant_id;
                    changeset.order = update(before, *stale, *how, lease);
                }
                let prepared = Prepared::new(changeset).unwrap();
                if let Change::Update(update) = &prepared.order {
                    let order = (*update.encoded.order).clone();
                    latest[at] = Arc::new(StoredOrder { order: Arc::new(order), head_hash: update.encoded.head_hash });
                }
                return prepared;
            }
            What::Defer { order, stale } => {
                if let Some(stored) = self.orders.get(usize::from(*order)) {
                    changeset.tenant = stored.order.tenant_id;
                    changeset.order = OrderChange::Defer {
                        order_id: stored.order.order_id,
                        expected_version: stored.order.version + u64::from(*stale),
                        wake_at: Some(NOW.plus_seconds(index as i64)),
                        lease,
                    };
                }
            }
        }
        Prepared::new(changeset).unwrap()
    }
}

pub fn external_id(n: u8) -> ExternalId {
    ExternalId::parse(&format!("WEB-{n}")).unwrap()
}

fn stock_change((item, place, change): &(u8, u8, Stock)) -> StockChange {
    let (sku, warehouse) = (sku(item), warehouse(place));
    match *change {
        Stock::Set(on_hand) => StockChange::SetOnHand { sku, warehouse, on_hand },
        Stock::Adjust(delta) => StockChange::Adjust { sku, warehouse, delta },
    }
}

fn draft(tenant: TenantId, lines: &[(u8, u32)]) -> Draft {
    let lines: Vec<_> = lines.iter().map(|(item, units)| (sku(item), *units)).collect();
    sample::draft(tenant, &lines, &warehouses())
}

/// Ships each line from the warehouse at its place in the list; the last of several units from the list's last.
fn plan(draft: &Draft, places: &[u8]) -> Plan {
    let mut allocations = Vec::new();
    for (line, place) in draft.lines.iter().zip(places) {
        let whole = line.quantity.max(2) - 1;
        allocations.push(Allocation { line_id: line.line_id, warehouse_id: warehouse(place), quantity: whole });
        if line.quantity > whole {
            let last = places.last().unwrap();
            allocations.push(Allocation { line_id: line.line_id, warehouse_id: warehouse(last), quantity: 1 });
        }
    }
    Plan { allocations }
}

fn update(before: Arc<StoredOrder>, stale: bool, how: How, lease: Option<Lease>) -> OrderChange {
    let mut before = (*before).clone();
    if stale {
        before.head_hash = [1; 32];
    }
    let event = match how {
        How::Cancel => Event::Cancelled { reason: "changed her mind".into() },
        How::Ship => {
            let shipment_id = before.order.shipments[0].shipment_id;
            Event::ShipmentShipped { shipment_id, news: TrackingNews::default() }
        }
        How::Hold | How::Grow(_) => Event::HoldPlaced { source: HoldSource::Manual, reason: "look".into() },
    };
    let mut order = transition::apply(Order::clone(&before.order), &event, NOW);
    // What is sent holds what it holds.
    if let How::Grow(units) = how
        && order.shipments[0].status.is_open()
    {
        order.shipments[0].items[0].quantity += units;
    }
    OrderChange::Update { before: Arc::new(before), order: Box::new(order), events: vec![event], lease }
}
