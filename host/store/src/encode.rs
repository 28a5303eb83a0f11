//! From domain values to the rows that are written: documents, payloads and hashes are made once, in the caller's task.

use std::sync::Arc;

use domain::event::Event;
use domain::hooks::routing::Plan;
use domain::ids::{EventId, OrderId, Sku, TenantId, WarehouseId};
use domain::order::Order;
use domain::placement::Draft;
use domain::status::{Next, OrderStatus};
use domain::time::Timestamp;
use domain::transition;

use crate::Error;
use crate::chain::{GENESIS, Hash, Link};
use crate::records::StoredOrder;

/// An order after a change, with the events of that change, ready to be written.
#[derive(Debug)]
pub(crate) struct Encoded {
    pub order: Arc<Order>,
    pub document: Arc<str>,
    pub head_hash: Hash,
    pub events: Vec<EventRow>,
    /// What the order holds after the change.
    pub reservations: Vec<(Sku, WarehouseId, i64)>,
}

/// An event ready to be written, but for its position.
#[derive(Debug)]
pub(crate) struct EventRow {
    pub tenant: TenantId,
    pub order_id: OrderId,
    pub version: u64,
    pub event_id: EventId,
    pub kind: &'static str,
    pub from: Option<OrderStatus>,
    pub to: OrderStatus,
    pub actor: Arc<str>,
    pub reason: Option<Arc<str>>,
    pub at: Timestamp,
    pub payload: Arc<str>,
    pub hash: Hash,
}

/// A placement makes at most this many events: placed, and nothing to pay.
pub(crate) const PLACEMENT_EVENTS_MAX: usize = 2;

/// The placed order under a plan. The same arguments give the same rows.
pub(crate) fn placement(
    draft: &Draft,
    plan: &Plan,
    ids: &[EventId; PLACEMENT_EVENTS_MAX],
    actor: &Arc<str>,
) -> Result<Encoded, Error> {
    let (order, events) = draft.place(plan);
    let document: Arc<str> = json(&order)?.into();
    if document.len() > DOCUMENT_BYTES_MAX {
        return Err(Error::DocumentTooLarge { bytes: document.len(), limit: DOCUMENT_BYTES_MAX });
    }
    // The first event carries the document of version 1, which need not be written out twice.
    let payloads: Vec<Arc<str>> = match events.as_slice() {
        [Event::Placed(_)] => vec![format!(r#"{{"type":"order.placed","data":{document}}}"#).into()],
        events => events.iter().map(|e| json(e).map(Arc::from)).collect::<Result<_, _>>()?,
    };
    let statuses = match events.as_slice() {
        [Event::Placed(first), more @ ..] => {
            let then = statuses(first, more, draft.placed_at);
            std::iter::once(first.status).chain(then).collect()
        }
        _ => return Err(Error::Inconsistent("a placement does not begin with itself".to_owned())),
    };
    let chain = Chain { order: &order, statuses, status: None, version: 0, hash: GENESIS, actor, at: draft.placed_at };
    let (events, head_hash) = chain.link(&events, payloads, ids);
    let reservations = order.reservations();
    Ok(Encoded { order: Arc::new(order), document, head_hash, events, reservations })
}

/// An order after events.
pub(crate) fn update(before: &StoredOrder, order: Order, events: &[Event], actor: &Arc<str>) -> Result<Encoded, Error> {
    let same = before.order.tenant_id == order.tenant_id && before.order.order_id == order.order_id;
    if !same || events.is_empty() || order.version != before.order.version + events.len() as u64 {
        return Err(Error::Inconsistent(format!(
            "order {} goes from version {} to {} with {} events",
            order.order_id,
            before.order.version,
            order.version,
            events.len()
        )));
    }
    let document: Arc<str> = json(&order)?.into();
    let payloads: Vec<Arc<str>> = events.iter().map(|e| json(e).map(Arc::from)).collect::<Result<_, _>>()?;
    let ids: Vec<EventId> = events.iter().map(|_| new_event_id()).collect();
    let chain = Chain {
        order: &order,
        statuses: statuses(&before.order, events, order.updated_at),
        status: Some(before.order.status),
        version: before.order.version,
        hash: before.head_hash,
        actor,
        at: order.updated_at,
    };
    let (events, head_hash) = chain.link(events, payloads, &ids);
    let reservations = order.reservations();
    Ok(Encoded { order: Arc::new(order), document, head_hash, events, reservations })
}

/// The largest document that an order may be placed with (DESIGN: 512 kB). Later events may make it larger: what has
/// happened is not refused.
const DOCUMENT_BYTES_MAX: usize = 512 << 10;

pub(crate) fn new_event_id() -> EventId {
    EventId::new(uuid::Uuid::now_v7())
}

/// Where the order stands after each event.
fn statuses(before: &Order, events: &[Event], at: Timestamp) -> Vec<OrderStatus> {
    let mut status = before.status;
    // What the shipments say can only be told with the document; most events need none.
    let mut document: Option<Order> = None;
    let mut statuses = Vec::with_capacity(events.len());
    for (index, event) in events.iter().enumerate() {
        let next = status.after(event.kind());
        if document.is_none() && next == Some(Next::Derived) {
            let before = before.clone();
            document = Some(events[..index].iter().fold(before, |order, event| transition::apply(order, event, at)));
        }
        document = document.map(|order| transition::apply(order, event, at));
        status = match (&document, next) {
            (Some(order), _) => order.status,
            (None, Some(Next::Status(to))) => to,
            (None, _) => status,
        };
        statuses.push(status);
    }
    statuses
}

/// Where the chain of an order stands before a change.
struct Chain<'o> {
    order: &'o Order,
    /// After each of the events.
    statuses: Vec<OrderStatus>,
    status: Option<OrderStatus>,
    version: u64,
    hash: Hash,
    actor: &'o Arc<str>,
    at: Timestamp,
}

impl Chain<'_> {
    fn link(mut self, events: &[Event], payloads: Vec<Arc<str>>, ids: &[EventId]) -> (Vec<EventRow>, Hash) {
        let mut rows = Vec::with_capacity(events.len());
        let statuses = std::mem::take(&mut self.statuses);
        for (((event, payload), event_id), to) in events.iter().zip(payloads).zip(ids).zip(statuses) {
            self.version += 1;
            let mut row = EventRow {
                tenant: self.order.tenant_id,
                order_id: self.order.order_id,
                version: self.version,
                event_id: *event_id,
                kind: event.kind().name(),
                from: self.status,
                to,
                actor: self.actor.clone(),
                reason: reason(event).map(Arc::from),
                at: self.at,
                payload,
                hash: GENESIS,
            };
            row.hash = row.link().hash(&self.hash);
            self.hash = row.hash;
            self.status = Some(to);
            rows.push(row);
        }
        (rows, self.hash)
    }
}

