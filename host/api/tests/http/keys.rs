//! API keys and their idempotency keys.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Answer, Shop, mug};

const KEYS: &str = "/api/v1/keys";

fn web_shop() -> Value {
    json!({"name": "the web shop", "scopes": ["orders:read", "admin"]})
}

/// The merchant's keys with a name.
async fn named(shop: &Shop, name: &str) -> usize {
    let list = shop.get(KEYS).await;
    list.json["data"].as_array().unwrap().iter().filter(|key| key["name"] == name).count()
}

fn assert_made(answer: &Answer, replayed: &str) {
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!((answer.header("idempotent-replayed"), answer.header("cache-control")), (replayed, "no-store"));
}

#[tokio::test]
async fn the_same_request_gives_the_same_key_again() {
    let shop = Shop::open().await;
    let first = shop.post(KEYS, "k", &web_shop()).await;
    assert_made(&first, "");
    let written_otherwise = r#" {"scopes": ["orders:read", "admin"], "name": "the web shop"} "#;
    let again = shop.call("POST", KEYS, &[("idempotency-key", "k")], Some(written_otherwise)).await;
    assert_made(&again, "true");
    assert_eq!(again.text, first.text);
    assert_eq!(named(&shop, "the web shop").await, 1);

    let bearer = format!("Bearer {}", again.json["key"].as_str().unwrap());
    let list = shop.call("GET", KEYS, &[("authorization", &bearer)], None).await;
    let listed = list.json["data"].as_array().unwrap().iter().find(|key| key["key_id"] == first.json["key_id"]);
    let mut shown = first.json.clone();
    shown.as_object_mut().unwrap().remove("key");
    assert_eq!(listed, Some(&shown));
}

#[tokio::test]
async fn a_key_stands_for_one_request_of_one_merchant() {
    let shop = Shop::open().await;
    shop.stock(10).await;
    let bad = shop.post(KEYS, "k", &json!({"name": "the web shop", "scopes": []})).await;
    assert_eq!(bad.problem(), (422, "invalid_request"));
    assert_made(&shop.post(KEYS, "k", &web_shop()).await, "");
    let reused = (422, "idempotency_key_reused");
    for body in [
        json!({"name": "another", "scopes": ["orders:read", "admin"]}),
        json!({"name": "the web shop", "scopes": ["admin"]}),
    ] {
        let other = shop.post(KEYS, "k", &body).await;
        assert_eq!(other.problem(), reused);
        assert!(!other.text.contains("ow_"), "{}", other.text);
    }
    assert_eq!(shop.place("k").await.problem(), reused);
    assert_eq!(shop.post("/api/v1/orders", "o", &mug(1)).await.status, 201);
    assert_eq!(shop.post(KEYS, "o", &web_shop()).await.problem(), reused);
    assert_eq!((named(&shop, "the web shop").await, named(&shop, "another").await), (1, 0));

    let foreign = format!("Bearer {}", shop.foreign_key().await);
    let headers = [("authorization", foreign.as_str()), ("idempotency-key", "k")];
    assert_made(&shop.call("POST", KEYS, &headers, Some(&web_shop().to_string())).await, "");
}

#[tokio::test]
async fn without_an_idempotency_key_each_request_makes_a_key_and_a_bad_one_makes_none() {
    let shop = Shop::open().await;
    let body = web_shop().to_string();
    let post = async |headers: &[(&str, &str)]| shop.call("POST", KEYS, headers, Some(&body)).await;
    let long = "x".repeat(256);
    for bad in [&[("idempotency-key", "a b")][..], &[("idempotency-key", "")], &[("idempotency-key", &long)]] {
        assert_eq!(post(bad).await.problem(), (400, "idempotency_key_invalid"), "{bad:?}");
    }
    let twice = [("idempotency-key", "a"), ("idempotency-key", "b")];
    assert_eq!(post(&twice).await.problem(), (400, "idempotency_key_invalid"));
    assert_eq!(named(&shop, "the web shop").await, 0);
    let (first, second) = (post(&[]).await, post(&[]).await);
    assert_made(&first, "");
    assert_made(&second, "");
    assert_ne!(first.json["key"], second.json["key"]);
    assert_eq!(named(&shop, "the web shop").await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_at_the_same_time_make_one_key() {
    let shop = Shop::open().await;
    for round in 0..10 {
        let name = format!("shop-{round}");
        let body = json!({"name": name, "scopes": ["orders:read"]});
        let answers = join_all((0..8).map(|_| shop.post(KEYS, &name, &body))).await;
        let replayed = answers.iter().filter(|answer| answer.header("idempotent-replayed") == "true").count();
        assert_eq!((replayed, named(&shop, &name).await), (7, 1));
        for answer in &answers {
            assert_eq!((answer.status.as_u16(), &answer.text), (201, &answers[0].text));
        }
    }
}

#[tokio::test]
async fn no_file_of_the_store_holds_a_key() {
    let shop = Shop::open().await;
    let made = shop.post(KEYS, "key-of-the-request", &web_shop()).await;
    assert_made(&made, "");
    assert_made(&shop.post(KEYS, "key-of-the-request", &web_shop()).await, "true");
    let bytes = shop.stored_bytes();
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("the web shop") && holds("key-of-the-request"), "what is searched is not the store");
    let secret = made.json["key"].as_str().unwrap();
    let random = secret.strip_prefix("ow_").unwrap();
    assert!(!holds(secret) && !holds(random) && !holds(&random[..16]));
}
