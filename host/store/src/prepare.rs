//! A changeset made ready for the queue: everything that can be computed without the locked rows is.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::hooks::routing::{PLANS_MAX, Plan};
use domain::ids::{EventId, OrderId, Sku, TenantId, WarehouseId};
use domain::placement::Draft;
use domain::time::Timestamp;

use crate::Error;
use crate::chain::Hash;
use crate::changeset::{
    Changeset, Decision, JournalEntry, KeyClaim, Lease, Operation, OrderChange, SealKey, StockChange,
};
use crate::encode::{self, Encoded, PLACEMENT_EVENTS_MAX};
use crate::messages::{Announced, Noted};
use crate::records::ApiKey;

/// A changeset ready for the queue.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub tenant: TenantId,
    pub actor: Arc<str>,
    pub order: Change,
    pub stock: Vec<StockChange>,
    pub key: Option<KeyClaim>,
    pub decisions: Vec<Decision>,
    pub operations: Vec<Operation>,
    pub journal: Vec<JournalEntry>,
    pub seal_keys: Vec<SealKey>,
    pub api_keys: Vec<ApiKey>,
    pub noted: Option<Noted>,
    pub announced: Option<Announced>,
    /// About what it adds to a transaction.
    pub bytes: usize,
}

#[derive(Debug)]
pub(crate) enum Change {
    None,
    Place(Box<Place>),
    Update(Box<Update>),
    Defer { order_id: OrderId, expected_version: u64, wake_at: Option<Timestamp>, lease: Option<Lease> },
}

#[derive(Debug)]
pub(crate) struct Place {
    pub draft: Arc<Draft>,
    pub plans: Vec<Plan>,
    pub lease: Option<Lease>,
    pub event_ids: [EventId; PLACEMENT_EVENTS_MAX],
    /// The order under the first plan, which is the one usually taken.
    pub first: Option<Arc<Encoded>>,
}

#[derive(Debug)]
pub(crate) struct Update {
    pub encoded: Arc<Encoded>,
    pub expected_version: u64,
    pub previous_hash: Hash,
    pub lease: Option<Lease>,
    /// What it does to stock, summed and sorted, without zeros.
    pub deltas: Vec<Delta>,
    /// What it holds no more of.
    pub gone: Vec<(Sku, WarehouseId)>,
    /// What it holds another quantity of than before.
    pub held: Vec<(Sku, WarehouseId, i64)>,
}

/// What an order does to the stock of a SKU in a warehouse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delta {
    pub sku: Sku,
    pub warehouse: WarehouseId,
    /// What it takes (positive) and gives back (negative).
    pub reserved: i64,
    /// What leaves the shelves (negative) and comes back (positive).
    pub on_hand: i64,
}

impl Prepared {
    pub fn new(changeset: Changeset) -> Result<Self, Error> {
        let actor: Arc<str> = changeset.actor.name.into();
        changeset.api_keys.iter().try_for_each(|key| own(changeset.tenant, key.tenant, "an API key"))?;
        let order = change(changeset.order, changeset.tenant, &actor)?;
        let mut prepared = Self {
            tenant: changeset.tenant,
            actor,
            order,
            stock: changeset.stock,
            key: changeset.key,
            decisions: changeset.decisions,
            operations: changeset.operations,
            journal: changeset.journal,
            seal_keys: changeset.seal_keys,
            api_keys: changeset.api_keys,
            noted: changeset.noted,
            announced: changeset.announced,
            bytes: 0,
        };
        prepared.bytes = prepared.count_bytes();
        Ok(prepared)
    }

    fn count_bytes(&self) -> usize {
        let encoded = |e: &Encoded| e.document.len() + e.events.iter().map(|r| r.payload.len() + 200).sum::<usize>();
        let order = match &self.order {
            Change::None | Change::Defer { .. } => 0,
            Change::Place(place) => place.first.as_deref().map_or(4096, encoded),
            Change::Update(update) => encoded(&update.encoded),
        };
        let decisions: usize = self
            .decisions
            .iter()
            .map(|d| 200 + d.input.len() + d.output.as_deref().map_or(0, str::len) + d.logs.len())
            .sum();
        let journal: usize = self.journal.iter().map(|j| 100 + j.payload.len()).sum();
        let operations: usize = self.operations.iter().map(|o| 200 + o.operation.len()).sum();
        let key = self.key.as_ref().map_or(0, |k| k.key.len() + k.response.as_ref().map_or(0, String::len));
        let api_keys: usize = self.api_keys.iter().map(|k| 200 + k.name.len()).sum();
        let noted = self.noted.as_ref().map_or(0, |noted| noted.announcements.len() * 60);
        let messages = self.announced.iter().flat_map(|announced| &announced.messages);
        let messages: usize = messages.map(|m| 300 + m.text.len() + m.html.as_ref().map_or(0, String::len)).sum();
        200 + order + noted + messages + decisions + journal + operations + key + api_keys + self.stock.len() * 100
    }
}

