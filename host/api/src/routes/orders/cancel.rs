//! `POST /orders/{id}/cancel`

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::command::{Command, REASON_CHARS_MAX};
use domain::ids::OrderId;
use utoipa::ToSchema;

use super::shipments::{LineUnits, read_parts};
use crate::Api;
use crate::auth::{Authorized, OrdersWrite};
use crate::body::JsonBody;
use crate::conditional::{IfMatch, Wait};
use crate::idempotency::RequiredKey;
use crate::json::Document;
use crate::path::Id;
use crate::problem::Problem;
use crate::refusals::refusals;
use crate::routes::{IfMatchHeader, OrderAnswer, RequiredKeyHeader};
use crate::views::order::CancelledView;

/// Why an order is cancelled.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is only the schema; `read` builds the command")]
pub struct CancelOrder {
    /// For people; it stands in the order's history.
    #[schema(max_length = 500, example = "The customer changed their mind")]
    reason: String,
    /// Which units, where not the whole order is cancelled.
    #[schema(min_items = 1, max_items = 1000)]
    items: Option<Vec<LineUnits>>,
}

refusals!(
    /// Of cancelling an order.
    CancelRefusals: COMMON BODY KEYED COMMAND
);

/// Cancels an order before it ships, or units of it that have not left.
///
/// The stock is released, and the payment voided or refunded. Units come back with their share of tax and discount, and
/// of shipping as the merchant has it. With the last unit the order is cancelled as a whole. Cancelling a cancelled
/// order again changes nothing and gives the same answer.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/cancel", operation_id = "cancelOrder", tag = "Orders",
    params(("id" = String, Path, description = "The order's id."), RequiredKeyHeader, IfMatchHeader),
    request_body = CancelOrder,
    responses(
        (status = 200, description = "The order is cancelled.", body = CancelledView, headers(("ETag" = String))),
        CancelRefusals,
    ),
    security(("key" = ["orders:write"])),
)]
pub async fn cancel(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<OrdersWrite>,
    Id(order_id): Id<OrderId>,
    key: RequiredKey,
    IfMatch(version): IfMatch,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let command = read(&body)?;
    let key = key.with(&body)?;
    let done = api.app.command(caller, order_id, command, version, Some(key)).await?;
    let view = CancelledView::new(&done.order);
    let (status, wait) = (StatusCode::OK, Wait(None));
    Ok(OrderAnswer { status, order: &done.order, view, wait, replayed: done.replayed }.into_response())
}

/// Reads why, and whether a part only.
pub fn read(body: &Document) -> Result<Command, Problem> {
    body.read(|o| {
        let items = o.has("items").then(|| o.optional("items", read_parts));
        let reason = o.required("reason", |v| v.text(REASON_CHARS_MAX))?;
        match items {
            Some(items) => Some(Command::CancelItems { items: items?, reason }),
            None => Some(Command::Cancel { reason }),
        }
    })
}
