//! Pages: of orders, of events, of search.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Shop, mug};

async fn walk(shop: &Shop, first: &str, parameter: &str) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut path = first.to_owned();
    loop {
        let page = shop.get(&path).await;
        assert_eq!(page.status, 200, "{}", page.text);
        rows.extend(page.json["data"].as_array().unwrap().iter().cloned());
        let Some(next) = page.json["next_cursor"].as_str() else { return rows };
        path = format!("{first}&{parameter}={next}");
        assert!(rows.len() < 100, "the pages do not end");
    }
}

async fn shop_with(orders: usize) -> (Shop, Vec<String>) {
    let shop = Shop::open().await;
    shop.stock(100).await;
    let mut ids = Vec::new();
    for n in 0..orders {
        let placed = shop.place(&format!("k{n}")).await;
        assert_eq!(placed.status, 201, "{}", placed.text);
        ids.push(placed.json["order_id"].as_str().unwrap().to_owned());
    }
    (shop, ids)
}

#[tokio::test]
async fn every_order_is_on_one_page_newest_first() {
    let (shop, mut ids) = shop_with(5).await;
    ids.reverse();
    let listed = walk(&shop, "/api/v1/orders?limit=2", "cursor").await;
    let listed: Vec<&str> = listed.iter().map(|order| order["order_id"].as_str().unwrap()).collect();
    assert_eq!(listed, ids);
    assert_eq!(shop.get("/api/v1/orders?limit=5").await.json["next_cursor"], Value::Null);
}

#[tokio::test]
async fn lists_are_narrowed() {
    let (shop, _) = shop_with(1).await;
    let mut other = mug(1);
    other["customer"] = json!({"id": "c-18"});
    other["external_id"] = json!("WEB-1");
    shop.post("/api/v1/orders", "other", &other).await;
    let count =
        async |query: &str| shop.get(&format!("/api/v1/orders?{query}")).await.json["data"].as_array().unwrap().len();
    assert_eq!(count("customer_id=c-18").await, 1);
    assert_eq!(count("external_id=WEB-1").await, 1);
    assert_eq!(count("status=delivered").await, 0);
    assert_eq!(count("placed_from=2020-01-01&placed_to=2020-12-31").await, 0);
    assert_eq!(count("placed_from=2020-01-01&placed_to=2999-12-31").await, 2);
}

#[tokio::test]
async fn wrong_parameters_are_refused() {
    let shop = Shop::open().await;
    let cases = [
        ("/api/v1/orders?limit=0", "/limit"),
        ("/api/v1/orders?limit=201", "/limit"),
        ("/api/v1/orders?status=lost", "/status"),
        ("/api/v1/orders?placed_from=soon", "/placed_from"),
        ("/api/v1/orders?stauts=placed", "/stauts"),
        ("/api/v1/events?type=order.lost", "/type"),
        ("/api/v1/search/orders?sort=random", "/sort"),
        ("/api/v1/search/orders?facets=status", "/facets"),
    ];
    for (path, pointer) in cases {
        let answer = shop.get(path).await;
        assert_eq!(answer.problem(), (422, "invalid_request"), "{path}");
        assert_eq!(answer.pointers(), [pointer], "{path}");
    }
    let query = shop.get("/api/v1/search/orders?q=mug%20colour%3Ablue").await;
    assert_eq!(query.problem(), (422, "invalid_query"));
    assert_eq!((query.pointers(), &query.json["offset"]), (vec!["/q"], &json!(4)));
}

#[tokio::test]
async fn a_cursor_is_good_for_its_own_list_only() {
    let (shop, _) = shop_with(3).await;
    let orders = shop.get("/api/v1/orders?limit=1").await.json["next_cursor"].as_str().unwrap().to_owned();
    let events = shop.get("/api/v1/events?limit=1").await.json["next_cursor"].as_str().unwrap().to_owned();
    let foreign = format!("Bearer {}", shop.foreign_key().await);
    // The last character of base 64 may hold bits that say nothing, so another one is changed.
    let (begin, end) = orders.split_at(orders.len() / 2);
    let damaged = format!("{begin}{}{}", if end.starts_with('A') { 'B' } else { 'A' }, &end[1..]);
    for (path, cursor) in [
        ("/api/v1/orders?cursor=", &events),
        ("/api/v1/events?after=", &orders),
        ("/api/v1/orders?cursor=", &damaged),
        ("/api/v1/events?after=", &"1".to_owned()),
        ("/api/v1/search/orders?cursor=", &orders),
    ] {
        assert_eq!(shop.get(&format!("{path}{cursor}")).await.problem(), (400, "invalid_cursor"), "{path}{cursor}");
    }
    let stolen =
        shop.call("GET", &format!("/api/v1/orders?cursor={orders}"), &[("authorization", &foreign)], None).await;
    assert_eq!(stolen.problem(), (400, "invalid_cursor"));
}

#[tokio::test]
async fn events_are_walked_and_taken_up_again() {
    let (shop, ids) = shop_with(3).await;
    let all = walk(&shop, "/api/v1/events?limit=2", "after").await;
    let placed: Vec<&str> =
        all.iter().filter(|e| e["type"] == "order.placed").map(|e| e["order_id"].as_str().unwrap()).collect();
    assert_eq!(placed, ids);
    let last = all.last().unwrap()["cursor"].as_str().unwrap().to_owned();
    shop.place("later").await;
    let new = shop.get(&format!("/api/v1/events?type=order.placed&after={last}")).await;
    assert_eq!(new.json["data"].as_array().unwrap().len(), 1);
    assert!(!new.text.contains("position"));
    let foreign = format!("Bearer {}", shop.foreign_key().await);
    let none = shop.call("GET", "/api/v1/events", &[("authorization", &foreign)], None).await;
    assert_eq!(none.json["data"], json!([]));
}

#[tokio::test]
async fn an_order_is_found_after_a_moment() {
    let (shop, ids) = shop_with(3).await;
    let found = async || shop.get("/api/v1/search/orders?q=mug%20name%3F%20-gift&limit=2").await;
    assert_eq!(found().await.status, 200);
    let mut answer = shop.get("/api/v1/search/orders?q=blue+mug&limit=2").await;
    for _ in 0..200 {
        if answer.json["total"] == 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        answer = shop.get("/api/v1/search/orders?q=blue+mug&limit=2").await;
    }
    assert_eq!(answer.json["total"], 3, "{}", answer.text);
    assert!(answer.json["took_ms"].is_u64() && answer.json["lag_ms"].is_u64());
    let hits = walk(&shop, "/api/v1/search/orders?q=blue+mug&limit=2&sort=oldest", "cursor").await;
    let hits: Vec<&str> = hits.iter().map(|order| order["order_id"].as_str().unwrap()).collect();
    assert_eq!(hits, ids);
    let cursor = answer.json["next_cursor"].as_str().unwrap();
    let other_sort = shop.get(&format!("/api/v1/search/orders?q=blue+mug&sort=oldest&cursor={cursor}")).await;
    assert_eq!(other_sort.problem(), (400, "invalid_cursor"));
}
