//! `GET /orders/{id}/decisions`, `POST /decisions/{id}/replay`

use axum::Json;
use axum::extract::State;
use domain::ids::{DecisionId, OrderId};

use crate::Api;
use crate::auth::{Authorized, OrdersRead, PluginsWrite};
use crate::path::Id;
use crate::problem::Problem;
use crate::refusals::refusals;
use crate::views::All;
use crate::views::decision::DecisionView;
use crate::views::plugin::ReplayView;

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

refusals!(
    /// Of making a decision again.
    ReplayRefusals: COMMON; NotFound
);

/// Makes a recorded decision again, with the component and the input of then, and compares the answers.
///
/// Nothing is changed by it. Decisions about orders that were placed more than 30 days before are not found.
#[utoipa::path(
    post, path = "/api/v1/decisions/{id}/replay", operation_id = "replayDecision", tag = "Plugins",
    params(("id" = String, Path, description = "The decision's id.")),
    responses((status = 200, description = "Both answers.", body = ReplayView), ReplayRefusals),
    security(("key" = ["plugins:write"])),
)]
pub async fn replay(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<PluginsWrite>,
    Id(decision_id): Id<DecisionId>,
) -> Result<Json<ReplayView>, Problem> {
    Ok(Json(api.app.replay_decision(caller.tenant(), decision_id).await?.into()))
}
