//! What a provider tells by itself: a payment that nothing else settles, calls that are repeated, turned round, forged, too
//! early or about nothing, another address, refunds that fail later, and disputes.

use e2e::client::{Request, rows};
use e2e::{Client, Server, Shop, admin, basket, eventually};
use reqwest::Method;
use ring::hmac;
use serde_json::{Value, json};

/// What `orderwright dev` has its provider sign with.
const SECRET: &str = "whsec_sandbox_demo";

/// Where the provider calls the demo merchant.
async fn address(client: &Client) -> String {
    let bound = client.get("/hooks/payment/main").await.expect(200);
    bound["callback"]["url"].as_str().expect("an address").to_owned()
}

/// Lets the provider send every event, with these faults.
async fn endpoint(server: &Server, client: &Client, faults: Value) {
    let body = json!({"url": address(client).await, "secret": SECRET, "all": true});
    server.provider().control(Method::PUT, "/webhook_endpoint", &basket::with(body, faults)).await;
}

async fn release(server: &Server, reversed: bool) -> u64 {
    let how = json!({"reversed": reversed});
    let released = server.provider().control(Method::POST, "/webhook_endpoint/release", &how).await;
    released["released"].as_u64().expect("a number")
}

/// What was told so far, newest first.
async fn told(client: &Client) -> Vec<Value> {
    rows(&client.get("/hooks/payment/main/callbacks").await.expect(200))
}

/// Waits until so many events came and are settled.
async fn settled(client: &Client, count: usize) -> Vec<Value> {
    eventually("the events are settled", async || {
        let told = told(client).await;
        let is_settled = told.len() == count && told.iter().all(|event| event["status"] == "settled");
        if is_settled { Ok(told) } else { Err(json!(told).to_string()) }
    })
    .await
}

/// Calls as the provider would.
async fn call(url: &str, secret: &str, body: &str) -> (u16, Value) {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("it is later").as_secs();
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{now}.{body}").as_bytes());
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let request = e2e::client::http_client().post(url).header("sandbox-signature", format!("t={now},v1={hex}"));
    let answer = request.body(body.to_owned()).send().await.expect("the server answers");
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.expect("text")).expect("an answer is JSON"))
}

