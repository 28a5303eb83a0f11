//! Merchants' own policies, good and hostile: what they decide, and what happens when they fail.

use e2e::admin::{self, Binding, Tenant};
use e2e::client::{Request, order_id};
use e2e::server::Folder;
use e2e::{Client, Options, Server, Shop, basket, unique};
use serde_json::{Value, json};

/// A component that misbehaves, the hook that it serves, and how its call may end.
const HOSTILE: [(&str, &str, &[&str]); 8] = [
    ("fixture_loop_forever", "routing", &["out_of_fuel", "timed_out"]),
    ("fixture_grab_memory", "routing", &["memory_limit"]),
    ("fixture_output_bomb", "routing", &["output_too_large", "out_of_fuel", "memory_limit"]),
    ("fixture_nonsense_routing", "routing", &["law_broken"]),
    ("fixture_negative_tax", "tax", &["law_broken"]),
    ("fixture_recursion", "tax", &["trap"]),
    ("fixture_trap", "risk", &["trap"]),
    // What it writes is bounded; it may answer, or have spent too much on writing.
    ("fixture_log_flood", "risk", &["ok", "out_of_fuel", "timed_out"]),
];

/// More than a decision's log may hold would be a fault of the host.
const LOG_BYTES_MAX: usize = 64 * 1024;

/// A merchant for each hostile component, with the failure policy that its number gives.
struct Victim {
    component: &'static str,
    hook: &'static str,
    outcomes: &'static [&'static str],
    on_failure: &'static str,
    tenant: Tenant,
}

