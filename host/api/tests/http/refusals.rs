//! What is refused before a use case is reached, and how.

use api::Options;
use app::merchant::{RateLimit, Scope, Settings};
use axum::body::Body;
use axum::http::Request;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use crate::harness::{Shop, mug};

#[tokio::test]
async fn bad_bodies_are_never_a_defect() {
    let shop = Shop::open().await;
    shop.stock(10).await;
    let good = mug(1).to_string();
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let cases: Vec<(Vec<u8>, u16, &str)> = vec![
        (good.as_bytes()[..good.len() - 2].to_vec(), 400, "malformed_json"),
        (b"".to_vec(), 400, "malformed_json"),
        (b"\xff\xfe".to_vec(), 400, "malformed_json"),
        (good.replace("Ann Lee", "\u{0}").into_bytes(), 400, "malformed_json"),
        (good.replace("Blue mug", "\\u0000").into_bytes(), 422, "invalid_request"),
        (good.replace("29.99", "1e400").into_bytes(), 422, "invalid_request"),
        (good.replace("\"quantity\":1", "\"quantity\":1e400").into_bytes(), 422, "invalid_request"),
        (deep.into_bytes(), 422, "invalid_request"),
        ("[".repeat(100_000).into_bytes(), 400, "malformed_json"),
        (b"null".to_vec(), 422, "invalid_request"),
        (b"{}{}".to_vec(), 400, "malformed_json"),
        (vec![b' '; 1024 * 1024 + 1], 413, "body_too_large"),
    ];
    for (body, status, code) in cases {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let request = Request::post("/api/v1/orders")
            .header("authorization", format!("Bearer {}", shop.key))
            .header("content-type", "application/json")
            .header("idempotency-key", "k")
            .body(Body::from(body))
            .unwrap();
        assert_eq!(shop.send(request).await.problem(), (status, code), "{shown}");
    }
    assert_eq!(shop.place("k").await.status, 201, "bad input used up the key");
}

/// Damages good bodies at random: whatever comes in, nothing goes wrong inside.
#[test]
fn no_damaged_body_is_a_defect() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let shop = runtime.block_on(Shop::open());
    runtime.block_on(shop.stock(1_000_000));
    let bodies = [
        ("/api/v1/orders", mug(1).to_string()),
        ("/api/v1/inventory/adjust", json!({"changes": [{"sku": "MUG", "warehouse": "W", "delta": 1}]}).to_string()),
        ("/api/v1/keys", json!({"name": "a", "scopes": ["orders:read"]}).to_string()),
    ];
    let damage =
        (0..bodies.len(), any::<prop::sample::Index>(), any::<u8>(), any::<prop::sample::Index>(), any::<u32>());
    let mut runner = TestRunner::new(Config::with_cases(300));
    let outcome = runner.run(&damage, |(which, at, byte, cut, key)| {
        let (path, body) = &bodies[which];
        let mut damaged = body.clone().into_bytes();
        let at = at.index(damaged.len());
        damaged[at] = byte;
        // Every other body is cut as well.
        if byte % 2 == 0 {
            damaged.truncate(cut.index(damaged.len()));
        }
        let request = Request::post(*path)
            .header("authorization", format!("Bearer {}", shop.key))
            .header("content-type", "application/json")
            .header("idempotency-key", format!("k{key}"))
            .body(Body::from(damaged))
            .unwrap();
        let answer = runtime.block_on(shop.send(request));
        prop_assert!(answer.status.as_u16() < 500, "{}", answer.text);
        prop_assert!(answer.status.is_success() || answer.json["code"].is_string(), "{}", answer.text);
        Ok(())
    });
    outcome.unwrap();
}

#[tokio::test]
async fn headers_are_checked() {
    let shop = Shop::open().await;
    let body = mug(1).to_string();
    let post = async |headers: &[(&str, &str)]| shop.call("POST", "/api/v1/orders", headers, Some(&body)).await;
    assert_eq!(post(&[]).await.problem(), (400, "idempotency_key_required"));
    assert_eq!(post(&[("idempotency-key", "a b")]).await.problem(), (400, "idempotency_key_invalid"));
    let typed = post(&[("idempotency-key", "k"), ("content-type", "text/plain")]).await;
    assert_eq!(typed.problem(), (415, "unsupported_media_type"));
}

