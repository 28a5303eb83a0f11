//! The built-in defaults that decide where no policy is bound or a policy failed.

use std::collections::BTreeMap;

use crate::hooks::routing::{self, Allocation, Input, Line, Plan, Warehouse};
use crate::hooks::{pricing, risk, shipping, tax};
use crate::ids::{Sku, WarehouseId};
use crate::time::{Date, Timestamp};

/// A plan that the given stock can serve, or none if there is none.
///
/// One warehouse that can ship everything is preferred; else warehouses are drained in order of preference: the
/// destination's country first, then priority, then id. SKUs are independent of each other, so draining finds a
/// plan whenever one exists.
#[must_use]
pub fn allocate(input: &Input, available: &dyn Fn(&Sku, &WarehouseId) -> i64) -> Option<Plan> {
    let ranked = ranked_warehouses(input);
    let single = ranked.iter().find_map(|w| drain(input, &[w], available));
    single.or_else(|| drain(input, &ranked, available))
}

/// The same on the stock that a routing policy is told of: one plan, or none.
#[must_use]
pub fn route(input: &Input) -> routing::Answer {
    let available = |sku: &Sku, warehouse: &WarehouseId| {
        let here = |s: &&routing::Stock| s.sku == *sku && s.warehouse_id == *warehouse;
        input.stock.iter().find(here).map_or(0, |s| s.available)
    };
    routing::Answer { plans: allocate(input, &available).into_iter().collect() }
}

fn ranked_warehouses(input: &Input) -> Vec<&Warehouse> {
    let mut ranked: Vec<&Warehouse> = input.warehouses.iter().collect();
    ranked.sort_by_key(|w| (w.country != input.destination.country, w.priority, w.warehouse_id.clone()));
    ranked
}

fn drain(input: &Input, warehouses: &[&Warehouse], available: &dyn Fn(&Sku, &WarehouseId) -> i64) -> Option<Plan> {
    let mut left: BTreeMap<(&Sku, &WarehouseId), i64> = BTreeMap::new();
    let mut allocations = Vec::with_capacity(input.lines.len());
    for line in &input.lines {
        let mut wanted = i64::from(line.quantity);
        for warehouse in warehouses.iter().filter(|w| w.seller_id == line.seller_id) {
            let key = (&line.sku, &warehouse.warehouse_id);
            let stock = left.entry(key).or_insert_with(|| available(key.0, key.1).max(0));
            let taken = wanted.min(*stock);
            if taken > 0 {
                *stock -= taken;
                wanted -= taken;
                allocations.push(allocation(line, warehouse, taken));
            }
            if wanted == 0 {
                break;
            }
        }
        if wanted > 0 {
            return None;
        }
    }
    Some(Plan { allocations })
}

fn allocation(line: &Line, warehouse: &Warehouse, units: i64) -> Allocation {
    let quantity = u32::try_from(units).expect("no more is taken than the line asks for");
    Allocation { line_id: line.line_id, warehouse_id: warehouse.warehouse_id.clone(), quantity }
}

/// No tax at all: the only amount that is right without a table.
#[must_use]
pub fn no_tax(input: &tax::Input) -> tax::Answer {
    let untaxed = |line: &tax::Line| tax::LineTax { line_id: line.line_id, charge: tax::Charge::default() };
    tax::Answer { lines: input.lines.iter().map(untaxed).collect(), shipping: tax::Charge::default() }
}

/// Takes nothing off.
#[must_use]
pub fn no_discount(_input: &pricing::Input) -> pricing::Answer {
    pricing::Answer::default()
}

/// Accepts everything.
#[must_use]
pub fn accept(_input: &risk::Input) -> risk::Answer {
    risk::Answer { verdict: risk::Verdict::Accept, score: 0, reasons: Vec::new() }
}

/// What shipping costs and how long it takes, per destination and preference. The first row that fits counts.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ShippingRate {
    /// ISO 3166 alpha-2, or none for every country.
    pub country: Option<String>,
    /// `standard`, `express` and the like, or none for any.
    pub preference: Option<String>,
    /// In minor units of the merchant's currency.
    pub cost: i64,
    /// Until it arrives.
    pub days: u16,
}

/// The rate table of a merchant who has not set one: home at 5.00 and 15.00, abroad at 15.00 and 35.00.
#[must_use]
pub fn default_rates(home_country: &str) -> Vec<ShippingRate> {
    let row = |country: Option<&str>, preference: Option<&str>, cost, days| ShippingRate {
        country: country.map(str::to_owned),
        preference: preference.map(str::to_owned),
        cost,
        days,
    };
    vec![
        row(Some(home_country), Some("express"), 1500, 1),
        row(Some(home_country), None, 500, 4),
        row(None, Some("express"), 3500, 3),
        row(None, None, 1500, 8),
    ]
}

/// What the first row that fits offers. Where none does, delivery is free and nothing is promised.
#[must_use]
pub fn deliver(rates: &[ShippingRate], input: &shipping::Input) -> shipping::Answer {
    let (country, preference) = (&input.destination.country, input.delivery_preference.as_deref());
    let found = rate(rates, country, preference, input.context.now);
    let offer = shipping::Offer {
        service: preference.unwrap_or("standard").to_owned(),
        cost: found.map_or(0, |(rate, _)| rate.cost),
        arrives: found.map(|(_, day)| day),
    };
    shipping::Answer { options: vec![offer] }
}

/// The first row that fits, with the day of arrival.
#[must_use]
pub fn rate<'r>(
    rates: &'r [ShippingRate],
    country: &str,
    preference: Option<&str>,
    now: Timestamp,
) -> Option<(&'r ShippingRate, Date)> {
    let fits = |rate: &&ShippingRate| {
        rate.country.as_deref().is_none_or(|c| c == country)
            && rate.preference.as_deref().is_none_or(|p| p == preference.unwrap_or("standard"))
    };
    rates.iter().find(fits).map(|rate| {
        let arrival = now.plus_seconds(i64::from(rate.days) * 86_400).date();
        (rate, arrival)
    })
}
