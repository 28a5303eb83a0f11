//! `GET /search/orders`

use app::index::SearchError;
use app::{Cursor, SearchOptions, Sort};
use axum::Json;
use axum::extract::State;
use domain::status::OrderStatus;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::Api;
use crate::auth::{Authorized, OrdersRead};
use crate::cursor;
use crate::params::{Params, parse_from, parse_to};
use crate::problem::{Code, Fault, Problem};
use crate::refusals::refusals;
use crate::routes::PageParams;
use crate::views::order::DetailsView;

/// Seals the place where a page of a search ended.
pub const CURSOR: &str = "search";

/// What is looked for.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "this type is only documentation; `params` reads the query")]
pub struct SearchParams {
    /// Free text and fields. Words match names, titles, addresses, ids and SKUs; a minus sign excludes.
    #[param(example = "ann mug status:shipped sku:SKU-123 placed:2026-03 total:>100 country:DE -gift")]
    q: Option<String>,
    /// Only orders with one of these statuses, separated by commas.
    #[param(example = "shipped,delivered")]
    status: Option<String>,
    /// Only orders placed then or later: a time, or a day in UTC.
    from: Option<String>,
    /// Only orders placed before this time, or on this day in UTC or earlier.
    to: Option<String>,
    /// `newest`, `oldest`, `total_desc`, `total_asc` or `relevance`.
    #[param(example = "newest")]
    sort: Option<String>,
}

/// A page of orders that match.
#[derive(Serialize, ToSchema)]
pub struct SearchPage {
    /// The orders, as they are now.
    data: Vec<DetailsView>,
    /// Where the next page begins; null on the last.
    next_cursor: Option<String>,
    /// How many match in all.
    total: u64,
    /// How long the search took, in milliseconds.
    took_ms: u64,
    /// How far the index is behind, in milliseconds.
    lag_ms: u64,
}

refusals!(
    /// Of searching.
    SearchRefusals: COMMON PAGED; InvalidQuery
);

/// Searches orders.
#[utoipa::path(
    get, path = "/api/v1/search/orders", operation_id = "searchOrders", tag = "Search",
    params(SearchParams, PageParams),
    responses((status = 200, description = "A page of hits.", body = SearchPage), SearchRefusals),
    security(("key" = ["orders:read"])),
)]
pub async fn search(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<OrdersRead>,
    mut params: Params,
) -> Result<Json<SearchPage>, Problem> {
    let tenant = caller.tenant();
    let query = params.text("q").unwrap_or_default();
    let statuses = params.optional("status", parse_statuses).unwrap_or_default();
    let from = params.optional("from", parse_from).map(|moment| moment.micros());
    let to = params.optional("to", parse_to).map(|moment| moment.micros());
    let sort = params.optional("sort", str::parse::<Sort>).unwrap_or_default();
    let limit = params.limit() as usize;
    let cursor = params.text("cursor");
    params.finish()?;
    let cursor: Option<Cursor> = cursor::open_given(&api.app, CURSOR, tenant, cursor)?;
    if cursor.as_ref().is_some_and(|cursor| cursor.sort != sort) {
        return Err(Problem::new(Code::InvalidCursor, "The cursor was made for another `sort`."));
    }
    let options = SearchOptions { statuses, from, to, sort, limit, cursor };
    let answer = api.app.search(tenant, &query, options).await.map_err(refusal)?;
    let data = super::orders::details(&api.app, &answer.orders).await?;
    let next_cursor = answer.next.map(|next| cursor::seal(&api.app, CURSOR, Some(tenant), next));
    Ok(Json(SearchPage { data, next_cursor, total: answer.total, took_ms: answer.took_ms, lag_ms: answer.lag_ms }))
}

fn parse_statuses(text: &str) -> Result<Vec<String>, String> {
    text.split(',').map(|name| name.trim().parse::<OrderStatus>().map(|status| status.name().to_owned())).collect()
}

fn refusal(error: SearchError) -> Problem {
    match error {
        SearchError::Query(error) => {
            let detail = error.fault.to_string();
            Problem::new(Code::InvalidQuery, format!("{detail} (at byte {}).", error.offset))
                .at("/q", detail)
                .with("offset", error.offset)
                .with("length", error.length)
        }
        SearchError::Refused(why) => Problem::invalid(vec![Fault { pointer: "/q".to_owned(), detail: why }]),
        SearchError::Error(error) => error.into(),
    }
}
