//! Payments that go well: authorise, capture, void, refund, look up.

use crate::harness::{Sandbox, id, intent, line};
use serde_json::json;

#[tokio::test]
async fn a_payment_is_authorised_captured_and_refunded() {
    let sandbox = Sandbox::start().await;
    let api = &sandbox.api;
    let opened = api.open("order-1", "pm_ok").await;
    assert_eq!(opened.status, 200);
    assert_eq!(opened.body["object"], "payment_intent");
    assert_eq!(opened.body["status"], "requires_capture");
    assert_eq!(opened.body["amount_capturable"], 1000);
    assert_eq!(opened.body["amount_received"], 0);
    assert_eq!(opened.body["reference"], "order-1");
    assert!(opened.body["next_action"].is_null() && opened.body["last_error"].is_null());

    let id = id(&opened.body);
    let captured = api.capture(&id, "c", &json!({})).await;
    assert_eq!(captured.status, 200);
    assert_eq!(captured.body["status"], "succeeded");
    assert_eq!(captured.body["amount_received"], 1000);

    let refund = api.refund(&id, "r", 400).await;
    assert_eq!(refund.status, 200);
    assert_eq!(refund.body["status"], "succeeded");
    assert_eq!(refund.body["amount"], 400);
    let refund_id = refund.body["id"].as_str().unwrap();
    assert!(refund_id.starts_with("re_"));
    assert_eq!(api.get(&format!("/v1/refunds/{refund_id}")).await.body, refund.body);
    assert_eq!(api.intent(&id).await["amount_refunded"], 400);
    assert_eq!(
        api.lines().await,
        [line("authorize", "order-1", 1000), line("capture", "order-1", 1000), line("refund", "order-1", 400),]
    );
}

#[tokio::test]
async fn automatic_capture_takes_the_money_at_once() {
    let sandbox = Sandbox::start().await;
    let mut body = intent("order-1", "pm_ok");
    body["capture_method"] = "automatic".into();
    body["currency"] = "gbp".into();
    body["metadata"] = json!({ "channel": "web" });
    let opened = sandbox.api.post("/v1/payment_intents", "k", &body).await;
    assert_eq!(opened.body["status"], "succeeded");
    assert_eq!(opened.body["amount_received"], 1000);
    assert_eq!(opened.body["currency"], "GBP");
    assert_eq!(opened.body["metadata"], json!({ "channel": "web" }));
    assert_eq!(sandbox.api.lines().await, [line("authorize", "order-1", 1000), line("capture", "order-1", 1000)]);
}

#[tokio::test]
async fn a_void_releases_the_authorisation() {
    let sandbox = Sandbox::start().await;
    let api = &sandbox.api;
    let id = api.authorized("order-1", "pm_ok").await;
    let canceled = api.cancel(&id, "v").await;
    assert_eq!(canceled.body["status"], "canceled");
    assert_eq!(canceled.body["amount_capturable"], 0);
    let late = api.capture(&id, "c", &json!({})).await;
    assert_eq!(late.status, 400);
    assert_eq!(late.body["error"]["code"], "payment_intent_unexpected_state");
    assert_eq!(late.body["error"]["payment_intent"]["status"], "canceled");
    assert_eq!(api.lines().await, [line("authorize", "order-1", 1000), line("void", "order-1", 1000)]);
}

