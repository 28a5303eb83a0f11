//! Requests that are wrong: each is named, none is a 500, none is executed.

use crate::harness::{Sandbox, form, intent, reply};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn the_secret_key_is_needed() {
    let sandbox = Sandbox::start().await;
    let api = &sandbox.api;
    let url = format!("{}/v1/ledger", api.url);
    let without = reply(api.client.get(&url)).await;
    assert_eq!(without.status, 401);
    assert_eq!(without.body["error"]["type"], "authentication_error");
    for header in ["Bearer sk_sandbox_other", "Bearer", "Bearer ", "Basic sk_sandbox_demo", "sk_sandbox_demo"] {
        let wrong = reply(api.client.get(&url).header("authorization", header)).await;
        assert_eq!(wrong.status, 401, "{header}");
    }
    let open = api.client.post(format!("{}/v1/payment_intents", api.url));
    assert_eq!(reply(open.json(&intent("a", "pm_ok"))).await.status, 401);
    assert_eq!(reply(api.client.get(format!("{}/healthz", api.url))).await.status, 200);
}

#[tokio::test]
async fn an_idempotency_key_is_needed() {
    let sandbox = Sandbox::start().await;
    let api = &sandbox.api;
    for path in ["/v1/payment_intents", "/v1/payment_intents/x/capture", "/v1/payment_intents/x/cancel", "/v1/refunds"]
    {
        let request = api.request(Method::POST, path).json(&intent("a", "pm_ok"));
        let without = reply(request).await;
        assert_eq!(without.status, 400, "{path}");
        assert_eq!(without.body["error"]["code"], "idempotency_key_missing");
    }
    for key in ["", &"k".repeat(256)] {
        let wrong = api.open_with(key, &intent("a", "pm_ok")).await;
        assert_eq!(wrong.body["error"]["code"], "idempotency_key_invalid");
    }
    let accented = api
        .request(Method::POST, "/v1/payment_intents")
        .header("idempotency-key", &b"\xc3\xa4"[..])
        .json(&intent("a", "pm_ok"));
    assert_eq!(reply(accented).await.body["error"]["code"], "idempotency_key_invalid");
}

