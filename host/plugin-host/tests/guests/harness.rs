//! A host in a folder of its own, the built components, and orders to ask them about.

use std::path::{Path, PathBuf};
use std::process::Command;

use domain::hooks::{Context, Destination, Hook, exchange, notification, payment, risk, routing, tax};
use domain::ids::{OrderId, PaymentId, Sku, TenantId, WarehouseId};
use domain::time::Timestamp;
use plugin_host::limits::Limits;
use plugin_host::{CallContext, Config, Host, Plugin};
use tempfile::TempDir;

/// A host with an empty cache.
pub struct Fixture {
    pub host: Host,
    pub dir: TempDir,
}

impl Fixture {
    pub fn new() -> Self {
        Self::with(Limits::default())
    }

    pub fn with(limits: Limits) -> Self {
        let dir = TempDir::new().unwrap();
        let host = host(dir.path(), [7; 32], limits);
        Self { host, dir }
    }

    pub async fn load(&self, name: &str, hook: Hook) -> Plugin {
        self.host.load(None, &component(name), hook).await.unwrap()
    }
}

/// A host on a given cache folder and key.
pub fn host(dir: &Path, cache_key: [u8; 32], limits: Limits) -> Host {
    let compiler = Box::new(|| Command::new(env!("CARGO_BIN_EXE_compile-policy")));
    Host::new(Config { cache_dir: dir.to_owned(), cache_key, compiler, limits }).unwrap()
}

