//! What the policies are asked: an order of three lines that four warehouses can ship.

use domain::hooks::{Context, Destination, risk, routing, tax};
use domain::ids::{OrderId, Sku, TenantId, WarehouseId};
use domain::time::Timestamp;
use plugin_host::CallContext;
use uuid::Uuid;

/// For whom: each merchant is a number.
pub fn caller(merchant: u128) -> CallContext {
    CallContext::order(TenantId::new(Uuid::from_u128(merchant)))
}

fn context() -> Context {
    Context { now: Timestamp::from_micros(1_770_000_000_000_000), config: "{}".into() }
}

fn texas() -> Destination {
    Destination {
        country: "US".into(),
        region: Some("TX".into()),
        city: Some("Austin".into()),
        zip: Some("78701".into()),
    }
}

fn sku(n: u32) -> Sku {
    Sku::parse(&format!("SKU-{n:05}")).expect("a short name is a SKU")
}

/// Three lines, four warehouses that have everything.
pub fn routing() -> routing::Input {
    let warehouse = |n: i32| routing::Warehouse {
        warehouse_id: WarehouseId::parse(&format!("WH-{n}")).expect("a short name is a warehouse"),
        country: "US".into(),
        region: Some("NY".into()),
        zip: Some("10001".into()),
        latitude_e6: Some(40_000_000 + n * 100_000),
        longitude_e6: Some(-74_000_000),
        priority: n,
        seller_id: None,
    };
    let lines: Vec<_> =
        (1..=3).map(|n| routing::Line { line_id: n, sku: sku(n), quantity: 2, price: None, seller_id: None }).collect();
    let warehouses: Vec<_> = (0..4).map(warehouse).collect();
    let at = |line: &routing::Line, w: &routing::Warehouse| routing::Stock {
        sku: line.sku.clone(),
        warehouse_id: w.warehouse_id.clone(),
        available: 100,
    };
    routing::Input {
        context: context(),
        destination: texas(),
        delivery_preference: Some("standard".into()),
        requested_delivery_date: None,
        currency: None,
        stock: lines.iter().flat_map(|l| warehouses.iter().map(move |w| at(l, w))).collect(),
        lines,
        warehouses,
    }
}

pub fn tax() -> tax::Input {
    let line = |n| tax::Line { line_id: n, sku: sku(n), tax_code: Some("general".into()), quantity: 2, amount: 5998 };
    tax::Input {
        context: context(),
        currency: "USD".parse().expect("the dollar is a currency"),
        prices_include_tax: false,
        destination: texas(),
        exemption: None,
        lines: (1..=3).map(line).collect(),
        shipping: 500,
    }
}

pub fn risk() -> risk::Input {
    risk::Input {
        context: context(),
        order_id: OrderId::new(Uuid::from_u128(1)),
        currency: "USD".parse().expect("the dollar is a currency"),
        total: 18_494,
        lines: (1..=3).map(|n| risk::Line { line_id: n, sku: sku(n), quantity: 2, price: 2999 }).collect(),
        destination: texas(),
        billing_country: Some("US".into()),
        customer_id: None,
        email_domain: Some("example.com".into()),
        payment_method_id: "pm_ok".into(),
    }
}
