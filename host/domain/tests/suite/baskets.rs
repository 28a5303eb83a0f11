//! What is ordered: baskets, warehouses, stock, plans and drafts, fixed ones and random ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::hooks::routing::{Allocation, Input, Line as RoutedLine, Plan, Stock, Warehouse};
use domain::hooks::tax::Charge;
use domain::hooks::{Context, Destination};
use domain::ids::{OrderId, SellerId, Sku, TenantId, WarehouseId};
use domain::order::{HoldSource, Line, LineStatus, ShippingRefund};
use domain::placement::{Draft, add_up};
use domain::time::Timestamp;
use proptest::prelude::*;
use uuid::Uuid;

/// The moment at which every draft is placed.
pub const START: Timestamp = Timestamp::from_micros(1_770_000_000_000_000);
/// How long a declined payment may be tried again in every draft, in seconds.
pub const RETRY_SECONDS: u32 = 1800;
const COUNTRIES: [&str; 3] = ["US", "DE", "JP"];
const SKUS: u8 = 4;

pub fn sku(n: u8) -> Sku {
    Sku::parse(&format!("SKU-{n}")).expect("a short id is printable")
}

pub fn warehouse_id(n: u8) -> WarehouseId {
    WarehouseId::parse(&format!("WH-{n}")).expect("a short id is printable")
}

/// Number 0 is the merchant's own.
pub fn seller(n: u8) -> Option<SellerId> {
    (n > 0).then(|| SellerId::parse(&format!("S-{n}")).expect("a short id is printable"))
}

pub fn destination(country: &str) -> Destination {
    Destination { country: country.to_owned(), region: None, city: None, zip: None }
}

pub fn warehouse(n: u8, country: &str, priority: i32, seller_id: Option<SellerId>) -> Warehouse {
    Warehouse {
        warehouse_id: warehouse_id(n),
        country: country.to_owned(),
        region: None,
        zip: None,
        latitude_e6: None,
        longitude_e6: None,
        priority,
        seller_id,
    }
}

pub fn routed_line(line_id: u32, sku: Sku, quantity: u32, seller_id: Option<SellerId>) -> RoutedLine {
    RoutedLine { line_id, sku, quantity, price: None, seller_id }
}

pub fn allocation(line_id: u32, warehouse: u8, quantity: u32) -> Allocation {
    Allocation { line_id, warehouse_id: warehouse_id(warehouse), quantity }
}

pub fn routing_input(lines: Vec<RoutedLine>, warehouses: Vec<Warehouse>, stock: Vec<Stock>) -> Input {
    Input {
        context: Context { now: START, config: "{}".to_owned() },
        destination: destination("US"),
        delivery_preference: None,
        requested_delivery_date: None,
        currency: None,
        lines,
        warehouses,
        stock,
    }
}

/// What the input's own stock list can promise.
pub fn stock_of(input: &Input) -> impl Fn(&Sku, &WarehouseId) -> i64 + use<> {
    let stock: BTreeMap<(Sku, WarehouseId), i64> =
        input.stock.iter().map(|s| ((s.sku.clone(), s.warehouse_id.clone()), s.available)).collect();
    move |sku, warehouse| stock.get(&(sku.clone(), warehouse.clone())).copied().unwrap_or(0)
}

/// Random lines, warehouses and stock. Every seller has a warehouse, so that a plan exists as soon as stock suffices.
pub fn inputs() -> impl Strategy<Value = Input> {
    let lines = prop::collection::vec((0..SKUS, 1u32..12, 0u8..3), 1..6);
    let warehouses = prop::collection::vec((0usize..COUNTRIES.len(), -1i32..3, 0u8..3), 0..5);
    let stock = prop::collection::vec(prop_oneof![Just(0i64), 1i64..40], 64);
    (lines, warehouses, stock, 0usize..COUNTRIES.len()).prop_map(|(lines, mut warehouses, units, country)| {
        warehouses.extend((0..3).map(|owner| (0, 0, owner)));
        let warehouses: Vec<_> = (0..)
            .zip(&warehouses)
            .map(|(n, &(at, priority, owner))| warehouse(n, COUNTRIES[at], priority, seller(owner)))
            .collect();
        let lines = (1..).zip(lines).map(|(id, (n, quantity, owner))| routed_line(id, sku(n), quantity, seller(owner)));
        let places = warehouses.iter().flat_map(|w| (0..SKUS).map(|n| (sku(n), w.warehouse_id.clone())));
        let stock = places
            .zip(units)
            .filter(|(_, available)| *available > 0)
            .map(|((sku, warehouse_id), available)| Stock { sku, warehouse_id, available })
            .collect();
        let mut input = routing_input(lines.collect(), warehouses, stock);
        input.destination = destination(COUNTRIES[country]);
        input
    })
}

