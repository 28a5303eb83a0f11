//! `/v1/payment_intents`.

use super::{REFERENCE_CHARS_MAX, body, idempotency_key, path, respond};
use crate::command::Command;
use crate::ids::IntentId;
use crate::intent::{CaptureMethod, NewIntent};
use crate::listener::HangUp;
use crate::method::Method;
use crate::params::Params;
use crate::problem::Problem;
use crate::provider::Provider;
use crate::view;
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use iso_currency::Currency;
use serde::Deserialize;
use serde_json::Value;

/// How many intents a list shows.
const LIST_MAX: usize = 100;

type Id = Result<Path<String>, PathRejection>;
type Body = Result<Bytes, BytesRejection>;

/// Opens a payment intent.
pub async fn open(
    State(provider): State<Provider>,
    ConnectInfo(hang_up): ConnectInfo<HangUp>,
    headers: HeaderMap,
    sent: Body,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers)?;
    let new = new_intent(Params::parse(&headers, &body(sent)?)?)?;
    let answer = provider.execute(key, Command::Open(new)).await?;
    Ok(respond(&provider, &hang_up, answer).await)
}

/// Captures what was authorised.
pub async fn capture(
    State(provider): State<Provider>,
    ConnectInfo(hang_up): ConnectInfo<HangUp>,
    id: Id,
    headers: HeaderMap,
    sent: Body,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers)?;
    let mut params = Params::parse(&headers, &body(sent)?)?;
    let command = Command::Capture {
        intent: IntentId::from_client(path(id)?),
        amount: params.optional_amount("amount_to_capture")?,
        is_last: params.optional_bool("final_capture")?.unwrap_or(true),
    };
    params.finish()?;
    let answer = provider.execute(key, command).await?;
    Ok(respond(&provider, &hang_up, answer).await)
}

/// Voids what was not captured.
pub async fn cancel(
    State(provider): State<Provider>,
    ConnectInfo(hang_up): ConnectInfo<HangUp>,
    id: Id,
    headers: HeaderMap,
    sent: Body,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers)?;
    Params::parse(&headers, &body(sent)?)?.finish()?;
    let command = Command::Cancel { intent: IntentId::from_client(path(id)?) };
    let answer = provider.execute(key, command).await?;
    Ok(respond(&provider, &hang_up, answer).await)
}

/// Shows one intent.
pub async fn show(State(provider): State<Provider>, id: Id) -> Result<Json<Value>, Problem> {
    let id = IntentId::from_client(path(id)?);
    let wanted = id.clone();
    let found = provider.read(move |ledger| ledger.intent(&wanted)).await?;
    let intent = found.ok_or_else(|| Problem::missing("payment intent", id.as_str(), "id"))?;
    Ok(Json(view::intent(&intent, provider.url())))
}

/// The query of a list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    reference: Option<String>,
}

/// The intents of a reference, newest first: how a merchant learns what became of a request without an answer.
pub async fn list(
    State(provider): State<Provider>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Query(query) = query.map_err(|rejection| Problem::invalid("query_invalid", rejection.body_text()))?;
    let reference = query
        .reference
        .filter(|reference| !reference.is_empty())
        .ok_or_else(|| Problem::param("parameter_missing", "reference", "Missing required parameter: 'reference'."))?;
    let (found, has_more) = provider.read(move |ledger| ledger.intents_by_reference(&reference, LIST_MAX)).await?;
    let data = found.iter().map(|intent| view::intent(intent, provider.url())).collect();
    Ok(Json(view::list(data, has_more)))
}

fn new_intent(mut params: Params) -> Result<NewIntent, Problem> {
    let new = NewIntent {
        amount: params.amount("amount")?,
        currency: params.choice("currency", "currency_invalid", "an ISO 4217 code of three letters", |code| {
            let code = code.to_ascii_uppercase();
            Currency::from_code(&code).map(|_| code)
        })?,
        payment_method: params.choice(
            "payment_method",
            "payment_method_unknown",
            &format!("one of {}", Method::ALL.map(Method::name).join(", ")),
            Method::parse,
        )?,
        capture_method: params.choice(
            "capture_method",
            "parameter_invalid_choice",
            "'manual' or 'automatic'",
            |name| match name {
                "manual" => Some(CaptureMethod::Manual),
                "automatic" => Some(CaptureMethod::Automatic),
                _ => None,
            },
        )?,
        reference: params.string("reference", REFERENCE_CHARS_MAX)?,
        metadata: params.metadata("metadata")?,
    };
    params.finish()?;
    Ok(new)
}
