//! Placing, reading and commands.

use serde_json::json;

use crate::harness::{Shop, mug};

#[tokio::test]
async fn an_order_is_placed_as_the_contract_shows() {
    let shop = Shop::open().await;
    shop.stock(10).await;
    let placed = shop.post("/api/v1/orders", "k1", &mug(2)).await;
    assert_eq!(placed.status, 201, "{}", placed.text);
    let id = placed.json["order_id"].as_str().unwrap();
    assert_eq!(placed.header("location"), format!("/api/v1/orders/{id}"));
    assert_eq!(placed.header("etag"), "\"1\"");
    assert_eq!(placed.header("idempotent-replayed"), "");
    for exact in
        [r#""subtotal":59.98"#, r#""discount":0.00"#, r#""shipping_cost":5.00"#, r#""total":64.98"#, r#""price":29.99"#]
    {
        assert!(placed.text.contains(exact), "{exact} in {}", placed.text);
    }
    let shipment = &placed.json["shipments"][0];
    assert_eq!(placed.json["items"][0]["shipment_id"], shipment["shipment_id"]);
    assert_eq!(shipment["warehouse"], "W");
    assert_eq!(shipment["items"], json!([{"line_id": 1, "sku_id": "MUG", "quantity": 2}]));
    assert_eq!(placed.json["payment"]["next_action"], json!(null));
    assert_eq!(placed.json["holds"], json!([]));
    assert!(!placed.text.contains("ann@example.com"));

    let read = shop.get(&format!("/api/v1/orders/{id}")).await;
    assert_eq!(read.status, 200);
    assert_eq!(
        read.json["customer"],
        json!({"id": "c-17", "name": "Ann Lee", "email": "ann@example.com", "phone": null})
    );
    assert_eq!(read.json["shipping_address"]["street"], "1 Main St");
    assert!(read.text.contains(r#""metadata":{"channel":"web","rate":1.5}"#), "{}", read.text);
}

#[tokio::test]
async fn a_known_version_is_not_sent_again() {
    let shop = Shop::open().await;
    shop.stock(10).await;
    let mut free = mug(1);
    free["items"][0]["price"] = json!("0.00");
    free["shipping_cost"] = json!(0);
    let placed = shop.post("/api/v1/orders", "k1", &free).await;
    assert_eq!(placed.json["status"], "payment_confirmed", "{}", placed.text);
    assert_eq!(placed.json["payment"], json!(null));
    let path = placed.header("location").to_owned();
    let tag = shop.get(&path).await.header("etag").to_owned();
    let again = shop.call("GET", &path, &[("if-none-match", &tag)], None).await;
    assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""));
    assert_eq!(again.header("etag"), tag);
    assert_eq!(shop.call("GET", &path, &[("if-none-match", "\"0\"")], None).await.status, 200);
}

#[tokio::test]
async fn the_same_key_gives_the_same_answer_and_another_request_a_refusal() {
    let shop = Shop::open().await;
    shop.stock(10).await;
    let first = shop.post("/api/v1/orders", "k1", &mug(1)).await;
    let respelled = mug(1).to_string().replace("29.99", "2999e-2");
    let again = shop.call("POST", "/api/v1/orders", &[("idempotency-key", "k1")], Some(&respelled)).await;
    assert_eq!(again.status, 201, "{}", again.text);
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.json["order_id"], first.json["order_id"]);
    assert_eq!(again.json["version"], first.json["version"]);
    assert_eq!(shop.post("/api/v1/orders", "k1", &mug(2)).await.problem(), (422, "idempotency_key_reused"));
    let level = shop.get("/api/v1/inventory/MUG").await;
    assert_eq!(level.json["data"][0]["reserved"], 1);
}

#[tokio::test]
async fn missing_stock_uses_up_no_key() {
    let shop = Shop::open().await;
    shop.stock(1).await;
    let refused = shop.post("/api/v1/orders", "k1", &mug(3)).await;
    assert_eq!(refused.problem(), (422, "out_of_stock"));
    assert_eq!(refused.json["items"], json!([{"sku_id": "MUG", "requested": 3, "available": 1}]));
    shop.stock(3).await;
    assert_eq!(shop.post("/api/v1/orders", "k1", &mug(3)).await.status, 201);
}

#[tokio::test]
async fn an_external_id_is_unique() {
    let shop = Shop::open().await;
    shop.stock(10).await;
    let mut order = mug(1);
    order["external_id"] = json!("WEB-1");
    let first = shop.post("/api/v1/orders", "k1", &order).await;
    let second = shop.post("/api/v1/orders", "k2", &order).await;
    assert_eq!(second.problem(), (409, "duplicate_external_id"));
    assert_eq!(second.json["order_id"], first.json["order_id"]);
    assert_eq!(second.pointers(), ["/external_id"]);
}