/// The bytes of a built component; `fixture_…` are the hostile ones.
pub fn component(name: &str) -> Vec<u8> {
    let folder = if name.starts_with("fixture_") { "policies/fixtures" } else { "policies" };
    let path = profile_dir().join(folder).join(format!("{name}.wasm"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}: run `cargo xtask policies`", path.display()))
}

/// `target/<profile>`: a test's executable lies in `deps` under it.
pub fn profile_dir() -> PathBuf {
    let exe = std::env::current_exe().unwrap();
    let found = exe.ancestors().find(|dir| dir.join("policies").is_dir());
    found
        .unwrap_or_else(|| panic!("no folder `policies` above {}: run `cargo xtask policies`", exe.display()))
        .to_owned()
}

pub fn caller() -> CallContext {
    caller_of(1)
}

pub fn caller_of(tenant: u128) -> CallContext {
    CallContext::order(TenantId::new(uuid::Uuid::from_u128(tenant)))
}

pub fn context(config: &str) -> Context {
    Context { now: Timestamp::from_micros(1_770_000_000_000_000), config: config.into() }
}

pub fn sku(text: &str) -> Sku {
    Sku::parse(text).unwrap()
}

pub fn texas() -> Destination {
    Destination {
        country: "US".into(),
        region: Some("TX".into()),
        city: Some("Austin".into()),
        zip: Some("78701".into()),
    }
}

fn warehouse(id: &str, region: &str, latitude: i32, longitude: i32) -> routing::Warehouse {
    routing::Warehouse {
        warehouse_id: WarehouseId::parse(id).unwrap(),
        country: "US".into(),
        region: Some(region.into()),
        zip: None,
        latitude_e6: Some(latitude),
        longitude_e6: Some(longitude),
        priority: 0,
        seller_id: None,
    }
}

/// A to ship from New York, B from Los Angeles, C from either, to New York.
pub fn routing_input() -> routing::Input {
    let line = |line_id, name: &str, quantity| routing::Line {
        line_id,
        sku: sku(name),
        quantity,
        price: None,
        seller_id: None,
    };
    let stock = |name: &str, at: &str| routing::Stock {
        sku: sku(name),
        warehouse_id: WarehouseId::parse(at).unwrap(),
        available: 10,
    };
    routing::Input {
        context: context("{}"),
        destination: Destination { region: Some("NY".into()), ..texas() },
        delivery_preference: Some("standard".into()),
        requested_delivery_date: Some("2026-03-18".parse().unwrap()),
        currency: None,
        lines: vec![line(1, "A", 1), line(2, "B", 2), line(3, "C", 3)],
        warehouses: vec![
            warehouse("WH-LAX", "CA", 33_900_000, -118_400_000),
            warehouse("WH-NYC", "NY", 40_700_000, -74_000_000),
        ],
        stock: vec![stock("A", "WH-NYC"), stock("B", "WH-LAX"), stock("C", "WH-LAX"), stock("C", "WH-NYC")],
    }
}

/// As many lines as an order may have, each in every one of so many warehouses.
pub fn huge_routing_input(lines: u32, warehouses: u32) -> routing::Input {
    let input = routing_input();
    let at =
        |n: u32| warehouse(&format!("WH-{n:04}"), "NY", 40_000_000 + i32::try_from(n).unwrap() * 10_000, -74_000_000);
    let line = |n: u32| routing::Line {
        line_id: n,
        sku: sku(&format!("SKU-{n:06}")),
        quantity: 2,
        price: None,
        seller_id: None,
    };
    let lines: Vec<_> = (1..=lines).map(line).collect();
    let warehouses: Vec<_> = (1..=warehouses).map(at).collect();
    // One unit each: every line needs two warehouses, and all lines together can use the same two.
    let stock = lines.iter().flat_map(|l| {
        warehouses.iter().map(|w| routing::Stock {
            sku: l.sku.clone(),
            warehouse_id: w.warehouse_id.clone(),
            available: 1,
        })
    });
    routing::Input { stock: stock.collect(), lines, warehouses, ..input }
}

/// The order of the API's documentation: two blue mugs to Austin.
pub fn tax_input() -> tax::Input {
    tax::Input {
        context: context(""),
        currency: "USD".parse().unwrap(),
        prices_include_tax: false,
        destination: texas(),
        exemption: None,
        lines: vec![tax::Line {
            line_id: 1,
            sku: sku("SKU-123"),
            tax_code: Some("general".into()),
            quantity: 2,
            amount: 5998,
        }],
        shipping: 500,
    }
}

pub fn risk_input(config: &str) -> risk::Input {
    risk::Input {
        context: context(config),
        order_id: OrderId::new(uuid::Uuid::from_u128(9)),
        currency: "USD".parse().unwrap(),
        total: 6993,
        lines: vec![risk::Line { line_id: 1, sku: sku("SKU-123"), quantity: 2, price: 2999 }],
        destination: texas(),
        billing_country: Some("US".into()),
        customer_id: None,
        email_domain: Some("example.com".into()),
        payment_method_id: "pm_ok".into(),
    }
}

/// The sandbox adapter is to authorise what the documented order costs.
pub fn payment_input(transcript: Vec<exchange::Entry>) -> payment::Input {
    payment::Input {
        context: context(r#"{"base_url": "http://127.0.0.1:8090"}"#),
        operation: payment::Operation::Authorize(payment::Authorize {
            payment_id: PaymentId::new(uuid::Uuid::from_u128(1)),
            order_id: OrderId::new(uuid::Uuid::from_u128(2)),
            amount: 6993,
            currency: "USD".parse().unwrap(),
            payment_method_id: "pm_ok".into(),
        }),
        transcript,
    }
}

/// An order of two units was placed.
pub fn notification_input(config: &str) -> notification::Input {
    notification::Input {
        context: context(config),
        event: notification::Event { name: "order.placed".into(), at: context("").now, version: 1, reason: None },
        order: notification::Order {
            order_id: OrderId::new(uuid::Uuid::from_u128(1)),
            external_id: None,
            status: "placed".into(),
            currency: "USD".parse().unwrap(),
            total: 1999,
            country: "US".into(),
            estimated_delivery: None,
            lines: vec![notification::Line { line_id: 1, sku: sku("A"), title: None, quantity: 2 }],
            shipments: Vec::new(),
        },
    }
}

/// A proper question, as a decision records it; none for a hook that has no input here.
pub fn question(hook: Hook, config: &str) -> Option<String> {
    let input = match hook.name() {
        "routing" => serde_json::to_string(&routing::Input { context: context(config), ..routing_input() }),
        "tax" => serde_json::to_string(&tax::Input { context: context(config), ..tax_input() }),
        "risk" => serde_json::to_string(&risk_input(config)),
        "notification" => serde_json::to_string(&notification_input(config)),
        "payment" => serde_json::to_string(&payment_input(vec![])),
        _ => return None,
    };
    Some(input.unwrap())
}
