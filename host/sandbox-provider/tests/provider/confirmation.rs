//! The page on which a customer confirms or refuses.

use crate::harness::{Api, Reply, Sandbox, form, id, line, reply, text, until};
use serde_json::Value;
use std::time::Duration;

/// Opens a payment that waits for its customer.
async fn waiting(api: &Api, name: &str) -> (String, String) {
    let opened = api.open(name, "pm_action").await;
    assert_eq!(opened.status, 200);
    assert_eq!(opened.body["status"], "requires_action");
    let redirect = &opened.body["next_action"]["redirect_to_url"];
    assert!(redirect["expires_at"].as_str().unwrap() > opened.body["created"].as_str().unwrap());
    (id(&opened.body), text(&redirect["url"]))
}

async fn press(api: &Api, url: &str, answer: &str) -> Reply {
    let (page, token) = url.split_once("?token=").unwrap();
    reply(form(api.client.post(page), &[("token", token), ("answer", answer)])).await
}

fn shows(page: &Reply, words: &str) -> bool {
    page.body.as_str().unwrap().contains(words)
}

#[tokio::test]
async fn a_customer_confirms() {
    let sandbox = Sandbox::start().await;
    let api = &sandbox.api;
    let (id, url) = waiting(api, "<b>order</b>").await;
    let page = reply(api.client.get(&url)).await;
    assert!(shows(&page, "Confirm your payment") && shows(&page, "10.00 EUR"));
    assert!(shows(&page, "&lt;b&gt;order&lt;/b&gt;") && !shows(&page, "<b>order"));

    let done = press(api, &url, "confirm").await;
    assert_eq!(done.status, 200, "the form leads back to the page");
    assert!(shows(&done, "Payment confirmed"));
    let intent = api.intent(&id).await;
    assert_eq!(intent["status"], "requires_capture");
    assert!(intent["next_action"].is_null());
    assert_eq!(api.lines().await, [line("authorize", "<b>order</b>", 1000)]);
    assert_eq!(press(api, &url, "refuse").await.status, 409);
    assert_eq!(api.ledger().await.len(), 1);
}

#[tokio::test]
async fn a_customer_refuses() {
    let sandbox = Sandbox::start().await;
    let api = &sandbox.api;
    let (id, url) = waiting(api, "order-1").await;
    let done = press(api, &url, "refuse").await;
    assert!(shows(&done, "Payment failed"));
    let intent = api.intent(&id).await;
    assert_eq!(intent["status"], "failed");
    assert_eq!(intent["last_error"]["code"], "authentication_failed");
    assert_eq!(api.lines().await, [line("decline", "order-1", 1000)]);
}

#[tokio::test]
async fn nobody_confirms_without_the_token() {
    let sandbox = Sandbox::start().await;
    let api = &sandbox.api;
    let (id, url) = waiting(api, "order-1").await;
    let (page, token) = url.split_once("?token=").unwrap();
    let (_, other) = waiting(api, "order-2").await;
    let (_, other_token) = other.split_once("?token=").unwrap();
    for wrong in ["", "x", &token[1..], other_token] {
        assert_eq!(reply(api.client.get(format!("{page}?token={wrong}"))).await.status, 404);
        let fields = [("token", wrong), ("answer", "confirm")];
        assert_eq!(reply(form(api.client.post(page), &fields)).await.status, 404);
    }
    assert_eq!(reply(api.client.get(page)).await.status, 404);
    for fields in [[("token", token), ("answer", "maybe")], [("tokens", token), ("answer", "confirm")]] {
        assert_eq!(reply(form(api.client.post(page), &fields)).await.status, 400);
    }
    // A payment that never needed a confirmation has no page.
    let plain = api.authorized("order-3", "pm_ok").await;
    let missing = api.client.get(format!("{}/confirm/{plain}?token=", api.url));
    assert_eq!(reply(missing).await.status, 404);
    assert_eq!(api.intent(&id).await["status"], "requires_action");
}

#[tokio::test]
async fn a_confirmation_expires() {
    let sandbox = Sandbox::start_with(|config| config.confirmation = Duration::from_millis(200)).await;
    let api = sandbox.api.clone();
    let (id, url) = waiting(&api, "order-1").await;
    until(|| async { api.intent(&id).await["status"] == "failed" }).await;
    assert_eq!(api.intent(&id).await["last_error"]["code"], "confirmation_expired");
    assert_eq!(press(&api, &url, "confirm").await.status, 409);
    assert_eq!(api.lines().await, [line("decline", "order-1", 1000)]);
}

#[tokio::test]
async fn a_canceled_payment_cannot_be_confirmed() {
    let sandbox = Sandbox::start_with(|config| config.public_url = Some("http://pay.test/".into())).await;
    let api = &sandbox.api;
    let (id, url) = waiting(api, "order-1").await;
    assert!(url.starts_with("http://pay.test/confirm/pi_"));
    let local = url.replace("http://pay.test", &api.url);
    assert_eq!(api.cancel(&id, "v").await.body["status"], "canceled");
    assert_eq!(press(api, &local, "confirm").await.status, 409);
    let page = reply(api.client.get(&local)).await;
    assert!(shows(&page, "Payment canceled"));
    assert_eq!(api.ledger().await, Vec::<Value>::new());
}
