//! The ledger adds up, whatever was asked and in whatever order.

use crate::harness::{Api, Sandbox, id, text};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Duration;
use tokio::task::JoinSet;

const METHODS: [&str; 8] = [
    "pm_ok",
    "pm_declined",
    "pm_insufficient_funds",
    "pm_flaky",
    "pm_late",
    "pm_action",
    "pm_capture_declined",
    "pm_refund_flaky",
];

/// One merchant that asks for random things, some of them several times with one key.
async fn merchant(api: Api, number: u64) -> Vec<String> {
    let mut random = fastrand::Rng::with_seed(number);
    let mut intents: Vec<String> = Vec::new();
    for step in 0..40 {
        let key = format!("{number}-{step}");
        let amount = random.u64(1..300);
        let (path, body) = match (random.u8(0..5), intents.is_empty()) {
            (0, _) | (_, true) => (
                "/v1/payment_intents".to_owned(),
                json!({
                    "amount": random.u64(1..500),
                    "currency": "EUR",
                    "payment_method": random.choice(METHODS).unwrap(),
                    "capture_method": random.choice(["manual", "automatic"]).unwrap(),
                    "reference": format!("merchant-{number}"),
                }),
            ),
            (kind, false) => {
                let intent = &intents[random.usize(..intents.len())];
                match kind {
                    1 => (format!("/v1/payment_intents/{intent}/cancel"), json!({})),
                    2 => ("/v1/refunds".into(), json!({ "payment_intent": intent, "amount": amount })),
                    _ => (
                        format!("/v1/payment_intents/{intent}/capture"),
                        json!({ "amount_to_capture": amount, "final_capture": random.bool() }),
                    ),
                }
            }
        };
        for _ in 0..random.u8(1..4) {
            let reply = api.post(&path, &key, &body).await;
            if path == "/v1/payment_intents" && !reply.is_replayed {
                let error = &reply.body["error"]["payment_intent"];
                let opened = if error.is_null() { &reply.body } else { error };
                if !opened["id"].is_null() {
                    intents.push(id(opened));
                }
            }
        }
    }
    intents
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_adds_up_to_every_intent() {
    let sandbox = Sandbox::start_with(|config| config.late = Duration::from_millis(20)).await;
    let mut merchants = JoinSet::new();
    for number in 0..6 {
        merchants.spawn(merchant(sandbox.api.clone(), number));
    }
    let intents: Vec<String> = merchants.join_all().await.concat();
    assert!(intents.len() > 20, "only {} intents were opened", intents.len());

    let sandbox = sandbox.restart().await;
    // What is late must have landed, or the ledger would be older than the intents that it is compared with.
    for id in &intents {
        while sandbox.api.intent(id).await["status"] == "processing" {}
    }
    let ledger = sandbox.api.ledger().await;
    let mut sums: HashMap<(String, String), u64> = HashMap::new();
    for (index, line) in ledger.iter().enumerate() {
        assert_eq!(line["sequence"], index + 1, "the sequence has no gaps");
        *sums.entry((text(&line["payment_intent"]), text(&line["kind"]))).or_default() +=
            line["amount"].as_u64().unwrap();
    }
    let times: Vec<&str> = ledger.iter().map(|line| line["at"].as_str().unwrap()).collect();
    assert!(times.is_sorted());
    for id in &intents {
        let intent = sandbox.api.intent(id).await;
        let sum = |kind: &str| sums.get(&(id.clone(), kind.into())).copied().unwrap_or(0);
        let field = |name: &str| intent[name].as_u64().unwrap();
        assert_eq!(sum("capture"), field("amount_received"), "{intent}");
        assert_eq!(sum("refund"), field("amount_refunded"), "{intent}");
        assert_eq!(sum("authorize"), field("amount_received") + field("amount_capturable") + sum("void"), "{intent}");
        assert!(field("amount_refunded") <= field("amount_received"));
        assert!(sum("authorize") == 0 || sum("authorize") == field("amount"));
    }
    let of_known = |line: &Value| intents.contains(&text(&line["payment_intent"]));
    assert!(ledger.iter().all(of_known), "no money without an answer");
}
