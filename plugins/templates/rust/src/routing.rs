//! Decides which warehouse ships which line.
//!
//! One warehouse that has everything is best, the one with the lowest priority number first. Where none has, it is taken
//! from several in the same order. The configuration names warehouses to turn to last:
//!
//! ```json
//! { "avoid": ["WH-LAX"] }
//! ```

use std::collections::BTreeMap;

use orderwright_sdk::v0_2::routing::{Allocation, Answer, Input, Line, Plan, Warehouse};
use serde::Deserialize;

#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: orderwright_sdk::bump::Bump = orderwright_sdk::bump::Bump::new();

orderwright_sdk::export_routing_v0_2!(plan_shipments);

/// The host looks at no more than this.
const PLANS: usize = 4;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    #[serde(default)]
    avoid: Vec<String>,
}

/// Units by SKU, by warehouse.
type Stock<'i> = BTreeMap<&'i str, BTreeMap<&'i str, i64>>;

fn plan_shipments(input: Input) -> Result<Answer, String> {
    let config: Config = orderwright_sdk::config::read(&input.context)?;
    let mut warehouses: Vec<&Warehouse> = input.warehouses.iter().collect();
    warehouses.sort_by_key(|w| (config.avoid.contains(&w.warehouse_id), w.priority, &w.warehouse_id));
    let mut stock = Stock::new();
    for entry in &input.stock {
        stock.entry(&entry.warehouse_id).or_default().insert(&entry.sku, entry.available);
    }

    let alone = warehouses.iter().filter_map(|warehouse| cover(&input.lines, &[*warehouse], &stock));
    let mut plans: Vec<Plan> = alone.take(PLANS).collect();
    if plans.is_empty() {
        plans.extend(cover(&input.lines, &warehouses, &stock));
    }
    orderwright_sdk::info!("{} plans for {} lines", plans.len(), input.lines.len());
    Ok(Answer { plans })
}

/// Takes every line from the first warehouses that have it; none where that does not suffice.
fn cover(lines: &[Line], warehouses: &[&Warehouse], stock: &Stock<'_>) -> Option<Plan> {
    let left = |warehouse: &&Warehouse| stock.get(warehouse.warehouse_id.as_str()).cloned().unwrap_or_default();
    let mut left: Vec<_> = warehouses.iter().map(left).collect();
    let mut allocations = Vec::new();
    for line in lines {
        let mut missing = line.quantity;
        for (warehouse, left) in warehouses.iter().zip(&mut left) {
            // A seller's line is shipped from that seller's own warehouses.
            if warehouse.seller_id != line.seller_id {
                continue;
            }
            let Some(available) = left.get_mut(line.sku.as_str()) else { continue };
            let quantity = missing.min(u32::try_from(*available).unwrap_or(u32::MAX));
            if quantity > 0 {
                *available -= i64::from(quantity);
                missing -= quantity;
                let warehouse_id = warehouse.warehouse_id.clone();
                allocations.push(Allocation { line_id: line.line_id, warehouse_id, quantity });
            }
        }
        if missing > 0 {
            return None;
        }
    }
    Some(Plan { allocations })
}
