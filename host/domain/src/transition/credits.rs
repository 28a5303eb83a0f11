//! How cancelled parts and refunds change the document, and what is to be given back.

use crate::event::{Credit, Event, ShipmentUnits};
use crate::ids::RefundId;
use crate::order::{LineStatus, Order, Payment, Refund, TaskKind};
use crate::status::{PaymentStatus, ShipmentStatus};
use crate::time::Timestamp;

pub(super) fn apply(order: &mut Order, event: &Event, at: Timestamp) {
    match event {
        Event::ItemsCancelled { items, from, shipping, .. } => {
            for item in items {
                if let Some(line) = order.lines.iter_mut().find(|line| line.line_id == item.line_id) {
                    line.cancelled += item.quantity;
                    if line.cancelled == line.quantity {
                        line.status = LineStatus::Cancelled;
                    }
                }
            }
            order.credit_lines(items);
            order.credits.cancelled += items.iter().map(|item| item.amount).sum::<i64>() + shipping;
            order.credits.shipping += shipping;
            order.leave_out(from);
            order.ask_for_less();
            let version = order.version;
            order.settle_in(version, at);
        }
        Event::RefundRequested { amount, items, shipping, .. } => {
            order.credit_lines(items);
            order.credits.refunded += amount;
            order.credits.shipping += shipping;
            let version = order.version;
            order.refund(*amount, version, at);
        }
        _ => {}
    }
}

impl Order {
    /// Captured, and neither given back nor being given back, in minor units.
    #[must_use]
    pub fn refundable(&self) -> i64 {
        self.payments.iter().map(Payment::refundable).sum()
    }

    /// Gives back what was taken beyond what is due.
    pub(super) fn settle(&mut self, at: Timestamp) {
        self.settle_in(0, at);
    }

    fn settle_in(&mut self, version: u64, at: Timestamp) {
        let over = self.refundable() - self.due();
        self.refund(over, version, at);
    }

    /// Refunds of so many minor units, as far as there are, from the oldest payment on.
    fn refund(&mut self, amount: i64, version: u64, at: Timestamp) {
        let mut left = amount;
        let mut made = Vec::new();
        for payment in &mut self.payments {
            let amount = left.min(payment.refundable());
            if amount > 0 {
                left -= amount;
                self.counters.refunds += 1;
                let refund_id = RefundId::derived(self.order_id, self.counters.refunds);
                payment.refunds.push(Refund { refund_id, amount, done: false, version });
                made.push(TaskKind::Refund { payment_id: payment.payment_id, refund_id });
            }
        }
        for kind in made {
            self.add_task(kind, at);
        }
    }

    fn credit_lines(&mut self, items: &[Credit]) {
        for item in items {
            if let Some(line) = self.lines.iter_mut().find(|line| line.line_id == item.line_id) {
                line.credited_units = line.credited_units.saturating_add(item.quantity).min(line.quantity);
                line.credited += item.amount;
            }
        }
    }

    /// Takes units out of shipments. One that would be left empty is cancelled, and keeps showing what was in it.
    fn leave_out(&mut self, units: &[ShipmentUnits]) {
        for shipment in self.shipments.iter_mut().filter(|s| s.status.is_open()) {
            let own = || units.iter().filter(|u| u.shipment_id == shipment.shipment_id);
            let taken: u64 = own().map(|u| u64::from(u.part.quantity)).sum();
            if taken == 0 {
                continue;
            }
            if taken == shipment.items.iter().map(|i| u64::from(i.quantity)).sum::<u64>() {
                shipment.status = ShipmentStatus::Cancelled;
                continue;
            }
            let parts: Vec<_> = own().map(|u| u.part).collect();
            for part in parts {
                shipment.take_out(part);
            }
        }
    }

    /// A payment that nobody has begun asks only for what is due.
    fn ask_for_less(&mut self) {
        let due = self.due();
        let tasks = &self.tasks;
        let is_begun = |payment: &Payment| tasks.iter().any(|t| t.kind.payment_id() == Some(payment.payment_id));
        if let Some(payment) = self.payments.last_mut()
            && payment.status == PaymentStatus::Pending
            && !is_begun(payment)
        {
            payment.amount = due;
        }
    }
}

impl Payment {
    /// Captured, and neither given back nor being given back, nor with the customer's bank.
    #[must_use]
    pub fn refundable(&self) -> i64 {
        let disputed: i64 = self.disputes.iter().filter(|d| d.won != Some(true)).map(|d| d.amount).sum();
        (self.captured - self.refunds.iter().map(|r| r.amount).sum::<i64>() - disputed).max(0)
    }

    /// A refund that was done has not arrived, and is to be made again.
    pub(super) fn refund_failed(&mut self, refund_id: RefundId) {
        if let Some(refund) = self.refunds.iter_mut().find(|r| r.refund_id == refund_id && r.done) {
            refund.done = false;
            self.refunded -= refund.amount;
        }
        self.status = self.settled_status();
    }
}
