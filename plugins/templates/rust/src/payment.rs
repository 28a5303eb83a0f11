//! Speaks to a payment provider: here the sandbox that `orderwright dev` starts, whose API is like that of many.
//!
//! ```json
//! { "base_url": "http://127.0.0.1:8090" }
//! ```
//! The provider's key is the merchant's secret named `api_key`. An operation is a request or two: the transcript says how
//! far it is. What a provider of yours calls things is in `Intent` and in `request`.

use orderwright_sdk::Context;
use orderwright_sdk::payment::{
    Body, Credential, Declined, Descriptor, Entry, Failed, Header, Operation, Outcome, Request, Safety, State, Step,
    Wait,
};
use serde::Deserialize;
use serde_json::{Value, json};

#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: orderwright_sdk::bump::Bump = orderwright_sdk::bump::Bump::new();

orderwright_sdk::export_payment!(describe, next_step);

/// The pause before a payment that is under way is asked for again, in microseconds.
const PAUSE: i64 = 5_000_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    base_url: String,
}

/// A payment as the provider describes it.
#[derive(Clone, Deserialize)]
struct Intent {
    id: String,
    status: String,
    amount: i64,
    #[serde(default)]
    amount_received: i64,
    #[serde(default)]
    amount_refunded: i64,
}

/// What the provider answered.
enum Answer {
    Is(Intent),
    Missing,
    Ends(Step),
}

fn describe() -> Descriptor {
    Descriptor {
        idempotency_header: "Idempotency-Key".into(),
        // A minute less than the provider promises, for clocks that differ.
        idempotency_ttl_seconds: 24 * 60 * 60 - 60,
        settle_after_seconds: 30,
    }
}

fn next_step(context: Context, operation: Operation, transcript: Vec<Entry>) -> Step {
    let config: Config = match orderwright_sdk::config::read(&context) {
        Ok(config) => config,
        Err(why) => return failed(false, why),
    };
    let known = transcript.iter().rev().find_map(|entry| match answer(entry) {
        Answer::Is(intent) => Some(intent),
        Answer::Missing | Answer::Ends(_) => None,
    });
    match (transcript.last(), known) {
        (None, _) => begin(&config, &operation),
        (Some(Entry::Waited), Some(intent)) => get(&config, &format!("/{}", intent.id)),
        (Some(last), _) => match (answer(last), &operation) {
            // Its name was not known, and has been looked for first.
            (Answer::Is(intent), Operation::Void(void)) if void.reference.is_empty() && transcript.len() == 1 => {
                if is_over(&intent) {
                    done(&operation, intent)
                } else {
                    cancel(&config, &intent.id)
                }
            }
            (Answer::Is(intent), _) if intent.status == "processing" => {
                Step::Wait(Wait { until: context.now + PAUSE, callback: false })
            }
            (Answer::Is(intent), operation) => done(operation, intent),
            (Answer::Missing, Operation::Query(query)) => {
                let reference = query.reference.clone().unwrap_or_else(|| query.payment_id.clone());
                Step::Done(Outcome { reference, state: State::NotFound, amount: 0 })
            }
            (Answer::Missing, _) => failed(true, "the provider does not know the payment"),
            (Answer::Ends(step), _) => step,
        },
    }
}

/// The first request of an operation.
fn begin(config: &Config, operation: &Operation) -> Step {
    match operation {
        Operation::Authorize(new) => {
            let body = json!({
                "amount": new.amount, "currency": new.currency, "payment_method": new.payment_method_id,
                "capture_method": "manual", "reference": new.payment_id, "metadata": {"order_id": new.order_id},
            });
            post(config, "/payment_intents", &body)
        }
        Operation::Capture(capture) => {
            let path = format!("/payment_intents/{}/capture", escape(&capture.reference));
            post(config, &path, &json!({"amount_to_capture": capture.amount}))
        }
        Operation::Void(void) if void.reference.is_empty() => get(config, &by_reference(&void.payment_id)),
        Operation::Void(void) => cancel(config, &void.reference),
        Operation::Refund(refund) => {
            let body = json!({"payment_intent": refund.payment.reference, "amount": refund.payment.amount});
            post(config, "/refunds", &body)
        }
        Operation::Query(query) => match &query.reference {
            Some(id) => get(config, &format!("/{}", escape(id))),
            None => get(config, &by_reference(&query.payment_id)),
        },
        Operation::List(_) => failed(false, "this adapter lists nothing"),
        Operation::Callback(_) => failed(false, "this provider makes no callbacks"),
    }
}

