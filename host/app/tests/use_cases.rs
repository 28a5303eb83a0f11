//! The use cases on a real store in a temporary directory, with the native policies.

#![expect(clippy::unwrap_used, reason = "a test ends where something unexpected happens")]

use std::process::Command as Process;
use std::sync::Arc;
use std::time::Duration;

use app::merchant::{Caller, Scope, Settings};
use app::place::{Item, Refusal, Request};
use app::stock::{Change, Warehouse};
use app::{App, Config, Idempotency};
use domain::command::Command;
use domain::hooks::Destination;
use domain::ids::{ExternalId, PluginId, Sku, WarehouseId};
use domain::order::{HoldSource, Personal, PersonalAddress};
use domain::status::OrderStatus;
use search::SearchOptions;

struct Shop {
    directory: tempfile::TempDir,
    app: App,
    caller: Arc<Caller>,
}

async fn open(directory: &std::path::Path) -> App {
    let _ = rustls::crypto::ring::default_provider().install_default();
    App::start(Config::new(directory.to_path_buf(), Box::new(|| Process::new("false")))).await.unwrap()
}

async fn shop() -> Shop {
    let directory = tempfile::tempdir().unwrap();
    let app = open(directory.path()).await;
    let merchant = app.create_merchant("test", Settings::new("USD".parse().unwrap(), "US")).await.unwrap();
    let key = app.create_key(merchant.tenant_id, "test key", &Scope::ALL, None).await.unwrap();
    let caller = app.authenticate(&key.secret).await.unwrap().unwrap();
    let warehouse = Warehouse {
        warehouse_id: warehouse_id(),
        name: "One".into(),
        country: "US".into(),
        region: None,
        zip: None,
        latitude_e6: None,
        longitude_e6: None,
        priority: 1,
        seller_id: None,
        cutoff: None,
        time_zone: None,
    };
    assert!(app.put_warehouse(caller.tenant(), &warehouse).await.unwrap());
    app.put_inventory(&caller, sku(), warehouse_id(), 10).await.unwrap();
    Shop { directory, app, caller }
}

fn warehouse_id() -> WarehouseId {
    WarehouseId::parse("WH-1").unwrap()
}

fn sku() -> Sku {
    Sku::parse("MUG").unwrap()
}

fn key(text: &str) -> Idempotency {
    Idempotency { key: text.into(), fingerprint: [7; 32] }
}

fn basket(quantity: u32, price: i64) -> Request {
    Request {
        items: vec![Item {
            sku: sku(),
            quantity,
            price,
            title: Some("Blue mug".into()),
            seller_id: None,
            tax_code: None,
        }],
        currency: "USD".parse().unwrap(),
        prices_include_tax: false,
        discount_codes: Vec::new(),
        customer_id: None,
        personal: Personal {
            name: Some("Ann Lee".into()),
            email: Some("ann@example.com".into()),
            shipping: PersonalAddress { name: Some("Ann Lee".into()), street: Some("1 Main St".into()) },
            ..Personal::default()
        },
        destination: Destination {
            country: "US".into(),
            region: Some("TX".into()),
            city: Some("Austin".into()),
            zip: None,
        },
        billing: None,
        tax_exemption: None,
        shipping_cost: Some(0),
        payment_method_id: "pm_ok".into(),
        delivery_preference: None,
        requested_delivery_date: None,
        external_id: None,
        metadata: None,
    }
}

impl Shop {
    async fn place(&self, request: Request, text: &str) -> Result<app::place::Done, Refusal> {
        self.app.place(self.caller.clone(), request, key(text)).await
    }

    async fn levels(&self) -> (i64, i64) {
        let level = self.app.inventory(self.caller.tenant(), &sku()).await.unwrap().remove(0);
        (level.on_hand, level.reserved)
    }
}