fn event(id: &str, kind: &str, payment: &str, amount: i64) -> String {
    let data = json!({"payment_intent": "pi_unheard", "reference": payment, "amount": amount, "currency": "USD"});
    json!({"id": id, "type": kind, "created": "2026-03-01T00:00:00.000Z", "data": data}).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_settled_by_the_call_alone() {
    let mut server = Server::start();
    let shop = Shop::open(server.client()).await;
    let (client, sku) = (&shop.client, shop.stocked(100).await);
    let began = std::time::Instant::now();
    let id = client.placed(&basket::paid_with(basket::of(&sku, 1), "pm_callback")).await;
    let order = client.order_in(&id, "payment_confirmed").await;
    assert!(began.elapsed().as_secs() < 50, "asking would have taken a minute");
    assert_eq!(order["payment"]["captured"], order["total"], "{order}");
    let told = settled(client, 1).await;
    assert_eq!((&told[0]["order_id"], &told[0]["notice"]["news"]), (&json!(id), &json!("authorized")));
    assert_eq!(told[0]["detail"], "it ended the wait of an operation");
    // The adapter has gone on with the call in its transcript.
    let decisions = json!(client.decisions(&id).await).to_string();
    assert!(decisions.contains(r#""entry":"callback""#), "{decisions}");
    server.stop();
    admin::verify(server.folder());
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_early_and_reversed_calls_change_nothing_twice() {
    let mut server = Server::start();
    let shop = Shop::open(server.client()).await;
    let (client, sku) = (&shop.client, shop.stocked(100).await);
    // Five copies of each, the last first, when the provider's own answers have long been taken in.
    endpoint(&server, client, json!({"copies": 5, "hold": true})).await;
    let id = client.placed(&basket::of(&sku, 1)).await;
    let before = client.order_in(&id, "payment_confirmed").await;
    assert_eq!(release(&server, true).await, 2);
    let told = settled(client, 2).await;
    assert!(told.iter().all(|event| event["detail"] == "it changed nothing"), "{told:?}");
    assert_eq!(client.order(&id).await, before);

    // A capture whose answer never comes is known by its call, though that comes before the authorisation's.
    let lost = client.placed(&basket::paid_with(basket::of(&sku, 1), "pm_capture_timeout")).await;
    eventually("the provider has captured", async || {
        let payment = client.order(&lost).await["payment"].clone();
        let moved = server.provider().moved().await;
        let is_captured = moved.values().filter(|moved| moved.captured > 0).count() == 2;
        if is_captured { Ok(()) } else { Err(payment.to_string()) }
    })
    .await;
    assert_eq!(release(&server, true).await, 2);
    client.order_in(&lost, "payment_confirmed").await;
    let told = settled(client, 4).await;
    let of_capture = told.iter().find(|event| event["order_id"] == lost && event["notice"]["news"] == "captured");
    assert_eq!(of_capture.expect("it was told")["detail"], "the order took it in");

    // An authorisation whose answer never comes: its call is earlier than anything that we know of it.
    let early = client.placed(&basket::paid_with(basket::of(&sku, 1), "pm_timeout")).await;
    eventually("the provider has authorised", async || {
        let moved = server.provider().moved().await;
        if moved.len() == 3 { Ok(()) } else { Err(format!("{moved:?}")) }
    })
    .await;
    assert_eq!(release(&server, false).await, 1);
    client.order_in(&early, "payment_confirmed").await;
    for id in [&id, &lost, &early] {
        let order = client.order(id).await;
        assert_eq!(order["payment"]["captured"], order["total"], "{order}");
    }
    let moved = server.provider().moved().await;
    assert!(moved.values().all(|moved| moved.captured == moved.authorized && moved.refunded == 0), "{moved:?}");
    server.stop();
    admin::verify(server.folder());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_call_is_refused_and_changes_nothing() {
    let mut server = Server::start();
    let shop = Shop::open(server.client()).await;
    let (client, sku) = (&shop.client, shop.stocked(100).await);
    let id = client.placed(&basket::paid_with(basket::of(&sku, 1), "pm_declined")).await;
    let before = client.order_in(&id, "payment_failed").await;
    let url = address(client).await;
    let payment = before["payment"]["payment_id"].as_str().unwrap_or("pay_00000000000000000000000001").to_owned();
    let body = event("evt_1", "payment_intent.captured", &payment, 1);
    let (status, problem) = call(&url, "a guess", &body).await;
    assert_eq!((status, &problem["code"]), (401, &json!("callback_not_verified")));
    let unsigned = e2e::client::http_client().post(&url).body(body.clone()).send().await.expect("an answer");
    assert_eq!(unsigned.status().as_u16(), 422);
    let (status, problem) = call(&url, SECRET, "{").await;
    assert_eq!((status, &problem["code"]), (422, &json!("callback_not_understood")));
    let (status, problem) = call(&url, SECRET, &" ".repeat((64 << 10) + 1)).await;
    assert_eq!((status, &problem["code"]), (413, &json!("body_too_large")));
    let elsewhere = format!("{}{}", &url[..url.len() - 4], "0000");
    for nowhere in [elsewhere.as_str(), url.trim_end_matches(|c| c != '/'), &url[..url.len() - 1]] {
        let answer = e2e::client::http_client().post(nowhere).body(body.clone()).send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 404, "{nowhere}");
    }
    assert_eq!(told(client).await, Vec::<Value>::new(), "nothing of it is kept");

    // What is signed as it must be, and about nothing of ours, is taken and harms nobody.
    let (status, taken) = call(&url, SECRET, &event("evt_2", "payment_intent.captured", "somebody-elses", 1)).await;
    assert_eq!((status, taken), (200, json!({"events": 1, "new": 1})));
    let nobodys = event("evt_3", "payment_intent.captured", "pay_00000000000000000000000001", 1);
    assert_eq!(call(&url, SECRET, &nobodys).await, (200, json!({"events": 1, "new": 1})));
    assert_eq!(call(&url, SECRET, &nobodys).await, (200, json!({"events": 1, "new": 0})));
    assert_eq!(
        call(&url, SECRET, &event("evt_4", "something.new", "", 0)).await,
        (200, json!({"events": 0, "new": 0}))
    );
    eventually("they were looked at", async || {
        let told = told(client).await;
        let of = |id: &str| told.iter().find(|event| event["event_id"] == id).cloned().unwrap_or_default();
        let is_seen = of("evt_2")["status"] == "unmatched" && of("evt_3")["detail"] == "there is no such payment";
        if is_seen { Ok(()) } else { Err(json!(told).to_string()) }
    })
    .await;
    assert_eq!(client.order(&id).await, before);
    server.stop();
    admin::verify(server.folder());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_replaced_with_time_to_tell_the_provider() {
    let mut server = Server::start();
    let client = &Shop::open(server.client()).await.client;
    let rotate = async |grace: u32| {
        let request =
            Request::new("POST", "/hooks/payment/main/callback/rotate").json(&json!({"grace_seconds": grace}));
        let rotated = client.call(request).await.expect(200);
        rotated["url"].as_str().expect("an address").to_owned()
    };
    let is_taken = async |url: &str, id: &str| call(url, SECRET, &event(id, "something.new", "", 0)).await.0 == 200;
    let first = address(client).await;
    assert_eq!(address(client).await, first, "looking changes nothing");
    let second = rotate(3600).await;
    assert_ne!(first, second);
    assert_eq!(address(client).await, second);
    assert!(is_taken(&first, "1").await && is_taken(&second, "2").await);
    let third = rotate(0).await;
    assert!(!is_taken(&first, "3").await && !is_taken(&second, "4").await && is_taken(&third, "5").await);
    let bad = Request::new("POST", "/hooks/payment/main/callback/rotate").json(&json!({"grace_seconds": -1}));
    client.call(bad).await.expect_refusal(422, "invalid_request");
    let nothing = Request::new("POST", "/hooks/carrier/none/callback/rotate").json(&json!({}));
    client.call(nothing).await.expect_refusal(404, "not_found");
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_fails_later_and_a_dispute_reach_the_order() {
    let mut server = Server::start();
    let shop = Shop::open(server.client()).await;
    let (client, sku) = (&shop.client, shop.stocked(100).await);
    let id = client.placed(&basket::of(&sku, 1)).await;
    client.order_in(&id, "payment_confirmed").await;
    client.post(&format!("/orders/{id}/cancel"), "cancel-1", &json!({"reason": "changed his mind"})).await.expect(200);
    let is_refunded = |order: &Value| order["payment"]["status"] == "refunded";
    let refunded = client.order_when(&id, "the refund is made", is_refunded).await;
    let entries = server.provider().control(Method::GET, "/ledger", &json!({})).await;
    let refund = entries["data"].as_array().expect("entries").iter().find_map(|entry| entry["refund"].as_str());
    let path = format!("/test/refunds/{}/fail", refund.expect("a refund"));
    server.provider().control(Method::POST, &path, &json!({})).await;
    let failed = client.order_when(&id, "it is told", |order| order["holds"] != json!([])).await;
    assert_eq!(failed["payment"]["refunded"], "0.00", "{failed}");
    let history = rows(&client.get(&format!("/orders/{id}/events")).await.expect(200));
    assert!(history.iter().any(|event| event["type"] == "order.payment_refund_failed"), "{history:?}");
    // A person has looked, and the money is given back once more.
    client.post(&format!("/orders/{id}/release"), "release-1", &json!({})).await.expect(200);
    let again = client.order_when(&id, "it is refunded again", is_refunded).await;
    assert_eq!(again["payment"]["refunded"], refunded["payment"]["refunded"]);
    let moved = server.provider().moved().await;
    assert!(moved.values().all(|moved| moved.refunded == moved.captured), "{moved:?}");

    let id = client.placed(&basket::of(&sku, 1)).await;
    client.order_in(&id, "payment_confirmed").await;
    let entries = server.provider().control(Method::GET, "/ledger", &json!({})).await;
    let last = entries["data"].as_array().expect("entries").last().cloned().expect("an entry");
    let intent = last["payment_intent"].as_str().expect("an intent");
    let path = format!("/test/payment_intents/{intent}/dispute");
    let dispute = server.provider().control(Method::POST, &path, &json!({"reason": "fraudulent"})).await;
    let held = client.order_when(&id, "it is told", |order| order["holds"] != json!([])).await;
    assert_eq!((&held["holds"][0]["source"], &held["holds"][0]["reason"]), (&json!("dispute"), &json!("fraudulent")));
    let path = format!("/test/disputes/{}/close", dispute["id"].as_str().expect("an id"));
    server.provider().control(Method::POST, &path, &json!({"payment_intent": intent, "won": true})).await;
    eventually("it is over", async || {
        let history = rows(&client.get(&format!("/orders/{id}/events")).await.expect(200));
        let closed = history.iter().find(|event| event["type"] == "order.payment_dispute_closed");
        closed.filter(|closed| closed["payload"]["won"] == true).map(|_| ()).ok_or_else(|| json!(history).to_string())
    })
    .await;
    server.stop();
    admin::verify(server.folder());
}
