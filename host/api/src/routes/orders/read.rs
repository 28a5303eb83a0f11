//! `GET /orders/{id}`

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::ids::OrderId;

use crate::Api;
use crate::auth::{Authorized, OrdersRead};
use crate::conditional::is_known;
use crate::path::Id;
use crate::problem::Problem;
use crate::refusals::refusals;
use crate::routes::order_headers;
use crate::views::order::DetailsView;

refusals!(
    /// Of reading an order.
    ReadRefusals: COMMON; NotFound
);

/// Reads an order.
#[utoipa::path(
    get, path = "/api/v1/orders/{id}", operation_id = "getOrder", tag = "Orders",
    params(
        ("id" = String, Path, description = "The order's id.", example = "ord_01jqxk3v9y8m2n4p6r8t0w2x4z"),
        ("If-None-Match" = Option<String>, Header, description = "An `ETag` that the client has: where it is still right, the answer is 304."),
    ),
    responses(
        (status = 200, description = "The order.", body = DetailsView, headers(("ETag" = String))),
        (status = 304, description = "The client has this version already."),
        ReadRefusals,
    ),
    security(("key" = ["orders:read"])),
)]
pub async fn read(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<OrdersRead>,
    Id(order_id): Id<OrderId>,
    request_headers: HeaderMap,
) -> Result<Response, Problem> {
    let order = api.app.order(caller.tenant(), order_id).await?.ok_or_else(Problem::not_found)?;
    let headers = order_headers(&order);
    if is_known(&request_headers, order.version) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let personal = api.app.personal(&[&order]).await?.pop().flatten();
    Ok((headers, Json(DetailsView::new(&order, personal))).into_response())
}
