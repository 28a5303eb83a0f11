//! What a call costs: a fresh instance against one that is used again, for each reference policy.
//!
//! `cargo run --release -p plugin-host --example call_cost [-- POLICIES_DIR]`

#![expect(clippy::float_arithmetic, reason = "microseconds are for people to read")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use domain::hooks::{Context, Destination, Hook, Question, risk, routing, tax};
use domain::ids::{OrderId, Sku, TenantId, WarehouseId};
use domain::time::Timestamp;
use plugin_host::limits::Limits;
use plugin_host::{CallContext, Config, Host, Plugin};
use uuid::Uuid;

const CALLS: usize = 20_000;
/// The reference policies give no memory back within an instance, so one instance does not last for ever.
const CALLS_REUSED: usize = 3_000;

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
fn routing_input() -> routing::Input {
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

fn tax_input() -> tax::Input {
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

fn risk_input() -> risk::Input {
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

/// In microseconds.
fn at(times: &[Duration], permille: usize) -> f64 {
    times[times.len() * permille / 1000].as_secs_f64() * 1e6
}

fn print(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

async fn measure<Q: Question>(name: &str, plugin: &Plugin, question: &Q) {
    let caller = CallContext { tenant: TenantId::new(Uuid::from_u128(1)) };
    let mut times = Vec::with_capacity(CALLS);
    let mut fuel = 0;
    for _ in 0..CALLS {
        let began = Instant::now();
        fuel = plugin.call(caller, question).await.fuel;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    let (p50, p99) = (at(&times, 500), at(&times, 990));
    let mut reused = plugin.reuse(caller, question, CALLS_REUSED).await.expect("the reference policies answer");
    reused.sort_unstable();
    let again = at(&reused, 500);
    let more = p50 - again;
    print(&format!(
        "{name:<16} fresh p50 {p50:5.1} µs, p99 {p99:6.1} µs   reused p50 {again:5.1} µs   difference {more:5.1} µs   fuel {fuel}"
    ));
}

fn policies(argument: Option<String>) -> PathBuf {
    let beside = || std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.parent()?.join("policies")));
    argument.map(PathBuf::from).or_else(beside).expect("there is a folder with policies")
}

fn compiler() -> Command {
    let exe = std::env::current_exe().expect("a process knows its executable");
    let dir = exe.parent().and_then(Path::parent).expect("an example lies in a folder of the target directory");
    Command::new(dir.join("compile-policy"))
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let dir = policies(std::env::args().nth(1));
    let cache = tempfile::tempdir().expect("there is a place for temporary files");
    let config = Config {
        cache_dir: cache.path().to_owned(),
        cache_key: [1; 32],
        compiler: Box::new(compiler),
        limits: Limits::default(),
    };
    let host = Host::new(config).expect("the host starts");
    let load = async |name: &str, hook| {
        let wasm =
            std::fs::read(dir.join(format!("{name}.wasm"))).expect("the policies are built: `cargo xtask policies`");
        host.load(None, &wasm, hook).await.expect("the reference policies load")
    };
    measure("routing_nearest", &load("routing_nearest", Hook::Routing).await, &routing_input()).await;
    measure("tax_table", &load("tax_table", Hook::Tax).await, &tax_input()).await;
    measure("risk_rules", &load("risk_rules", Hook::Risk).await, &risk_input()).await;
}
