//! The routing hook: ranked plans of which warehouse ships which line.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Context, Destination, LawBroken, broken};
use crate::ids::{SellerId, Sku, WarehouseId};
use crate::money::Currency;
use crate::time::Date;

/// The most plans that are used; further ones are ignored.
pub const PLANS_MAX: usize = 4;

/// What the routing policy is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Clock and configuration.
    pub context: Context,
    /// Where the order goes.
    pub destination: Destination,
    /// The customer's wish, `standard` or `express` and the like.
    pub delivery_preference: Option<String>,
    /// The day the customer asked for.
    pub requested_delivery_date: Option<Date>,
    /// The currency of every amount; none where it was recorded before policies were told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// The lines to be shipped.
    pub lines: Vec<Line>,
    /// The merchant's warehouses that hold any of the lines' SKUs.
    pub warehouses: Vec<Warehouse>,
    /// What can be promised now, one entry per SKU and warehouse, none with zero.
    pub stock: Vec<Stock>,
}

/// A line to be shipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Number within the order, from 1.
    pub line_id: u32,
    /// What is ordered.
    pub sku: Sku,
    /// How many.
    pub quantity: u32,
    /// What one unit is sold for, in minor units; none where it was recorded before policies were told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<i64>,
    /// Whose warehouse must ship it; none means the merchant's own.
    pub seller_id: Option<SellerId>,
}

/// A place that ships.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warehouse {
    /// The merchant's name for it.
    pub warehouse_id: WarehouseId,
    /// ISO 3166 alpha-2.
    pub country: String,
    /// State or region code.
    pub region: Option<String>,
    /// Postal code.
    pub zip: Option<String>,
    /// Millionths of a degree, north positive.
    pub latitude_e6: Option<i32>,
    /// Millionths of a degree, east positive.
    pub longitude_e6: Option<i32>,
    /// Lower is preferred.
    pub priority: i32,
    /// The seller that owns it, if not the merchant.
    pub seller_id: Option<SellerId>,
}

/// What a warehouse can promise of a SKU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stock {
    /// The SKU.
    pub sku: Sku,
    /// The warehouse.
    pub warehouse_id: WarehouseId,
    /// On hand minus reserved, in units.
    pub available: i64,
}

/// The policy's answer: plans, best first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Ranked; the first that the locked stock can serve is taken.
    pub plans: Vec<Plan>,
}

/// One complete way to ship the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Which warehouse ships how much of which line.
    pub allocations: Vec<Allocation>,
}

/// A part of a line that one warehouse ships.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    /// The line.
    pub line_id: u32,
    /// The warehouse that ships it.
    pub warehouse_id: WarehouseId,
    /// Units, at least 1.
    pub quantity: u32,
}

/// Checks the laws: every plan allocates exactly the order's lines, to known warehouses of the line's own seller.
///
/// An answer without any plan is allowed: it says that stock does not suffice, which the locked stock then decides.
///
/// # Errors
/// The first law broken, naming plan and line.
pub fn validate(input: &Input, mut answer: Answer) -> Result<Answer, LawBroken> {
    answer.plans.truncate(PLANS_MAX);
    let warehouses: BTreeMap<_, _> = input.warehouses.iter().map(|w| (&w.warehouse_id, &w.seller_id)).collect();
    for (index, plan) in answer.plans.iter().enumerate() {
        validate_plan(input, &warehouses, plan)
            .map_err(|LawBroken(why)| LawBroken(format!("plan {}: {why}", index + 1)))?;
    }
    Ok(answer)
}

fn validate_plan(
    input: &Input,
    warehouses: &BTreeMap<&WarehouseId, &Option<SellerId>>,
    plan: &Plan,
) -> Result<(), LawBroken> {
    let lines: BTreeMap<u32, &Line> = input.lines.iter().map(|l| (l.line_id, l)).collect();
    let mut allocated: BTreeMap<u32, u64> = BTreeMap::new();
    for part in &plan.allocations {
        let Some(line) = lines.get(&part.line_id) else {
            return broken(format!("line {} is not in the order", part.line_id));
        };
        if part.quantity == 0 {
            return broken(format!("line {} is allocated zero units", part.line_id));
        }
        match warehouses.get(&part.warehouse_id) {
            None => return broken(format!("warehouse {} is not known", part.warehouse_id)),
            Some(seller) if **seller != line.seller_id => {
                return broken(format!(
                    "warehouse {} does not belong to the seller of line {}",
                    part.warehouse_id, part.line_id
                ));
            }
            Some(_) => *allocated.entry(part.line_id).or_default() += u64::from(part.quantity),
        }
    }
    for line in &input.lines {
        let got = allocated.get(&line.line_id).copied().unwrap_or(0);
        if got != u64::from(line.quantity) {
            return broken(format!("line {} orders {} units, but {got} are allocated", line.line_id, line.quantity));
        }
    }
    Ok(())
}
