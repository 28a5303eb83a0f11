//! `POST /callbacks/{token}`: calls of providers and carriers. The address is the only key; the adapter says by what
//! signature a call is known to be theirs.

use app::callbacks::{HEADERS_MAX, Taken};
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, COOKIE};
use domain::bytes::Bytes;
use domain::hooks::exchange::{Callback, Header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Api;
use crate::body::CallBody;
use crate::path::Id;
use crate::problem::Problem;
use crate::refusals::refusals;

/// What became of a call.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CallbackTaken)]
pub struct TakenView {
    /// How many events it told of.
    events: usize,
    /// Of these, how many were not told before.
    new: usize,
}

impl From<Taken> for TakenView {
    fn from(Taken { events, new }: Taken) -> Self {
        Self { events, new }
    }
}

refusals!(
    /// Of calling.
    CallRefusals: ; NotFound, BadRequest, BodyTooLarge, CallbackNotVerified, CallbackNotUnderstood, InternalError, Unavailable, Timeout
);

/// Takes in a call of a provider or carrier: at most 64 kB, in any form. What it tells is kept before this answers, once for
/// each event however often it is told, and set against what is known afterwards.
#[utoipa::path(
    post, path = "/callbacks/{token}", operation_id = "takeCallback", tag = "Plugins",
    params(("token" = String, Path, description = "From `callback.url` of an adapter's binding.")),
    request_body(content = String, content_type = "*/*", description = "Whatever the provider or carrier sends."),
    responses((status = 200, description = "It is kept.", body = TakenView), CallRefusals),
)]
pub async fn take(
    State(api): State<Api>,
    Id(token): Id<String>,
    headers: HeaderMap,
    CallBody(body): CallBody,
) -> Result<Json<TakenView>, Problem> {
    let call = Callback { headers: readable(&headers), body: Bytes(body.to_vec()) };
    Ok(Json(api.app.called(&token, call).await?.into()))
}

/// The headers that an adapter may see: those that are text, and no credentials of some proxy.
fn readable(headers: &HeaderMap) -> Vec<Header> {
    let named = headers.iter().filter(|(name, _)| **name != AUTHORIZATION && **name != COOKIE);
    let text = named.filter_map(|(name, value)| {
        Some(Header { name: name.as_str().to_owned(), value: value.to_str().ok()?.to_owned() })
    });
    text.take(HEADERS_MAX).collect()
}
