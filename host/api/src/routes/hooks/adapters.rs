//! `/hooks/{hook}/{binding}`: adapters, each under a name.

use app::hooks::Bound;
use app::merchant::Caller;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use domain::hooks::{Hook, Slot};

use super::{BindHook, BindRefusals, ReadRefusals, RevisionHeader, RollbackRefusals, answer, bound, needs_revision};
use crate::Api;
use crate::auth::{Authorized, PluginsWrite};
use crate::body::JsonBody;
use crate::conditional::IfMatch;
use crate::path::Ids;
use crate::problem::Problem;
use crate::refusals::refusals;
use crate::views::plugin::{CallbackView, HookView};

refusals!(
    /// Of ending a binding.
    UnbindRefusals: COMMON; NotFound, BadRequest, PreconditionFailed, PreconditionRequired
);

/// What is bound under a name.
#[utoipa::path(
    get, path = "/api/v1/hooks/{hook}/{binding}", operation_id = "getAdapter", tag = "Plugins",
    params(
        ("hook" = String, Path, description = "An adapter's hook: `payment`, `carrier` or `channel`."),
        ("binding" = String, Path, description = "The name of the binding, such as `main`."),
    ),
    responses((status = 200, description = "The binding.", body = HookView, headers(("ETag" = String))), ReadRefusals),
    security(("key" = ["plugins:write"])),
)]
pub async fn read(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<PluginsWrite>,
    Ids(hook, binding): Ids<Hook, String>,
) -> Result<(HeaderMap, Json<HookView>), Problem> {
    let bound = api.app.bound_at(caller.tenant(), &adapter(hook, &binding)?).await?;
    if bound.is_nothing() { Err(Problem::not_found()) } else { reachable(&api, &caller, bound).await }
}

/// Binds an adapter under a name. An operation that has begun stays with the adapter that began it.
#[utoipa::path(
    put, path = "/api/v1/hooks/{hook}/{binding}", operation_id = "bindAdapter", tag = "Plugins",
    params(
        ("hook" = String, Path, description = "An adapter's hook: `payment`, `carrier` or `channel`."),
        ("binding" = String, Path, description = "The name of the binding: 1 to 50 lower-case letters, digits, `-` or `_`. Payments go to `main`."),
        RevisionHeader,
    ),
    request_body = BindHook,
    responses((status = 200, description = "What is bound now.", body = HookView, headers(("ETag" = String))), BindRefusals),
    security(("key" = ["plugins:write"])),
)]
pub async fn bind(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<PluginsWrite>,
    Ids(hook, binding): Ids<Hook, String>,
    if_match: IfMatch,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<(HeaderMap, Json<HookView>), Problem> {
    let bound = bound(&api, &caller, adapter(hook, &binding)?, if_match, &headers, &body).await?;
    reachable(&api, &caller, bound).await
}

/// Ends a binding. Its operations under way wait until something is bound under its name again.
#[utoipa::path(
    delete, path = "/api/v1/hooks/{hook}/{binding}", operation_id = "unbindAdapter", tag = "Plugins",
    params(
        ("hook" = String, Path, description = "An adapter's hook: `payment`, `carrier` or `channel`."),
        ("binding" = String, Path, description = "The name of the binding, such as `main`."),
        RevisionHeader,
    ),
    responses((status = 204, description = "Nothing is bound there any more."), UnbindRefusals),
    security(("key" = ["plugins:write"])),
)]
pub async fn unbind(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<PluginsWrite>,
    Ids(hook, binding): Ids<Hook, String>,
    IfMatch(revision): IfMatch,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let slot = adapter(hook, &binding)?;
    needs_revision(&headers)?;
    api.app.unbind(&caller, &slot, revision).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Binds again what was bound under the name before.
#[utoipa::path(
    post, path = "/api/v1/hooks/{hook}/{binding}/rollback", operation_id = "rollBackAdapter", tag = "Plugins",
    params(
        ("hook" = String, Path, description = "An adapter's hook: `payment`, `carrier` or `channel`."),
        ("binding" = String, Path, description = "The name of the binding, such as `main`."),
    ),
    responses((status = 200, description = "What is bound now.", body = HookView, headers(("ETag" = String))), RollbackRefusals),
    security(("key" = ["plugins:write"])),
)]
pub async fn roll_back(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<PluginsWrite>,
    Ids(hook, binding): Ids<Hook, String>,
    IfMatch(revision): IfMatch,
) -> Result<(HeaderMap, Json<HookView>), Problem> {
    let bound = api.app.roll_back(&caller, &adapter(hook, &binding)?, revision).await?;
    reachable(&api, &caller, bound).await
}

/// What is bound, with where its other side calls.
async fn reachable(api: &Api, caller: &Caller, bound: Bound) -> Result<(HeaderMap, Json<HookView>), Problem> {
    let address = api.app.callback_address(caller.tenant(), &bound.slot).await?;
    let (headers, Json(view)) = answer(bound);
    Ok((headers, Json(view.reached_at(CallbackView::new(api, &address)))))
}

/// A policy has no named bindings, and not every text can be a name.
pub(super) fn adapter(hook: Hook, binding: &str) -> Result<Slot, Problem> {
    Slot::new(hook, Some(binding)).ok_or_else(Problem::not_found)
}
