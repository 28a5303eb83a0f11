//! `/v1/webhook_endpoint`: where events are sent; and `/v1/test`: what happens to money without anybody asking for it.

use super::{body, path};
use crate::ids::{IntentId, RefundId, dispute_id};
use crate::params::Params;
use crate::problem::Problem;
use crate::provider::{Provider, internal};
use crate::view;
use crate::webhook::{COPIES_MAX, Endpoint, Event};
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

const URL_CHARS_MAX: usize = 2_000;
const SECRET_CHARS_MAX: usize = 255;
const REASON_CHARS_MAX: usize = 100;
/// A day.
const DELAY_MS_MAX: u64 = 86_400_000;

type Sent = Result<Bytes, BytesRejection>;
type Id = Result<Path<String>, PathRejection>;

/// Sets where events are sent from now on.
pub async fn put(State(provider): State<Provider>, headers: HeaderMap, sent: Sent) -> Result<Json<Value>, Problem> {
    let mut params = Params::parse(&headers, &body(sent)?)?;
    let at_most = |name: &str, given: Option<u64>, most: u64| match given {
        Some(number) if number > most => {
            Err(Problem::param("parameter_invalid_integer", name, format!("'{name}' must be at most {most}.")))
        }
        given => Ok(given),
    };
    let endpoint = Endpoint {
        url: params.string("url", URL_CHARS_MAX)?,
        secret: params.string("secret", SECRET_CHARS_MAX)?,
        copies: at_most("copies", params.optional_amount("copies")?, COPIES_MAX)?.unwrap_or(1),
        delay_ms: at_most("delay_ms", params.optional_amount("delay_ms")?, DELAY_MS_MAX)?.unwrap_or(0),
        hold: params.optional_bool("hold")?.unwrap_or(false),
        all: params.optional_bool("all")?.unwrap_or(true),
    };
    params.finish()?;
    let answer = json!({
        "object": "webhook_endpoint", "url": endpoint.url, "copies": endpoint.copies, "delay_ms": endpoint.delay_ms,
        "hold": endpoint.hold, "all": endpoint.all,
    });
    provider.store().write(move |book| book.put_endpoint(&endpoint)).await.map_err(internal)?;
    Ok(Json(answer))
}

/// Sends what was held, in the order in which it happened or the other way round.
pub async fn release(State(provider): State<Provider>, headers: HeaderMap, sent: Sent) -> Result<Json<Value>, Problem> {
    let mut params = Params::parse(&headers, &body(sent)?)?;
    let reversed = params.optional_bool("reversed")?.unwrap_or(false);
    params.finish()?;
    let released = provider.store().write(move |book| book.release_events(reversed)).await.map_err(internal)?;
    Ok(Json(json!({"released": released})))
}

/// A refund that was made does not arrive.
pub async fn fail_refund(State(provider): State<Provider>, id: Id) -> Result<Json<Value>, Problem> {
    let id = RefundId::from_client(path(id)?);
    let wanted = id.clone();
    let found = provider
        .store()
        .write(move |book| {
            let Some(refund) = book.refund(&wanted)? else { return Ok(None) };
            let Some(mut intent) = book.intent(&refund.payment_intent)? else { return Ok(None) };
            let change = intent.refund_failed(refund.amount);
            book.put_intent(&intent, &change, Some(&refund))?;
            Ok(Some(refund))
        })
        .await
        .map_err(internal)?;
    let refund = found.ok_or_else(|| Problem::missing("refund", id.as_str(), "id"))?;
    Ok(Json(view::refund(&refund)))
}

/// The customer's bank asks for the money of a payment.
pub async fn dispute(
    State(provider): State<Provider>,
    id: Id,
    headers: HeaderMap,
    sent: Sent,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let id = IntentId::from_client(path(id)?);
    let mut params = Params::parse(&headers, &body(sent)?)?;
    let amount = params.optional_amount("amount")?;
    let reason = params.optional_string("reason", REASON_CHARS_MAX)?.unwrap_or_else(|| "fraudulent".to_owned());
    params.finish()?;
    let dispute = dispute_id();
    let more = json!({"dispute": dispute, "reason": reason});
    tell(&provider, id, "dispute.created", amount, more).await?;
    Ok((StatusCode::CREATED, Json(json!({"id": dispute, "object": "dispute"}))))
}

/// A dispute of a payment ends.
pub async fn close_dispute(
    State(provider): State<Provider>,
    id: Id,
    headers: HeaderMap,
    sent: Sent,
) -> Result<Json<Value>, Problem> {
    let dispute = path(id)?;
    let mut params = Params::parse(&headers, &body(sent)?)?;
    let intent = IntentId::from_client(params.string("payment_intent", SECRET_CHARS_MAX)?);
    let won = params.optional_bool("won")?.unwrap_or(false);
    params.finish()?;
    tell(&provider, intent, "dispute.closed", None, json!({"dispute": dispute, "won": won})).await?;
    Ok(Json(json!({"id": dispute, "object": "dispute", "won": won})))
}

/// An authorisation ends by itself.
pub async fn expire(State(provider): State<Provider>, id: Id) -> Result<Json<Value>, Problem> {
    let id = IntentId::from_client(path(id)?);
    let wanted = id.clone();
    let url = provider.url().to_owned();
    let expired = provider
        .store()
        .write(move |book| {
            let Some(mut intent) = book.intent(&wanted)? else { return Ok(None) };
            if let Ok(change) = intent.void() {
                book.put_intent(&intent, &change, None)?;
                let event = Event::new("payment_intent.expired", &intent, intent.amount, book.now(), &Value::Null);
                book.tell(&event)?;
            }
            Ok(Some(view::intent(&intent, &url)))
        })
        .await
        .map_err(internal)?;
    expired.map(Json).ok_or_else(|| Problem::missing("payment intent", id.as_str(), "id"))
}

async fn tell(
    provider: &Provider,
    id: IntentId,
    kind: &'static str,
    amount: Option<u64>,
    more: Value,
) -> Result<(), Problem> {
    let wanted = id.clone();
    let told = provider
        .store()
        .write(move |book| {
            let Some(intent) = book.intent(&wanted)? else { return Ok(false) };
            let event = Event::new(kind, &intent, amount.unwrap_or(intent.amount_received), book.now(), &more);
            book.tell(&event)?;
            Ok(true)
        })
        .await
        .map_err(internal)?;
    if told { Ok(()) } else { Err(Problem::missing("payment intent", id.as_str(), "payment_intent")) }
}
