use orderwright_sdk::routing::{Context, Destination, Line, Stock, Warehouse};

use super::*;

fn warehouse(id: &str, country: &str, at: Option<(i32, i32)>, seller: Option<&str>) -> Warehouse {
    Warehouse {
        warehouse_id: id.into(),
        country: country.into(),
        region: None,
        zip: None,
        latitude_e6: at.map(|a| a.0),
        longitude_e6: at.map(|a| a.1),
        priority: 0,
        seller_id: seller.map(Into::into),
    }
}

fn nyc() -> Warehouse {
    warehouse("NYC", "US", Some((40_700_000, -74_000_000)), None)
}

fn lax() -> Warehouse {
    warehouse("LAX", "US", Some((33_900_000, -118_400_000)), None)
}

fn chi() -> Warehouse {
    warehouse("CHI", "US", Some((41_900_000, -87_600_000)), None)
}

fn order(region: &str, lines: &[(&str, u32)], warehouses: Vec<Warehouse>, stock: &[(&str, &str, i64)]) -> Input {
    let line = |(index, (sku, quantity)): (usize, &(&str, u32))| Line {
        line_id: index as u32 + 1,
        sku: (*sku).into(),
        quantity: *quantity,
        seller_id: None,
    };
    let entry = |(sku, warehouse, available): &(&str, &str, i64)| Stock {
        sku: (*sku).into(),
        warehouse_id: (*warehouse).into(),
        available: *available,
    };
    Input {
        context: Context { now: 0, config: "{}".into() },
        destination: Destination { country: "US".into(), region: Some(region.into()), city: None, zip: None },
        delivery_preference: None,
        requested_delivery_date: None,
        lines: lines.iter().enumerate().map(line).collect(),
        warehouses,
        stock: stock.iter().map(entry).collect(),
    }
}

/// Each plan as `line:warehouse×quantity` texts.
fn plans(input: Input) -> Vec<Vec<String>> {
    let answer = plan(input).expect("routing never gives up");
    let part = |a: &Allocation| format!("{}:{}x{}", a.line_id, a.warehouse_id, a.quantity);
    answer.plans.iter().map(|p| p.allocations.iter().map(part).collect()).collect()
}

#[test]
fn a_line_that_two_warehouses_have_goes_with_the_nearer() {
    let stock = [("A", "NYC", 9), ("B", "LAX", 9), ("C", "NYC", 9), ("C", "LAX", 9)];
    let lines = [("A", 1), ("B", 2), ("C", 3)];
    let to = |region| plans(order(region, &lines, vec![nyc(), lax()], &stock)).remove(0);
    assert_eq!(to("NY"), ["1:NYCx1", "2:LAXx2", "3:NYCx3"]);
    assert_eq!(to("CA"), ["1:NYCx1", "2:LAXx2", "3:LAXx3"]);
}

#[test]
fn one_far_shipment_is_better_than_two_near_ones() {
    let stock = [("A", "NYC", 1), ("B", "CHI", 1), ("A", "LAX", 1), ("B", "LAX", 1)];
    let all = plans(order("NY", &[("A", 1), ("B", 1)], vec![nyc(), chi(), lax()], &stock));
    assert_eq!(all, [vec!["1:LAXx1", "2:LAXx1"], vec!["1:NYCx1", "2:CHIx1"]]);
}

#[test]
fn alternatives_are_ranked_by_distance_and_limited() {
    let warehouses: Vec<_> = ["NJ", "TX", "CA", "OH", "IL", "WA"]
        .iter()
        .map(|state| Warehouse { region: Some((*state).into()), ..warehouse(state, "US", None, None) })
        .collect();
    let stock: Vec<_> = warehouses.iter().map(|w| ("A", w.warehouse_id.clone(), 5)).collect();
    let stock: Vec<_> = stock.iter().map(|(a, b, c)| (*a, b.as_str(), *c)).collect();
    let all = plans(order("NY", &[("A", 5)], warehouses, &stock));
    assert_eq!(all, [["1:NJx5"], ["1:OHx5"], ["1:ILx5"], ["1:TXx5"]]);
}

#[test]
fn a_line_is_divided_only_where_it_must_be() {
    let stock = [("A", "NYC", 3), ("A", "LAX", 4)];
    let all = plans(order("NY", &[("A", 2), ("A", 4)], vec![nyc(), lax()], &stock));
    assert_eq!(all, [["1:NYCx2", "2:LAXx4"]]);
    let all = plans(order("NY", &[("A", 7)], vec![nyc(), lax()], &stock));
    assert_eq!(all, [["1:NYCx3", "1:LAXx4"]]);
}

#[test]
fn missing_stock_gives_no_plan() {
    let stock = [("A", "NYC", 3), ("A", "LAX", 3)];
    assert!(plans(order("NY", &[("A", 7)], vec![nyc(), lax()], &stock)).is_empty());
    assert!(plans(order("NY", &[("B", 1)], vec![nyc(), lax()], &stock)).is_empty());
    assert!(plans(order("NY", &[("A", 1)], vec![], &[])).is_empty());
}

#[test]
fn borders_come_before_distance_and_priority_after_it() {
    let toronto = warehouse("TOR", "CA", Some((43_700_000, -79_400_000)), None);
    let stock = [("A", "TOR", 1), ("A", "LAX", 1)];
    assert_eq!(plans(order("NY", &[("A", 1)], vec![toronto, lax()], &stock))[0], ["1:LAXx1"]);
    let neighbour = Warehouse { warehouse_id: "NYC2".into(), priority: -1, latitude_e6: Some(40_701_000), ..nyc() };
    let stock = [("A", "NYC", 1), ("A", "NYC2", 1)];
    assert_eq!(plans(order("NY", &[("A", 1)], vec![nyc(), neighbour], &stock))[0], ["1:NYC2x1"]);
}

#[test]
fn sellers_ship_their_own_lines() {
    let theirs = warehouse("S1", "US", Some((40_700_000, -74_000_000)), Some("s1"));
    let mut input = order("NY", &[("A", 1), ("A", 1)], vec![theirs, lax()], &[("A", "S1", 9), ("A", "LAX", 9)]);
    input.lines[1].seller_id = Some("s1".into());
    assert_eq!(plans(input.clone()), [["1:LAXx1", "2:S1x1"]]);
    input.lines[1].seller_id = Some("s2".into());
    assert!(plans(input).is_empty());
}

#[test]
fn a_huge_order_is_planned_within_bounds() {
    let names: Vec<_> = (0..60).map(|n| (format!("W{n}"), format!("S{n}"))).collect();
    let warehouses = names.iter().map(|(w, _)| warehouse(w, "US", None, None)).collect();
    let lines: Vec<_> = names.iter().map(|(_, sku)| (sku.as_str(), 10)).collect();
    // Each SKU lies in a third of the warehouses, in no pattern that a few of them would cover.
    let mut stock = Vec::new();
    for (n, (_, sku)) in names.iter().enumerate() {
        stock.extend(
            names
                .iter()
                .enumerate()
                .filter(|(w, _)| (w * 7 + n * n) % 3 == 0)
                .map(|(_, (w, _))| (sku.as_str(), w.as_str(), 4)),
        );
    }
    let input = order("NY", &lines, warehouses, &stock);
    let answer = plan(input).expect("routing never gives up");
    let first = answer.plans.first().expect("there is stock for everything");
    for line in 1..=60 {
        let units: u32 = first.allocations.iter().filter(|a| a.line_id == line).map(|a| a.quantity).sum();
        assert_eq!(units, 10, "line {line}");
    }
}
