//! `POST /orders/{id}/pay`

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::command::Command;
use domain::ids::OrderId;
use utoipa::ToSchema;

use crate::Api;
use crate::auth::{Authorized, OrdersWrite};
use crate::body::JsonBody;
use crate::conditional::{IfMatch, Wait};
use crate::idempotency::RequiredKey;
use crate::json::Document;
use crate::path::Id;
use crate::problem::Problem;
use crate::refusals::refusals;
use crate::routes::{IfMatchHeader, OrderAnswer, PreferHeader, RequiredKeyHeader};
use crate::views::order::OrderView;

use super::settled;

/// Another way to pay.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is only the schema; `read` builds the command")]
pub struct PayOrder {
    #[schema(example = "pm_ok", max_length = 255)]
    payment_method_id: String,
}

refusals!(
    /// Of paying an order.
    PayRefusals: COMMON BODY KEYED COMMAND; PaymentDeclined, PaymentRetryExpired
);

/// Tries another payment after a decline.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/pay", operation_id = "payOrder", tag = "Orders",
    params(("id" = String, Path, description = "The order's id."), RequiredKeyHeader, IfMatchHeader, PreferHeader),
    request_body = PayOrder,
    responses(
        (status = 200, description = "The payment is under way or, with `Prefer: wait`, settled.", body = OrderView,
         headers(("ETag" = String))),
        PayRefusals,
    ),
    security(("key" = ["orders:write"])),
)]
pub async fn pay(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<OrdersWrite>,
    Id(order_id): Id<OrderId>,
    key: RequiredKey,
    IfMatch(version): IfMatch,
    wait: Wait,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let command = read(&body)?;
    let key = key.with(&body)?;
    let tenant = caller.tenant();
    let done = api.app.command(caller, order_id, command, version, Some(key)).await?;
    let done = settled(&api.app, tenant, done, wait).await?;
    let view = OrderView::new(&done.order);
    Ok(OrderAnswer { status: StatusCode::OK, order: &done.order, view, wait, replayed: done.replayed }.into_response())
}

/// Reads which method is tried.
pub fn read(body: &Document) -> Result<Command, Problem> {
    let payment_method_id =
        body.read(|o| o.required("payment_method_id", |v| v.text(super::place::METHOD_CHARS_MAX)))?;
    Ok(Command::Pay { payment_method_id })
}