#[tokio::test]
async fn addresses_and_methods_that_do_not_exist() {
    let shop = Shop::open().await;
    assert_eq!(shop.get("/api/v1/nothing").await.problem(), (404, "not_found"));
    assert_eq!(shop.get("/api/v1/orders/ord_x").await.problem(), (404, "not_found"));
    assert_eq!(shop.get("/api/v1/orders/ord_00000000000000000000000000").await.problem(), (404, "not_found"));
    let method = shop.call("DELETE", "/api/v1/orders", &[], None).await;
    assert_eq!(method.problem(), (405, "method_not_allowed"));
    let allowed: Vec<&str> = method.header("allow").split(',').collect();
    assert!(allowed.contains(&"GET") && allowed.contains(&"POST"), "{allowed:?}");
}

#[tokio::test]
async fn keys_are_made_used_and_removed() {
    let shop = Shop::open().await;
    for bad in ["Bearer ow_x", "Bearer", "Basic abc", ""] {
        let answer = shop.call("GET", "/api/v1/orders", &[("authorization", bad)], None).await;
        assert_eq!(answer.problem(), (401, "unauthorized"), "{bad:?}");
        assert!(answer.header("www-authenticate").starts_with("Bearer"));
    }
    let wrong = json!({"name": "", "scopes": ["orders:read", "root"]}).to_string();
    let wrong = shop.call("POST", "/api/v1/keys", &[], Some(&wrong)).await;
    assert_eq!((wrong.problem(), wrong.pointers()), ((422, "invalid_request"), vec!["/name", "/scopes/1"]));
    let body = json!({"name": "web shop", "scopes": ["orders:read", "orders:read"]}).to_string();
    let made = shop.call("POST", "/api/v1/keys", &[], Some(&body)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(made.json["scopes"], json!(["orders:read"]));
    assert_eq!(made.header("cache-control"), "no-store");
    let secret = format!("Bearer {}", made.json["key"].as_str().unwrap());
    let with_it = [("authorization", secret.as_str())];
    assert_eq!(shop.call("GET", "/api/v1/orders", &with_it, None).await.status, 200);
    let refused = shop.call("GET", "/api/v1/keys", &with_it, None).await;
    assert_eq!(refused.problem(), (403, "forbidden"));
    assert!(refused.json["detail"].as_str().unwrap().contains("`admin`"));
    let list = shop.get("/api/v1/keys").await;
    assert!(!list.text.contains(made.json["key"].as_str().unwrap()));
    let path = format!("/api/v1/keys/{}", made.json["key_id"].as_str().unwrap());
    assert_eq!(shop.call("DELETE", &path, &[], None).await.status, 204);
    assert_eq!(shop.call("DELETE", &path, &[], None).await.problem(), (404, "not_found"));
    assert_eq!(shop.call("GET", "/api/v1/orders", &with_it, None).await.problem(), (401, "unauthorized"));
}

#[tokio::test]
async fn reads_and_writes_are_limited_apart() {
    let limit = |requests| Some(RateLimit { requests, window_seconds: 3600 });
    let shop = Shop::with_limits(limit(2), limit(1)).await;
    let first = shop.get("/api/v1/orders").await;
    assert_eq!(first.header("ratelimit-policy"), "\"burst\";q=2;w=3600");
    assert_eq!(first.header("ratelimit"), "\"burst\";r=1;t=1800");
    shop.get("/api/v1/orders").await;
    let third = shop.get("/api/v1/orders").await;
    assert_eq!(third.problem(), (429, "rate_limited"));
    assert!(third.header("retry-after").parse::<u64>().unwrap() > 0);
    assert!(third.header("ratelimit").starts_with("\"burst\";r=0"));
    assert_ne!(shop.put("/api/v1/warehouses/W", &json!({})).await.status, 429);
    assert_eq!(shop.put("/api/v1/warehouses/W", &json!({})).await.problem(), (429, "rate_limited"));
    assert_eq!(shop.get("/livez").await.status, 200);
}

#[tokio::test]
async fn without_a_limit_there_are_no_headers_about_one() {
    let shop = Shop::open().await;
    let answer = shop.get("/api/v1/orders").await;
    assert_eq!((answer.header("ratelimit-policy"), answer.header("ratelimit")), ("", ""));
}

#[tokio::test]
async fn the_body_limit_is_the_operators() {
    let options = Options { body_limit: 100, ..Options::default() };
    let shop = Shop::with(Settings::new("USD".parse().unwrap(), "US"), options).await;
    assert_eq!(shop.place("k").await.problem(), (413, "body_too_large"));
}

#[tokio::test]
async fn a_key_without_scopes_may_nothing() {
    let shop = Shop::open().await;
    let key = format!("Bearer {}", shop.key_with(&[Scope::Support]).await);
    let answer = shop.call("GET", "/api/v1/orders", &[("authorization", &key)], None).await;
    assert_eq!(answer.problem(), (403, "forbidden"));
    assert_eq!(answer.json["scopes_needed"], json!(["orders:read"]));
}
