//! What must hold for one order.

use domain::event::Event;
use domain::ids::{CustomerId, ExternalId, OrderId, Sku, TenantId, WarehouseId};
use domain::order::Order;
use domain::status::OrderStatus;
use domain::time::Timestamp;
use domain::transition;

use super::{Fault, Report};
use crate::Error;
use crate::chain::{GENESIS, Hash, Link};
use crate::records::EventRecord;
use crate::sql::{Columns, Row};

/// The columns that [`OrderRow::read`] reads.
pub(super) const ORDER_COLUMNS: &str =
    "order_id, version, status, customer_id, external_id, placed_at, total_minor, currency, head_hash, document";

/// An order's row, the document still a text.
pub(super) struct OrderRow {
    pub order_id: OrderId,
    version: u64,
    status: OrderStatus,
    customer_id: Option<CustomerId>,
    external_id: Option<ExternalId>,
    placed_at: Timestamp,
    total: i64,
    currency: String,
    head_hash: Hash,
    document: String,
}

impl OrderRow {
    pub fn read(row: &Row) -> Result<Self, Error> {
        let mut columns = Columns::new(row);
        Ok(Self {
            order_id: columns.id(OrderId::new)?,
            version: columns.count()?,
            status: columns.status()?,
            customer_id: columns.optional_name(CustomerId::parse)?,
            external_id: columns.optional_name(ExternalId::parse)?,
            placed_at: columns.time()?,
            total: columns.get()?,
            currency: columns.get()?,
            head_hash: columns.hash()?,
            document: columns.get()?,
        })
    }

    /// Checks the row against its events, which are sorted by version, and its reservations.
    pub fn check(
        &self,
        tenant: TenantId,
        events: &[EventRecord],
        reserved: &[(Sku, WarehouseId, i64)],
        report: &mut Report,
    ) {
        let order_id = self.order_id;
        if events.last().is_none_or(|last| last.version != self.version || last.hash != self.head_hash) {
            report.add(Fault::HeadDiffers { order_id });
        }
        let document: Order = match serde_json::from_str(&self.document) {
            Ok(document) => document,
            Err(e) => return report.add(Fault::Damaged { tenant, what: format!("the document of {order_id}: {e}") }),
        };
        if replay(events).as_ref() != Some(&document) {
            report.add(Fault::DocumentDiffers { order_id });
        }
        for (column, differs) in [
            ("tenant_id", document.tenant_id != tenant),
            ("order_id", document.order_id != order_id),
            ("version", document.version != self.version),
            ("status", document.status != self.status),
            ("customer_id", document.customer_id != self.customer_id),
            ("external_id", document.external_id != self.external_id),
            ("placed_at", document.placed_at != self.placed_at),
            ("total_minor", document.amounts.total != self.total),
            ("currency", document.currency.code() != self.currency),
        ] {
            if differs {
                report.add(Fault::ColumnDiffers { order_id, column });
            }
        }
        if document.reservations() != reserved {
            report.add(Fault::ReservationsDiffer { order_id });
        }
    }
}

fn replay(records: &[EventRecord]) -> Option<Order> {
    let events: Vec<(Event, Timestamp)> =
        records.iter().map(|r| r.event().map(|event| (event, r.at))).collect::<Result<_, _>>().ok()?;
    transition::replay(events.iter().map(|(event, at)| (event, *at)))
}

/// Checks the chain of one order's events, sorted by version.
pub(super) fn check_chain(events: &[EventRecord], report: &mut Report) {
    let (mut hash, mut version, mut position, mut status) = (GENESIS, 0, 0, None);
    for event in events {
        let order_id = event.order_id;
        if event.version != version + 1 {
            report.add(Fault::EventMissing { order_id, version: version + 1 });
        }
        if event.position <= position {
            report.add(Fault::EventMisplaced { order_id, version: event.version });
        }
        if link(event).hash(&hash) != event.hash || event.from != status {
            report.add(Fault::EventChanged { order_id, version: event.version });
        }
        (hash, version, position, status) = (event.hash, event.version, event.position, Some(event.to));
    }
}

fn link(event: &EventRecord) -> Link<'_> {
    Link {
        tenant: event.tenant,
        order_id: event.order_id,
        version: event.version,
        event_id: event.event_id,
        kind: &event.kind,
        from: event.from,
        to: event.to,
        actor: &event.actor,
        reason: event.reason.as_deref(),
        at: event.at,
        payload: &event.payload,
    }
}
