//! Every fault that a payment method plays.

use crate::harness::{Api, Sandbox, id, intent, line, text, until};
use serde_json::{Value, json};
use std::time::Duration;

async fn has_lines(api: &Api, count: usize) -> bool {
    api.ledger().await.len() >= count
}

#[tokio::test]
async fn declines_answer_402_and_charge_nothing() {
    let sandbox = Sandbox::start().await;
    let api = &sandbox.api;
    for (method, code) in [("pm_declined", "card_declined"), ("pm_insufficient_funds", "insufficient_funds")] {
        let declined = api.open(method, method).await;
        assert_eq!(declined.status, 402);
        let error = &declined.body["error"];
        assert_eq!(error["type"], "card_error");
        assert_eq!(error["code"], code);
        assert_eq!(error["payment_intent"]["status"], "failed");
        assert_eq!(error["payment_intent"]["last_error"]["code"], code);
        let id = id(&error["payment_intent"]);
        assert_eq!(api.intent(&id).await, error["payment_intent"]);
        assert_eq!(api.cancel(&id, &id).await.status, 400);

        let again = api.open(method, method).await;
        assert!(again.is_replayed);
        assert_eq!((again.status, &again.body), (declined.status, &declined.body));
    }
    assert_eq!(
        api.lines().await,
        [line("decline", "pm_declined", 1000), line("decline", "pm_insufficient_funds", 1000)]
    );
}

#[tokio::test]
async fn a_silent_authorisation_is_made_and_its_key_tells_the_outcome() {
    let sandbox = Sandbox::start().await;
    let api = sandbox.api.clone();
    let body = intent("order-1", "pm_timeout");
    let silent = tokio::spawn(api.post_request("/v1/payment_intents", "k", &body).send());
    until(|| has_lines(&api, 1)).await;
    let found = api.get("/v1/payment_intents?reference=order-1").await;
    assert_eq!(found.body["data"][0]["status"], "requires_capture");

    let again = api.open_with("k", &body).await;
    assert_eq!(again.status, 200);
    assert!(again.is_replayed);
    assert_eq!(again.body, found.body["data"][0]);
    assert!(!silent.is_finished(), "the first request is still waiting");

    sandbox.stop().await;
    let error = silent.await.unwrap().unwrap_err();
    assert!(!error.is_timeout() && !error.is_connect(), "{error}");
}

#[tokio::test]
async fn a_silent_connection_is_broken_off_without_an_answer() {
    let sandbox = Sandbox::start_with(|config| config.silence = Duration::from_millis(50)).await;
    let request = sandbox.api.post_request("/v1/payment_intents", "k", &intent("order-1", "pm_timeout"));
    let error = request.send().await.unwrap_err();
    assert!(!error.is_timeout() && !error.is_connect(), "{error}");
    assert_eq!(sandbox.api.lines().await, [line("authorize", "order-1", 1000)]);
    // Only the one connection was broken off.
    assert_eq!(sandbox.api.open("order-2", "pm_ok").await.status, 200);
}

#[tokio::test]
async fn a_silent_capture_is_made() {
    let sandbox = Sandbox::start().await;
    let api = sandbox.api.clone();
    let id = api.authorized("order-1", "pm_capture_timeout").await;
    let path = format!("/v1/payment_intents/{id}/capture");
    let silent = tokio::spawn(api.post_request(&path, "c", &json!({})).send());
    until(|| has_lines(&api, 2)).await;
    let again = api.capture(&id, "c", &json!({})).await;
    assert!(again.is_replayed);
    assert_eq!(again.body["amount_received"], 1000);
    assert!(!silent.is_finished());
    assert_eq!(api.refund(&id, "r", 1000).await.status, 200);
    silent.abort();
}

#[tokio::test]
async fn a_flaky_method_fails_twice_for_each_key_even_across_a_restart() {
    let sandbox = Sandbox::start().await;
    let first = sandbox.api.open("order-1", "pm_flaky").await;
    assert_eq!(first.status, 500);
    assert_eq!(first.body["error"]["type"], "api_error");
    let mismatch = sandbox.api.open_with("order-1", &intent("order-2", "pm_flaky")).await;
    assert_eq!(mismatch.status, 409);

    let sandbox = sandbox.restart().await;
    let api = &sandbox.api;
    assert_eq!(api.open("order-1", "pm_flaky").await.status, 500);
    assert_eq!(api.ledger().await, Vec::<Value>::new());
    let third = api.open("order-1", "pm_flaky").await;
    assert_eq!((third.status.as_u16(), third.is_replayed), (200, false));
    let fourth = api.open("order-1", "pm_flaky").await;
    assert_eq!((fourth.status.as_u16(), fourth.is_replayed), (200, true));
    assert_eq!(api.open("order-3", "pm_flaky").await.status, 500);
    assert_eq!(api.lines().await, [line("authorize", "order-1", 1000)]);
}

