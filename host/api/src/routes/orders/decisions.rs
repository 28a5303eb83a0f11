//! `GET /orders/{id}/decisions`

use axum::Json;
use axum::extract::State;
use domain::ids::OrderId;

use crate::Api;
use crate::auth::{Authorized, OrdersRead};
use crate::path::Id;
use crate::problem::Problem;
use crate::refusals::refusals;
use crate::views::All;
use crate::views::decision::DecisionView;

refusals!(
    /// Of reading an order's decisions.
    DecisionsRefusals: COMMON; NotFound
);

/// Every policy call about an order.
///
/// In the order in which they were made: what was asked, what was answered, how long it took, and what the policy
/// wrote to its log.
#[utoipa::path(
    get, path = "/api/v1/orders/{id}/decisions", operation_id = "listOrderDecisions", tag = "Orders",
    params(("id" = String, Path, description = "The order's id.")),
    responses((status = 200, description = "The decisions.", body = All<DecisionView>), DecisionsRefusals),
    security(("key" = ["orders:read"])),
)]
pub async fn decisions(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<OrdersRead>,
    Id(order_id): Id<OrderId>,
) -> Result<Json<All<DecisionView>>, Problem> {
    let decisions = api.app.decisions(caller.tenant(), order_id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(All { data: decisions.iter().map(DecisionView::from).collect() }))
}
