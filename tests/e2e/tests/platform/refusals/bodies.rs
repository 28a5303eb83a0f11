//! Bodies that nobody would send on purpose.

use e2e::basket;
use e2e::client::Request;
use serde_json::{Value, json};

use super::{Stage, assert_problem, post};

/// A text that is almost the whole of the largest body.
const HUGE: usize = 1_000_000;
/// Deeper than any parser's stack.
const DEEP: usize = 200_000;

pub async fn bad_bodies(stage: &Stage) {
    let basket = basket::with(basket::of(&stage.sku, 1), json!({"title": null, "metadata": {"a": 1}}));
    let order = &stage.confirmed;
    let targets: [(&str, String, Value); 9] = [
        ("POST", "/orders".to_owned(), basket),
        ("POST", format!("/orders/{order}/cancel"), json!({"reason": "because"})),
        ("POST", format!("/orders/{order}/pay"), json!({"payment_method_id": "pm_ok"})),
        ("POST", format!("/orders/{order}/hold"), json!({"reason": "because"})),
        ("POST", format!("/orders/{order}/release"), json!({"reason": "because"})),
        ("POST", "/keys".to_owned(), json!({"name": "web", "scopes": ["orders:read"]})),
        (
            "POST",
            "/inventory/adjust".to_owned(),
            json!({"changes": [{"sku": "A", "warehouse": "WH-TEST", "delta": 1}]}),
        ),
        ("PUT", format!("/inventory/{}/WH-TEST", stage.sku), json!({"on_hand": 90})),
        ("PUT", "/warehouses/WH-TEST".to_owned(), json!({"name": "Test", "country": "US", "priority": 1})),
    ];
    for (method, path, valid) in targets {
        for body in shapeless().into_iter().chain(truncated(&valid)).chain(poisoned(&valid)) {
            let shown = String::from_utf8_lossy(&body[..body.len().min(120)]).into_owned();
            let request = Request::new(method, &path).raw(body).key(&e2e::unique("k"));
            let reply = stage.shop.client.send(request).await;
            let name = format!("{method} {path} with {shown}");
            assert!((400..500).contains(&reply.status), "{name}: {} {}", reply.status, reply.text);
            assert_problem(&name, &reply);
        }
    }
    numbers(stage).await;
}

/// Bodies that are no request at all.
fn shapeless() -> Vec<Vec<u8>> {
    let texts = [
        "null",
        "[]",
        "[{}]",
        "1",
        "\"x\"",
        "true",
        "{",
        "[",
        "\"",
        "{]",
        "nul",
        "{\"a\":}",
        "{\"a\" 1}",
        "{}{}",
        "\u{feff}{}",
    ];
    let mut bodies: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    bodies.push("[".repeat(DEEP).into_bytes());
    bodies.push([vec![b'['; DEEP], vec![b']'; DEEP]].concat());
    bodies.push([b"{\"a\":".repeat(DEEP / 5), vec![b'1'], vec![b'}'; DEEP / 5]].concat());
    bodies.push(vec![0; 64]);
    bodies.push(vec![0xff; 64]);
    bodies.push(format!("{{\"x\":\"{}\"}}", "y".repeat(HUGE)).into_bytes());
    bodies
}

/// A valid body that ends too early.
fn truncated(valid: &Value) -> Vec<Vec<u8>> {
    let whole = valid.to_string().into_bytes();
    let ends = [1, whole.len() / 4, whole.len() / 2, whole.len() - 1];
    ends.into_iter().map(|end| whole[..end].to_vec()).collect()
}

/// A valid body in which each value, one after the other, is something that it cannot be.
fn poisoned(valid: &Value) -> Vec<Vec<u8>> {
    let poisons: [&[u8]; 8] = [
        b"1e400",
        b"-1e400",
        b"\"\\u0000\"",
        b"\"a\0b\"",
        b"\"\xff\xfe\"",
        b"\"\\ud800\"",
        b"[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]",
        b"{\"\\u0000\": {\"a\": [1e-400]}}",
    ];
    let mut paths = Vec::new();
    leaves(valid, String::new(), &mut paths);
    let mut bodies = Vec::new();
    for path in paths {
        for poison in poisons {
            let mut body = valid.clone();
            *body.pointer_mut(&path).expect("the path is its own") = json!("<poison>");
            let text = body.to_string();
            let (before, after) = text.split_once("\"<poison>\"").expect("just put there");
            bodies.push([before.as_bytes(), poison, after.as_bytes()].concat());
        }
    }
    bodies
}

/// The pointers of everything within a value that is neither object nor list.
fn leaves(value: &Value, at: String, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| leaves(value, format!("{at}/{name}"), found)),
        Value::Array(elements) => {
            elements.iter().enumerate().for_each(|(index, value)| leaves(value, format!("{at}/{index}"), found));
        }
        // In metadata anything may stand.
        _ if at.starts_with("/metadata") => {}
        _ => found.push(at),
    }
}

/// Numbers beyond computing are refused by name, and those that only look odd are what they are.
async fn numbers(stage: &Stage) {
    let body = |price: &str, quantity: &str| {
        format!(
            r#"{{"items": [{{"sku_id": "NOT-THERE", "quantity": {quantity}, "price": {price}}}], "currency": "USD",
                "shipping_address": {{"country": "US"}}, "payment_method_id": "pm_ok"}}"#
        )
    };
    let send = async |price: &str, quantity: &str| {
        stage.shop.client.send(post("/orders").raw(body(price, quantity)).key(&e2e::unique("k"))).await
    };
    let bad = [
        "1e400",
        "-1e400",
        "1e-400",
        "0.001",
        "99999999999999999999",
        "-0.01",
        "1e99999999999999999999",
        "\"NaN\"",
        "\"\"",
    ];
    for price in bad {
        let reply = send(price, "1").await;
        reply.expect_refusal(422, "invalid_request");
        assert_eq!(reply.pointers(), ["/items/0/price"], "{price}");
    }
    for quantity in ["1e400", "1e-400", "0", "-1", "1.5", "99999999999999999999", "null", "\"1\""] {
        let reply = send("1", quantity).await;
        reply.expect_refusal(422, "invalid_request");
        assert_eq!(reply.pointers(), ["/items/0/quantity"], "{quantity}");
    }
    for (price, quantity) in
        [("1e1", "1e0"), ("1.50", "1.0"), ("\"1.5\"", "10e-1"), ("0e400", "1"), ("1.000000000000000000000", "1")]
    {
        send(price, quantity).await.expect_refusal(422, "out_of_stock");
    }
}