#[tokio::test]
async fn a_late_payment_lands_by_itself_across_a_restart() {
    let sandbox = Sandbox::start_with(|config| config.late = Duration::from_secs(1)).await;
    let opened = sandbox.api.open("order-1", "pm_late").await;
    assert_eq!(opened.status, 200);
    assert_eq!(opened.body["status"], "processing");
    let id = id(&opened.body);
    let sandbox = sandbox.restart().await;
    let api = sandbox.api.clone();
    until(|| async { api.intent(&id).await["status"] == "requires_capture" }).await;
    assert_eq!(api.lines().await, [line("authorize", "order-1", 1000)]);
    assert_eq!(api.capture(&id, "c", &json!({})).await.status, 200);
    // The key still gives the answer of then.
    assert_eq!(api.open("order-1", "pm_late").await.body["status"], "processing");
}

#[tokio::test]
async fn the_sweeper_lands_payments_that_nobody_asks_for() {
    let sandbox = Sandbox::start_with(|config| config.late = Duration::from_millis(100)).await;
    sandbox.api.open("order-1", "pm_late").await;
    // Reading over HTTP would land it as well, so that the file is looked into.
    let file = sandbox.folder.path().join(sandbox_provider::LEDGER_FILE_NAME);
    let needle = b"\"kind\":\"authorize\"";
    until(|| async {
        let bytes = std::fs::read(&file).unwrap();
        bytes.windows(needle.len()).any(|window| window == needle)
    })
    .await;
    assert_eq!(sandbox.api.lines().await, [line("authorize", "order-1", 1000)]);
}

#[tokio::test]
async fn a_canceled_late_payment_never_lands() {
    let sandbox = Sandbox::start_with(|config| config.late = Duration::from_secs(1)).await;
    let api = sandbox.api.clone();
    let canceled = id(&api.open("canceled", "pm_late").await.body);
    let voided = api.cancel(&canceled, "v").await;
    assert_eq!(voided.body["status"], "canceled");
    // A later payment landing shows that the time of the canceled one has come as well.
    let other = id(&api.open("other", "pm_late").await.body);
    until(|| async { api.intent(&other).await["status"] == "requires_capture" }).await;
    assert_eq!(api.intent(&canceled).await["status"], "canceled");
    assert_eq!(api.lines().await, [line("authorize", "other", 1000)]);
}

#[tokio::test]
async fn a_declined_capture_leaves_the_authorisation() {
    let sandbox = Sandbox::start().await;
    let api = &sandbox.api;
    let id = api.authorized("order-1", "pm_capture_declined").await;
    let declined = api.capture(&id, "c", &json!({})).await;
    assert_eq!(declined.status, 402);
    assert_eq!(text(&declined.body["error"]["code"]), "card_declined");
    assert_eq!(declined.body["error"]["payment_intent"]["status"], "requires_capture");
    assert!(api.capture(&id, "c", &json!({})).await.is_replayed);
    assert_eq!(api.cancel(&id, "v").await.body["status"], "canceled");
    assert_eq!(
        api.lines().await,
        [line("authorize", "order-1", 1000), line("decline", "order-1", 1000), line("void", "order-1", 1000),]
    );
}

#[tokio::test]
async fn a_flaky_refund_fails_twice_and_then_refunds_once() {
    let sandbox = Sandbox::start().await;
    let api = &sandbox.api;
    let id = api.authorized("order-1", "pm_refund_flaky").await;
    api.capture(&id, "c", &json!({})).await;
    for _ in 0..2 {
        assert_eq!(api.refund(&id, "r", 300).await.status, 500);
        assert_eq!(api.intent(&id).await["amount_refunded"], 0);
    }
    assert_eq!(api.refund(&id, "r", 300).await.status, 200);
    assert!(api.refund(&id, "r", 300).await.is_replayed);
    assert_eq!(api.intent(&id).await["amount_refunded"], 300);
}