impl EventRow {
    fn link(&self) -> Link<'_> {
        Link {
            tenant: self.tenant,
            order_id: self.order_id,
            version: self.version,
            event_id: self.event_id,
            kind: self.kind,
            from: self.from,
            to: self.to,
            actor: &self.actor,
            reason: self.reason.as_deref(),
            at: self.at,
            payload: &self.payload,
        }
    }
}

/// What a person reads beside the event in the audit trail.
fn reason(event: &Event) -> Option<&str> {
    match event {
        Event::Cancelled { reason }
        | Event::HoldPlaced { reason, .. }
        | Event::ItemsCancelled { reason, .. }
        | Event::RefundRequested { reason, .. } => Some(reason),
        Event::PaymentDeclined { message, .. }
        | Event::PaymentUnknown { message, .. }
        | Event::PaymentRefundFailed { message, .. } => Some(message),
        Event::ShipmentException { news, .. } => news.note.as_deref(),
        _ => None,
    }
}

fn json(value: &impl serde::Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|e| Error::Inconsistent(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::tests::sample;

    #[test]
    fn the_shortcut_for_the_first_payload_gives_what_serde_gives() {
        let (draft, plan) = sample::draft_and_plan();
        let ids = [new_event_id(), new_event_id()];
        let encoded = placement(&draft, &plan, &ids, &"ann".into()).unwrap();
        let (_, events) = draft.place(&plan);
        assert_eq!(*encoded.events[0].payload, *serde_json::to_string(&events[0]).unwrap());
        assert_eq!(encoded.events[0].from, None);
        assert_eq!(encoded.head_hash, encoded.events[0].hash);
    }
}
