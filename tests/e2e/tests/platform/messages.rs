//! What merchants tell: a message for each event that the notification policy has something to say about, once.

use e2e::admin::{self, Binding, Tenant};
use e2e::client::{Request, order_id, rows};
use e2e::server::Folder;
use e2e::{Client, Options, Server, Shop, basket, eventually};
use serde_json::{Value, json};

/// What a hostile notification policy does, and how its calls end.
const HOSTILE: [(&str, &[&str]); 3] =
    [("loop", &["out_of_fuel", "timed_out"]), ("crash", &["trap"]), ("thousands", &["law_broken", "output_too_large"])];
/// How many events each hostile policy is asked about.
const HOSTILE_ORDERS: usize = 15;

fn texts() -> Value {
    json!({"shop": "Töpfe & ☕", "texts": {
        "order.hold_placed": {"to": "büro@example.com", "channel": "sms", "text": "{order}: {reason}"}
    }})
}

/// Binds the reference policy for a merchant on a stopped server.
pub fn bind_texts(folder: &Folder, tenant: &Tenant) {
    let file = admin::policy("notification_texts");
    let binding =
        Binding { tenant: &tenant.tenant, hook: "notification", file, on_failure: "fallback", config: texts() };
    admin::bind(folder, &binding);
}

/// The messages about an order.
pub async fn messages(client: &Client, order: &str) -> Vec<Value> {
    rows(&client.get(&format!("/orders/{order}/messages")).await.expect(200))
}

