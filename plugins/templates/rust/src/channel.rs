//! Hands messages over to somebody who delivers them: here a deliverer whose API is like that of many.
//!
//! ```json
//! { "base_url": "http://127.0.0.1:8090", "from": "shop@example.com" }
//! ```
//! The deliverer's key is the merchant's secret named `api_key`; its calls are signed with the secret named `callbacks`.
//! What a deliverer of yours calls things is in `Kept` and in `hand_over`.

use orderwright_sdk::Context;
use orderwright_sdk::channel::{
    Body, Callback, Credential, Declined, Descriptor, Entry, Escape, Failed, Header, Message, Operation, Outcome,
    Receipt, Request, Safety, State, Step, VerifyHmac,
};
use serde::Deserialize;
use serde_json::{Value, json};

#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: orderwright_sdk::bump::Bump = orderwright_sdk::bump::Bump::new();

// Where text messages are sent, `phone` takes the place of `email`.
orderwright_sdk::asks!("name email");
orderwright_sdk::export_channel!(describe, next_step);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    base_url: String,
    from: Option<String>,
}

/// A message as the deliverer describes it.
#[derive(Deserialize)]
struct Kept {
    id: String,
    /// Our message.
    reference: String,
    state: String,
    /// Seconds since 1970.
    at: i64,
}

/// What the deliverer's lists look like.
#[derive(Deserialize)]
struct Listed {
    data: Vec<Kept>,
}

fn describe() -> Descriptor {
    Descriptor {
        idempotency_header: "Idempotency-Key".into(),
        // A minute less than the deliverer promises, for clocks that differ.
        idempotency_ttl_seconds: 24 * 60 * 60 - 60,
        settle_after_seconds: 30,
    }
}

fn next_step(context: Context, operation: Operation, transcript: Vec<Entry>) -> Step {
    let config: Config = match orderwright_sdk::config::read(&context) {
        Ok(config) => config,
        Err(why) => return failed(false, why),
    };
    let step = match (&operation, transcript.last()) {
        (Operation::Send(message), None) => Ok(hand_over(&config, message)),
        (Operation::Query(query), None) => Ok(get(&config, &format!("reference={}", escape(&query.message_id)))),
        (Operation::List(since), None) => Ok(get(&config, &format!("since={}", since.div_euclid(1_000_000)))),
        (Operation::Callback(callback), None) => Ok(verify(callback)),
        (Operation::Callback(callback), Some(Entry::Verified(true))) => listed(&callback.body).map(receipts),
        (Operation::Callback(_), Some(_)) => Err(failed(false, "the signature is wrong")),
        (Operation::Send(_), Some(last)) => answered(last).and_then(|body| {
            let kept = serde_json::from_slice(body).map_err(unreadable)?;
            Ok(Step::Done(Outcome::Receipt(receipt(kept))))
        }),
        (Operation::Query(query), Some(last)) => answered(last).and_then(listed).map(|found| {
            let unknown = Receipt {
                message_id: query.message_id.clone(),
                reference: String::new(),
                state: State::NotFound,
                at: context.now,
            };
            Step::Done(Outcome::Receipt(found.data.into_iter().next().map_or(unknown, receipt)))
        }),
        (Operation::List(_), Some(last)) => answered(last).and_then(listed).map(receipts),
    };
    step.unwrap_or_else(|step| step)
}

/// The request with the message. What names a person is filled in by the host, in the text as well.
fn hand_over(config: &Config, message: &Message) -> Step {
    let body = json!({
        "from": config.from,
        "html": message.html,
        "reference": message.message_id,
        "subject": message.subject,
        "text": message.text,
        "to": message.address.as_deref().unwrap_or("{{email}}"),
    });
    Step::Request(Request {
        method: "POST".into(),
        url: url(config, ""),
        headers: vec![Header { name: "content-type".into(), value: "application/json".into() }],
        body: body.to_string().into_bytes(),
        safety: Safety::Idempotent,
        credential: Some(Credential::Bearer("api_key".into())),
        fill: Some(Escape::Json),
    })
}

fn get(config: &Config, query: &str) -> Step {
    Step::Request(Request {
        method: "GET".into(),
        url: url(config, &format!("?{query}")),
        headers: Vec::new(),
        body: Vec::new(),
        safety: Safety::Safe,
        credential: Some(Credential::Bearer("api_key".into())),
        fill: None,
    })
}

fn url(config: &Config, rest: &str) -> String {
    format!("{}/v1/messages{rest}", config.base_url.trim_end_matches('/'))
}

/// The deliverer signs the body and puts the signature, in hexadecimal, into a header.
fn verify(callback: &Callback) -> Step {
    let header = callback.headers.iter().find(|header| header.name == "x-signature");
    match header.and_then(|header| bytes_of(&header.value)) {
        Some(given) => {
            Step::VerifyHmac(VerifyHmac { secret: "callbacks".into(), signed: callback.body.clone(), given })
        }
        None => failed(false, "the call is not signed"),
    }
}

fn listed(body: &[u8]) -> Result<Listed, Step> {
    serde_json::from_slice(body).map_err(unreadable)
}

fn receipts(listed: Listed) -> Step {
    Step::Done(Outcome::Receipts(listed.data.into_iter().map(receipt).take(1000).collect()))
}

fn receipt(kept: Kept) -> Receipt {
    Receipt {
        message_id: kept.reference,
        reference: kept.id,
        state: match kept.state.as_str() {
            "delivered" => State::Delivered,
            "bounced" => State::Bounced,
            _ => State::Accepted,
        },
        at: kept.at.saturating_mul(1_000_000),
    }
}

/// What the deliverer answered, where it agreed.
fn answered(entry: &Entry) -> Result<&[u8], Step> {
    let response = match entry {
        Entry::Response(response) => response,
        Entry::TransportError(error) => return Err(failed(true, format!("no answer came: {}", error.message))),
        _ => return Err(failed(false, "the transcript does not fit")),
    };
    let Body::Inline(body) = &response.body else { return Err(failed(false, "the answer is too large")) };
    match response.status {
        200..=299 => Ok(body),
        status @ (408 | 429 | 500..) => Err(failed(true, format!("the deliverer answered {status}"))),
        status => {
            let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
            let text = |field: &str| body["error"][field].as_str().map(str::to_owned);
            let code = text("code").unwrap_or_else(|| format!("http_{status}"));
            let message = text("message").unwrap_or_else(|| format!("the deliverer answered {status}"));
            Err(Step::Declined(Declined { code, message }))
        }
    }
}

fn unreadable(why: serde_json::Error) -> Step {
    failed(true, format!("the deliverer's words cannot be read: {why}"))
}

fn failed(retryable: bool, message: impl Into<String>) -> Step {
    Step::Failed(Failed { retryable, message: message.into() })
}

/// A part of a query with everything escaped that could be more than that.
fn escape(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// The bytes that pairs of hexadecimal digits stand for.
fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    if !hex.len().is_multiple_of(2) || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok()).collect()
}
