//! The story that the README tells: place, read, events, decisions, search.

use e2e::books::finds;
use e2e::client::{Request, escape, order_id, rows};
use e2e::exact::minor;
use e2e::{Server, Shop, basket, unique};
use serde_json::{Value, json};

/// More digits than a float has.
const RATIO: &str = "12345678901234567890.1250";

/// No test takes an hour.
const LAG_MS_MAX: u64 = 3_600_000;

/// Everything that a basket can carry, as text.
fn full_basket(sku: &str, external_id: &str) -> String {
    let basket = json!({
        "items": [{"sku_id": sku, "quantity": 2, "price": 29.99, "title": "Blue mug", "tax_code": "general"}],
        "currency": "USD",
        "prices_include_tax": false,
        "discount_codes": ["SPRING"],
        "customer": {"id": "c-17", "name": "Ann Quillfeather", "email": "ann@example.com", "phone": "+15550100"},
        "shipping_address": {
            "name": "Ann Quillfeather", "street": "1 Main St", "city": "Austin", "region": "TX", "zip": "78701", "country": "US"
        },
        "billing_address": {"country": "US"},
        "tax_exemption": null, "quote_id": null, "shipping_cost": "5.00",
        "payment_method_id": "pm_ok", "delivery_preference": "standard", "requested_delivery_date": null,
        "external_id": external_id, "metadata": {"channel": "web", "ratio": "RATIO"},
    });
    basket.to_string().replace("\"RATIO\"", RATIO)
}