#[tokio::test]
async fn an_order_is_held_freed_and_cancelled() {
    let shop = Shop::open().await;
    shop.stock(10).await;
    let path = shop.place("k1").await.header("location").to_owned();
    let held = shop.post(&format!("{path}/hold"), "h1", &json!({"reason": "look at it"})).await;
    assert_eq!(held.status, 200, "{}", held.text);
    assert_eq!(held.json["holds"][0]["source"], "manual");
    assert_eq!(held.json["holds"][0]["reason"], "look at it");
    let freed = shop.call("POST", &format!("{path}/release"), &[], None).await;
    assert_eq!((freed.status.as_u16(), &freed.json["holds"]), (200, &json!([])));
    assert_eq!(shop.call("POST", &format!("{path}/release"), &[], None).await.problem(), (409, "not_on_hold"));

    let stale = [("idempotency-key", "c1"), ("if-match", "\"1\"")];
    let body = json!({"reason": "changed mind"}).to_string();
    let refused = shop.call("POST", &format!("{path}/cancel"), &stale, Some(&body)).await;
    assert_eq!(refused.problem(), (412, "precondition_failed"));
    let cancelled = shop.post(&format!("{path}/cancel"), "c1", &json!({"reason": "changed mind"})).await;
    assert_eq!(cancelled.status, 200, "{}", cancelled.text);
    assert_eq!(cancelled.json["status"], "cancelled");
    assert_eq!(cancelled.json["refund_status"], "none");
    assert!(cancelled.text.contains(r#""refund_amount":0.00"#));
    let again = shop.post(&format!("{path}/cancel"), "c2", &json!({"reason": "changed mind"})).await;
    assert_eq!((again.status.as_u16(), &again.json["refund_status"]), (200, &json!("none")));
    let level = shop.get("/api/v1/inventory/MUG").await;
    assert_eq!(level.json["data"][0]["reserved"], 0);
    let pay = shop.post(&format!("{path}/pay"), "p1", &json!({"payment_method_id": "pm_ok"})).await;
    assert_eq!(pay.problem(), (409, "illegal_transition"));
    assert_eq!((&pay.json["from"], &pay.json["to"]), (&json!("cancelled"), &json!("payment_pending")));
}

#[tokio::test]
async fn what_comes_later_is_refused_clearly() {
    let shop = Shop::open().await;
    shop.stock(10).await;
    let mut quoted = mug(1);
    quoted["quote_id"] = json!("quo_1");
    let quoted = shop.post("/api/v1/orders", "k2", &quoted).await;
    assert_eq!(quoted.problem(), (422, "quote_not_found"));
    assert_eq!(quoted.pointers(), ["/quote_id"]);
}

#[tokio::test]
async fn waiting_says_that_it_waited() {
    let shop = Shop::open().await;
    shop.stock(10).await;
    let headers = [("idempotency-key", "k1"), ("prefer", "wait=0")];
    let placed = shop.call("POST", "/api/v1/orders", &headers, Some(&mug(1).to_string())).await;
    assert_eq!(placed.status, 201, "{}", placed.text);
    assert_eq!(placed.header("preference-applied"), "wait=0");
}

#[tokio::test]
async fn the_history_tells_what_happened() {
    let shop = Shop::open().await;
    shop.stock(10).await;
    let path = shop.place("k1").await.header("location").to_owned();
    shop.post(&format!("{path}/cancel"), "c1", &json!({"reason": "changed mind"})).await;
    let events = shop.get(&format!("{path}/events")).await;
    let first = &events.json["data"][0];
    assert_eq!((&first["version"], &first["type"], &first["from"]), (&json!(1), &json!("order.placed"), &json!(null)));
    assert_eq!(first["actor"], "tests");
    assert!(events.text.contains(r#""total":34.99"#));
    assert!(
        !events.text.contains("ciphertext") && !events.text.contains("\"tasks\"") && !events.text.contains("key_id")
    );
    let all = events.json["data"].as_array().unwrap();
    let cancelled = all.iter().find(|event| event["type"] == "order.cancelled").unwrap();
    assert_eq!(cancelled["to"], "cancelled");
    assert_eq!(cancelled["payload"]["reason"], "changed mind");
    let decisions = shop.get(&format!("{path}/decisions")).await;
    assert_eq!(decisions.status, 200);
    assert_eq!(decisions.json, json!({"data": []}), "the built-in defaults are no policies");
    let messages = shop.get(&format!("{path}/messages")).await;
    assert_eq!((messages.status, messages.json), (200.try_into().expect("a status"), json!({"data": []})));
}