#[tokio::test]
async fn captures_never_exceed_the_authorisation() {
    let sandbox = Sandbox::start().await;
    let api = &sandbox.api;
    let id = api.authorized("order-1", "pm_ok").await;
    let over = api.capture(&id, "over", &json!({ "amount_to_capture": 1001 })).await;
    assert_eq!(over.status, 400);
    assert_eq!(over.body["error"]["code"], "amount_too_large");
    assert_eq!(over.body["error"]["param"], "amount_to_capture");

    let part = json!({ "amount_to_capture": 600, "final_capture": false });
    assert_eq!(api.capture(&id, "one", &part).await.body["amount_capturable"], 400);
    assert_eq!(api.capture(&id, "two", &part).await.body["error"]["code"], "amount_too_large");
    let last = api.capture(&id, "three", &json!({ "amount_to_capture": 300 })).await;
    assert_eq!(last.body["status"], "succeeded");
    assert_eq!(last.body["amount_received"], 900);
    assert_eq!(
        api.lines().await,
        [
            line("authorize", "order-1", 1000),
            line("capture", "order-1", 600),
            line("capture", "order-1", 300),
            line("void", "order-1", 100),
        ]
    );
}

#[tokio::test]
async fn refunds_never_exceed_what_was_captured() {
    let sandbox = Sandbox::start().await;
    let api = &sandbox.api;
    let id = api.authorized("order-1", "pm_ok").await;
    let early = api.refund(&id, "early", 1).await;
    assert_eq!(early.body["error"]["code"], "payment_intent_unexpected_state");
    api.capture(&id, "c", &json!({ "amount_to_capture": 500 })).await;
    let over = api.refund(&id, "over", 501).await;
    assert_eq!(over.status, 400);
    assert_eq!(over.body["error"]["code"], "amount_too_large");
    assert_eq!(over.body["error"]["param"], "amount");
    assert_eq!(api.refund(&id, "part", 200).await.status, 200);
    let rest = api.post("/v1/refunds", "rest", &json!({ "payment_intent": id })).await;
    assert_eq!(rest.body["amount"], 300);
    let again = api.refund(&id, "again", 1).await;
    assert_eq!(again.body["error"]["code"], "charge_already_refunded");
    assert_eq!(api.intent(&id).await["amount_refunded"], 500);
}

#[tokio::test]
async fn intents_are_found_by_reference_newest_first() {
    let sandbox = Sandbox::start().await;
    let api = &sandbox.api;
    for key in ["a", "b"] {
        api.post("/v1/payment_intents", key, &intent("order 1/ä", "pm_ok")).await;
    }
    api.open("order 1/äx", "pm_ok").await;
    let found = api.get("/v1/payment_intents?reference=order%201%2F%C3%A4").await;
    let found = found.body["data"].as_array().unwrap();
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|it| it["reference"] == "order 1/ä"));
    assert!(id(&found[0]) > id(&found[1]));
    let none = api.get("/v1/payment_intents?reference=order").await;
    assert_eq!(none.body, json!({ "object": "list", "data": [], "has_more": false }));
}

#[tokio::test]
async fn the_ledger_is_read_in_pages_and_from_a_time_on() {
    let sandbox = Sandbox::start().await;
    let api = &sandbox.api;
    for number in 0..7 {
        api.open(&format!("order-{number}"), "pm_ok").await;
    }
    let mut seen = Vec::new();
    let mut since = 0;
    loop {
        let page = api.get(&format!("/v1/ledger?since={since}&limit=3")).await.body;
        let lines = page["data"].as_array().unwrap();
        assert_eq!(page["last_sequence"], 7);
        seen.extend(lines.iter().map(|line| line["sequence"].as_u64().unwrap()));
        since = *seen.last().unwrap();
        if page["has_more"] == false {
            break;
        }
    }
    assert_eq!(seen, [1, 2, 3, 4, 5, 6, 7]);

    let ledger = api.ledger().await;
    let fourth = ledger[3]["at"].as_str().unwrap();
    let expected: Vec<_> = ledger.iter().filter(|line| line["at"].as_str().unwrap() >= fourth).cloned().collect();
    let from = api.get(&format!("/v1/ledger?since={fourth}")).await;
    assert_eq!(from.body["data"].as_array().unwrap(), &expected);
    let future = api.get("/v1/ledger?since=2999-01-01T00:00:00Z").await;
    assert_eq!(future.body["data"], json!([]));
}
