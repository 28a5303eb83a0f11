//! `GET /orders`

use app::Filter;
use axum::Json;
use axum::extract::State;
use domain::ids::{CustomerId, ExternalId};
use domain::status::OrderStatus;
use utoipa::IntoParams;

use crate::Api;
use crate::auth::{Authorized, OrdersRead};
use crate::cursor;
use crate::params::{Params, parse_from, parse_to};
use crate::problem::Problem;
use crate::refusals::refusals;
use crate::routes::PageParams;
use crate::views::Page;
use crate::views::order::DetailsView;

const CURSOR: &str = "orders";

/// What a list of orders is narrowed to.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "this type is only documentation; `params` reads the query")]
pub struct ListParams {
    /// Only orders with this status.
    #[param(example = "shipped")]
    status: Option<String>,
    /// Only orders of this customer.
    customer_id: Option<String>,
    /// Only the order with this number of the merchant's.
    external_id: Option<String>,
    /// Only orders placed then or later: a time, or a day in UTC.
    #[param(example = "2026-03-01")]
    placed_from: Option<String>,
    /// Only orders placed before this time, or on this day in UTC or earlier.
    #[param(example = "2026-03-31")]
    placed_to: Option<String>,
}

refusals!(
    /// Of listing orders.
    ListRefusals: COMMON PAGED
);

/// Lists orders, newest first.
#[utoipa::path(
    get, path = "/api/v1/orders", operation_id = "listOrders", tag = "Orders",
    params(ListParams, PageParams),
    responses((status = 200, description = "A page of orders.", body = Page<DetailsView>), ListRefusals),
    security(("key" = ["orders:read"])),
)]
pub async fn list(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<OrdersRead>,
    mut params: Params,
) -> Result<Json<Page<DetailsView>>, Problem> {
    let tenant = caller.tenant();
    let filter = Filter {
        status: params.optional("status", str::parse::<OrderStatus>),
        customer_id: params.optional("customer_id", CustomerId::parse),
        external_id: params.optional("external_id", ExternalId::parse),
        placed_from: params.optional("placed_from", parse_from),
        placed_to: params.optional("placed_to", parse_to),
    };
    let limit = params.limit();
    let cursor = params.text("cursor");
    params.finish()?;
    let after = cursor::open_given(&api.app, CURSOR, tenant, cursor)?;
    let mut orders = api.app.orders(tenant, filter, limit + 1, after).await?;
    let more = orders.len() > limit as usize;
    orders.truncate(limit as usize);
    let next = orders.last().filter(|_| more).map(|last| (last.placed_at, last.order_id));
    let data = super::details(&api.app, &orders).await?;
    Ok(Json(Page { data, next_cursor: next.map(|next| cursor::seal(&api.app, CURSOR, Some(tenant), next)) }))
}
