//! One key, one execution.

use crate::harness::{Api, Reply, Sandbox, intent, line};
use serde_json::json;
use std::time::Duration;
use tokio::task::JoinSet;

#[tokio::test]
async fn a_key_gives_the_same_answer_again_also_after_a_restart() {
    let sandbox = Sandbox::start().await;
    let first = sandbox.api.open("order-1", "pm_ok").await;
    assert!(!first.is_replayed);
    let again = sandbox.api.open("order-1", "pm_ok").await;
    assert!(again.is_replayed);
    assert_eq!(again.body, first.body);
    let sandbox = sandbox.restart().await;
    let after = sandbox.api.open("order-1", "pm_ok").await;
    assert!(after.is_replayed);
    assert_eq!((after.status, after.body), (first.status, first.body));
    assert_eq!(sandbox.api.lines().await, [line("authorize", "order-1", 1000)]);
}

#[tokio::test]
async fn the_order_of_the_parameters_does_not_matter_and_their_values_do() {
    let sandbox = Sandbox::start().await;
    let api = &sandbox.api;
    let first = api.open("k", "pm_ok").await;
    let turned = json!({
        "reference": "k",
        "capture_method": "manual",
        "payment_method": "pm_ok",
        "metadata": null,
        "currency": "eur",
        "amount": 1000,
    });
    assert_eq!(api.open_with("k", &turned).await.body, first.body);

    let mut other = turned;
    other["amount"] = 1001.into();
    let mismatch = api.open_with("k", &other).await;
    assert_eq!(mismatch.status, 409);
    assert_eq!(mismatch.body["error"]["type"], "idempotency_error");
    assert!(!mismatch.is_replayed);
    let id = first.body["id"].as_str().unwrap();
    assert_eq!(api.cancel(id, "k").await.status, 409, "another operation with the key");
    assert_eq!(api.ledger().await.len(), 1);
}

async fn persist(api: Api, key: &'static str) -> Reply {
    loop {
        let reply = api.open(key, "pm_ok").await;
        if reply.body["error"]["code"] != "idempotency_in_progress" {
            return reply;
        }
        assert_eq!(reply.status, 409);
        assert_eq!(reply.body["error"]["type"], "idempotency_error");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_requests_with_one_key_execute_once() {
    let sandbox = Sandbox::start().await;
    let mut requests = JoinSet::new();
    for _ in 0..50 {
        requests.spawn(persist(sandbox.api.clone(), "order-1"));
    }
    let replies = requests.join_all().await;
    assert_eq!(replies.iter().filter(|it| !it.is_replayed).count(), 1);
    assert!(replies.iter().all(|it| it.status == 200 && it.body == replies[0].body));
    assert_eq!(sandbox.api.lines().await, [line("authorize", "order-1", 1000)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_give_up_and_repeat_are_charged_once() {
    let sandbox = Sandbox::start().await;
    let mut requests = JoinSet::new();
    for number in 0..40_u64 {
        let api = sandbox.api.clone();
        requests.spawn(async move {
            let name = format!("order-{number}");
            let body = intent(&name, "pm_ok");
            let hasty =
                api.post_request("/v1/payment_intents", &name, &body).timeout(Duration::from_micros(200 * number));
            let _ = hasty.send().await;
            loop {
                let reply = api.open_with(&name, &body).await;
                if reply.status != 409 {
                    assert_eq!(reply.status, 200);
                    break;
                }
            }
        });
    }
    requests.join_all().await;
    let mut lines = sandbox.api.lines().await;
    assert_eq!(lines.len(), 40);
    lines.sort();
    lines.dedup();
    assert_eq!(lines.len(), 40);
}

#[tokio::test]
async fn refusals_are_not_remembered() {
    let sandbox = Sandbox::start().await;
    let api = &sandbox.api;
    let mut wrong = intent("order-1", "pm_ok");
    wrong["amount"] = 0.into();
    assert_eq!(api.open_with("k", &wrong).await.status, 400);
    let right = api.open_with("k", &intent("order-1", "pm_ok")).await;
    assert_eq!((right.status.as_u16(), right.is_replayed), (200, false));

    let id = right.body["id"].as_str().unwrap();
    assert_eq!(api.refund(id, "r", 100).await.status, 400);
    api.capture(id, "c", &json!({})).await;
    assert_eq!(api.refund(id, "r", 100).await.status, 200);
}

#[tokio::test]
async fn a_key_can_be_used_anew_after_its_time() {
    let sandbox = Sandbox::start_with(|config| config.idempotency = Duration::ZERO).await;
    let first = sandbox.api.open("k", "pm_ok").await;
    let second = sandbox.api.open_with("k", &intent("other", "pm_ok")).await;
    assert!(!second.is_replayed);
    assert_ne!(first.body["id"], second.body["id"]);
}
