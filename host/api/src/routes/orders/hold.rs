//! `POST /orders/{id}/hold` and `/release`

use axum::extract::State;
use axum::response::Response;
use domain::command::{Command, REASON_CHARS_MAX};
use domain::ids::OrderId;
use domain::order::HoldSource;
use utoipa::ToSchema;

use crate::Api;
use crate::auth::{Authorized, OrdersWrite};
use crate::body::{JsonBody, OptionalJsonBody};
use crate::conditional::IfMatch;
use crate::idempotency::OptionalKey;
use crate::json::Document;
use crate::path::Id;
use crate::problem::Problem;
use crate::refusals::refusals;
use crate::routes::{IfMatchHeader, OptionalKeyHeader};
use crate::views::order::OrderView;

/// Why an order is parked.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is only the schema; `read_hold` builds the command")]
pub struct HoldOrder {
    /// For people.
    #[schema(max_length = 500, example = "The address looks wrong")]
    reason: String,
}

/// Freeing an order takes nothing.
#[derive(ToSchema)]
pub struct ReleaseOrder {}

refusals!(
    /// Of parking an order.
    HoldRefusals: COMMON BODY KEY_OPTIONAL COMMAND
);

refusals!(
    /// Of freeing an order.
    ReleaseRefusals: COMMON BODY KEY_OPTIONAL COMMAND; NotOnHold
);

/// Parks an order: while it is held nothing ships and nothing is captured.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/hold", operation_id = "holdOrder", tag = "Orders",
    params(("id" = String, Path, description = "The order's id."), OptionalKeyHeader, IfMatchHeader),
    request_body = HoldOrder,
    responses(
        (status = 200, description = "The order is parked.", body = OrderView, headers(("ETag" = String))),
        HoldRefusals,
    ),
    security(("key" = ["orders:write"])),
)]
pub async fn hold(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<OrdersWrite>,
    Id(order_id): Id<OrderId>,
    key: OptionalKey,
    IfMatch(version): IfMatch,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let command = read_hold(&body)?;
    super::follow(&api, caller, order_id, command, version, key.with(&body)?).await
}

/// Frees an order of every hold.
///
/// An order that was parked when it was placed begins its payment now.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/release", operation_id = "releaseOrder", tag = "Orders",
    params(("id" = String, Path, description = "The order's id."), OptionalKeyHeader, IfMatchHeader),
    request_body(content = Option<ReleaseOrder>, description = "May be left out."),
    responses(
        (status = 200, description = "The order is free.", body = OrderView, headers(("ETag" = String))),
        ReleaseRefusals,
    ),
    security(("key" = ["orders:write"])),
)]
pub async fn release(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<OrdersWrite>,
    Id(order_id): Id<OrderId>,
    key: OptionalKey,
    IfMatch(version): IfMatch,
    OptionalJsonBody(body): OptionalJsonBody,
) -> Result<Response, Problem> {
    let command = read_release(&body)?;
    super::follow(&api, caller, order_id, command, version, key.with(&body)?).await
}

/// Reads why the order is parked.
pub fn read_hold(body: &Document) -> Result<Command, Problem> {
    let reason = body.read(|o| o.required("reason", |v| v.text(REASON_CHARS_MAX)))?;
    Ok(Command::Hold { source: HoldSource::Manual, reason })
}

/// Makes sure that nothing was given that would be lost.
pub fn read_release(body: &Document) -> Result<Command, Problem> {
    body.read(|_| Some(Command::Release))
}