fn change(order: OrderChange, tenant: TenantId, actor: &Arc<str>) -> Result<Change, Error> {
    match order {
        OrderChange::None => Ok(Change::None),
        OrderChange::Defer { order_id, expected_version, wake_at, lease } => {
            Ok(Change::Defer { order_id, expected_version, wake_at, lease })
        }
        OrderChange::Place { draft, mut plans, lease } => {
            own(tenant, draft.tenant_id, "an order")?;
            plans.truncate(PLANS_MAX);
            let event_ids = [encode::new_event_id(), encode::new_event_id()];
            let first = plans.first().map(|plan| encode::placement(&draft, plan, &event_ids, actor)).transpose()?;
            Ok(Change::Place(Box::new(Place { draft, plans, lease, event_ids, first: first.map(Arc::new) })))
        }
        OrderChange::Update { before, order, events, lease } => {
            own(tenant, order.tenant_id, "an order")?;
            let held_before = before.order.reservations();
            let (taken_before, taken) = (before.order.taken_units(), order.taken_units());
            let encoded = encode::update(&before, *order, &events, actor)?;
            let (gone, held) = differences(&held_before, &encoded.reservations);
            let deltas = deltas([&held_before, &encoded.reservations], [&taken_before, &taken]);
            Ok(Change::Update(Box::new(Update {
                encoded: Arc::new(encoded),
                expected_version: before.order.version,
                previous_hash: before.head_hash,
                lease,
                deltas,
                gone,
                held,
            })))
        }
    }
}

fn own(tenant: TenantId, whose: TenantId, what: &str) -> Result<(), Error> {
    if tenant == whose {
        return Ok(());
    }
    Err(Error::Inconsistent(format!("a changeset of {tenant} carries {what} of {whose}")))
}

type Quantities = Vec<(Sku, WarehouseId, i64)>;

/// What an order no longer holds, and what it holds another quantity of than before.
fn differences(before: &Quantities, after: &Quantities) -> (Vec<(Sku, WarehouseId)>, Quantities) {
    let mut both: BTreeMap<(&Sku, &WarehouseId), (i64, i64)> = BTreeMap::new();
    for (sku, warehouse, units) in before {
        both.entry((sku, warehouse)).or_default().0 += units;
    }
    for (sku, warehouse, units) in after {
        both.entry((sku, warehouse)).or_default().1 += units;
    }
    let (mut gone, mut held) = (Vec::new(), Vec::new());
    for ((sku, warehouse), (old, new)) in both {
        if old == new {
            continue;
        }
        if new == 0 {
            gone.push((sku.clone(), warehouse.clone()));
        } else {
            held.push((sku.clone(), warehouse.clone(), new));
        }
    }
    (gone, held)
}

/// What an order does to stock, from what it held and had taken off the shelves before and after.
fn deltas(held: [&Quantities; 2], taken: [&Quantities; 2]) -> Vec<Delta> {
    let mut sums: BTreeMap<(&Sku, &WarehouseId), (i64, i64)> = BTreeMap::new();
    for (quantities, sign) in held.into_iter().zip([-1, 1]) {
        for (sku, warehouse, units) in quantities {
            sums.entry((sku, warehouse)).or_default().0 += sign * units;
        }
    }
    for (quantities, sign) in taken.into_iter().zip([1, -1]) {
        for (sku, warehouse, units) in quantities {
            sums.entry((sku, warehouse)).or_default().1 += sign * units;
        }
    }
    let changed = sums.into_iter().filter(|(_, sum)| *sum != (0, 0));
    let delta = |((sku, warehouse), (reserved, on_hand)): ((&Sku, &WarehouseId), (i64, i64))| Delta {
        sku: sku.clone(),
        warehouse: warehouse.clone(),
        reserved,
        on_hand,
    };
    changed.map(delta).collect()
}
