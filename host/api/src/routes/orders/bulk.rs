//! `POST /orders/bulk`

use std::sync::Arc;

use app::merchant::Caller;
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::{StreamExt, stream};
use serde::Serialize;
use utoipa::ToSchema;

use super::place::{PlaceOrder, read};
use crate::Api;
use crate::auth::{Authorized, OrdersWrite};
use crate::body::LinesBody;
use crate::frame::{self, RequestId};
use crate::idempotency::RequiredKey;
use crate::json::Document;
use crate::problem::{Code, Problem};
use crate::refusals::{ProblemDocument, refusals};
use crate::routes::RequiredKeyHeader;
use crate::views::order::OrderView;

const MEDIA_TYPE: &str = "application/x-ndjson";
/// The most orders of one request.
const ORDERS_MAX: usize = 10_000;
/// How many of them are placed at a time: enough for commits to be shared, few enough for others' orders beside them.
const AT_ONCE: usize = 32;

refusals!(
    /// Of placing many orders.
    BulkRefusals: COMMON KEYED; BadRequest, BodyTooLarge, UnsupportedMediaType, InvalidRequest
);

/// What became of one line.
#[derive(Serialize, ToSchema)]
pub struct BulkAnswer {
    /// Its number in the body, from 1; empty lines count and have no answer.
    line: usize,
    /// What placing it alone would have been answered with: 201, or the problem's status.
    #[schema(example = 201)]
    status: u16,
    /// Whether it is the answer to an earlier request with the same key.
    replayed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<OrderView>,
    /// Why it was not placed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ProblemDocument>)]
    problem: Option<serde_json::Value>,
}

/// Places many orders.
///
/// Each line of the body is an order as `POST /orders` takes it, and each line of the answer says what became of it, in
/// the same order, while the rest is still under way; they are placed side by side. One that is refused does not keep the others from being placed.
/// The same body with the same key again places what is missing, and answers the rest as before: where an answer breaks
/// off, repeat it. At most 10,000 orders and 32 MiB.
#[utoipa::path(
    post, path = "/api/v1/orders/bulk", operation_id = "placeOrders", tag = "Orders",
    params(RequiredKeyHeader),
    request_body(content = PlaceOrder, content_type = MEDIA_TYPE, description = "One order a line."),
    responses(
        (status = 200, description = "An answer a line.", body = BulkAnswer, content_type = MEDIA_TYPE),
        BulkRefusals,
    ),
    security(("key" = ["orders:write"])),
)]
pub async fn bulk(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<OrdersWrite>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    key: RequiredKey,
    LinesBody(body): LinesBody,
) -> Result<Response, Problem> {
    let lines = lines(&body);
    if lines.len() > ORDERS_MAX {
        let detail = format!("There are {} orders; one request places at most {ORDERS_MAX}.", lines.len());
        return Err(Problem::new(Code::InvalidRequest, detail).at("", format!("must have at most {ORDERS_MAX} orders")));
    }
    // Every line's key is known to be short enough before the first is used.
    key.numbered(lines.last().map_or(1, |(number, _)| *number))?;
    let placed = stream::iter(lines).map(move |(number, line)| {
        let (api, caller, key, request_id) = (api.clone(), Arc::clone(&caller), key.clone(), Arc::clone(&request_id));
        async move { answer(number, one(&api, caller, &key, number, line).await, &request_id) }
    });
    let answers = placed.buffered(AT_ONCE).map(|answer| {
        let mut text = serde_json::to_vec(&answer)?;
        text.push(b'\n');
        Ok::<_, serde_json::Error>(text)
    });
    Ok(([(CONTENT_TYPE, MEDIA_TYPE)], Body::from_stream(answers)).into_response())
}

/// The lines with something in them, by number.
fn lines(body: &Bytes) -> Vec<(usize, Bytes)> {
    let lines = (1..).zip(body.split(|byte| *byte == b'\n'));
    let filled = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
    filled.map(|(number, line)| (number, body.slice_ref(line))).collect()
}

/// Places the order of one line; whether it had been placed before.
async fn one(
    api: &Api,
    caller: Arc<Caller>,
    key: &RequiredKey,
    number: usize,
    line: Bytes,
) -> Result<(OrderView, bool), Problem> {
    let document = Document::parse(line)?;
    let request = read(&document, caller.merchant.settings.currency)?;
    let key = key.numbered(number)?.with(&document)?;
    api.limiter.write(&caller).await?;
    let done = api.app.place(caller, request, key).await?;
    Ok((OrderView::new(&done.order), done.replayed))
}

fn answer(line: usize, placed: Result<(OrderView, bool), Problem>, request_id: &str) -> BulkAnswer {
    match placed {
        Ok((order, replayed)) => BulkAnswer { line, status: 201, replayed, order: Some(order), problem: None },
        Err(problem) => {
            frame::log_defect(&problem);
            let status = problem.code().status().as_u16();
            BulkAnswer { line, status, replayed: false, order: None, problem: Some(problem.document(request_id)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_numbers() {
        let body = Bytes::from_static(b"{}\n\n  \r\n{\"a\":1}\r\n");
        let found: Vec<_> = lines(&body).into_iter().map(|(number, line)| (number, line.to_vec())).collect();
        assert_eq!(found, [(1, b"{}".to_vec()), (4, b"{\"a\":1}\r".to_vec())]);
        assert_eq!(lines(&Bytes::new()), []);
    }
}
