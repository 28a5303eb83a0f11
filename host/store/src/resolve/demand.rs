//! What a plan would take, without making the order.

use std::collections::BTreeMap;

use domain::hooks::routing::Plan;
use domain::ids::{Sku, WarehouseId};
use domain::placement::Draft;

/// Whether there is enough for the whole plan.
pub(super) fn fits(draft: &Draft, plan: &Plan, available: &dyn Fn(&Sku, &WarehouseId) -> i64) -> bool {
    demand(draft, plan).into_iter().all(|((sku, warehouse), units)| available(sku, warehouse) >= units)
}

/// The units that a plan takes of each SKU in each warehouse: what the order made from it reserves.
pub(super) fn demand<'a>(draft: &'a Draft, plan: &'a Plan) -> BTreeMap<(&'a Sku, &'a WarehouseId), i64> {
    let mut sums = BTreeMap::new();
    for part in &plan.allocations {
        let Some(line) = draft.lines.iter().find(|l| l.line_id == part.line_id) else { continue };
        *sums.entry((&line.sku, &part.warehouse_id)).or_insert(0) += i64::from(part.quantity);
    }
    sums
}
