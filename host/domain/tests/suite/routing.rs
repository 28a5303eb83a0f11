//! The native allocator: it finds a plan exactly where one exists, keeps sellers apart, and agrees with the shortages.

use std::collections::BTreeMap;

use domain::hooks::routing::{Answer, Input, Plan, Stock, validate};
use domain::ids::{SellerId, Sku, WarehouseId};
use domain::native::allocate;
use proptest::prelude::*;

use crate::baskets::{
    allocation, draft, inputs, routed_line, routing_input, seller, sku, stock_of, warehouse, warehouse_id,
};

/// What is wanted and what there is, per SKU and seller. Units of a SKU are alike and every warehouse has one seller, so
/// that the largest flow from warehouses to lines is the smaller of the two sums.
fn sums(input: &Input) -> BTreeMap<(&Sku, &Option<SellerId>), (i64, i64)> {
    let available = stock_of(input);
    let mut sums = BTreeMap::new();
    for line in &input.lines {
        let entry = sums.entry((&line.sku, &line.seller_id)).or_insert_with(|| {
            let own = input.warehouses.iter().filter(|w| w.seller_id == line.seller_id);
            (0, own.map(|w| available(&line.sku, &w.warehouse_id)).sum())
        });
        entry.0 += i64::from(line.quantity);
    }
    sums
}

fn taken(input: &Input, plan: &Plan) -> BTreeMap<(Sku, WarehouseId), i64> {
    let mut taken = BTreeMap::new();
    for part in &plan.allocations {
        let line = input.lines.iter().find(|l| l.line_id == part.line_id).expect("only lines of the order");
        *taken.entry((line.sku.clone(), part.warehouse_id.clone())).or_insert(0) += i64::from(part.quantity);
    }
    taken
}