#[tokio::test]
async fn a_wrong_parameter_is_named() {
    let sandbox = Sandbox::start().await;
    let api = &sandbox.api;
    let cases: &[(&str, Value, &str)] = &[
        ("amount", Value::Null, "parameter_missing"),
        ("amount", json!(0), "parameter_invalid_integer"),
        ("amount", json!(-5), "parameter_invalid_integer"),
        ("amount", json!(10.5), "parameter_invalid_integer"),
        ("amount", json!("10"), "parameter_invalid_integer"),
        ("amount", json!(1_000_000_000_001_u64), "parameter_invalid_integer"),
        ("amount", json!(u64::MAX), "parameter_invalid_integer"),
        ("currency", json!("EURO"), "currency_invalid"),
        ("currency", json!("ÄÖÜ"), "currency_invalid"),
        ("currency", json!(978), "currency_invalid"),
        ("payment_method", json!("pm_visa"), "payment_method_unknown"),
        ("payment_method", Value::Null, "parameter_missing"),
        ("capture_method", json!("later"), "parameter_invalid_choice"),
        ("reference", json!(""), "parameter_invalid_string"),
        ("reference", json!("a\u{0}b"), "parameter_invalid_string"),
        ("reference", json!("x".repeat(256)), "parameter_invalid_string"),
        ("reference", json!(["a"]), "parameter_invalid_string"),
        ("metadata", json!([]), "parameter_invalid_map"),
        ("colour", json!("red"), "parameter_unknown"),
    ];
    for (param, value, code) in cases {
        let mut body = intent("order-1", "pm_ok");
        body[param] = value.clone();
        let refused = api.open_with("k", &body).await;
        let error = &refused.body["error"];
        assert_eq!(refused.status, 400, "{param} {value}");
        assert_eq!(error["type"], "invalid_request_error");
        assert_eq!(error["code"], *code, "{param} {value}");
        assert_eq!(error["param"], *param, "{param} {value}");
        assert!(error["message"].as_str().unwrap().contains(param));
    }
    let mut body = intent("order-1", "pm_ok");
    body["metadata"] = json!({ "depth": { "deeper": 1 } });
    let nested = api.open_with("k", &body).await;
    assert_eq!(nested.body["error"]["param"], "metadata[depth]");
    assert_eq!(api.ledger().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_refused() {
    let sandbox = Sandbox::start().await;
    let api = &sandbox.api;
    let deep = "[".repeat(100_000);
    let bodies: &[&[u8]] = &[
        b"{",
        b"{\"amount\":",
        b"[]",
        b"null",
        b"\"text\"",
        b"{\"amount\":1e400}",
        b"{\"reference\":\"\xff\xfe\"}",
        b"\x00",
        b"{} {}",
        deep.as_bytes(),
    ];
    for path in
        ["/v1/payment_intents", "/v1/refunds", "/v1/payment_intents/pi_x/capture", "/v1/payment_intents/pi_x/cancel"]
    {
        for body in bodies {
            let request = api
                .request(Method::POST, path)
                .header("idempotency-key", "k")
                .header("content-type", "application/json")
                .body(body.to_vec());
            let refused = reply(request).await;
            assert_eq!(refused.status, 400, "{path} {:?}", String::from_utf8_lossy(&body[..body.len().min(30)]));
            assert_eq!(refused.body["error"]["code"], "json_invalid");
        }
    }
    let huge = api.request(Method::POST, "/v1/refunds").header("idempotency-key", "k").body(vec![b' '; 300_000]);
    let refused = reply(huge).await;
    assert_eq!(refused.status, 413);
    assert_eq!(refused.body["error"]["code"], "body_too_large");
    let request = api.request(Method::POST, "/v1/refunds").header("idempotency-key", "k");
    let request = form(request, &[("payment_intent", "pi_x")]);
    assert_eq!(reply(request).await.body["error"]["code"], "content_type_invalid");
}

#[tokio::test]
async fn what_does_not_exist_is_a_404_and_a_wrong_query_a_400() {
    let sandbox = Sandbox::start().await;
    let api = &sandbox.api;
    for path in ["/v1/payment_intents/pi_none", "/v1/refunds/re_none", "/v1/payment_intents/a%00b"] {
        let missing = api.get(path).await;
        assert_eq!(missing.status, 404, "{path}");
        assert_eq!(missing.body["error"]["code"], "resource_missing");
    }
    for reply in [
        api.capture("pi_none", "a", &json!({})).await,
        api.cancel("pi_none", "b").await,
        api.refund("pi_none", "c", 5).await,
    ] {
        assert_eq!(reply.status, 404);
        assert_eq!(reply.body["error"]["code"], "resource_missing");
    }
    assert_eq!(api.get("/v2/nothing").await.body["error"]["code"], "url_unknown");
    assert_eq!(api.get("/v1/nothing").await.body["error"]["code"], "url_unknown");
    let method = reply(api.request(Method::DELETE, "/v1/ledger")).await;
    assert_eq!(method.status, 405);
    assert_eq!(method.body["error"]["code"], "method_not_allowed");
    for path in [
        "/v1/payment_intents",
        "/v1/payment_intents?reference=",
        "/v1/payment_intents?order=1",
        "/v1/payment_intents?reference=a&reference=b",
        "/v1/ledger?since=yesterday",
        "/v1/ledger?since=-1",
        "/v1/ledger?limit=0",
        "/v1/ledger?limit=10001",
        "/v1/ledger?page=2",
    ] {
        let refused = api.get(path).await;
        assert_eq!(refused.status, 400, "{path}");
        assert_eq!(refused.body["error"]["type"], "invalid_request_error");
    }
    let undecodable = api.get("/v1/payment_intents/%ff").await;
    assert_eq!(undecodable.status, 404);
}
