//! The HTTP interface.

use crate::problem::Problem;
use crate::provider::{Answer, Provider};
use crate::records::Saved;
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};

use crate::listener::HangUp;
use axum::extract::rejection::PathRejection;

mod confirm;
mod intents;
mod ledger;
mod refunds;
mod webhooks;

/// The largest body: fifty metadata entries of the largest size fit several times.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// The longest idempotency key.
const KEY_CHARS_MAX: usize = 255;

/// The longest `reference`.
const REFERENCE_CHARS_MAX: usize = 255;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// All paths.
pub fn router(provider: Provider) -> Router {
    let v1 = Router::new()
        .route("/payment_intents", post(intents::open).get(intents::list))
        .route("/payment_intents/{id}", get(intents::show))
        .route("/payment_intents/{id}/capture", post(intents::capture))
        .route("/payment_intents/{id}/cancel", post(intents::cancel))
        .route("/refunds", post(refunds::open))
        .route("/refunds/{id}", get(refunds::show))
        .route("/ledger", get(ledger::list))
        .route("/webhook_endpoint", put(webhooks::put))
        .route("/webhook_endpoint/release", post(webhooks::release))
        .route("/test/refunds/{id}/fail", post(webhooks::fail_refund))
        .route("/test/payment_intents/{id}/dispute", post(webhooks::dispute))
        .route("/test/payment_intents/{id}/expire", post(webhooks::expire))
        .route("/test/disputes/{id}/close", post(webhooks::close_dispute))
        .layer(middleware::from_fn_with_state(provider.clone(), authenticate));
    Router::new()
        .nest("/v1", v1)
        .route("/confirm/{id}", get(confirm::page).post(confirm::answer))
        .route("/healthz", get(async || "ok\n"))
        .fallback(async || Problem::no_such_path())
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(provider)
}

async fn authenticate(State(provider): State<Provider>, request: Request, next: Next) -> Response {
    let key = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|header| header.to_str().ok())
        .and_then(|header| header.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, key)| key.trim());
    if key.is_some_and(|key| provider.knows(key)) {
        next.run(request).await
    } else {
        Problem::unauthorized().into_response()
    }
}

/// The idempotency key, which every request that moves money must have.
fn idempotency_key(headers: &HeaderMap) -> Result<String, Problem> {
    let key = headers.get(IDEMPOTENCY_KEY).ok_or_else(|| {
        Problem::invalid(
            "idempotency_key_missing",
            "Send a key of your own as 'Idempotency-Key', the same one for every repetition.",
        )
    })?;
    key.to_str().ok().filter(|key| (1..=KEY_CHARS_MAX).contains(&key.len())).map(str::to_owned).ok_or_else(|| {
        Problem::invalid(
            "idempotency_key_invalid",
            format!("An idempotency key has 1 to {KEY_CHARS_MAX} printable ASCII characters."),
        )
    })
}

fn body(body: Result<Bytes, BytesRejection>) -> Result<Bytes, Problem> {
    body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::body_too_large(),
        _ => Problem::invalid("body_unreadable", "The body could not be read."),
    })
}

fn path(path: Result<Path<String>, PathRejection>) -> Result<String, Problem> {
    match path {
        Ok(Path(id)) => Ok(id),
        Err(_) => Err(Problem::no_such_path()),
    }
}

/// Answers, or keeps silent until the client gives up or the connection is broken off.
async fn respond(provider: &Provider, hang_up: &HangUp, answer: Answer) -> Response {
    match answer {
        Answer::Give(saved) => response(saved),
        Answer::Repeat(saved) => {
            let mut response = response(saved);
            response.headers_mut().insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
            response
        }
        Answer::Silence => {
            provider.silence().await;
            hang_up.now();
            std::future::pending().await
        }
    }
}

fn response(saved: Saved) -> Response {
    let status = StatusCode::from_u16(saved.status).unwrap_or(StatusCode::OK);
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
    (status, headers, saved.body).into_response()
}
