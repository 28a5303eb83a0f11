//! Speaks to a carrier with a JSON API like that of many: labels are bought, tracked and given back by it.
//!
//! ```json
//! { "base_url": "https://api.carrier.example" }
//! ```
//! The carrier's key is the merchant's secret named `api_key`; its calls are signed with the secret named `callbacks`. What
//! a carrier of yours calls things is in the structs below and in `begin`.

use orderwright_sdk::Context;
use orderwright_sdk::carrier::{
    Blob, BlobPart, Body, Callback, Content, Credential, Declined, Descriptor, Document, Entry, Escape, Failed, Header,
    Label, LabelOrder, Offer, Operation, Outcome, Parcel, Request, Safety, Status, Step, Tracking, VerifyHmac,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: orderwright_sdk::bump::Bump = orderwright_sdk::bump::Bump::new();

// The host fills in the first two; the others come with the parcel's destination.
orderwright_sdk::asks!("name street city zip");
orderwright_sdk::export_carrier!(describe, next_step);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    base_url: String,
}

/// A label as the carrier describes it.
#[derive(Deserialize)]
struct Bought {
    id: String,
    /// Our shipment.
    reference: String,
    tracking_number: String,
    cost: Option<i64>,
    arrives: Option<String>,
}

/// An event as the carrier describes it.
#[derive(Deserialize)]
struct Event {
    id: String,
    tracking_number: String,
    /// Seconds since 1970.
    at: i64,
    status: String,
    text: String,
    arrives: Option<String>,
}

/// An offer as the carrier describes it.
#[derive(Deserialize)]
struct Rate {
    service: String,
    cost: i64,
    currency: String,
    arrives: Option<String>,
}

/// What the carrier's lists look like.
#[derive(Deserialize)]
struct Listed<T> {
    data: Vec<T>,
}

fn describe() -> Descriptor {
    Descriptor {
        idempotency_header: "Idempotency-Key".into(),
        // A minute less than the carrier promises, for clocks that differ.
        idempotency_ttl_seconds: 24 * 60 * 60 - 60,
        settle_after_seconds: 60,
    }
}

fn next_step(context: Context, operation: Operation, transcript: Vec<Entry>) -> Step {
    let config: Config = match orderwright_sdk::config::read(&context) {
        Ok(config) => config,
        Err(why) => return failed(false, why),
    };
    let step = match (&operation, transcript.as_slice()) {
        (_, []) => Ok(begin(&config, &operation)),
        (Operation::Callback(callback), [Entry::Verified(true)]) => told(&callback.body),
        (Operation::Callback(_), _) => Err(failed(false, "the signature is wrong")),
        (Operation::BuyLabel(_), [bought]) => {
            read(bought).map(|Bought { id, .. }| get(&config, &format!("/labels/{}/document", escape(&id))))
        }
        (Operation::BuyLabel(_), [bought, printed]) => with_document(bought, printed),
        (_, [last, ..]) => end(&operation, last),
    };
    step.unwrap_or_else(|step| step)
}

/// The first step of an operation.
fn begin(config: &Config, operation: &Operation) -> Step {
    match operation {
        Operation::Rates(parcel) => send(config, "POST", "/rates", &parcel_of(parcel), Safety::Safe, None),
        Operation::BuyLabel(order) => buy(config, order),
        Operation::CancelLabel(label) => {
            let path = format!("/labels/{}", escape(&label.reference));
            send(config, "DELETE", &path, &Value::Null, Safety::Idempotent, None)
        }
        Operation::Track(label) => get(config, &format!("/tracking/{}", escape(&label.tracking_number))),
        Operation::Query(query) => get(config, &format!("/labels?reference={}", escape(&query.shipment_id))),
        Operation::List(since) => get(config, &format!("/labels?since={}", since.div_euclid(1_000_000))),
        Operation::Callback(callback) => verify(callback),
    }
}

fn buy(config: &Config, order: &LabelOrder) -> Step {
    let mut body = parcel_of(&order.parcel);
    body["reference"] = json!(order.parcel.shipment_id);
    body["service"] = json!(order.service);
    body["to"]["name"] = json!("{{name}}");
    body["to"]["street"] = json!("{{street}}");
    send(config, "POST", "/labels", &body, Safety::Idempotent, Some(Escape::Json))
}

fn parcel_of(parcel: &Parcel) -> Value {
    let (origin, to) = (&parcel.origin, &parcel.destination);
    let item = |item: &orderwright_sdk::carrier::Item| json!({"quantity": item.quantity, "sku": item.sku, "title": item.title});
    json!({
        "from": {"country": origin.country, "name": origin.name, "region": origin.region, "zip": origin.zip},
        "to": {"city": to.city, "country": to.country, "region": to.region, "zip": to.zip},
        "items": parcel.items.iter().map(item).collect::<Vec<_>>(),
        "preference": parcel.delivery_preference, "value": parcel.value, "currency": parcel.currency,
    })
}

/// The carrier signs the body and puts the signature, in hexadecimal, into a header.
fn verify(callback: &Callback) -> Step {
    let header = callback.headers.iter().find(|header| header.name == "x-signature");
    match header.and_then(|header| bytes_of(&header.value)) {
        Some(given) => {
            Step::VerifyHmac(VerifyHmac { secret: "callbacks".into(), signed: callback.body.clone(), given })
        }
        None => failed(false, "the call is not signed"),
    }
}

