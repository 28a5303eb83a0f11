//! Payment, from the placement to the provider's books.

use e2e::client::{Request, order_id};
use e2e::{Options, Server, Shop, basket, books, unique};
use serde_json::{Value, json};

use crate::scenarios;

#[tokio::test(flavor = "multi_thread")]
async fn every_way_a_payment_goes_ends_well() {
    scenarios::play(Options::new(), |client| client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unpaid_order_expires_and_frees_its_stock() {
    let mut server = Server::start_with(Options::new().flags("--payment-retry-seconds 2"));
    let shop = Shop::open(server.client()).await;
    let sku = shop.stocked(3).await;
    let id = shop.client.placed(&basket::paid_with(basket::of(&sku, 3), "pm_declined")).await;
    shop.client.order_in(&id, "payment_failed").await;
    let order = shop.client.order_in(&id, "cancelled").await;
    assert_eq!(order["payment"]["status"], "failed");
    assert_eq!(shop.level(&sku).await.reserved, 0, "the stock is released");
    let last = shop.client.events(&id).await.pop().unwrap();
    assert_eq!((&last["type"], &last["actor"]), (&json!("order.cancelled"), &json!("timer")));
    shop.client.pay(&id, "pm_ok").await.expect_refusal(409, "illegal_transition");

    // One that is paid in time does not expire, and neither does one whose payment is under way when the time is over.
    let paid = shop.client.placed(&basket::paid_with(basket::of(&sku, 1), "pm_declined")).await;
    let late = shop.client.placed(&basket::paid_with(basket::of(&sku, 1), "pm_declined")).await;
    for (id, method) in [(&paid, "pm_ok"), (&late, "pm_late")] {
        shop.client.order_in(id, "payment_failed").await;
        shop.client.pay(id, method).await.expect(200);
    }
    shop.client.order_in(&paid, "payment_confirmed").await;
    shop.client.order_in(&late, "payment_confirmed").await;
    assert_eq!(shop.level(&sku).await.reserved, 2);
    books::agree_with_provider(&shop.client, &server.provider()).await;
    server.stop();
    e2e::admin::verify(server.folder());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_may_wait_for_its_payment() {
    let server = Server::start_with(Options::new().flags(scenarios::IMPATIENT));
    let shop = Shop::open(server.client()).await;
    let sku = shop.stocked(100).await;

    let settled = shop.client.place_and_wait(&unique("k"), &basket::of(&sku, 1)).await;
    assert_eq!(settled.header("preference-applied"), "wait=10");
    assert_eq!(settled.header("etag"), format!("\"{}\"", settled.body["version"]));
    let order = settled.expect(201);
    assert_eq!((&order["status"], &order["payment"]["status"]), (&json!("payment_confirmed"), &json!("captured")));

    // A decline is a refusal, which says where the order is all the same.
    let key = unique("k");
    let basket = basket::paid_with(basket::of(&sku, 1), "pm_declined");
    let declined = shop.client.place_and_wait(&key, &basket).await;
    declined.expect_refusal(402, "payment_declined");
    let id = order_id(&declined.body);
    assert_eq!(declined.header("location"), format!("/api/v1/orders/{id}"));
    assert_eq!(declined.body["decline_code"], "card_declined");
    let again = shop.client.place_and_wait(&key, &basket).await;
    again.expect_refusal(402, "payment_declined");
    assert_eq!((order_id(&again.body), again.is_replayed()), (id.clone(), true));
    // Without waiting the same key gives the original creation.
    let original = shop.client.post("/orders", &key, &basket).await;
    assert_eq!((original.is_replayed(), original.header("etag")), (true, "\"1\""));
    let original = original.expect(201);
    assert_eq!((order_id(&original), &original["status"]), (id.clone(), &json!("payment_pending")));

    waits_for_another_try(&shop, &id).await;
    waits_no_longer_than_asked(&shop, &sku).await;
    books::agree_with_provider(&shop.client, &server.provider()).await;
}

async fn waits_for_another_try(shop: &Shop, id: &str) {
    let pay = |method: &str, key: &str| {
        let request = Request::new("POST", &format!("/orders/{id}/pay")).json(&json!({"payment_method_id": method}));
        shop.client.call(request.key(key).header("prefer", "wait=10"))
    };
    let declined = pay("pm_insufficient_funds", &unique("k")).await;
    declined.expect_refusal(402, "payment_declined");
    assert_eq!(declined.body["decline_code"], "insufficient_funds");
    let key = unique("k");
    let paid = pay("pm_ok", &key).await.expect(200);
    assert_eq!((&paid["status"], &paid["payment"]["captured"]), (&json!("payment_confirmed"), &paid["total"]));
    let again = pay("pm_ok", &key).await;
    assert!(again.is_replayed());
    assert_eq!(again.expect(200)["status"], "payment_confirmed");
}

async fn waits_no_longer_than_asked(shop: &Shop, sku: &str) {
    let basket = basket::paid_with(basket::of(sku, 1), "pm_action");
    let request = Request::new("POST", "/orders").json(&basket).key(&unique("k")).header("prefer", "wait=10");
    let asked = shop.client.call(request).await.expect(201);
    assert_eq!(asked["payment"]["status"], "requires_action", "the customer's turn ends the wait");
    assert!(asked["payment"]["next_action"]["url"].is_string(), "{asked}");

    let basket = basket::paid_with(basket::of(sku, 1), "pm_late");
    let request = Request::new("POST", "/orders").json(&basket).key(&unique("k")).header("prefer", "wait=1");
    let late = shop.client.call(request).await.expect(201);
    assert_eq!((&late["status"], &late["payment"]["status"]), (&json!("payment_pending"), &json!("pending")));
    assert_eq!(late["payment"]["next_action"], Value::Null);
    // The platform goes on by itself.
    shop.client.order_in(&order_id(&late), "payment_confirmed").await;
}
