//! Clients that hang up in the middle of a request.

use e2e::client::{Client, Request, order_id};
use e2e::torn::{self, Cut};
use e2e::{Options, Server, Shop, basket, books, eventually, unique};
use serde_json::{Value, json};

use crate::scenarios;

#[tokio::test(flavor = "multi_thread")]
async fn every_saga_ends_well_though_each_request_is_cut_off_once() {
    scenarios::play(Options::new(), Client::on_a_broken_network).await;
}

/// Where every kind of request is cut: before, in and after each of its parts.
fn cuts(client: &Client, request: &Request) -> Vec<Cut> {
    let whole = torn::wire(client, request);
    let body = request.body.as_ref().map_or(0, Vec::len);
    let head = whole.len() - body;
    let places = [0, 1, head / 2, head - 2, head, head + body / 2, whole.len() - 1];
    let mut cuts: Vec<Cut> = places.into_iter().filter(|place| *place < whole.len()).map(Cut::After).collect();
    cuts.extend([Cut::Unread, Cut::Begun]);
    cuts
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_cut_off_anywhere_happens_once_or_not_at_all() {
    let mut server = Server::start();
    let shop = Shop::open(server.client()).await;
    let client = &shop.client;
    let sku = shop.stocked(10_000).await;
    let target = client.placed(&basket::paid_with(basket::of(&sku, 1), "pm_declined")).await;
    client.order_in(&target, "payment_failed").await;
    let (path, basket) = (format!("/orders/{target}"), basket::of(&sku, 1));
    let other_sku = shop.stocked(7).await;
    let change = json!({"changes": [{"sku": other_sku, "warehouse": "WH-TEST", "delta": 1, "reason": "found"}]});

    let get = |path: &str| Request::new("GET", path);
    let harmless = [get(&path), get(&format!("{path}/events")), get("/orders?limit=1"), get("/search/orders?q=mug")];
    for request in &harmless {
        for cut in cuts(client, request) {
            torn::send(client, request, cut).await;
        }
    }
    // Each cut is another order, asked for again with its key.
    let mut orders: Vec<Value> = vec![client.order(&target).await];
    for cut in cuts(client, &Request::new("POST", "/orders").json(&basket).key(&unique("k"))) {
        let key = unique("k");
        let request = Request::new("POST", "/orders").json(&basket).key(&key);
        torn::send(client, &request, cut).await;
        let first = client.call(request.clone()).await;
        let second = client.call(request).await;
        assert!(second.is_replayed(), "{cut:?}");
        assert_eq!(order_id(&first.expect(201)), order_id(&second.body), "{cut:?}");
        orders.push(second.expect(201));
    }
    let commands = [
        ("hold", json!({"reason": "wait"})),
        ("release", json!({})),
        ("pay", json!({"payment_method_id": "pm_ok"})),
        ("cancel", json!({"reason": "enough"})),
    ];
    for (command, body) in commands {
        let key = unique(command);
        let request = Request::new("POST", &format!("{path}/{command}")).json(&body).key(&key);
        for cut in cuts(client, &request) {
            torn::send(client, &request, cut).await;
        }
        let reply = client.call(request).await;
        assert_eq!(reply.status, 200, "{command}: {}", reply.text);
        if command == "pay" {
            client.order_in(&target, "payment_confirmed").await;
        }
    }
    let request = Request::new("POST", "/inventory/adjust").json(&change).key(&unique("adjust"));
    for cut in cuts(client, &request) {
        torn::send(client, &request, cut).await;
    }
    client.call(request).await.expect(200);
    assert_eq!(shop.level(&other_sku).await.on_hand, 8, "the change was made once");

    let kinds: Vec<Value> = client.events(&target).await.into_iter().map(|event| event["type"].clone()).collect();
    for kind in ["order.hold_placed", "order.hold_released", "order.payment_attempted", "order.cancelled"] {
        assert_eq!(kinds.iter().filter(|k| **k == kind).count(), 1, "{kind} in {kinds:?}");
    }
    let listed = eventually("the orders", async || {
        let listed = client.all("/orders").await;
        if listed.len() == orders.len() { Ok(listed) } else { Err(format!("{} of {}", listed.len(), orders.len())) }
    })
    .await;
    books::agree_with_stock(&shop, &sku, &listed).await;
    books::agree_with_provider(client, &server.provider()).await;
    assert!(server.lives());
    server.stop();
    e2e::admin::verify(server.folder());
}