/// A plan that cuts every line at random over the warehouses of its seller, whatever is in stock.
pub fn cut(input: &Input, cuts: &[u32]) -> Plan {
    let mut cuts = cuts.iter().copied().cycle();
    let mut allocations = Vec::new();
    for line in &input.lines {
        let own: Vec<_> = input.warehouses.iter().filter(|w| w.seller_id == line.seller_id).collect();
        let mut left = line.quantity;
        while left > 0 {
            let (which, piece) = (cuts.next().unwrap_or(0), cuts.next().unwrap_or(0));
            let quantity = 1 + piece % left;
            left -= quantity;
            let warehouse_id = own[which as usize % own.len()].warehouse_id.clone();
            allocations.push(Allocation { line_id: line.line_id, warehouse_id, quantity });
        }
    }
    Plan { allocations }
}

/// A draft of these lines; each price is taxed at the rate beside it.
pub fn draft(input: Input, prices: &[(i64, u32)], shipping_cost: i64, inclusive: bool) -> Draft {
    let charge = |base: i64, rate_ppm: u32| Charge {
        amount: base * i64::from(rate_ppm) / 1_000_000,
        rate_ppm,
        name: "VAT".into(),
    };
    let lines: Vec<Line> = input
        .lines
        .iter()
        .zip(prices.iter().cycle())
        .map(|(line, &(price, rate))| Line {
            line_id: line.line_id,
            sku: line.sku.clone(),
            quantity: line.quantity,
            price,
            title: None,
            seller_id: line.seller_id.clone(),
            tax_code: None,
            discount: 0,
            tax: charge(price * i64::from(line.quantity), rate),
            status: LineStatus::Active,
            cancelled: 0,
            credited_units: 0,
            credited: 0,
        })
        .collect();
    let shipping_tax = charge(shipping_cost, prices.first().map_or(0, |p| p.1));
    let amounts = add_up(&lines, shipping_cost, shipping_tax.amount, inclusive).expect("the baskets are small");
    Draft {
        order_id: OrderId::new(Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0001)),
        tenant_id: TenantId::new(Uuid::from_u128(7)),
        placed_at: START,
        external_id: None,
        customer_id: None,
        currency: "EUR".parse().expect("the euro is listed"),
        prices_include_tax: inclusive,
        lines,
        discounts: Vec::new(),
        amounts,
        shipping_tax,
        payment_method_id: "pm_ok".to_owned(),
        holds: Vec::new(),
        destination: input.destination.clone(),
        billing: None,
        personal: None,
        delivery_preference: None,
        requested_delivery_date: None,
        estimated_delivery: None,
        discount_codes: vec!["SPRING".to_owned()],
        tax_exemption: None,
        metadata: Some(r#"{"channel":"web"}"#.to_owned()),
        payment_retry_seconds: RETRY_SECONDS,
        shipping_refund: ShippingRefund::default(),
        routing: Arc::new(input),
    }
}

/// Random drafts, each with a plan: some free of charge, some parked from the start.
pub fn drafts() -> impl Strategy<Value = (Draft, Plan)> {
    let sources = vec![HoldSource::Risk, HoldSource::PolicyFailure];
    let holds = prop_oneof![
        2 => Just(Vec::new()),
        1 => prop::collection::vec(prop::sample::select(sources), 1..3),
    ];
    let charges = prop_oneof![
        4 => (prop::collection::vec((0i64..1_000_000, 0u32..=1_000_000), 1..4), 0i64..10_000),
        1 => Just((vec![(0i64, 190_000u32)], 0i64)),
    ];
    const REFUNDS: &[ShippingRefund] = &[ShippingRefund::Never, ShippingRefund::WithLast, ShippingRefund::Shared];
    let terms = (any::<bool>(), prop::sample::select(REFUNDS));
    (inputs(), prop::collection::vec(any::<u32>(), 1..20), charges, holds, terms).prop_map(
        |(input, cuts, (prices, shipping), holds, (inclusive, shipping_refund))| {
            let plan = cut(&input, &cuts);
            let mut draft = draft(input, &prices, shipping, inclusive);
            draft.shipping_refund = shipping_refund;
            draft.holds = holds.into_iter().map(|source| (source, "to be looked at".to_owned())).collect();
            (draft, plan)
        },
    )
}

/// Two lines from two warehouses at this price.
pub fn small(price: i64, hold: Option<HoldSource>) -> (Draft, Plan) {
    let lines = vec![routed_line(1, sku(0), 2, None), routed_line(2, sku(1), 1, None)];
    let input = routing_input(lines, vec![warehouse(1, "US", 0, None), warehouse(2, "US", 1, None)], Vec::new());
    let plan = Plan { allocations: vec![allocation(1, 1, 1), allocation(1, 2, 1), allocation(2, 2, 1)] };
    let mut draft = draft(input, &[(price, 190_000)], 0, true);
    draft.holds = hold.map(|source| (source, "to be looked at".to_owned())).into_iter().collect();
    (draft, plan)
}
