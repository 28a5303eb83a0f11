//! Shipments, from the shelf to the door.

use e2e::client::{Reply, Request};
use e2e::shop::Level;
use e2e::{Server, Shop, basket, unique};
use serde_json::{Value, json};

/// Does something with a shipment.
async fn act(shop: &Shop, id: &str, shipment: &str, what: &str, body: Value) -> Reply {
    let request = Request::new("POST", &format!("/orders/{id}/shipments/{shipment}/{what}")).json(&body);
    shop.client.call(request.key(&unique(what))).await
}

/// The shipments' ids, in the order's order.
fn shipment_ids(order: &Value) -> Vec<String> {
    let shipments = order["shipments"].as_array().expect("shipments");
    shipments.iter().map(|s| s["shipment_id"].as_str().expect("an id").to_owned()).collect()
}

fn states(order: &Value) -> Vec<&str> {
    let shipments = order["shipments"].as_array().expect("shipments");
    shipments.iter().map(|s| s["status"].as_str().expect("a status")).collect()
}

#[track_caller]
fn refused(reply: &Reply, from: &str, to: &str) {
    reply.expect_refusal(409, "illegal_transition");
    assert_eq!((&reply.body["from"], &reply.body["to"]), (&json!(from), &json!(to)), "{}", reply.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_ships_in_parts_and_its_stock_leaves_with_it() {
    let mut server = Server::start();
    let shop = Shop::open(server.client()).await;
    let (mug, hat) = (shop.stocked(10).await, shop.stocked(4).await);
    let id = shop.client.placed(&basket::of_lines(&[(&mug, 5), (&hat, 1)])).await;
    let order = shop.client.order_in(&id, "payment_confirmed").await;
    let first = shipment_ids(&order)[0].clone();

    // Three of the mugs go apart from the rest.
    let too_many = json!({"items": [{"line_id": 1, "quantity": 6}]});
    assert_eq!(act(&shop, &id, &first, "split", too_many).await.pointers(), ["/items/0/quantity"]);
    let everything = json!({"items": [{"line_id": 1, "quantity": 5}, {"line_id": 2, "quantity": 1}]});
    assert_eq!(act(&shop, &id, &first, "split", everything).await.pointers(), ["/items"]);
    let some = json!({"items": [{"line_id": 1, "quantity": 3}]});
    let order = act(&shop, &id, &first, "split", some).await.expect(200);
    assert_eq!((order["status"].as_str(), states(&order)), (Some("payment_confirmed"), vec!["pending", "pending"]));
    let second = shipment_ids(&order)[1].clone();
    assert_eq!(order["shipments"][1]["items"], json!([{"line_id": 1, "sku_id": mug, "quantity": 3}]));
    assert_eq!(shop.level(&mug).await, Level { on_hand: 10, reserved: 5 });

    let order = act(&shop, &id, &first, "pack", json!({})).await.expect(200);
    assert_eq!((order["status"].as_str(), states(&order)), (Some("processing"), vec!["packed", "pending"]));
    refused(&act(&shop, &id, &first, "pack", json!({})).await, "packed", "packed");
    refused(&act(&shop, &id, &first, "track", json!({"status": "delivered"})).await, "packed", "delivered");

    nothing_ships_on_hold(&shop, &id, &first).await;
    let label = json!({"carrier": "ups", "tracking_number": "1Z999", "estimated_delivery": "2026-03-18"});
    let order = act(&shop, &id, &first, "ship", label).await.expect(200);
    assert_eq!((order["status"].as_str(), states(&order)), (Some("partially_shipped"), vec!["shipped", "pending"]));
    let shipped = &order["shipments"][0];
    assert_eq!((&shipped["carrier"], &shipped["tracking_number"]), (&json!("ups"), &json!("1Z999")));
    assert!(shipped["shipped_at"].is_string() && shipped["delivered_at"].is_null(), "{shipped}");
    assert_eq!(shop.level(&mug).await, Level { on_hand: 8, reserved: 3 }, "what is sent leaves both");
    assert_eq!(shop.level(&hat).await, Level { on_hand: 3, reserved: 0 });
    refused(&shop.client.cancel(&id).await, "partially_shipped", "cancelled");
    refused(&act(&shop, &id, &first, "ship", json!({})).await, "shipped", "shipped");

    // The rest goes without being packed first.
    let order = act(&shop, &id, &second, "ship", json!({})).await.expect(200);
    assert_eq!((order["status"].as_str(), states(&order)), (Some("shipped"), vec!["shipped", "shipped"]));
    assert_eq!(shop.level(&mug).await, Level { on_hand: 5, reserved: 0 });
    its_way_is_followed(&shop, &id, [&first, &second]).await;
    server.stop();
    e2e::admin::verify(server.folder());
}

async fn nothing_ships_on_hold(shop: &Shop, id: &str, shipment: &str) {
    let hold = json!({"reason": "the address looks wrong"});
    shop.client.post(&format!("/orders/{id}/hold"), &unique("hold"), &hold).await.expect(200);
    act(shop, id, shipment, "ship", json!({})).await.expect_refusal(409, "order_on_hold");
    shop.client.post(&format!("/orders/{id}/release"), &unique("release"), &json!({})).await.expect(200);
}

async fn its_way_is_followed(shop: &Shop, id: &str, [first, second]: [&str; 2]) {
    let on_its_way = json!({"status": "in_transit", "note": "left the depot"});
    let order = act(shop, id, first, "track", on_its_way.clone()).await.expect(200);
    assert_eq!(order["status"], "shipped");
    let version = &order["version"];
    let again = act(shop, id, first, "track", on_its_way).await.expect(200);
    assert_eq!(&again["version"], version, "the same again is no news");
    let later = act(shop, id, first, "track", json!({"estimated_delivery": "2026-03-20"})).await.expect(200);
    assert_eq!(later["shipments"][0]["estimated_delivery"], "2026-03-20");
    assert_eq!(later["shipments"][0]["tracking_number"], "1Z999", "what is left out stays");
    let lost = json!({"status": "exception", "note": "the parcel centre is closed"});
    let order = act(shop, id, first, "track", lost).await.expect(200);
    assert_eq!(order["shipments"][0]["note"], "the parcel centre is closed");
    for (shipment, progress, expected) in [
        (first, "out_for_delivery", "shipped"),
        (second, "delivered", "out_for_delivery"),
        (first, "delivered", "delivered"),
    ] {
        let order = act(shop, id, shipment, "track", json!({"status": progress})).await.expect(200);
        assert_eq!(order["status"], expected, "{order}");
    }
    refused(&act(shop, id, first, "track", json!({"status": "in_transit"})).await, "delivered", "in_transit");
    let events = shop.client.events(id).await;
    let moves = events.iter().filter(|event| event["from"] != event["to"]);
    let moves: Vec<_> = moves.map(|event| event["to"].as_str().expect("a status")).collect();
    let expected = [
        "payment_pending",
        "payment_confirmed",
        "processing",
        "partially_shipped",
        "shipped",
        "out_for_delivery",
        "delivered",
    ];
    assert_eq!(moves, expected);
    let delivered = events.last().expect("events");
    assert_eq!(
        (&delivered["type"], &delivered["payload"]["shipment_id"]),
        (&json!("order.shipment_delivered"), &json!(first))
    );
    e2e::books::finds(&shop.client, &format!("{id} status:delivered"), vec![id.to_owned()]).await;
}