fn warehouses_of(plan: &Plan) -> Vec<&str> {
    let mut ids: Vec<_> = plan.allocations.iter().map(|a| a.warehouse_id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

proptest! {
    #[test]
    fn a_plan_is_found_exactly_where_one_exists(input in inputs()) {
        let available = stock_of(&input);
        let sums = sums(&input);
        let possible = sums.values().all(|(wanted, there)| wanted <= there);
        let plan = allocate(&input, &available);
        prop_assert_eq!(plan.is_some(), possible);
        if let Some(plan) = plan {
            for ((sku, warehouse), units) in taken(&input, &plan) {
                prop_assert!(units <= available(&sku, &warehouse), "{} of {} from {}", units, sku, warehouse);
            }
            let answer = Answer { plans: vec![plan.clone()] };
            prop_assert!(validate(&input, answer).is_ok());
            prop_assert_eq!(allocate(&input, &available), Some(plan), "allocating is deterministic");
        }
    }

    #[test]
    fn one_warehouse_is_preferred(input in inputs()) {
        let available = stock_of(&input);
        let alone = |id: &WarehouseId, owner: &Option<SellerId>| {
            input.lines.iter().all(|l| l.seller_id == *owner)
                && sums(&input).iter().all(|((sku, _), (wanted, _))| available(sku, id) >= *wanted)
        };
        let mut able: Vec<_> = input.warehouses.iter().filter(|w| alone(&w.warehouse_id, &w.seller_id)).collect();
        able.sort_by_key(|w| (w.country != input.destination.country, w.priority, &w.warehouse_id));
        if let Some(first) = able.first() {
            let plan = allocate(&input, &available).expect("one warehouse can ship everything");
            prop_assert_eq!(warehouses_of(&plan), [first.warehouse_id.as_str()]);
        }
    }

    #[test]
    fn shortages_are_named_exactly_where_no_plan_exists(input in inputs()) {
        let available = stock_of(&input);
        let expected: BTreeMap<Sku, (i64, i64)> = sums(&input)
            .into_iter()
            .filter(|(_, (wanted, there))| there < wanted)
            .fold(BTreeMap::new(), |mut short, ((sku, _), (wanted, there))| {
                let entry: &mut (i64, i64) = short.entry(sku.clone()).or_default();
                *entry = (entry.0 + wanted, entry.1 + there);
                short
            });
        let plan = allocate(&input, &available);
        let shortages = draft(input, &[(100, 0)], 0, true).shortages(&available);
        prop_assert_eq!(shortages.is_empty(), plan.is_some());
        let named: BTreeMap<Sku, (i64, i64)> =
            shortages.iter().map(|s| (s.sku.clone(), (s.requested, s.available))).collect();
        prop_assert_eq!(named.len(), shortages.len(), "a SKU is named once");
        prop_assert_eq!(named, expected);
    }
}

fn stock(n: u8, warehouse: u8, available: i64) -> Stock {
    Stock { sku: sku(n), warehouse_id: warehouse_id(warehouse), available }
}

#[test]
fn a_sku_on_several_lines_is_counted_once() {
    let lines = vec![routed_line(1, sku(0), 3, None), routed_line(2, sku(0), 3, None)];
    let places = vec![warehouse(1, "US", 0, None), warehouse(2, "US", 1, None)];
    let input =
        |first, second| routing_input(lines.clone(), places.clone(), vec![stock(0, 1, first), stock(0, 2, second)]);
    let enough = input(4, 2);
    let plan = allocate(&enough, &stock_of(&enough)).expect("six units are there");
    assert_eq!(plan.allocations, [allocation(1, 1, 3), allocation(2, 1, 1), allocation(2, 2, 2)]);
    let short = input(3, 2);
    assert_eq!(allocate(&short, &stock_of(&short)), None);
    let shortages = draft(short.clone(), &[(100, 0)], 0, true).shortages(&stock_of(&short));
    assert_eq!(shortages.iter().map(|s| (s.requested, s.available)).collect::<Vec<_>>(), [(6, 5)]);
}

#[test]
fn sellers_do_not_ship_for_each_other() {
    let lines = vec![routed_line(1, sku(0), 1, seller(1)), routed_line(2, sku(0), 1, None)];
    let places = vec![warehouse(1, "US", 0, seller(1)), warehouse(2, "US", 0, None), warehouse(3, "US", 0, seller(2))];
    let full = routing_input(lines.clone(), places.clone(), vec![stock(0, 1, 9), stock(0, 2, 9), stock(0, 3, 9)]);
    let plan = allocate(&full, &stock_of(&full)).expect("both sellers have it");
    assert_eq!(plan.allocations, [allocation(1, 1, 1), allocation(2, 2, 1)]);
    let foreign = routing_input(lines, places, vec![stock(0, 2, 9), stock(0, 3, 9)]);
    assert_eq!(allocate(&foreign, &stock_of(&foreign)), None);
}

#[test]
fn the_destinations_country_comes_before_priority_and_priority_before_the_name() {
    let lines = vec![routed_line(1, sku(0), 4, None)];
    let places = vec![
        warehouse(1, "DE", -9, None),
        warehouse(4, "US", 1, None),
        warehouse(3, "US", 0, None),
        warehouse(2, "US", 1, None),
    ];
    let one_each = (1..=4).map(|n| stock(0, n, 1)).collect();
    let input = routing_input(lines, places, one_each);
    let plan = allocate(&input, &stock_of(&input)).expect("four units are there");
    let order: Vec<_> = plan.allocations.iter().map(|a| a.warehouse_id.as_str()).collect();
    assert_eq!(order, ["WH-3", "WH-2", "WH-4", "WH-1"]);
}

#[test]
fn odd_stock_is_no_stock() {
    let lines = vec![routed_line(1, sku(0), 1, None)];
    let places = vec![warehouse(1, "US", 0, None), warehouse(2, "US", 0, None)];
    let input = routing_input(lines, places, Vec::new());
    let (negative, boundless) = (|_: &Sku, _: &WarehouseId| -5, |_: &Sku, _: &WarehouseId| i64::MAX);
    assert_eq!(allocate(&input, &negative), None);
    assert!(allocate(&input, &boundless).is_some());
    let draft = draft(input, &[(100, 0)], 0, true);
    assert_eq!(draft.shortages(&negative).iter().map(|s| s.available).collect::<Vec<_>>(), [0]);
    assert_eq!(draft.shortages(&boundless), []);
}
