//! HTTP: the REST interface, its OpenAPI document and its human page, and the console.
//!
//! A request passes, from the outside in: `frame` (request id, span, metrics, time-out, panics, problems, and with `drain`
//! what a refusal leaves of a body), then, for the REST interface, `auth` and `rate_limit`, then the extractors of its
//! handler in `routes`, and then one use case of the application. A refusal is a `problem::Problem` wherever it arises,
//! and becomes a response in one place.
//!
//! Invariants: every refusal is a problem document; no float touches an amount; what a defect was goes to the log and
//! never to the client; another merchant's object is 404.

mod auth;
mod body;
mod conditional;
mod console;
mod cursor;
mod docs;
mod drain;
mod errors;
mod frame;
mod html;
mod idempotency;
mod json;
mod openapi;
mod params;
mod path;
mod problem;
mod rate_limit;
mod refusals;
#[expect(unused_qualifications, reason = "utoipa's macros write out the paths of what they are given")]
mod routes;
#[expect(unused_qualifications, reason = "utoipa's macros write out the paths of what they are given")]
mod views;

use std::sync::Arc;
use std::time::Duration;

use app::App;
use axum::Router;
use axum::extract::FromRef;
use axum::middleware::{from_fn, from_fn_with_state};

use crate::body::BodyLimit;
use crate::rate_limit::Limiter;

/// How the interface behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// After this a request is answered with 503. Longer than the longest `Prefer: wait`.
    pub time_out: Duration,
    /// The largest body, in bytes.
    pub body_limit: usize,
    /// Whether the console's cookie is sent over TLS only: right wherever TLS ends before this server.
    pub secure_cookies: bool,
    /// How the outside reaches this server, without a slash at the end: before the addresses that providers call.
    pub public_url: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            time_out: Duration::from_secs(30),
            body_limit: 1024 * 1024,
            secure_cookies: false,
            public_url: String::new(),
        }
    }
}

/// What handlers share.
#[derive(Clone)]
struct Api {
    app: App,
    limiter: Arc<Limiter>,
    options: Arc<Options>,
}

impl Api {
    /// Where a provider or carrier calls.
    fn callback_url(&self, token: &str) -> String {
        format!("{}/callbacks/{token}", self.options.public_url)
    }
}

impl FromRef<Api> for App {
    fn from_ref(api: &Api) -> Self {
        api.app.clone()
    }
}

impl FromRef<Api> for BodyLimit {
    fn from_ref(api: &Api) -> Self {
        Self(api.options.body_limit)
    }
}

/// The whole interface. Listening, draining and `/metrics` are the server's.
pub fn router(app: App, options: Options) -> Router {
    let time_out = options.time_out;
    let api = Api { app: app.clone(), limiter: Arc::default(), options: Arc::new(options) };
    let (protected, open, document) = openapi::split();
    // Layers run in the reverse order: who asks is known before it is counted how often.
    let protected = protected
        .route_layer(from_fn_with_state(api.limiter.clone(), rate_limit::limit))
        .route_layer(from_fn_with_state(app, auth::authenticate));
    let pages = docs::routes(&document).merge(console::routes()).layer(from_fn(html::guard));
    Router::new()
        .merge(protected)
        .merge(open)
        .merge(pages)
        .layer(from_fn_with_state(time_out, frame::frame))
        .with_state(api)
}
