//! What a batch needs to see of the database, and what it saw.

use std::collections::{BTreeSet, HashMap, HashSet};

use domain::ids::{ExternalId, OrderId, Sku, TenantId, WarehouseId};

use crate::chain::Hash;
use crate::changeset::StockChange;
use crate::outcome::StoredKey;
use crate::prepare::{Change, Prepared};

/// What must be claimed, locked and read for a batch. Sorted, so that every batch locks in one order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub keys: BTreeSet<(TenantId, String)>,
    pub external_ids: BTreeSet<(TenantId, ExternalId)>,
    pub orders: BTreeSet<(TenantId, OrderId)>,
    /// All warehouses' rows of these.
    pub skus: BTreeSet<(TenantId, Sku)>,
    /// Only whether they exist.
    pub warehouses: BTreeSet<(TenantId, WarehouseId)>,
}

impl Wanted {
    pub fn of(batch: &[&Prepared]) -> Self {
        let mut wanted = Self::default();
        for prepared in batch {
            wanted.add(prepared);
        }
        wanted
    }

    fn add(&mut self, prepared: &Prepared) {
        let tenant = prepared.tenant;
        if let Some(claim) = &prepared.key {
            self.keys.insert((tenant, claim.key.clone()));
        }
        for change in &prepared.stock {
            let (StockChange::SetOnHand { sku, warehouse, .. } | StockChange::Adjust { sku, warehouse, .. }) = change;
            self.skus.insert((tenant, sku.clone()));
            self.warehouses.insert((tenant, warehouse.clone()));
        }
        match &prepared.order {
            Change::None => {}
            Change::Place(place) => {
                self.external_ids.extend(place.draft.external_id.as_ref().map(|id| (tenant, id.clone())));
                self.skus.extend(place.draft.routing.lines.iter().map(|l| (tenant, l.sku.clone())));
                self.skus.extend(place.draft.lines.iter().map(|l| (tenant, l.sku.clone())));
            }
            Change::Update(update) => {
                self.orders.insert((tenant, update.encoded.order.order_id));
                self.skus.extend(update.deltas.iter().map(|delta| (tenant, delta.sku.clone())));
            }
            Change::Defer { order_id, .. } => {
                self.orders.insert((tenant, *order_id));
            }
        }
    }
}

/// The claims that others won before.
#[derive(Debug, Default)]
pub(crate) struct Claimed {
    pub keys: HashMap<(TenantId, String), StoredKey>,
    pub external_ids: HashMap<(TenantId, ExternalId), OrderId>,
}

/// The locked rows.
#[derive(Debug, Default, Clone)]
pub(crate) struct Snapshot {
    pub keys: HashMap<(TenantId, String), StoredKey>,
    pub external_ids: HashMap<(TenantId, ExternalId), OrderId>,
    pub orders: HashMap<(TenantId, OrderId), Head>,
    pub stock: Vec<Level>,
    pub warehouses: HashSet<(TenantId, WarehouseId)>,
}

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub version: u64,
    pub hash: Hash,
}

/// Stock of a SKU in a warehouse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Level {
    pub tenant: TenantId,
    pub sku: Sku,
    pub warehouse: WarehouseId,
    pub on_hand: i64,
    pub reserved: i64,
}