/// What a payment that is not under way any more means for an operation.
fn done(operation: &Operation, intent: Intent) -> Step {
    let Intent { id: reference, status, amount, amount_received, amount_refunded } = intent;
    let outcome = |state, amount| Step::Done(Outcome { reference, state, amount });
    match (operation, status.as_str()) {
        (Operation::Authorize(_), "requires_capture" | "succeeded") => outcome(State::Authorized, amount),
        (Operation::Capture(capture), "succeeded") => outcome(State::Captured, amount_received.min(capture.amount)),
        (Operation::Void(void), "canceled" | "failed") => outcome(State::Voided, void.amount),
        (Operation::Refund(refund), "succeeded") => outcome(State::Refunded, refund.payment.amount),
        (Operation::Query(_), "requires_capture") => outcome(State::Authorized, amount),
        (Operation::Query(_), "succeeded") if amount_refunded > 0 => outcome(State::Refunded, amount_refunded),
        (Operation::Query(_), "succeeded") => outcome(State::Captured, amount_received),
        (Operation::Query(_), "canceled") => outcome(State::Voided, amount),
        (Operation::Authorize(_) | Operation::Query(_), status) => {
            Step::Declined(Declined { code: status.into(), message: format!("the payment is {status}") })
        }
        (_, status) => failed(false, format!("the payment is {status}")),
    }
}

fn is_over(intent: &Intent) -> bool {
    matches!(intent.status.as_str(), "canceled" | "failed")
}

fn cancel(config: &Config, id: &str) -> Step {
    post(config, &format!("/payment_intents/{}/cancel", escape(id)), &json!({}))
}

fn by_reference(payment_id: &str) -> String {
    format!("?reference={}", escape(payment_id))
}

/// A request that moves money: the host adds the idempotency key.
fn post(config: &Config, path: &str, body: &Value) -> Step {
    request(config, "POST", path, body.to_string().into_bytes(), Safety::Idempotent)
}

/// A question about payments.
fn get(config: &Config, rest: &str) -> Step {
    request(config, "GET", &format!("/payment_intents{rest}"), Vec::new(), Safety::Safe)
}

fn request(config: &Config, method: &str, path: &str, body: Vec<u8>, safety: Safety) -> Step {
    let header = |name: &str| Header { name: name.into(), value: "application/json".into() };
    let headers = if body.is_empty() { vec![header("accept")] } else { vec![header("accept"), header("content-type")] };
    let url = format!("{}/v1{path}", config.base_url.trim_end_matches('/'));
    let credential = Some(Credential::Bearer("api_key".into()));
    Step::Request(Request { method: method.into(), url, headers, body, safety, credential, fill: None })
}

/// Reads what came of a request: a payment, the first of a list, or a refusal.
fn answer(entry: &Entry) -> Answer {
    let response = match entry {
        Entry::Response(response) => response,
        Entry::TransportError(error) => {
            return Answer::Ends(failed(true, format!("no answer came: {}", error.message)));
        }
        _ => return Answer::Ends(failed(false, "the transcript does not fit")),
    };
    let Body::Inline(body) = &response.body else { return Answer::Ends(failed(false, "the answer is too large")) };
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        return Answer::Ends(failed(response.status >= 500, format!("the provider answered {}", response.status)));
    };
    let text = |field: &str| body["error"][field].as_str().unwrap_or_default().to_owned();
    let found = match response.status {
        200..=299 => body.get("data").map_or(&body, |list| &list[0]),
        404 => return Answer::Missing,
        402 => return Answer::Ends(Step::Declined(Declined { code: text("code"), message: text("message") })),
        // Done before: the refusal shows the payment as it is.
        _ if text("code") == "payment_intent_unexpected_state" => &body["error"]["payment_intent"],
        status => return Answer::Ends(failed(matches!(status, 408 | 409 | 429 | 500..), text("message"))),
    };
    if found.is_null() {
        return Answer::Missing;
    }
    match Intent::deserialize(found) {
        Ok(intent) => Answer::Is(intent),
        Err(error) => Answer::Ends(failed(true, format!("the provider's answer cannot be read: {error}"))),
    }
}

fn failed(retryable: bool, message: impl Into<String>) -> Step {
    Step::Failed(Failed { retryable, message: message.into() })
}

/// A part of a path with everything escaped that could be more than that.
fn escape(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