/// The messages about an order, once an event of this kind has led to one.
async fn told_of(client: &Client, order: &str, event: &str) -> Vec<Value> {
    eventually("it is told", async || {
        let told = messages(client, order).await;
        if told.iter().any(|message| message["event"] == event) { Ok(told) } else { Err(json!(told).to_string()) }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_event_is_told_of_once_from_the_binding_on() {
    let folder = Folder::new();
    let tenant = admin::create_tenant(&folder, "talkative");
    let mut server = Server::start_in(folder, Options::new());
    let shop = Shop::open(server.client_with(&tenant.api_key)).await;
    let sku = shop.stocked(100).await;
    let before = shop.client.placed(&basket::for_free(&sku, 1)).await;
    server.stop();
    bind_texts(server.folder(), &tenant);
    server.restart();

    let client = server.client_with(&tenant.api_key);
    let mut titled = basket::for_free(&sku, 2);
    titled["items"][0]["title"] = json!("Tasse \"blau\" ☕ 陶器");
    titled["customer"] =
        json!({"id": "c-17", "name": "Zoë Unheard", "email": "zoe@unheard.example", "phone": "+15550117"});
    titled["shipping_address"] =
        json!({"name": "Zoë Unheard", "street": "17 Hidden Lane", "city": "Austin", "zip": "78701", "country": "US"});
    let order = order_id(&client.place(&titled).await.expect(201));
    let told = told_of(&client, &order, "order.placed").await;
    let placed = &told[0];
    assert_eq!(
        (&placed["status"], &placed["channel"], &placed["recipient"]),
        (&json!("queued"), &json!("email"), &json!(null))
    );
    assert_eq!(placed["subject"], format!("Your order {order}"));
    let text = placed["text"].as_str().expect("a text");
    assert!(
        text.starts_with("Dear {{name}},") && text.contains("at Töpfe & ☕:\n2 x Tasse \"blau\" ☕ 陶器"),
        "{text}"
    );

    let hold = Request::new("POST", &format!("/orders/{order}/hold")).json(&json!({"reason": "Ruf an: ünklar ☎"}));
    client.call(hold).await.expect(200);
    let told = told_of(&client, &order, "order.hold_placed").await;
    let held = told.iter().find(|message| message["event"] == "order.hold_placed").expect("just seen");
    assert_eq!((&held["channel"], &held["recipient"]), (&json!("sms"), &json!("büro@example.com")));
    assert_eq!(held["text"], format!("{order}: Ruf an: ünklar ☎"));

    // Every event was asked about once, as the order was then, without anything that names a person.
    let events = rows(&client.get(&format!("/orders/{order}/events")).await.expect(200)).len();
    let asked = eventually("all are asked about", async || {
        let mut asked = client.decisions(&order).await;
        asked.retain(|decision| decision["hook"] == "notification");
        if asked.len() >= events { Ok(asked) } else { Err(format!("{} of {events}", asked.len())) }
    })
    .await;
    let versions: Vec<_> = asked.iter().filter_map(|made| made["input"]["event"]["version"].as_u64()).collect();
    assert_eq!(versions, (1..=events as u64).collect::<Vec<_>>());
    assert_eq!(asked[0]["input"]["order"]["status"], "placed", "as it was then: {}", asked[0]);
    let known = client.order(&order).await;
    for made in &asked {
        assert_eq!(made["outcome"], "ok", "{made}");
        let input = made["input"].to_string();
        for person in ["name", "email", "phone"] {
            let value = known["customer"][person].as_str().unwrap_or_else(|| panic!("no {person}: {known}"));
            assert!(!input.contains(value), "{value} in {input}");
        }
        let street = known["shipping_address"]["street"].as_str().expect("a street");
        assert!(!input.contains(street), "{input}");
    }
    let replay = format!("/decisions/{}/replay", asked[0]["decision_id"].as_str().expect("an id"));
    assert_eq!(client.call(Request::new("POST", &replay)).await.expect(200)["same"], true);

    // Nobody is told of what was before, and nothing is told again after a restart.
    server.kill();
    server.restart();
    let client = server.client_with(&tenant.api_key);
    let next = client.placed(&basket::for_free(&sku, 1)).await;
    told_of(&client, &next, "order.placed").await;
    assert_eq!(messages(&client, &order).await, told);
    assert_eq!(messages(&client, &before).await, Vec::<Value>::new());
    server.stop();
    admin::verify(server.folder());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_notification_policy_silences_only_its_own_merchant() {
    let folder = Folder::new();
    let bound = |(kind, outcomes)| {
        let tenant = admin::create_tenant(&folder, kind);
        let (file, config) = (admin::fixture("fixture_announcements"), json!({"kind": kind}));
        let binding = Binding { tenant: &tenant.tenant, hook: "notification", file, on_failure: "fallback", config };
        admin::bind(&folder, &binding);
        (tenant, outcomes)
    };
    let hostile = HOSTILE.map(bound);
    let good = admin::create_tenant(&folder, "good");
    bind_texts(&folder, &good);
    let mut server = Server::start_in(folder, Options::new());
    let mut theirs = Vec::new();
    for (tenant, outcomes) in &hostile {
        let shop = Shop::open(server.client_with(&tenant.api_key)).await;
        let sku = shop.stocked(1_000).await;
        for _ in 0..HOSTILE_ORDERS {
            let order = shop.client.placed(&basket::for_free(&sku, 1)).await;
            theirs.push((shop.client.clone(), order, *outcomes));
        }
    }
    let shop = Shop::open(server.client_with(&good.api_key)).await;
    let sku = shop.stocked(10).await;
    let order = shop.client.placed(&basket::for_free(&sku, 1)).await;
    told_of(&shop.client, &order, "order.placed").await;
    eventually("it is found", async || {
        let found = shop.client.get(&format!("/search/orders?q=sku:{sku}")).await.expect(200);
        if found["total"] == 1 { Ok(()) } else { Err(found.to_string()) }
    })
    .await;
    // Nothing is told, each failure is on record, and the next event is asked about all the same.
    for (client, order, outcomes) in theirs {
        let made = eventually("it is asked", async || {
            let decisions = client.decisions(&order).await;
            let made = decisions.iter().find(|made| made["hook"] == "notification").cloned();
            made.ok_or_else(|| json!(decisions).to_string())
        })
        .await;
        let outcome = made["outcome"].as_str().expect("an outcome");
        assert!(outcomes.contains(&outcome) && made["error"].is_string(), "{made}");
        assert_eq!(messages(&client, &order).await, Vec::<Value>::new());
    }
    server.stop();
    admin::verify(server.folder());
}
