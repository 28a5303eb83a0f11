//! `POST /orders/{id}/shipments/{shipment_id}/pack`, `/split`, `/ship`, `/track` and `/cancel`

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::command::shipments::{
    Action, CARRIER_CHARS_MAX, NOTE_CHARS_MAX, Progress, Report, TRACKING_NUMBER_CHARS_MAX,
};
use domain::command::{Command, REASON_CHARS_MAX};
use domain::ids::{OrderId, ShipmentId};
use domain::order::{Part, TrackingNews};
use utoipa::ToSchema;

use super::follow;
use super::place::{LINES_MAX, QUANTITY_MAX};
use crate::Api;
use crate::auth::{Authorized, OrdersWrite};
use crate::body::{JsonBody, OptionalJsonBody};
use crate::conditional::{IfMatch, Wait};
use crate::idempotency::{OptionalKey, RequiredKey};
use crate::json::{Document, Object, Value};
use crate::path::Ids;
use crate::problem::Problem;
use crate::refusals::refusals;
use crate::routes::{IfMatchHeader, OptionalKeyHeader, OrderAnswer, RequiredKeyHeader};
use crate::views::order::{CancelledView, OrderView};

/// Packing takes nothing.
#[derive(ToSchema)]
pub struct PackShipment {}

/// What goes into a shipment of its own.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is only the schema; `read_split` builds the action")]
pub struct SplitShipment {
    /// Some of what is in the shipment, and not all.
    #[schema(min_items = 1, max_items = 1000)]
    items: Vec<LineUnits>,
}

/// Units of a line.
#[derive(ToSchema)]
#[schema(as = LineUnitsRequest)]
#[expect(dead_code, reason = "this type is only the schema; `read_parts` builds the parts")]
pub struct LineUnits {
    #[schema(minimum = 1)]
    line_id: u32,
    #[schema(minimum = 1, maximum = 1_000_000)]
    quantity: u32,
}

/// Who carries a shipment, and how it is followed.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is only the schema; `read_ship` builds the action")]
pub struct ShipShipment {
    #[schema(example = "ups", max_length = 100)]
    carrier: Option<String>,
    #[schema(example = "1Z999AA10123456784", max_length = 100)]
    tracking_number: Option<String>,
    #[schema(format = Date, example = "2026-03-18")]
    estimated_delivery: Option<String>,
    /// For people.
    #[schema(max_length = 500)]
    note: Option<String>,
}

/// Why a shipment is not sent.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is only the schema; `read_cancel` builds the action")]
pub struct CancelShipment {
    /// For people; it stands in the order's history.
    #[schema(max_length = 500, example = "It was damaged when it was packed")]
    reason: String,
}

/// How far a shipment has come. What is left out stays as it was.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is only the schema; `read_track` builds the action")]
pub struct TrackShipment {
    /// `in_transit`, `out_for_delivery`, `delivered` or `exception`.
    #[schema(example = "in_transit")]
    status: Option<String>,
    #[schema(max_length = 100)]
    carrier: Option<String>,
    #[schema(max_length = 100)]
    tracking_number: Option<String>,
    #[schema(format = Date, example = "2026-03-18")]
    estimated_delivery: Option<String>,
    /// For people: of an `exception`, what went wrong.
    #[schema(max_length = 500, example = "The parcel centre is closed because of snow")]
    note: Option<String>,
}

refusals!(
    /// Of packing a shipment, or saying how far it has come.
    ShipmentRefusals: COMMON BODY KEY_OPTIONAL COMMAND
);

refusals!(
    /// Of shipping a shipment.
    ShipRefusals: COMMON BODY KEYED COMMAND; OrderOnHold
);

/// Says that a shipment is packed.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/shipments/{shipment_id}/pack", operation_id = "packShipment", tag = "Orders",
    params(
        ("id" = String, Path, description = "The order's id."),
        ("shipment_id" = String, Path, description = "The shipment's id."),
        OptionalKeyHeader, IfMatchHeader,
    ),
    request_body(content = Option<PackShipment>, description = "May be left out."),
    responses(
        (status = 200, description = "The shipment is packed.", body = OrderView, headers(("ETag" = String))),
        ShipmentRefusals,
    ),
    security(("key" = ["orders:write"])),
)]
pub async fn pack(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<OrdersWrite>,
    Ids(order_id, shipment_id): Ids<OrderId, ShipmentId>,
    key: OptionalKey,
    IfMatch(version): IfMatch,
    OptionalJsonBody(body): OptionalJsonBody,
) -> Result<Response, Problem> {
    let action = read_pack(&body)?;
    let command = Command::Shipment { shipment_id, action };
    follow(&api, caller, order_id, command, version, key.with(&body)?).await
}

/// Puts some of a shipment's units into a shipment of its own.
///
/// Only what is not packed yet can be divided. The new shipment leaves from the same warehouse.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/shipments/{shipment_id}/split", operation_id = "splitShipment", tag = "Orders",
    params(
        ("id" = String, Path, description = "The order's id."),
        ("shipment_id" = String, Path, description = "The shipment's id."),
        OptionalKeyHeader, IfMatchHeader,
    ),
    request_body = SplitShipment,
    responses(
        (status = 200, description = "There is one more shipment.", body = OrderView, headers(("ETag" = String))),
        ShipmentRefusals,
    ),
    security(("key" = ["orders:write"])),
)]
pub async fn split(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<OrdersWrite>,
    Ids(order_id, shipment_id): Ids<OrderId, ShipmentId>,
    key: OptionalKey,
    IfMatch(version): IfMatch,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let action = read_split(&body)?;
    let command = Command::Shipment { shipment_id, action };
    follow(&api, caller, order_id, command, version, key.with(&body)?).await
}

