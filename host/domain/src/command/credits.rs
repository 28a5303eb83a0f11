//! Cancelling a part of an order, and giving money back.

use super::{Refusal, allowed, enough, room};
use crate::event::{Event, ShipmentUnits};
use crate::order::{Order, Part};
use crate::status::{EventKind, OrderStatus, ShipmentStatus};

/// The most refunds that an order may have; see [`super::PAYMENTS_MAX`].
pub const REFUNDS_MAX: usize = 200;

/// What money is given back for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refunded {
    /// So many minor units, for nothing in particular.
    Amount(i64),
    /// These units, which the customer keeps: they cannot be refunded again.
    Items(Vec<Part>),
}

pub(super) fn cancel_items(order: &Order, items: &[Part], reason: &str) -> Result<Vec<Event>, Refusal> {
    allowed(order, EventKind::ItemsCancelled, OrderStatus::Cancelled.name())?;
    enough(items, |line_id| order.open_units(line_id))?;
    cancel_units(order, order.choose_units(items), reason)
}

/// Cancels units of shipments that have not left. With the last of them the order is cancelled as a whole.
pub(super) fn cancel_units(order: &Order, from: Vec<ShipmentUnits>, reason: &str) -> Result<Vec<Event>, Refusal> {
    let reason = reason.to_owned();
    let open = order.shipments.iter().filter(|s| s.status.is_open()).flat_map(|s| &s.items);
    let open: u64 = open.map(|item| u64::from(item.quantity)).sum();
    let asked: u64 = from.iter().map(|units| u64::from(units.part.quantity)).sum();
    if asked == open && order.status.after(EventKind::Cancelled).is_some() {
        return Ok(vec![Event::Cancelled { reason }]);
    }
    let parts: Vec<Part> = from.iter().map(|units| units.part).collect();
    let credited = order.credit_for(&parts);
    let unpaid = matches!(order.status, OrderStatus::Placed | OrderStatus::PaymentPending | OrderStatus::PaymentFailed);
    if unpaid && order.due() > 0 && order.due() <= credited.amount() {
        // Its payment is under way: an order that becomes free meanwhile would have none to wait for.
        return Err(Refusal::IllegalTransition { from: order.status, to: "free of charge" });
    }
    Ok(vec![Event::ItemsCancelled { items: credited.items, from, shipping: credited.shipping, reason }])
}

pub(super) fn refund(order: &Order, what: &Refunded, reason: &str) -> Result<Vec<Event>, Refusal> {
    let (items, shipping, amount) = match what {
        Refunded::Amount(amount) => (Vec::new(), 0, *amount),
        Refunded::Items(parts) => {
            let left = |line_id| {
                let line = order.lines.iter().find(|line| line.line_id == line_id);
                line.map_or(0, |line| line.quantity.saturating_sub(line.credited_units))
            };
            enough(parts, left)?;
            let credited = order.credit_for(parts);
            let amount = credited.amount();
            (credited.items, credited.shipping, amount)
        }
    };
    if amount <= 0 {
        return Err(Refusal::NothingToRefund);
    }
    let left = order.refundable();
    if amount > left {
        return Err(Refusal::RefundExceedsCaptured { left });
    }
    allowed(order, EventKind::RefundRequested, "refunded")?;
    room(order, order.payments.iter().map(|p| p.refunds.len()).sum(), REFUNDS_MAX, "refunded once more")?;
    Ok(vec![Event::RefundRequested { amount, items, shipping, reason: reason.to_owned() }])
}

impl Order {
    /// The units of a line that have not left and will leave.
    #[must_use]
    pub fn open_units(&self, line_id: u32) -> u32 {
        self.shipments.iter().filter(|s| s.status.is_open()).map(|s| s.units_of(line_id)).sum()
    }

    /// From where units are taken that are not sent after all: from what is not packed yet first, and of that from the
    /// last shipment first.
    fn choose_units(&self, items: &[Part]) -> Vec<ShipmentUnits> {
        let mut open: Vec<_> = self.shipments.iter().rev().filter(|s| s.status.is_open()).collect();
        open.sort_by_key(|s| s.status == ShipmentStatus::Packed);
        let mut chosen: Vec<ShipmentUnits> = Vec::new();
        for part in items {
            let mut wanted = part.quantity;
            for shipment in &open {
                let same = |u: &&ShipmentUnits| u.shipment_id == shipment.shipment_id && u.part.line_id == part.line_id;
                let taken: u32 = chosen.iter().filter(same).map(|u| u.part.quantity).sum();
                let quantity = wanted.min(shipment.units_of(part.line_id) - taken);
                wanted -= quantity;
                if quantity > 0 {
                    let part = Part { line_id: part.line_id, quantity };
                    chosen.push(ShipmentUnits { shipment_id: shipment.shipment_id, part });
                }
            }
        }
        chosen
    }
}
