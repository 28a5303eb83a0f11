//! Orders: placing, reading and commands.

pub mod bulk;
pub mod cancel;
pub mod decisions;
pub mod hold;
pub mod list;
pub mod messages;
pub mod pay;
pub mod place;
pub mod read;
pub mod refund;
pub mod shipments;

use std::sync::Arc;

use app::App;
use app::merchant::Caller;
use app::place::Done;
use axum::http::StatusCode;
use axum::http::header::{ETAG, LOCATION};
use axum::response::{IntoResponse, Response};
use domain::command::Command;
use domain::ids::{OrderId, TenantId};
use domain::order::Order;
use domain::status::{OrderStatus, PaymentStatus};

use crate::Api;
use crate::conditional::{Wait, etag};
use crate::errors::order_path;
use crate::idempotency::IDEMPOTENT_REPLAYED;
use crate::problem::{Code, Problem};
use crate::routes::OrderAnswer;
use crate::views::order::{DetailsView, OrderView};

/// Gives a command and answers with the order as it is then.
async fn follow(
    api: &Api,
    caller: Arc<Caller>,
    order_id: OrderId,
    command: Command,
    version: Option<u64>,
    key: Option<app::Idempotency>,
) -> Result<Response, Problem> {
    let done = api.app.command(caller, order_id, command, version, key).await?;
    let view = OrderView::new(&done.order);
    let (status, wait) = (StatusCode::OK, Wait(None));
    Ok(OrderAnswer { status, order: &done.order, view, wait, replayed: done.replayed }.into_response())
}

/// Waits for the payment where the client prefers so. A decline is a refusal then: 402.
async fn settled(app: &App, tenant: TenantId, done: Done, wait: Wait) -> Result<Done, Problem> {
    let Some(at_most) = wait.0 else { return Ok(done) };
    let order = app.wait_settled(tenant, done.order.order_id, at_most).await?.unwrap_or(done.order);
    let failed = order.payment().is_some_and(|payment| payment.status == PaymentStatus::Failed);
    if failed && order.status == OrderStatus::PaymentFailed {
        return Err(declined(&order, wait, done.replayed));
    }
    Ok(Done { order, ..done })
}

fn declined(order: &Order, wait: Wait, replayed: bool) -> Problem {
    let payment = order.payment();
    let code = payment.and_then(|payment| payment.decline_code.clone());
    let until = payment.and_then(|payment| payment.retry_until).map(|until| until.to_string());
    let detail = match &until {
        Some(until) => format!("The provider declined the payment. Another may be tried until {until}."),
        None => "The provider declined the payment.".to_owned(),
    };
    let mut problem = Problem::new(Code::PaymentDeclined, detail)
        .with("order_id", order.order_id.to_string())
        .with("decline_code", code)
        .with("retry_until", until)
        .header(LOCATION, order_path(&order.order_id))
        .header(ETAG, etag(order.version));
    if let Some((name, value)) = wait.applied() {
        problem = problem.header(name, value);
    }
    if replayed { problem.header(IDEMPOTENT_REPLAYED, "true") } else { problem }
}

/// Orders with their personal data opened.
pub async fn details(app: &App, orders: &[Arc<Order>]) -> Result<Vec<DetailsView>, Problem> {
    let borrowed: Vec<&Order> = orders.iter().map(AsRef::as_ref).collect();
    let personal = app.personal(&borrowed).await?;
    Ok(orders.iter().zip(personal).map(|(order, personal)| DetailsView::new(order, personal)).collect())
}