/// What the answer to a single request means.
fn end(operation: &Operation, last: &Entry) -> Result<Step, Step> {
    Ok(Step::Done(match operation {
        Operation::Rates(_) => {
            let rates: Listed<Rate> = read(last)?;
            let offer = |Rate { service, cost, currency, arrives }| Offer { service, cost, currency, arrives };
            Outcome::Offers(rates.data.into_iter().map(offer).take(50).collect())
        }
        Operation::CancelLabel(_) => read(last).map(|_: Value| Outcome::Cancelled)?,
        Operation::Track(_) => tracking(read::<Listed<Event>>(last)?),
        Operation::Query(_) => {
            let found: Listed<Bought> = read(last)?;
            found.data.into_iter().next().map_or(Outcome::NotFound, |bought| Outcome::Label(label(bought, None)))
        }
        Operation::List(_) => {
            let bought: Listed<Bought> = read(last)?;
            Outcome::Labels(bought.data.into_iter().map(|bought| label(bought, None)).collect())
        }
        Operation::BuyLabel(_) | Operation::Callback(_) => return Err(failed(false, "the transcript does not fit")),
    }))
}

/// The label with what is printed, which came after it.
fn with_document(bought: &Entry, printed: &Entry) -> Result<Step, Step> {
    let content = match answered(printed)? {
        Body::Inline(bytes) => Content::Inline(bytes.clone()),
        Body::Blob(Blob { handle, .. }) => Content::Blob(BlobPart { handle: *handle, pointer: None }),
    };
    let document = Document { media_type: "application/pdf".into(), content };
    Ok(Step::Done(Outcome::Label(label(read(bought)?, Some(document)))))
}

fn label(bought: Bought, document: Option<Document>) -> Label {
    let Bought { id, reference, tracking_number, cost, arrives } = bought;
    Label { shipment_id: reference, reference: id, tracking_number, cost, arrives, document }
}

/// What a call of the carrier's tells.
fn told(body: &[u8]) -> Result<Step, Step> {
    let events =
        serde_json::from_slice(body).map_err(|why| failed(false, format!("the call cannot be read: {why}")))?;
    Ok(Step::Done(tracking(events)))
}

fn tracking(events: Listed<Event>) -> Outcome {
    let event = |event: Event| Tracking {
        tracking_number: event.tracking_number,
        id: event.id,
        at: event.at.saturating_mul(1_000_000),
        status: match event.status.as_str() {
            "out_for_delivery" => Status::OutForDelivery,
            "delivered" => Status::Delivered,
            "returning" => Status::Returning,
            "failed" => Status::Exception,
            _ => Status::InTransit,
        },
        text: event.text.chars().take(200).collect(),
        arrives: event.arrives,
    };
    Outcome::Tracking(events.data.into_iter().map(event).take(1000).collect())
}

fn get(config: &Config, path: &str) -> Step {
    send(config, "GET", path, &Value::Null, Safety::Safe, None)
}

fn send(config: &Config, method: &str, path: &str, body: &Value, safety: Safety, fill: Option<Escape>) -> Step {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let headers = vec![Header { name: "content-type".into(), value: "application/json".into() }];
    Step::Request(Request {
        method: method.into(),
        url: format!("{}/v1{path}", config.base_url.trim_end_matches('/')),
        headers: if body.is_empty() { Vec::new() } else { headers },
        body,
        safety,
        credential: Some(Credential::Bearer("api_key".into())),
        fill,
    })
}

/// What the carrier answered, where it is small.
fn read<T: DeserializeOwned>(entry: &Entry) -> Result<T, Step> {
    let Body::Inline(body) = answered(entry)? else { return Err(failed(false, "the answer is too large")) };
    // Nothing is what a carrier says where there is nothing to say.
    let body = if body.is_empty() { b"null" } else { body.as_slice() };
    serde_json::from_slice(body).map_err(|why| failed(true, format!("the carrier's answer cannot be read: {why}")))
}

/// What the carrier answered, where it agreed.
fn answered(entry: &Entry) -> Result<&Body, Step> {
    let response = match entry {
        Entry::Response(response) => response,
        Entry::TransportError(error) => return Err(failed(true, format!("no answer came: {}", error.message))),
        _ => return Err(failed(false, "the transcript does not fit")),
    };
    match response.status {
        200..=299 => Ok(&response.body),
        status @ (408 | 429 | 500..) => Err(failed(true, format!("the carrier answered {status}"))),
        status => {
            let body = match &response.body {
                Body::Inline(body) => serde_json::from_slice(body).unwrap_or(Value::Null),
                Body::Blob(_) => Value::Null,
            };
            let text = |field: &str| body["error"][field].as_str().map(str::to_owned);
            let code = text("code").unwrap_or_else(|| format!("http_{status}"));
            let message = text("message").unwrap_or_else(|| format!("the carrier answered {status}"));
            Err(Step::Declined(Declined { code, message }))
        }
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

/// The bytes that pairs of hexadecimal digits stand for.
fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    if !hex.len().is_multiple_of(2) || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok()).collect()
}
