//! `POST /orders/{id}/refunds` and `GET /orders/{id}/ledger`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::command::credits::Refunded;
use domain::command::{Command, REASON_CHARS_MAX};
use domain::ids::OrderId;
use domain::money::Currency;
use utoipa::ToSchema;

use super::shipments::{LineUnits, read_parts};
use crate::Api;
use crate::auth::{Authorized, OrdersRead, OrdersWrite};
use crate::body::JsonBody;
use crate::conditional::{IfMatch, Wait};
use crate::idempotency::RequiredKey;
use crate::json::Document;
use crate::path::Id;
use crate::problem::{Fault, Problem};
use crate::refusals::refusals;
use crate::routes::{IfMatchHeader, OrderAnswer, RequiredKeyHeader};
use crate::views::Money;
use crate::views::ledger::LedgerView;
use crate::views::order::RefundedView;

/// What is given back, and why.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is only the schema; `read` builds the command")]
pub struct RefundOrder {
    /// So much, for nothing in particular. Either this or `items`.
    amount: Option<Money>,
    /// What these units cost, which the customer keeps. Either this or `amount`.
    #[schema(min_items = 1, max_items = 1000)]
    items: Option<Vec<LineUnits>>,
    /// For people; it stands in the order's history.
    #[schema(max_length = 500, example = "It came late")]
    reason: String,
}

refusals!(
    /// Of giving money back.
    RefundRefusals: COMMON BODY KEYED COMMAND; RefundExceedsCaptured
);

refusals!(
    /// Of reading an order's ledger.
    LedgerRefusals: COMMON; NotFound
);

/// Gives money back.
///
/// Units come with their share of tax and discount, and of shipping as the merchant has it. What was captured, and is
/// neither given back nor being given back, is the limit.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/refunds", operation_id = "refundOrder", tag = "Orders",
    params(("id" = String, Path, description = "The order's id."), RequiredKeyHeader, IfMatchHeader),
    request_body = RefundOrder,
    responses(
        (status = 201, description = "The money is on its way.", body = RefundedView,
         headers(("ETag" = String), ("Location" = String))),
        RefundRefusals,
    ),
    security(("key" = ["orders:write"])),
)]
pub async fn refund(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<OrdersWrite>,
    Id(order_id): Id<OrderId>,
    key: RequiredKey,
    IfMatch(version): IfMatch,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    // Amounts are in the order's currency, which only the order knows.
    let order = api.app.order(caller.tenant(), order_id).await?.ok_or_else(Problem::not_found)?;
    let command = read(&body, order.currency)?;
    let key = key.with(&body)?;
    let done = api.app.command(caller, order_id, command, version, Some(key)).await?;
    let view = RefundedView::new(&done.order);
    let (status, wait) = (StatusCode::CREATED, Wait(None));
    Ok(OrderAnswer { status, order: &done.order, view, wait, replayed: done.replayed }.into_response())
}

/// Every movement of an order's money.
///
/// In the order in which they happened, made anew from the order's events each time.
#[utoipa::path(
    get, path = "/api/v1/orders/{id}/ledger", operation_id = "readOrderLedger", tag = "Orders",
    params(("id" = String, Path, description = "The order's id.")),
    responses((status = 200, description = "The ledger.", body = LedgerView), LedgerRefusals),
    security(("key" = ["orders:read"])),
)]
pub async fn ledger(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<OrdersRead>,
    Id(order_id): Id<OrderId>,
) -> Result<Json<LedgerView>, Problem> {
    let ledger = api.app.ledger(caller.tenant(), order_id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(LedgerView::new(&ledger)))
}

/// Reads what is given back.
pub fn read(body: &Document, currency: Currency) -> Result<Command, Problem> {
    let (what, reason) = body.read(|o| {
        let amount = o.has("amount").then(|| o.optional("amount", |v| v.money(currency)));
        let items = o.has("items").then(|| o.optional("items", read_parts));
        let reason = o.required("reason", |v| v.text(REASON_CHARS_MAX))?;
        let what = match (amount, items) {
            (Some(amount), None) => Some(Refunded::Amount(amount?)),
            (None, Some(items)) => Some(Refunded::Items(items?)),
            _ => None,
        };
        Some((what, reason))
    })?;
    match what {
        Some(Refunded::Amount(0)) => Err(fault("/amount", "must be more than nothing")),
        Some(what) => Ok(Command::Refund { what, reason }),
        None => Err(fault("/amount", "is required, or else `items`, and not both")),
    }
}

fn fault(pointer: &str, detail: &str) -> Problem {
    Problem::invalid(vec![Fault { pointer: pointer.to_owned(), detail: detail.to_owned() }])
}
