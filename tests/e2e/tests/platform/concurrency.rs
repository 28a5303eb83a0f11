//! Many clients at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use e2e::client::{Request, order_id};
use e2e::{Reply, Server, Shop, basket, books, unique};
use futures::future::join_all;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_requests_with_one_key_are_one_order() {
    let server = Server::start();
    let shop = Shop::open(server.client()).await;
    let sku = shop.stocked(1_000).await;
    let request = Request::new("POST", "/orders").json(&basket::of(&sku, 1)).key(&unique("k"));
    // Sent once each: a duplicate may be told that the first is still running, or be given its answer.
    let replies = join_all((0..200).map(|_| shop.client.send(request.clone()))).await;
    let mut ids = BTreeSet::new();
    let mut originals = 0;
    for reply in &replies {
        if reply.status == 409 {
            reply.expect_refusal(409, "idempotency_key_in_use");
            assert!(reply.header("retry-after").parse::<u32>().is_ok(), "{:?}", reply.headers);
            continue;
        }
        assert_eq!(reply.status, 201, "{}", reply.text);
        originals += usize::from(!reply.is_replayed());
        ids.insert(order_id(&reply.body));
    }
    assert_eq!(originals, 1, "one request made the order, the others were shown it");
    assert_eq!(ids.len(), 1);
    assert_eq!(shop.client.all("/orders").await.len(), 1);
    assert_eq!(shop.level(&sku).await.reserved, 1);
    let again = shop.client.call(request).await;
    assert!(again.is_replayed() && ids.contains(&order_id(&again.body)));
}

/// A thousand clients want one unit each; a hundred are there.
async fn sells_a_hundred_to_a_thousand(shop: &Shop, sku: &str) {
    let basket = Arc::new(basket::of(sku, 1));
    let buy = |_| {
        let (client, basket) = (shop.client.clone(), Arc::clone(&basket));
        tokio::spawn(async move { client.place(&basket).await })
    };
    let replies: Vec<Reply> =
        join_all((0..1_000).map(buy)).await.into_iter().map(|reply| reply.expect("no client fails")).collect();
    let (placed, refused): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 201);
    for reply in &refused {
        reply.expect_refusal(422, "out_of_stock");
        let missing = &reply.body["items"][0];
        assert_eq!((&missing["sku_id"], &missing["requested"]), (&json!(sku), &json!(1)), "{}", reply.text);
        assert_eq!(missing["available"], 0, "{}", reply.text);
    }
    assert_eq!((placed.len(), refused.len()), (100, 900));
    let ids: BTreeSet<String> = placed.iter().map(|reply| order_id(&reply.body)).collect();
    assert_eq!(ids.len(), 100);
    let orders: Vec<Value> = placed.iter().map(|reply| reply.body.clone()).collect();
    books::agree_with_stock(shop, sku, &orders).await;
    assert_eq!(shop.levels(sku).await.iter().map(|(_, level)| level.reserved).sum::<i64>(), 100);
    let listed = shop.client.all("/orders").await;
    let listed = listed.iter().filter(|order| order["items"][0]["sku_id"] == sku).map(order_id);
    assert_eq!(listed.collect::<BTreeSet<_>>(), ids, "what was refused left nothing behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_clients_get_exactly_the_hundred_units_there_are() {
    let mut server = Server::start();
    let shop = Shop::open(server.client()).await;
    let in_one_place = shop.stocked(100).await;
    sells_a_hundred_to_a_thousand(&shop, &in_one_place).await;

    let spread = unique("SKU");
    for number in 0..10 {
        let warehouse = format!("WH-{number}");
        shop.warehouse(&warehouse, "US", "TX", 30.0 + f64::from(number), -97.0).await;
        shop.stock_in(&warehouse, &spread, 10).await;
    }
    sells_a_hundred_to_a_thousand(&shop, &spread).await;
    server.stop();
    e2e::admin::verify(server.folder());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_cannot_be_kept_fails_alone_among_its_neighbours() {
    let server = Server::start();
    let shop = Shop::open(server.client()).await;
    let sku = shop.stocked(1_000_000).await;
    // Well-formed in every part, but larger as a whole than an order may be.
    let line = json!({"sku_id": sku, "quantity": 1, "price": 1, "title": "x".repeat(500)});
    let poisonous = basket::with(basket::of(&sku, 1), json!({"items": vec![line; 1_000]}));
    let healthy = basket::of(&sku, 1);
    let place = |number: usize| {
        let (client, basket) =
            (shop.client.clone(), if number % 10 == 5 { poisonous.clone() } else { healthy.clone() });
        tokio::spawn(async move { client.place(&basket).await })
    };
    let replies = join_all((0..100).map(place)).await;
    for (number, reply) in replies.into_iter().enumerate() {
        let reply = reply.unwrap();
        match number % 10 {
            5 => reply.expect_refusal(422, "order_too_large"),
            _ => assert_eq!(reply.status, 201, "{}", reply.text),
        }
    }
    assert_eq!(shop.level(&sku).await.reserved, 90);
    assert_eq!(shop.client.all("/orders").await.len(), 90);
}
