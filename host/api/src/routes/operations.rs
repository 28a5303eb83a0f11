//! `/livez` and `/readyz`

use axum::Json;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::Api;
use crate::problem::{Code, Problem};
use crate::refusals::refusals;

/// Whether the process works.
#[derive(Serialize, ToSchema)]
pub struct Health {
    /// `ok`.
    status: &'static str,
}

refusals!(
    /// Of a service that is not ready.
    ReadyRefusals: ; NotReady
);

/// Whether the process lives. It asks nothing of anything else.
#[utoipa::path(
    get, path = "/livez", operation_id = "livez", tag = "Operations",
    responses((status = 200, description = "It lives.", body = Health)),
)]
pub async fn livez() -> Response {
    ([(CACHE_CONTROL, "no-store")], Json(Health { status: "ok" })).into_response()
}

/// Whether everything that requests depend on answers.
#[utoipa::path(
    get, path = "/readyz", operation_id = "readyz", tag = "Operations",
    responses((status = 200, description = "It is ready.", body = Health), ReadyRefusals),
)]
pub async fn readyz(State(api): State<Api>) -> Result<Response, Problem> {
    let readiness = api.app.readiness().await;
    if readiness.ready {
        return Ok(([(CACHE_CONTROL, "no-store")], Json(Health { status: "ok" })).into_response());
    }
    let failing: Vec<&str> =
        readiness.checks.iter().filter(|(_, check)| check.is_err()).map(|(name, _)| *name).collect();
    // What exactly is wrong is for the log: this address is open to everybody.
    for (name, check) in &readiness.checks {
        if let Err(why) = check {
            tracing::warn!(check = name, why, "not ready");
        }
    }
    let checks: Value = readiness.checks.iter().map(|(name, check)| (*name, json!(check.is_ok()))).collect();
    let problem = Problem::new(Code::NotReady, format!("These do not answer: {}.", failing.join(", ")));
    Err(problem.with("checks", checks).retry_after(1))
}
