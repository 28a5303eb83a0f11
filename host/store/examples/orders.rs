//! Places orders as fast as the write path takes them, for profiling: `cargo run --release -p store --example orders`.
//!
//! Each order has three lines, three recorded policy calls of usual size, and an idempotency key, as the real ones have.
//! Arguments: seconds (5), clients (200), SKUs (10000; 1 is a flash sale).

#![expect(clippy::print_stdout, clippy::unwrap_used, clippy::float_arithmetic, reason = "a tool for developers")]

#[path = "../tests/support/sample.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod sample;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use domain::hooks::Hook;
use domain::ids::{DecisionId, OrderId, Sku, TenantId};
use sample::{NOW, all_from, draft, sku, tenant, warehouse};
use store::{Changeset, Config, Decision, KeyClaim, OrderChange, Outcome, StockChange, Store, Tenant};
use uuid::Uuid;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mut arguments = std::env::args().skip(1).map(|a| a.parse::<u64>().unwrap());
    let seconds = arguments.next().unwrap_or(5);
    let clients = arguments.next().unwrap_or(200);
    let skus = arguments.next().unwrap_or(10_000);
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(Config::new(directory.path())).await.unwrap();
    let tenant = tenant(1);
    set_up(&store, tenant, skus).await;

    let placed = Arc::new(AtomicU64::new(0));
    let (begun, cpu) = (Instant::now(), cpu_seconds());
    let until = begun + Duration::from_secs(seconds);
    let mut tasks = tokio::task::JoinSet::new();
    for client in 0..clients {
        let (store, placed) = (store.clone(), placed.clone());
        tasks.spawn(async move {
            let mut n = client * 7919;
            while Instant::now() < until {
                n += 1;
                let names = [n % skus, (n * 31 + 7) % skus, (n * 17 + 3) % skus].map(sku);
                let stock = store.stock(tenant, names.iter().cloned().collect()).await.unwrap();
                assert!(!stock.is_empty());
                let outcome = store.commit(order(tenant, &names, format!("{client}-{n}"))).await.unwrap();
                assert!(matches!(outcome, Outcome::Committed(_)), "{outcome:?}");
                placed.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    tasks.join_all().await;
    let (elapsed, cpu) = (begun.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let placed = placed.load(Ordering::Relaxed) as f64;
    println!(
        "{:.0} orders/s, {:.0} µs of CPU an order, of {clients} clients on {skus} SKUs",
        placed / elapsed,
        cpu / placed * 1e6
    );
    let size = std::fs::metadata(directory.path().join("orderwright.db")).unwrap().len() as f64;
    println!("{:.1} kB an order in the database", size / placed / 1e3);
    store.shutdown().await.unwrap();
}

async fn set_up(store: &Store, tenant: TenantId, skus: u64) {
    let row =
        Tenant { tenant_id: tenant, name: "t".into(), currency: "USD".into(), settings: "{}".into(), created_at: NOW };
    store.create_tenant(&row).await.unwrap();
    for name in ["NYC", "LAX"] {
        store.put_warehouse(tenant, &warehouse(name), "{}").await.unwrap();
    }
    for chunk in (0..skus).collect::<Vec<_>>().chunks(1000) {
        let set = |n: &u64| {
            ["NYC", "LAX"].map(|name| StockChange::SetOnHand {
                sku: sku(n),
                warehouse: warehouse(name),
                on_hand: 1 << 40,
            })
        };
        let stock = chunk.iter().flat_map(set).collect();
        store.commit(Changeset { stock, ..Changeset::new(tenant, "set-up") }).await.unwrap();
    }
}

fn order(tenant: TenantId, names: &[Sku; 3], key: String) -> Changeset {
    let lines = names.clone().map(|name| (name, 1));
    let draft = draft(tenant, &lines, &[warehouse("NYC"), warehouse("LAX")]);
    let decisions = [Hook::Routing, Hook::Tax, Hook::Risk].map(|hook| decision(draft.order_id, hook)).to_vec();
    let plans = vec![all_from(&draft, &warehouse("NYC"))];
    Changeset {
        order: OrderChange::Place { draft: Arc::new(draft), plans, lease: None },
        key: Some(KeyClaim { key, fingerprint: [7; 32], status: 201, response: None }),
        decisions,
        ..Changeset::new(tenant, "web shop")
    }
}

fn decision(order_id: OrderId, hook: Hook) -> Decision {
    Decision {
        decision_id: DecisionId::new(Uuid::now_v7()),
        order_id,
        hook,
        plugin: "nearest".into(),
        plugin_version: "1".into(),
        digest: Some("sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef".into()),
        outcome: "answered".into(),
        fuel: 123_456,
        duration_us: 30,
        input: format!("{{\"lines\":\"{}\"}}", "x".repeat(1200)).into(),
        output: Some(format!("{{\"plans\":\"{}\"}}", "x".repeat(300)).into()),
        logs: "".into(),
        error: None,
        at: NOW,
        role: store::Role::Active,
    }
}

/// User and system time of this process, from `/proc`; hundredths of a second are fine enough here.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit_once(')').unwrap().1;
    let ticks: u64 = after_name.split_whitespace().skip(11).take(2).map(|t| t.parse::<u64>().unwrap()).sum();
    ticks as f64 / 100.0
}
