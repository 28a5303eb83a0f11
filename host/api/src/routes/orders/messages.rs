//! `GET /orders/{id}/messages`

use axum::Json;
use axum::extract::State;
use domain::ids::OrderId;

use crate::Api;
use crate::auth::{Authorized, OrdersRead};
use crate::path::Id;
use crate::problem::Problem;
use crate::refusals::refusals;
use crate::views::All;
use crate::views::message::MessageView;

refusals!(
    /// Of reading an order's messages.
    MessagesRefusals: COMMON; NotFound
);

/// Every message about an order.
///
/// In the order of the events that led to them: what the notification policy wants to be told, to whom, and how far it has
/// come.
#[utoipa::path(
    get, path = "/api/v1/orders/{id}/messages", operation_id = "listOrderMessages", tag = "Orders",
    params(("id" = String, Path, description = "The order's id.")),
    responses((status = 200, description = "The messages.", body = All<MessageView>), MessagesRefusals),
    security(("key" = ["orders:read"])),
)]
pub async fn messages(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<OrdersRead>,
    Id(order_id): Id<OrderId>,
) -> Result<Json<All<MessageView>>, Problem> {
    let messages = api.app.messages(caller.tenant(), order_id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(All { data: messages.iter().map(MessageView::from).collect() }))
}
