//! Parts of orders that are cancelled, and money that is given back.

use e2e::client::Request;
use e2e::exact::minor;
use e2e::shop::Level;
use e2e::{Server, Shop, basket, books, unique};
use serde_json::{Value, json};

/// Three mugs at 3.33 and a hat at 19.99 to Texas, where both are taxed; shipping costs 5.00.
async fn confirmed(shop: &Shop, mug: &str, hat: &str) -> Value {
    let items = json!([
        {"sku_id": mug, "quantity": 3, "price": "3.33"},
        {"sku_id": hat, "quantity": 1, "price": "19.99"},
    ]);
    let basket = basket::with(basket::of(mug, 1), json!({"items": items, "shipping_cost": "5.00"}));
    let id = shop.client.placed(&basket).await;
    shop.client.order_in(&id, "payment_confirmed").await
}

fn id_of(order: &Value) -> &str {
    order["order_id"].as_str().expect("an id")
}

async fn cancel_units(shop: &Shop, id: &str, line: u32, quantity: u32) -> Value {
    let body = json!({"reason": "too many", "items": [{"line_id": line, "quantity": quantity}]});
    shop.client.post(&format!("/orders/{id}/cancel"), &unique("cancel"), &body).await.expect(200)
}

/// What a whole line costs, with its tax.
fn line_total(order: &Value, line: usize) -> i64 {
    let line = &order["items"][line];
    minor(&line["price"]) * line["quantity"].as_i64().expect("units") + minor(&line["tax"])
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_an_order_come_back_to_the_cent() {
    let mut server = Server::start();
    let shop = Shop::open(server.client()).await;
    let (mug, hat) = (shop.stocked(10).await, shop.stocked(10).await);
    let order = confirmed(&shop, &mug, &hat).await;
    let id = id_of(&order);
    let mugs = line_total(&order, 0);
    assert_ne!(mugs % 3, 0, "a case without rounding shows nothing: {order}");

    let mut given = 0;
    for units in 1..=3 {
        let after = cancel_units(&shop, id, 1, 1).await;
        let refund = minor(&after["refund_amount"]);
        given += refund;
        // Units of a line come to their share of it, rounded half up, less what was given before.
        assert_eq!(given, (2 * mugs * units + 3) / 6, "{after}");
        assert!(["pending", "refunded"].contains(&after["refund_status"].as_str().expect("a status")), "{after}");
        assert_eq!(after["status"], "payment_confirmed");
        assert_eq!(after["items"][0]["cancelled_quantity"], units);
        assert_eq!(minor(&after["items"][0]["credited"]), given);
    }
    let after = shop.client.order(id).await;
    assert_eq!((&after["items"][0]["status"], &after["items"][1]["status"]), (&json!("cancelled"), &json!("active")));
    assert_eq!(shop.level(&mug).await, Level { on_hand: 10, reserved: 0 });
    assert_eq!(shop.level(&hat).await, Level { on_hand: 10, reserved: 1 });

    // With the last unit the order is over, and shipping comes back too.
    let over = cancel_units(&shop, id, 2, 1).await;
    assert_eq!((&over["status"], &over["refund_amount"]), (&json!("cancelled"), &order["total"]));
    let order = shop.client.order_with_payment(id, "refunded").await;
    assert_eq!(order["payment"]["refunded"], order["total"]);
    let ledger = shop.client.get(&format!("/orders/{id}/ledger")).await.expect(200);
    assert_eq!((&ledger["due"], &ledger["balance"]), (&json!("0.00"), &json!("0.00")));
    assert_eq!(shop.level(&hat).await.reserved, 0);
    books::agree_with_provider(&shop.client, &server.provider()).await;
    server.stop();
    e2e::admin::verify(server.folder());
}

#[tokio::test(flavor = "multi_thread")]
async fn money_is_given_back_up_to_what_was_taken() {
    let mut server = Server::start();
    let shop = Shop::open(server.client()).await;
    let (mug, hat) = (shop.stocked(10).await, shop.stocked(10).await);
    let order = confirmed(&shop, &mug, &hat).await;
    let (id, total) = (id_of(&order).to_owned(), minor(&order["total"]));
    let refund = |key: String, body: Value| {
        let request = Request::new("POST", &format!("/orders/{id}/refunds")).json(&body).key(&key);
        let client = shop.client.clone();
        async move { client.call(request).await }
    };

    let key = unique("refund");
    let late = json!({"amount": "4.00", "reason": "it came late"});
    let first = refund(key.clone(), late.clone()).await;
    let refunded = first.clone().expect(201);
    assert_eq!((&refunded["refund_amount"], &refunded["status"]), (&json!("4.00"), &json!("payment_confirmed")));
    let again = refund(key, late).await;
    assert!(again.is_replayed());
    assert_eq!(again.expect(201)["refund_amount"], "4.00", "a repeated request gives nothing more");

    let broken = json!({"items": [{"line_id": 2, "quantity": 1}], "reason": "it is broken"});
    let hat_total = line_total(&order, 1);
    let refunded = refund(unique("refund"), broken.clone()).await.expect(201);
    assert_eq!(minor(&refunded["refund_amount"]), hat_total, "its tax comes with it");
    assert_eq!(refund(unique("refund"), broken).await.pointers(), ["/items/0/quantity"], "and only once");

    let left = total - 400 - hat_total;
    let amount = |minor: i64| format!("{}.{:02}", minor / 100, minor % 100);
    let rest = |minor: i64| json!({"amount": amount(minor), "reason": "all of it"});
    refund(unique("refund"), rest(left + 1)).await.expect_refusal(422, "refund_exceeds_captured");
    refund(unique("refund"), rest(left)).await.expect(201);
    refund(unique("refund"), rest(1)).await.expect_refusal(422, "refund_exceeds_captured");
    let order = shop.client.order_with_payment(&id, "refunded").await;
    assert_eq!(minor(&order["payment"]["refunded"]), total);
    assert_eq!(order["payment"]["refunds"].as_array().map(Vec::len), Some(3));
    assert_eq!(order["status"], "payment_confirmed", "what is given back may be kept");
    the_ledger_says_so(&shop, &id, total).await;
    books::agree_with_provider(&shop.client, &server.provider()).await;
    server.stop();
    e2e::admin::verify(server.folder());
}

async fn the_ledger_says_so(shop: &Shop, id: &str, total: i64) {
    let ledger = shop.client.get(&format!("/orders/{id}/ledger")).await.expect(200);
    let entries = ledger["data"].as_array().expect("entries");
    let sum = |kind: &str| -> i64 {
        entries.iter().filter(|entry| entry["type"] == kind).map(|entry| minor(&entry["amount"])).sum()
    };
    for kind in ["ordered", "authorized", "captured", "refund_requested", "refunded"] {
        assert_eq!(sum(kind), total, "{kind}: {ledger}");
    }
    assert_eq!((&ledger["due"], &ledger["balance"]), (&json!("0.00"), &json!("0.00")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shipment_that_cannot_go_is_cancelled_alone() {
    let mut server = Server::start();
    let shop = Shop::open(server.client()).await;
    let (mug, hat) = (shop.stocked(10).await, shop.stocked(10).await);
    let order = confirmed(&shop, &mug, &hat).await;
    let (id, first) = (id_of(&order), order["shipments"][0]["shipment_id"].as_str().expect("an id").to_owned());
    let act = |shipment: String, what: &str, body: Value| {
        let path = format!("/orders/{id}/shipments/{shipment}/{what}");
        let client = shop.client.clone();
        async move { client.post(&path, &unique("act"), &body).await }
    };
    let apart = json!({"items": [{"line_id": 2, "quantity": 1}]});
    let split = act(first.clone(), "split", apart).await.expect(200);
    let second = split["shipments"][1]["shipment_id"].as_str().expect("an id").to_owned();
    act(first.clone(), "ship", json!({"carrier": "ups"})).await.expect(200);

    let reason = json!({"reason": "the last hat has a hole"});
    let after = act(second.clone(), "cancel", reason.clone()).await.expect(200);
    assert_eq!((&after["status"], minor(&after["refund_amount"])), (&json!("shipped"), line_total(&order, 1)));
    assert_eq!(after["shipments"][1]["status"], "cancelled");
    assert_eq!(shop.level(&hat).await, Level { on_hand: 10, reserved: 0 });
    act(second, "cancel", reason.clone()).await.expect_refusal(409, "illegal_transition");
    act(first, "cancel", reason).await.expect_refusal(409, "illegal_transition");
    shop.client.order_with_payment(id, "partially_refunded").await;
    books::agree_with_provider(&shop.client, &server.provider()).await;
    server.stop();
    e2e::admin::verify(server.folder());
}
