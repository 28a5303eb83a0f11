//! The batch's view of stock: the locked rows with what was decided so far, and a way back for a changeset that fails.

use std::collections::{HashMap, HashSet};

use domain::ids::{Sku, TenantId, WarehouseId};

use super::Level;
use crate::changeset::StockChange;
use crate::outcome::Outcome;
use crate::prepare::Delta;

/// The most units of a SKU in a warehouse: sums over many warehouses still fit.
const ON_HAND_MAX: i64 = 1_000_000_000;

struct Row {
    level: Level,
    touched: bool,
}

/// Places of rows in `Ledger::rows`.
type Places = Vec<(WarehouseId, usize)>;

pub(super) struct Ledger {
    rows: Vec<Row>,
    by_sku: HashMap<(TenantId, Sku), Places>,
    warehouses: HashSet<(TenantId, WarehouseId)>,
    /// What the changeset under decision has changed: row, and its units on hand and reserved before.
    changed: Vec<(usize, i64, i64)>,
}

impl Ledger {
    pub fn new(levels: Vec<Level>, warehouses: HashSet<(TenantId, WarehouseId)>) -> Self {
        let mut ledger = Self { rows: Vec::new(), by_sku: HashMap::new(), warehouses, changed: Vec::new() };
        for level in levels {
            ledger.add(level);
        }
        ledger
    }

    fn add(&mut self, level: Level) -> usize {
        let places = self.by_sku.entry((level.tenant, level.sku.clone())).or_default();
        places.push((level.warehouse.clone(), self.rows.len()));
        self.rows.push(Row { level, touched: false });
        self.rows.len() - 1
    }

    fn find(&self, tenant: TenantId, sku: &Sku, warehouse: &WarehouseId) -> Option<usize> {
        let places = self.by_sku.get(&(tenant, sku.clone()))?;
        places.iter().find(|(at, _)| at == warehouse).map(|(_, row)| *row)
    }

    /// What can be promised; nothing where there is no row.
    pub fn available(&self, tenant: TenantId, sku: &Sku, warehouse: &WarehouseId) -> i64 {
        self.find(tenant, sku, warehouse).map_or(0, |row| {
            let level = &self.rows[row].level;
            level.on_hand - level.reserved
        })
    }

    pub fn change(&mut self, tenant: TenantId, change: &StockChange) -> Result<(), Outcome> {
        let (StockChange::SetOnHand { sku, warehouse, .. } | StockChange::Adjust { sku, warehouse, .. }) = change;
        if !self.warehouses.contains(&(tenant, warehouse.clone())) {
            return Err(Outcome::UnknownWarehouse(warehouse.clone()));
        }
        let found = self.find(tenant, sku, warehouse);
        let (on_hand, reserved) = found.map_or((0, 0), |row| {
            let level = &self.rows[row].level;
            (level.on_hand, level.reserved)
        });
        let wanted = match change {
            StockChange::SetOnHand { on_hand, .. } => Some(*on_hand),
            StockChange::Adjust { delta, .. } => on_hand.checked_add(*delta),
        };
        let Some(wanted) = wanted.filter(|w| *w <= ON_HAND_MAX) else {
            return Err(Outcome::StockTooLarge { sku: sku.clone(), warehouse: warehouse.clone() });
        };
        if wanted < reserved {
            return Err(Outcome::StockReserved { sku: sku.clone(), warehouse: warehouse.clone(), on_hand, reserved });
        }
        let row = found.unwrap_or_else(|| {
            let (sku, warehouse) = (sku.clone(), warehouse.clone());
            self.add(Level { tenant, sku, warehouse, on_hand: 0, reserved: 0 })
        });
        self.set(row, wanted, reserved);
        Ok(())
    }

    /// Takes units. The caller has seen that there are enough.
    pub fn reserve(&mut self, tenant: TenantId, sku: &Sku, warehouse: &WarehouseId, units: i64) -> Result<(), String> {
        self.shift_by(tenant, sku, warehouse, (units, 0))
    }

    /// Follows what happened to an order: units are taken or given back, leave the shelves or come back to them.
    pub fn shift(&mut self, tenant: TenantId, delta: &Delta) -> Result<(), String> {
        self.shift_by(tenant, &delta.sku, &delta.warehouse, (delta.reserved, delta.on_hand))
    }

    fn shift_by(
        &mut self,
        tenant: TenantId,
        sku: &Sku,
        warehouse: &WarehouseId,
        (reserved, on_hand): (i64, i64),
    ) -> Result<(), String> {
        let broken = || format!("stock of {sku} in {warehouse} does not cover its reservations");
        let row = self.find(tenant, sku, warehouse).ok_or_else(broken)?;
        let level = &self.rows[row].level;
        let (on_hand, reserved) = (level.on_hand + on_hand, level.reserved + reserved);
        if reserved < 0 || reserved > on_hand {
            return Err(broken());
        }
        self.set(row, on_hand, reserved);
        Ok(())
    }

    fn set(&mut self, row: usize, on_hand: i64, reserved: i64) {
        let level = &mut self.rows[row].level;
        self.changed.push((row, level.on_hand, level.reserved));
        level.on_hand = on_hand;
        level.reserved = reserved;
    }

    /// The changeset under decision fails: its changes never were. A row that it added stays, empty and unwritten.
    pub fn undo(&mut self) {
        while let Some((row, on_hand, reserved)) = self.changed.pop() {
            let level = &mut self.rows[row].level;
            level.on_hand = on_hand;
            level.reserved = reserved;
        }
    }

    /// The changeset under decision is accepted.
    pub fn keep(&mut self) {
        for (row, _, _) in self.changed.drain(..) {
            self.rows[row].touched = true;
        }
    }

    /// The rows that the batch leaves changed, sorted.
    pub fn writes(self) -> Vec<Level> {
        let touched = self.rows.into_iter().filter(|row| row.touched);
        let mut writes: Vec<Level> = touched.map(|row| row.level).collect();
        writes.sort_unstable_by(|a, b| (a.tenant, &a.sku, &a.warehouse).cmp(&(b.tenant, &b.sku, &b.warehouse)));
        writes
    }
}