fn victims(folder: &Folder) -> Vec<Victim> {
    let mut victims = Vec::new();
    for (number, (component, hook, outcomes)) in HOSTILE.into_iter().enumerate() {
        // Each policy for one failure of each hook, and one for each further failure, which is handled in the same place.
        let policies = ["fallback", "hold", "reject"];
        let is_first = HOSTILE[..number].iter().all(|(_, earlier, _)| *earlier != hook);
        let chosen = if is_first { &policies[..] } else { &policies[number % 3..][..1] };
        for on_failure in chosen {
            let tenant = admin::create_tenant(folder, &format!("{component} {on_failure}"));
            let file = admin::fixture(component);
            admin::bind(folder, &Binding { tenant: &tenant.tenant, hook, file, on_failure, config: json!({}) });
            victims.push(Victim { component, hook, outcomes, on_failure, tenant });
        }
    }
    victims
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_policy_harms_nobody_but_its_own_merchant() {
    let folder = Folder::new();
    let victims = victims(&folder);
    let mut server = Server::start_in(folder, Options::new());
    let demo = Shop::open(server.client()).await;
    let sku = demo.stocked(1_000).await;
    // The demo merchant orders all the while, and is answered by its own policies.
    let (done, mut is_done) = tokio::sync::oneshot::channel::<()>();
    let (client, demo_sku) = (demo.client.clone(), sku.clone());
    let neighbour = tokio::spawn(async move {
        let mut orders = Vec::new();
        while is_done.try_recv().is_err() {
            orders.push(client.placed(&basket::of(&demo_sku, 1)).await);
        }
        orders
    });
    for victim in &victims {
        suffers(&server, victim).await;
        assert!(server.lives(), "{}", victim.component);
    }
    done.send(()).expect("the neighbour goes on");
    let orders = neighbour.await.unwrap();
    assert!(!orders.is_empty());
    for id in [orders.first(), orders.last()].into_iter().flatten() {
        let decisions = demo.client.decisions(id).await;
        for hook in ["routing", "tax", "risk"] {
            let decision = decisions.iter().find(|d| d["hook"] == hook).unwrap();
            assert_eq!(decision["outcome"], "ok", "{decision}");
        }
        demo.client.order_in(id, "payment_confirmed").await;
    }
    server.stop();
    admin::verify(server.folder());
}

async fn suffers(server: &Server, victim: &Victim) {
    let Victim { component, hook, on_failure, .. } = victim;
    let shop = Shop::open(server.client_with(&victim.tenant.api_key)).await;
    let sku = shop.stocked(5).await;
    let reply = shop.client.place(&basket::for_free(&sku, 2)).await;
    if victim.outcomes.contains(&"ok") && reply.status == 201 && reply.body["holds"] == json!([]) {
        return assert_outcome(&shop.client, &order_id(&reply.body), victim).await;
    }
    match *on_failure {
        "fallback" => {
            let order = reply.expect(201);
            assert_eq!(order["status"], "payment_confirmed", "{component}: the native default decides: {order}");
            assert_eq!(order["shipments"][0]["warehouse"], "WH-TEST", "{order}");
            assert_eq!(order["tax"], "0.00", "{order}");
            assert_outcome(&shop.client, &order_id(&order), victim).await;
        }
        "hold" => {
            let order = reply.expect(201);
            assert_eq!((&order["status"], &order["holds"][0]["source"]), (&json!("placed"), &json!("policy_failure")));
            assert!(order["holds"][0]["reason"].as_str().is_some_and(|reason| reason.contains(hook)), "{order}");
            assert_eq!(shop.level(&sku).await.reserved, 2);
            let id = order_id(&order);
            assert_outcome(&shop.client, &id, victim).await;
            let released = shop.client.call(Request::new("POST", &format!("/orders/{id}/release"))).await;
            assert_eq!(released.expect(200)["status"], "payment_confirmed", "a person has looked");
        }
        _ => {
            reply.expect_refusal(422, "policy_failed");
            assert_eq!(reply.body["hook"], *hook);
            assert_eq!(shop.level(&sku).await.reserved, 0);
            assert!(shop.client.all("/orders").await.is_empty());
        }
    }
}

/// The decision says how the call ended.
async fn assert_outcome(client: &Client, id: &str, victim: &Victim) {
    let decisions = client.decisions(id).await;
    let decision = decisions.iter().find(|d| d["hook"] == victim.hook).expect("the call left a decision");
    let outcome = decision["outcome"].as_str().expect("an outcome");
    assert!(victim.outcomes.contains(&outcome), "{}: {decision}", victim.component);
    assert_eq!(decision["plugin"], format!("own-{}", victim.component));
    assert_eq!(decision["error"].is_string(), outcome != "ok", "{decision}");
    assert!(decision["input"].is_object(), "{decision}");
    let logs = decision["logs"].to_string();
    assert!(logs.len() <= LOG_BYTES_MAX, "the log is bounded");
    if victim.component == "fixture_trap" {
        assert!(logs.contains("cannot screen 1 lines"), "{decision}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merchants_rules_send_orders_to_review_or_refuse_them() {
    let folder = Folder::new();
    let tenant = admin::create_tenant(&folder, "careful");
    let config = json!({"review_quantity": 10, "reject_quantity": 20, "blocked_countries": ["KP"]});
    let file = admin::policy("risk_rules");
    admin::bind(&folder, &Binding { tenant: &tenant.tenant, hook: "risk", file, on_failure: "reject", config });
    let mut server = Server::start_in(folder, Options::new());
    let shop = Shop::open(server.client_with(&tenant.api_key)).await;
    let sku = shop.stocked(100).await;

    let order = shop.client.place(&basket::of(&sku, 9)).await.expect(201);
    assert_eq!((&order["status"], &order["holds"]), (&json!("payment_pending"), &json!([])));
    shop.client.order_in(&order_id(&order), "payment_confirmed").await;

    let parked = shop.client.place(&basket::of(&sku, 10)).await.expect(201);
    assert_eq!((&parked["status"], &parked["holds"][0]["source"]), (&json!("placed"), &json!("risk")));
    assert_eq!((&parked["payment"]["status"], &parked["payment"]["authorized"]), (&json!("pending"), &json!("0.00")));
    let id = order_id(&parked);
    let release = Request::new("POST", &format!("/orders/{id}/release"));
    assert_eq!(shop.client.call(release).await.expect(200)["status"], "payment_pending", "its payment begins now");
    shop.client.order_in(&id, "payment_confirmed").await;

    // One that is parked and cancelled was never sent to the provider.
    let parked = order_id(&shop.client.place(&basket::of(&sku, 10)).await.expect(201));
    let cancelled = shop.client.cancel(&parked).await.expect(200);
    assert_eq!((&cancelled["status"], &cancelled["payment"]["status"]), (&json!("cancelled"), &json!("voided")));
    assert_eq!(cancelled["holds"], json!([]));

    let refused = shop.client.place(&basket::of(&sku, 20)).await;
    refused.expect_refusal(422, "order_rejected");
    assert!(refused.body["reasons"].as_array().is_some_and(|reasons| !reasons.is_empty()), "{}", refused.text);
    let abroad = basket::with(basket::of(&sku, 1), json!({"shipping_address": {"country": "KP"}}));
    shop.client.place(&abroad).await.expect_refusal(422, "order_rejected");
    assert_eq!(shop.level(&sku).await.reserved, 19, "what is refused or cancelled reserves nothing");

    // The demo merchant has no such rules.
    let demo = Shop::open(server.client()).await;
    let theirs = demo.stocked(100).await;
    let order = demo.client.place(&basket::of(&theirs, 30)).await.expect(201);
    assert_eq!(order["holds"], Value::Array(Vec::new()));
    let key = unique("k");
    demo.client.place_and_wait(&key, &basket::of(&theirs, 1)).await.expect(201);
    for client in [&shop.client, &demo.client] {
        for order in client.all("/orders").await {
            assert_ne!(order["status"], "placed", "{order}");
        }
    }
    demo.client.order_in(&order_id(&order), "payment_confirmed").await;
    let moved = server.provider().moved().await;
    assert_eq!(moved.values().filter(|moved| moved.captured > 0).count(), 4, "each placed order was paid once");
    server.stop();
    admin::verify(server.folder());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_is_answered_as_before_although_the_rules_have_changed() {
    let folder = Folder::new();
    let tenant = admin::create_tenant(&folder, "stricter");
    let mut server = Server::start_in(folder, Options::new());
    let shop = Shop::open(server.client_with(&tenant.api_key)).await;
    let sku = shop.stocked(100).await;
    let (key, order) = (unique("place"), basket::of(&sku, 9));
    let placed = shop.client.post("/orders", &key, &order).await.expect(201);

    server.stop();
    let (config, file) = (json!({"reject_quantity": 5}), admin::policy("risk_rules"));
    let binding = Binding { tenant: &tenant.tenant, hook: "risk", file, on_failure: "reject", config };
    admin::bind(server.folder(), &binding);
    server.restart();
    let client = server.client_with(&tenant.api_key);
    client.place(&order).await.expect_refusal(422, "order_rejected");
    let again = client.post("/orders", &key, &order).await;
    assert!(again.is_replayed(), "{}", again.text);
    assert_eq!(again.expect(201)["order_id"], placed["order_id"]);
    client.post("/orders", &key, &basket::of(&sku, 8)).await.expect_refusal(422, "idempotency_key_reused");
    assert!(client.decisions(&order_id(&placed)).await.iter().all(|decision| decision["outcome"] == "ok"));
    assert_eq!(client.all("/orders").await.len(), 1);
    server.stop();
}
