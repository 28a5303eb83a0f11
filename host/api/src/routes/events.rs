//! `GET /orders/{id}/events` and `GET /events`

use std::collections::HashMap;

use app::{App, EventRecord};
use axum::Json;
use axum::extract::State;
use domain::event::Event;
use domain::ids::{OrderId, TenantId};
use domain::money::Currency;
use domain::status::EventKind;
use utoipa::IntoParams;

use crate::Api;
use crate::auth::{Authorized, OrdersRead};
use crate::cursor;
use crate::params::Params;
use crate::path::Id;
use crate::problem::Problem;
use crate::refusals::refusals;
use crate::views::event::{EventView, Payload, has_amount};
use crate::views::{All, Page, Time};

const CURSOR: &str = "events";

refusals!(
    /// Of reading an order's history.
    OfOrderRefusals: COMMON; NotFound
);

refusals!(
    /// Of reading a merchant's events.
    OfMerchantRefusals: COMMON PAGED
);

/// What a merchant's events are narrowed to.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "this type is only documentation; `params` reads the query")]
pub struct EventsParams {
    /// The `cursor` of an event or the `next_cursor` of a page: what happened after it. From the beginning without it.
    after: Option<String>,
    /// Only events of this type, such as `order.cancelled`, or of all that begin so: `order.*`.
    #[param(example = "order.*")]
    r#type: Option<String>,
    /// Rows of a page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
}

/// The history of an order, oldest first.
///
/// It is append-only: an event is never changed or removed.
#[utoipa::path(
    get, path = "/api/v1/orders/{id}/events", operation_id = "listOrderEvents", tag = "Orders",
    params(("id" = String, Path, description = "The order's id.")),
    responses((status = 200, description = "The events.", body = All<EventView>), OfOrderRefusals),
    security(("key" = ["orders:read"])),
)]
pub async fn of_order(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<OrdersRead>,
    Id(order_id): Id<OrderId>,
) -> Result<Json<All<EventView>>, Problem> {
    let records = api.app.order_events(caller.tenant(), order_id).await?.ok_or_else(Problem::not_found)?;
    let data = views(&api.app, caller.tenant(), records).await?;
    Ok(Json(All { data: data.into_iter().map(|(_, view)| view).collect() }))
}

/// The merchant's events, in the order in which they happened.
///
/// `next_cursor` is null on the last page so far; to go on later, give the `cursor` of the last event as `after`.
#[utoipa::path(
    get, path = "/api/v1/events", operation_id = "listEvents", tag = "Orders",
    params(EventsParams),
    responses((status = 200, description = "A page of events.", body = Page<EventView>), OfMerchantRefusals),
    security(("key" = ["orders:read"])),
)]
pub async fn of_merchant(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<OrdersRead>,
    mut params: Params,
) -> Result<Json<Page<EventView>>, Problem> {
    let tenant = caller.tenant();
    let kind = params.optional("type", parse_kind);
    let limit = params.limit();
    let after = params.text("after");
    params.finish()?;
    let after: Option<u64> = cursor::open_given(&api.app, CURSOR, tenant, after)?;
    let mut records = api.app.events(tenant, after.unwrap_or(0), kind.as_deref(), limit + 1).await?;
    let more = records.len() > limit as usize;
    records.truncate(limit as usize);
    let mut data = Vec::with_capacity(records.len());
    for (position, mut view) in views(&api.app, tenant, records).await? {
        view.cursor = Some(cursor::seal(&api.app, CURSOR, Some(tenant), position));
        data.push(view);
    }
    let next_cursor = data.last().filter(|_| more).and_then(|last| last.cursor.clone());
    Ok(Json(Page { data, next_cursor }))
}

/// A type that nothing has is a typing error; `order.*` stands for every type that begins so.
fn parse_kind(text: &str) -> Result<String, String> {
    let known = match text.strip_suffix('*') {
        Some(start) => EventKind::ALL.iter().any(|kind| kind.name().starts_with(start)),
        None => EventKind::ALL.iter().any(|kind| kind.name() == text),
    };
    if known {
        return Ok(text.to_owned());
    }
    let names: Vec<&str> = EventKind::ALL.iter().map(|kind| kind.name()).collect();
    Err(format!("must be order.* or one of {}", names.join(", ")))
}

/// Events as the API shows them, each with its position. Amounts need the order's currency, which only the first event
/// of an order carries.
pub async fn views(app: &App, tenant: TenantId, records: Vec<EventRecord>) -> Result<Vec<(u64, EventView)>, Problem> {
    let mut currencies: HashMap<OrderId, Currency> = HashMap::new();
    let mut views = Vec::with_capacity(records.len());
    for record in records {
        let event = record.event().map_err(|error| Problem::internal(error.to_string()))?;
        if let Event::Placed(order) = &event {
            currencies.insert(record.order_id, order.currency);
        } else if has_amount(&event) && !currencies.contains_key(&record.order_id) {
            let order = app.order(tenant, record.order_id).await?;
            currencies.extend(order.map(|order| (order.order_id, order.currency)));
        }
        let payload = Payload::new(event, currencies.get(&record.order_id).copied());
        views.push((record.position, view(record, payload)));
    }
    Ok(views)
}

fn view(record: EventRecord, payload: Payload) -> EventView {
    EventView {
        event_id: record.event_id,
        order_id: record.order_id,
        version: record.version,
        r#type: record.kind,
        from: record.from.map(|status| status.name()),
        to: record.to.name(),
        actor: record.actor,
        reason: record.reason,
        time: Time(record.at),
        payload,
        cursor: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_types_that_exist_are_asked_for() {
        for good in ["order.placed", "order.*", "order.payment_*", "*"] {
            assert!(parse_kind(good).is_ok(), "{good}");
        }
        for bad in ["order.plcaed", "shipment.*", "order", "placed"] {
            assert!(parse_kind(bad).is_err(), "{bad}");
        }
    }
}
