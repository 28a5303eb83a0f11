//! `/v1/refunds`.

use super::{REFERENCE_CHARS_MAX, body, idempotency_key, path, respond};
use crate::command::Command;
use crate::ids::{IntentId, RefundId};
use crate::listener::HangUp;
use crate::params::Params;
use crate::problem::Problem;
use crate::provider::Provider;
use crate::view;
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{ConnectInfo, Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::Value;

/// Longer than any identifier, so that a wrong one is answered by 404 rather than by its length.
const ID_CHARS_MAX: usize = 255;

/// Gives captured money back.
pub async fn open(
    State(provider): State<Provider>,
    ConnectInfo(hang_up): ConnectInfo<HangUp>,
    headers: HeaderMap,
    sent: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers)?;
    let mut params = Params::parse(&headers, &body(sent)?)?;
    let command = Command::Refund {
        intent: IntentId::from_client(params.string("payment_intent", ID_CHARS_MAX)?),
        amount: params.optional_amount("amount")?,
        reference: params.optional_string("reference", REFERENCE_CHARS_MAX)?,
    };
    params.finish()?;
    let answer = provider.execute(key, command).await?;
    Ok(respond(&provider, &hang_up, answer).await)
}

/// Shows one refund.
pub async fn show(
    State(provider): State<Provider>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, Problem> {
    let id = RefundId::from_client(path(id)?);
    let wanted = id.clone();
    let found = provider.read(move |ledger| ledger.refund(&wanted)).await?;
    let refund = found.ok_or_else(|| Problem::missing("refund", id.as_str(), "id"))?;
    Ok(Json(view::refund(&refund)))
}