#[tokio::test]
async fn an_order_is_placed_found_and_cancelled() {
    let shop = shop().await;
    let tenant = shop.caller.tenant();
    let placed = shop.place(basket(2, 2999), "one").await.unwrap();
    assert_eq!((placed.order.status, placed.replayed), (OrderStatus::PaymentPending, false));
    assert_eq!(placed.order.amounts.total, 5998);
    assert_eq!(shop.levels().await, (10, 2));

    let again = shop.place(basket(2, 2999), "one").await.unwrap();
    assert!(again.replayed);
    assert_eq!(again.order, placed.order);
    let other = Idempotency { key: "one".into(), fingerprint: [8; 32] };
    let reused = shop.app.place(shop.caller.clone(), basket(1, 1), other).await;
    assert!(matches!(reused, Err(Refusal::Idempotency(_))));

    let personal = shop.app.personal(&[&placed.order]).await.unwrap().remove(0).unwrap();
    assert_eq!(personal.email.as_deref(), Some("ann@example.com"));
    assert!(!serde_json::to_string(&placed.order).unwrap().contains("ann@example.com"));

    let found = async || shop.app.search(tenant, "ann mug", SearchOptions::default()).await.unwrap();
    for _ in 0..100 {
        if found().await.total == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(found().await.orders[0].order_id, placed.order.order_id);

    let cancel = Command::Cancel { reason: "changed my mind".into() };
    let id = placed.order.order_id;
    let cancelled = shop.app.command(shop.caller.clone(), id, cancel.clone(), None, Some(key("two"))).await.unwrap();
    assert_eq!(cancelled.order.status, OrderStatus::Cancelled);
    assert_eq!(shop.levels().await, (10, 0));
    let repeated = shop.app.command(shop.caller.clone(), id, cancel, None, Some(key("three"))).await.unwrap();
    assert_eq!(repeated.order.status, OrderStatus::Cancelled);
    let kinds: Vec<_> = shop.app.order_events(tenant, id).await.unwrap().unwrap().into_iter().map(|e| e.kind).collect();
    assert_eq!(kinds, ["order.placed", "order.cancelled"]);
    let report = shop.app.verify().await.unwrap();
    assert_eq!((report.orders, report.faults.len()), (1, 0));
    shop.app.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_is_sent_again_at_once_is_not_refused_by_its_own_effect() {
    let shop = shop().await;
    let order_id = shop.place(basket(1, 0), "order").await.unwrap().order.order_id;
    let send = async |command: Command, text: String| {
        shop.app.command(shop.caller.clone(), order_id, command, None, Some(key(&text))).await
    };
    for round in 0..30 {
        let hold = Command::Hold { reason: "wait".into(), source: HoldSource::Manual };
        send(hold, format!("hold {round}")).await.unwrap();
        // Only the first finds the order on hold. The others come one after the other while it is being released.
        let mut releases = tokio::task::JoinSet::new();
        for _ in 0..40 {
            let (app, caller, key) = (shop.app.clone(), shop.caller.clone(), key(&format!("release {round}")));
            releases.spawn(async move { app.command(caller, order_id, Command::Release, None, Some(key)).await });
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
        }
        let done = releases.join_all().await.into_iter().map(Result::unwrap);
        assert_eq!(done.filter(|done| !done.replayed).count(), 1);
    }
    shop.app.shut_down().await;
}

#[tokio::test]
async fn stock_is_never_promised_twice() {
    let shop = shop().await;
    let attempts = (0..50).map(|n| {
        let (app, caller) = (shop.app.clone(), shop.caller.clone());
        tokio::spawn(async move { app.place(caller, basket(1, 100), key(&format!("k{n}"))).await })
    });
    let mut placed = 0;
    for attempt in attempts.collect::<Vec<_>>() {
        match attempt.await.unwrap() {
            Ok(_) => placed += 1,
            Err(Refusal::OutOfStock(shortages)) => assert_eq!(shortages[0].available, 0),
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(placed, 10);
    assert_eq!(shop.levels().await, (10, 10));
    let delta = |delta| vec![Change { sku: sku(), warehouse_id: warehouse_id(), delta, reason: None }];
    assert!(shop.app.adjust_inventory(&shop.caller, delta(-1), None).await.is_err());
    let adjusted = shop.app.adjust_inventory(&shop.caller, delta(5), Some(key("stock"))).await.unwrap();
    assert_eq!(adjusted.levels[0].1.on_hand, 15);
    let again = shop.app.adjust_inventory(&shop.caller, delta(5), Some(key("stock"))).await.unwrap();
    assert!(again.replayed);
    assert_eq!(shop.levels().await, (15, 10));
}

#[tokio::test]
async fn nothing_to_pay_is_confirmed_and_a_number_is_used_once() {
    let shop = shop().await;
    let numbered = || Request { external_id: Some(ExternalId::parse("WEB-1").unwrap()), ..basket(1, 0) };
    let placed = shop.place(numbered(), "one").await.unwrap();
    assert_eq!((placed.order.status, placed.order.version), (OrderStatus::PaymentConfirmed, 2));
    match shop.place(numbered(), "two").await {
        Err(Refusal::DuplicateExternalId(id)) => assert_eq!(id, placed.order.order_id),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let shop = shop().await;
    let placed = shop.place(basket(1, 100), "one").await.unwrap();
    shop.app.shut_down().await;
    let directory = shop.directory;
    drop(shop.app);
    let app = open(directory.path()).await;
    let order = app.order(placed.order.tenant_id, placed.order.order_id).await.unwrap().unwrap();
    assert_eq!(order.lines, placed.order.lines);
    let personal = app.personal(&[&order]).await.unwrap().remove(0).unwrap();
    assert_eq!(personal.name.as_deref(), Some("Ann Lee"));
    let again = app.place(shop.caller.clone(), basket(1, 100), key("one")).await.unwrap();
    assert!(again.replayed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_is_free_once_it_was_shut_down() {
    let shop = shop().await;
    shop.app.shut_down().await;
    // The handle is still there; its store and its index have let go all the same.
    let again = open(shop.directory.path()).await;
    assert_eq!(again.merchants().await.unwrap().len(), 1);
    assert!(shop.app.merchants().await.is_err());
    again.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_component_that_is_not_what_its_digest_says_is_not_run() {
    let shop = shop().await;
    shop.app.shut_down().await;
    let (directory, tenant) = (shop.directory, shop.caller.tenant());
    drop(shop.app);
    // Somebody has changed the bytes in the database.
    let store = store::Store::open(store::Config::new(directory.path().join("store"))).await.unwrap();
    let digest = plugin_host::digest(b"\0asm as it was uploaded");
    store.put_component(&digest, b"\0asm as it is now").await.unwrap();
    let version = store::PluginVersion {
        plugin_id: PluginId::new(uuid::Uuid::from_u128(1)),
        plugin: "forged".into(),
        version: String::new(),
        digest: digest.clone(),
        hook: "risk".into(),
        status: "ready".into(),
        report: "{}".into(),
        created_at: app::clock::now(),
    };
    store.add_plugin_version(tenant, &version).await.unwrap().unwrap();
    store.shutdown().await.unwrap();
    drop(store);

    let app = open(directory.path()).await;
    let version = app.versions(tenant).await.unwrap().pop().unwrap();
    let refused = app.run_version(tenant, &version, "{}").await.unwrap_err();
    let said = format!("{refused:?}");
    assert!(said.contains(&digest) && said.contains("has the digest"), "{said}");
    app.shut_down().await;
}