/// Says that a shipment was handed to its carrier.
///
/// Its units leave the stock. What is packed and handed over at once need not be packed first. While the order is held
/// nothing ships.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/shipments/{shipment_id}/ship", operation_id = "shipShipment", tag = "Orders",
    params(
        ("id" = String, Path, description = "The order's id."),
        ("shipment_id" = String, Path, description = "The shipment's id."),
        RequiredKeyHeader, IfMatchHeader,
    ),
    request_body(content = Option<ShipShipment>, description = "May be left out."),
    responses(
        (status = 200, description = "The shipment is on its way.", body = OrderView, headers(("ETag" = String))),
        ShipRefusals,
    ),
    security(("key" = ["orders:write"])),
)]
pub async fn ship(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<OrdersWrite>,
    Ids(order_id, shipment_id): Ids<OrderId, ShipmentId>,
    key: RequiredKey,
    IfMatch(version): IfMatch,
    OptionalJsonBody(body): OptionalJsonBody,
) -> Result<Response, Problem> {
    let action = read_ship(&body)?;
    let command = Command::Shipment { shipment_id, action };
    follow(&api, caller, order_id, command, version, Some(key.with(&body)?)).await
}

/// Says how far a shipment has come, for carriers that do not say so themselves.
///
/// The same again changes nothing. Without `status` only what else is given is kept.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/shipments/{shipment_id}/track", operation_id = "trackShipment", tag = "Orders",
    params(
        ("id" = String, Path, description = "The order's id."),
        ("shipment_id" = String, Path, description = "The shipment's id."),
        OptionalKeyHeader, IfMatchHeader,
    ),
    request_body = TrackShipment,
    responses(
        (status = 200, description = "The shipment as it is known now.", body = OrderView, headers(("ETag" = String))),
        ShipmentRefusals,
    ),
    security(("key" = ["orders:write"])),
)]
pub async fn track(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<OrdersWrite>,
    Ids(order_id, shipment_id): Ids<OrderId, ShipmentId>,
    key: OptionalKey,
    IfMatch(version): IfMatch,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let action = read_track(&body)?;
    let command = Command::Shipment { shipment_id, action };
    follow(&api, caller, order_id, command, version, key.with(&body)?).await
}

/// Cancels a shipment that has not left.
///
/// Its units are not sent after all: their stock is released and their money given back, as where they are cancelled by
/// `POST /orders/{id}/cancel`.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/shipments/{shipment_id}/cancel", operation_id = "cancelShipment", tag = "Orders",
    params(
        ("id" = String, Path, description = "The order's id."),
        ("shipment_id" = String, Path, description = "The shipment's id."),
        OptionalKeyHeader, IfMatchHeader,
    ),
    request_body = CancelShipment,
    responses(
        (status = 200, description = "The shipment is cancelled.", body = CancelledView, headers(("ETag" = String))),
        ShipmentRefusals,
    ),
    security(("key" = ["orders:write"])),
)]
pub async fn cancel(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<OrdersWrite>,
    Ids(order_id, shipment_id): Ids<OrderId, ShipmentId>,
    key: OptionalKey,
    IfMatch(version): IfMatch,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let action = read_cancel(&body)?;
    let command = Command::Shipment { shipment_id, action };
    let done = api.app.command(caller, order_id, command, version, key.with(&body)?).await?;
    let view = CancelledView::new(&done.order);
    let (status, wait) = (StatusCode::OK, Wait(None));
    Ok(OrderAnswer { status, order: &done.order, view, wait, replayed: done.replayed }.into_response())
}

/// Reads why it is not sent.
pub fn read_cancel(body: &Document) -> Result<Action, Problem> {
    body.read(|o| o.required("reason", |v| v.text(REASON_CHARS_MAX))).map(|reason| Action::Cancel { reason })
}

/// Makes sure that nothing was given that would be lost.
pub fn read_pack(body: &Document) -> Result<Action, Problem> {
    body.read(|_| Some(Action::Pack))
}

/// Reads what goes into a shipment of its own.
pub fn read_split(body: &Document) -> Result<Action, Problem> {
    body.read(|o| o.required("items", read_parts)).map(|items| Action::Split { items })
}

/// Reads who carries it.
pub fn read_ship(body: &Document) -> Result<Action, Problem> {
    body.read(|o| Some(Action::Ship(read_news(o))))
}

/// Reads how far it has come.
pub fn read_track(body: &Document) -> Result<Action, Problem> {
    body.read(|o| {
        let status = o.optional("status", |v| v.named::<Progress>());
        Some(Action::Track(Report { status, news: read_news(o) }))
    })
}

/// Reads a list of units of lines.
pub fn read_parts(value: Value<'_>) -> Option<Vec<Part>> {
    value.array(1..=LINES_MAX, |v| v.object(read_part))
}

fn read_part(o: &Object<'_>) -> Option<Part> {
    let line_id = o.required("line_id", |v| v.integer(1..=i64::from(u32::MAX)));
    let quantity = o.required("quantity", |v| v.integer(1..=i64::from(QUANTITY_MAX)));
    Some(Part { line_id: u32::try_from(line_id?).ok()?, quantity: u32::try_from(quantity?).ok()? })
}

fn read_news(o: &Object<'_>) -> TrackingNews {
    TrackingNews {
        carrier: o.optional("carrier", |v| v.text(CARRIER_CHARS_MAX)),
        tracking_number: o.optional("tracking_number", |v| v.text(TRACKING_NUMBER_CHARS_MAX)),
        estimated_delivery: o.optional("estimated_delivery", |v| v.date()),
        note: o.optional("note", |v| v.text(NOTE_CHARS_MAX)),
    }
}