fn assert_placed(order: &Value, sku: &str, external_id: &str) {
    assert_eq!(order["status"], "payment_pending");
    assert_eq!(order["version"], 1);
    assert_eq!(order["external_id"], external_id);
    assert_eq!((&order["currency"], &order["subtotal"]), (&json!("USD"), &json!("59.98")));
    assert_eq!((&order["discount"], &order["shipping_cost"]), (&json!("0.00"), &json!("5.00")));
    assert_eq!(minor(&order["total"]), 5998 + 500 + minor(&order["tax"]));
    let line = &order["items"][0];
    assert_eq!((&line["line_id"], &line["sku_id"], &line["quantity"]), (&json!(1), &json!(sku), &json!(2)));
    assert_eq!((&line["price"], &line["status"]), (&json!("29.99"), &json!("active")));
    let shipment = &order["shipments"][0];
    assert_eq!((&shipment["warehouse"], &shipment["status"]), (&json!("WH-TEST"), &json!("pending")));
    assert_eq!(shipment["items"], json!([{"line_id": 1, "sku_id": sku, "quantity": 2}]));
    assert_eq!(line["shipment_id"], shipment["shipment_id"]);
    assert_eq!((&order["payment"]["status"], &order["payment"]["captured"]), (&json!("pending"), &json!("0.00")));
    assert_eq!(order["holds"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_placed_paid_found_and_survives_a_restart() {
    let mut server = Server::start();
    let shop = Shop::open(server.client()).await;
    let (sku, external_id, key) = (shop.stocked(10).await, unique("WEB"), unique("key"));
    let request = Request::new("POST", "/orders").raw(full_basket(&sku, &external_id)).key(&key);

    let placed = shop.client.call(request.clone()).await;
    assert_eq!(placed.header("etag"), "\"1\"");
    let id = order_id(&placed.body);
    assert_eq!(placed.header("location"), format!("/api/v1/orders/{id}"));
    assert!(id.starts_with("ord_"));
    assert_placed(&placed.expect(201), &sku, &external_id);

    let order = shop.client.order_in(&id, "payment_confirmed").await;
    assert_eq!(order["payment"]["status"], "captured");
    assert_eq!((&order["payment"]["authorized"], &order["payment"]["captured"]), (&order["total"], &order["total"]));
    assert_eq!(order["customer"]["name"], "Ann Quillfeather");
    assert_eq!(order["shipping_address"]["street"], "1 Main St");
    assert_eq!(order["metadata"], json!({"channel": "web", "ratio": RATIO}));
    let level = shop.level(&sku).await;
    assert_eq!((level.on_hand, level.reserved), (10, 2));

    let early = shop.client.get("/search/orders").await.expect(200);
    assert!(early["lag_ms"].as_u64().is_some_and(|lag| lag < LAG_MS_MAX), "{early}");
    known_version_is_not_sent_again(&shop, &id).await;
    history_and_decisions(&shop, &id).await;
    lists_and_search(&shop, &id, &sku, &external_id).await;

    let before = shop.client.get(&format!("/orders/{id}")).await.text;
    server.stop();
    server.restart();
    let shop = Shop { client: server.client() };
    assert_eq!(shop.client.get(&format!("/orders/{id}")).await.text, before, "a restart keeps everything");
    history_and_decisions(&shop, &id).await;
    lists_and_search(&shop, &id, &sku, &external_id).await;
    let again = shop.client.call(request).await;
    assert!(again.is_replayed(), "a restart keeps keys too");
    assert_placed(&again.expect(201), &sku, &external_id);
    e2e::books::agree_with_provider(&shop.client, &server.provider()).await;
    server.stop();
    e2e::admin::verify(server.folder());
}

async fn known_version_is_not_sent_again(shop: &Shop, id: &str) {
    let read = shop.client.get(&format!("/orders/{id}")).await;
    let etag = read.header("etag").to_owned();
    assert_eq!(etag, format!("\"{}\"", read.body["version"]));
    let known = Request::new("GET", &format!("/orders/{id}")).header("if-none-match", &etag);
    let known = shop.client.send(known).await;
    assert_eq!((known.status, known.header("etag"), known.text.as_str()), (304, etag.as_str(), ""));
    let other = Request::new("GET", &format!("/orders/{id}")).header("if-none-match", "\"1\"");
    assert_eq!(shop.client.send(other).await.status, 200);
}

async fn history_and_decisions(shop: &Shop, id: &str) {
    let events = shop.client.events(id).await;
    let kinds: Vec<&str> = events.iter().filter_map(|event| event["type"].as_str()).collect();
    assert_eq!(kinds, ["order.placed", "order.payment_authorized", "order.payment_captured"]);
    for (event, version) in events.iter().zip(1..) {
        assert_eq!(event["version"], version);
        assert_eq!(event["order_id"], id);
        assert!(event["actor"].as_str().is_some_and(|actor| !actor.is_empty()), "{event}");
    }
    let moves: Vec<(&Value, &Value)> = events.iter().map(|event| (&event["from"], &event["to"])).collect();
    let pending = &json!("payment_pending");
    assert_eq!(moves, [(&Value::Null, pending), (pending, pending), (pending, &json!("payment_confirmed"))]);
    let all = shop.client.all_events().await;
    let ours = all.iter().filter(|event| event["order_id"] == id);
    let ids = |event: &Value| event["event_id"].clone();
    assert_eq!(ours.map(ids).collect::<Vec<_>>(), events.iter().map(ids).collect::<Vec<_>>());
    let captured = shop.client.get("/events?type=order.payment_captured").await.expect(200);
    assert_eq!(rows(&captured).iter().map(ids).collect::<Vec<_>>(), [events[2]["event_id"].clone()]);
    // Whoever has read up to an event goes on after it.
    let cursor = escape(all[1]["cursor"].as_str().expect("a cursor"));
    let later = shop.client.get(&format!("/events?after={cursor}")).await.expect(200);
    assert_eq!(rows(&later).iter().map(ids).collect::<Vec<_>>(), all[2..].iter().map(ids).collect::<Vec<_>>());

    let decisions = shop.client.decisions(id).await;
    for hook in ["routing", "tax", "risk", "payment"] {
        let decision = decisions.iter().find(|decision| decision["hook"] == hook);
        let decision = decision.unwrap_or_else(|| panic!("no decision of {hook}: {decisions:?}"));
        assert_eq!(decision["outcome"], "ok", "{decision}");
        assert_eq!(decision["digest"].as_str().map(str::len), Some(64), "{decision}");
        assert!(decision["fuel"].as_u64().is_some_and(|fuel| fuel > 0), "{decision}");
        assert!(decision["duration_us"].is_u64() && decision["input"].is_object(), "{decision}");
        assert!(!decision["output"].is_null(), "{decision}");
    }
}

async fn lists_and_search(shop: &Shop, id: &str, sku: &str, external_id: &str) {
    for filter in [
        "status=payment_confirmed&customer_id=c-17".to_owned(),
        format!("external_id={external_id}"),
        "placed_from=2020-01-01&placed_to=2999-01-01".to_owned(),
    ] {
        let found = shop.client.all(&format!("/orders?{filter}")).await;
        assert_eq!(found.iter().map(order_id).collect::<Vec<_>>(), [id], "{filter}");
    }
    for filter in ["status=cancelled", "customer_id=c-18", "external_id=other", "placed_to=2020-01-01"] {
        assert!(shop.client.all(&format!("/orders?{filter}")).await.is_empty(), "{filter}");
    }
    for query in [
        "quillfeather mug".to_owned(),
        format!("sku:\"{sku}\" status:payment_confirmed total:>60"),
        format!("external:\"{external_id}\" country:US -gift"),
        format!("{id} placed:>=2020-01-01"),
        "ann@example.com".to_owned(),
    ] {
        finds(&shop.client, &query, vec![id.to_owned()]).await;
    }
    finds(&shop.client, &format!("sku:\"{sku}\" status:cancelled"), Vec::new()).await;
    let answer = shop.client.get(&format!("/search/orders?q=sku:{sku}")).await.expect(200);
    assert_eq!((&answer["total"], rows(&answer).len()), (&json!(1), 1));
    assert!(answer["took_ms"].is_u64(), "{answer}");
    // It is a number of milliseconds and not a moment, also before the index has seen anything.
    assert!(answer["lag_ms"].as_u64().is_some_and(|lag| lag < LAG_MS_MAX), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_split_over_the_warehouses_that_have_its_lines() {
    let server = Server::start();
    let shop = Shop { client: server.client() };
    shop.warehouse("WH-NYC", "US", "NY", 40.7, -74.0).await;
    shop.warehouse("WH-LAX", "US", "CA", 33.9, -118.4).await;
    let (a, b, c) = (unique("A"), unique("B"), unique("C"));
    shop.stock_in("WH-NYC", &a, 5).await;
    shop.stock_in("WH-LAX", &b, 5).await;
    shop.stock_in("WH-NYC", &c, 5).await;
    shop.stock_in("WH-LAX", &c, 5).await;
    // Boston: nearest to New York, so that what both have comes from there.
    let boston = json!({"shipping_address": {"country": "US", "region": "MA", "city": "Boston", "zip": "02108"}});
    let basket = basket::with(basket::of_lines(&[(&a, 1), (&b, 2), (&c, 3)]), boston);
    let order = shop.client.place(&basket).await.expect(201);

    let shipments = order["shipments"].as_array().unwrap();
    let from = |warehouse: &str| {
        let mut found = shipments.iter().filter(|shipment| shipment["warehouse"] == warehouse);
        let shipment = found.next().unwrap_or_else(|| panic!("nothing ships from {warehouse}: {order}"));
        let item = |item: &Value| (item["line_id"].as_u64().unwrap(), item["quantity"].as_u64().unwrap());
        let mut items: Vec<_> = shipment["items"].as_array().unwrap().iter().map(item).collect();
        items.sort_unstable();
        items
    };
    assert_eq!(shipments.len(), 2, "{order}");
    assert_eq!(from("WH-NYC"), [(1, 1), (3, 3)]);
    assert_eq!(from("WH-LAX"), [(2, 2)]);
    for sku in [&a, &b, &c] {
        e2e::books::agree_with_stock(&shop, sku, std::slice::from_ref(&order)).await;
    }
    let routing = shop.client.decisions(&order_id(&order)).await.into_iter().find(|d| d["hook"] == "routing").unwrap();
    assert_ne!(routing["plugin"], "native", "the component has decided, not the native default");
}
