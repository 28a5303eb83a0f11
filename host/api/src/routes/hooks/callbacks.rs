//! What the other side of an adapter has told, and another address for it to call.

use app::callbacks::address::{GRACE_SECONDS, GRACE_SECONDS_MAX};
use axum::Json;
use axum::extract::State;
use domain::hooks::Hook;
use utoipa::ToSchema;

use super::adapters::adapter;
use crate::Api;
use crate::auth::{Authorized, PluginsWrite};
use crate::body::OptionalJsonBody;
use crate::json::Document;
use crate::path::Ids;
use crate::problem::Problem;
use crate::refusals::refusals;
use crate::views::All;
use crate::views::plugin::{CallbackEventView, CallbackView};

/// How many events are shown.
const EVENTS: u32 = 100;

/// How an address is replaced.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is only the schema; `read_grace` reads the body")]
pub struct RotateCallback {
    /// How long the address that is replaced is still good.
    #[schema(minimum = 0, maximum = 2_592_000, default = 86_400)]
    grace_seconds: Option<u32>,
}

refusals!(
    /// Of reading what was told.
    ListRefusals: COMMON; NotFound
);

refusals!(
    /// Of replacing an address.
    RotateRefusals: COMMON BODY; NotFound
);

/// Lists what the other side of an adapter has told, newest first, at most a hundred events.
#[utoipa::path(
    get, path = "/api/v1/hooks/{hook}/{binding}/callbacks", operation_id = "listCallbacks", tag = "Plugins",
    params(
        ("hook" = String, Path, description = "An adapter's hook, such as `payment`."),
        ("binding" = String, Path, description = "The name of the binding, such as `main`."),
    ),
    responses((status = 200, description = "The events.", body = All<CallbackEventView>), ListRefusals),
    security(("key" = ["plugins:write"])),
)]
pub async fn list(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<PluginsWrite>,
    Ids(hook, binding): Ids<Hook, String>,
) -> Result<Json<All<CallbackEventView>>, Problem> {
    let events = api.app.callback_events(caller.tenant(), &adapter(hook, &binding)?, EVENTS).await?;
    Ok(Json(All { data: events.into_iter().map(CallbackEventView::from).collect() }))
}

/// Gives an adapter another address to be called at. The one before stays good for a while, until the other side knows.
#[utoipa::path(
    post, path = "/api/v1/hooks/{hook}/{binding}/callback/rotate", operation_id = "rotateCallback", tag = "Plugins",
    params(
        ("hook" = String, Path, description = "An adapter's hook, such as `payment`."),
        ("binding" = String, Path, description = "The name of the binding, such as `main`."),
    ),
    request_body = RotateCallback,
    responses((status = 200, description = "The new address.", body = CallbackView), RotateRefusals),
    security(("key" = ["plugins:write"])),
)]
pub async fn rotate(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<PluginsWrite>,
    Ids(hook, binding): Ids<Hook, String>,
    OptionalJsonBody(body): OptionalJsonBody,
) -> Result<Json<CallbackView>, Problem> {
    let slot = adapter(hook, &binding)?;
    let grace_seconds = read_grace(&body)?;
    let address = api.app.rotate_callback_address(&caller, &slot, grace_seconds).await?;
    Ok(Json(CallbackView::new(&api, &address)))
}

/// Reads how long the address that is replaced is still good.
pub fn read_grace(body: &Document) -> Result<u32, Problem> {
    body.read(|o| {
        let seconds = o.optional("grace_seconds", |v| v.integer(0..=i64::from(GRACE_SECONDS_MAX)));
        Some(seconds.and_then(|seconds| u32::try_from(seconds).ok()).unwrap_or(GRACE_SECONDS))
    })
}
