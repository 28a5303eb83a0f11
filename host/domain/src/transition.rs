//! `apply`: how an event changes the document. Total and pure: replaying an order's events gives its document.

mod credits;
mod shipments;

use crate::event::Event;
use crate::ids::{PaymentId, RefundId};
use crate::order::{Dispute, Hold, HoldSource, LineStatus, NextAction, Order, Payment, Task, TaskKind};
use crate::status::{Next, OrderStatus, PaymentStatus, ShipmentStatus};
use crate::time::Timestamp;

/// Replays an order's events, oldest first. None where the first is not `Placed`.
pub fn replay<'e>(events: impl IntoIterator<Item = (&'e Event, Timestamp)>) -> Option<Order> {
    let mut events = events.into_iter();
    let (Event::Placed(order), _) = events.next()? else {
        return None;
    };
    Some(events.fold((**order).clone(), |order, (event, at)| apply(order, event, at)))
}

/// The document after an event. An event that its status does not allow leaves the status as it was.
#[must_use]
pub fn apply(mut order: Order, event: &Event, at: Timestamp) -> Order {
    if let Event::Placed(document) = event {
        return (**document).clone();
    }
    order.version += 1;
    order.updated_at = at;
    let before = order.status;
    let next = before.after(event.kind());
    if let Some(Next::Status(status)) = next {
        order.status = status;
    }
    match event {
        Event::Placed(_) | Event::PaymentNotRequired {} => {}
        Event::PaymentAttempted { payment_id, payment_method_id } => {
            order.remove_tasks(|kind| matches!(kind, TaskKind::ExpirePayment));
            order.payments.push(Payment::new(*payment_id, payment_method_id, order.due()));
            order.add_task(TaskKind::Authorize { payment_id: *payment_id }, at);
        }
        Event::HoldPlaced { source, reason } => order.add_hold(*source, reason, at),
        Event::HoldReleased {} => apply_release(&mut order, before, at),
        Event::Cancelled { reason } => apply_cancel(&mut order, reason, at),
        Event::PaymentUnknown { payment_id, message } => {
            order.payment_mut(*payment_id, |payment| payment.status = PaymentStatus::Unknown);
            order.add_hold(HoldSource::PaymentUnknown, message, at);
        }
        Event::PaymentRefundFailed { payment_id, refund_id, message, .. } => {
            order.payment_mut(*payment_id, |payment| payment.refund_failed(*refund_id));
            order.add_hold(HoldSource::PaymentUnknown, message, at);
            // As a new task, and so under a new key: the provider has done with the old one.
            order.add_task(TaskKind::Refund { payment_id: *payment_id, refund_id: *refund_id }, at);
        }
        Event::PaymentDisputed { payment_id, dispute_id, amount, reason, respond_by } => {
            let dispute = Dispute {
                dispute_id: dispute_id.clone(),
                amount: *amount,
                reason: reason.clone(),
                respond_by: *respond_by,
                won: None,
            };
            order.payment_mut(*payment_id, |payment| payment.disputes.push(dispute));
            order.add_hold(HoldSource::Dispute, reason, at);
        }
        Event::PaymentDisputeClosed { payment_id, dispute_id, won } => order.payment_mut(*payment_id, |payment| {
            let closed = payment.disputes.iter_mut().filter(|dispute| dispute.dispute_id == *dispute_id);
            closed.for_each(|dispute| dispute.won = Some(*won));
        }),
        Event::PaymentActionRequired { payment_id, url, until } => order.payment_mut(*payment_id, |payment| {
            payment.status = PaymentStatus::RequiresAction;
            payment.next_action = Some(NextAction { url: url.clone(), until: *until });
        }),
        Event::PaymentAuthorized { payment_id, reference, amount } => {
            apply_authorized(&mut order, *payment_id, reference, *amount, at);
        }
        Event::PaymentDeclined { payment_id, code, retry_until, .. } => {
            apply_declined(&mut order, *payment_id, code, *retry_until, at);
        }
        Event::PaymentCaptured { payment_id, amount } => apply_captured(&mut order, *payment_id, *amount, at),
        Event::PaymentAbandoned { payment_id } => apply_abandoned(&mut order, *payment_id, at),
        Event::PaymentVoided { payment_id } => {
            order.payment_mut(*payment_id, |payment| payment.status = PaymentStatus::Voided);
            order.remove_tasks(|kind| *kind == TaskKind::Void { payment_id: *payment_id });
        }
        Event::PaymentRefunded { payment_id, refund_id, amount } => {
            order.payment_mut(*payment_id, |payment| payment.refund_done(*refund_id, *amount));
            order.remove_tasks(|kind| matches!(kind, TaskKind::Refund { refund_id: id, .. } if id == refund_id));
        }
        Event::ItemsCancelled { .. } | Event::RefundRequested { .. } => credits::apply(&mut order, event, at),
        Event::ShipmentPacked { .. }
        | Event::ShipmentSplit { .. }
        | Event::ShipmentShipped { .. }
        | Event::ShipmentInTransit { .. }
        | Event::ShipmentOutForDelivery { .. }
        | Event::ShipmentDelivered { .. }
        | Event::ShipmentException { .. }
        | Event::ShipmentUpdated { .. } => shipments::apply(&mut order, event, at),
    }
    if next == Some(Next::Derived) {
        order.status = order.derived_status();
    }
    order.withdraw_offers();
    order
}

fn apply_authorized(order: &mut Order, payment_id: PaymentId, reference: &str, amount: i64, at: Timestamp) {
    order.payment_mut(payment_id, |payment| {
        payment.status = PaymentStatus::Authorized;
        payment.authorized = amount;
        payment.reference = Some(reference.to_owned());
    });
    order.remove_tasks(|kind| *kind == TaskKind::Authorize { payment_id });
    let next = if order.status == OrderStatus::Cancelled {
        TaskKind::Void { payment_id }
    } else {
        TaskKind::Capture { payment_id }
    };
    order.add_task(next, at);
}

fn apply_declined(order: &mut Order, payment_id: PaymentId, code: &str, retry_until: Timestamp, at: Timestamp) {
    order.payment_mut(payment_id, |payment| {
        payment.status = PaymentStatus::Failed;
        payment.decline_code = Some(code.to_owned());
        payment.retry_until = Some(retry_until);
    });
    order.remove_tasks(|kind| kind.payment_id() == Some(payment_id));
    // A declined capture leaves an authorisation behind, which still binds the customer's money.
    if order.is_authorized(payment_id) {
        order.add_task(TaskKind::Void { payment_id }, at);
    }
    if order.status != OrderStatus::Cancelled {
        order.add_task(TaskKind::ExpirePayment, retry_until);
    }
}

fn apply_captured(order: &mut Order, payment_id: PaymentId, amount: i64, at: Timestamp) {
    order.payment_mut(payment_id, |payment| {
        payment.status = PaymentStatus::Captured;
        payment.captured = amount;
    });
    order.remove_tasks(|kind| *kind == TaskKind::Capture { payment_id });
    // Something may have been cancelled while the capture was under way.
    order.settle(at);
}

fn apply_abandoned(order: &mut Order, payment_id: PaymentId, at: Timestamp) {
    order.remove_tasks(|kind| kind.payment_id() == Some(payment_id));
    if order.is_authorized(payment_id) {
        order.add_task(TaskKind::Void { payment_id }, at);
    } else {
        order.payment_mut(payment_id, |payment| payment.status = PaymentStatus::Voided);
    }
}

fn apply_release(order: &mut Order, before: OrderStatus, at: Timestamp) {
    let was_unknown = order.holds.iter().any(|h| h.source == HoldSource::PaymentUnknown);
    order.holds.clear();
    if was_unknown {
        for payment in order.payments.iter_mut().filter(|p| p.status == PaymentStatus::Unknown) {
            payment.status = payment.settled_status();
        }
        for task in order.tasks.iter_mut().filter(|t| t.kind.payment_id().is_some()) {
            task.due = at;
        }
    }
    if before == OrderStatus::Placed
        && let Some(payment_id) = order.payments.last().map(|p| p.payment_id)
    {
        order.add_task(TaskKind::Authorize { payment_id }, at);
    }
}

fn apply_cancel(order: &mut Order, reason: &str, at: Timestamp) {
    order.cancel_reason = Some(reason.to_owned());
    for line in &mut order.lines {
        line.status = LineStatus::Cancelled;
    }
    for shipment in order.shipments.iter_mut().filter(|s| s.status.is_open()) {
        shipment.status = ShipmentStatus::Cancelled;
    }
    // A person's or a policy's reason to park it has lost its object; an unknown payment has not.
    order.holds.retain(|h| h.source == HoldSource::PaymentUnknown);
    order.remove_tasks(|kind| matches!(kind, TaskKind::ExpirePayment));
    // An authorisation or capture that is under way stays a task: its result is answered with a void or a refund.
    let busy: Vec<PaymentId> = order.tasks.iter().filter_map(|t| t.kind.payment_id()).collect();
    for payment in
        order.payments.iter_mut().filter(|p| p.status == PaymentStatus::Pending && !busy.contains(&p.payment_id))
    {
        payment.status = PaymentStatus::Voided;
    }
    order.settle(at);
}

impl Order {
    fn add_task(&mut self, kind: TaskKind, due: Timestamp) {
        self.counters.tasks += 1;
        self.tasks.push(Task { task_id: self.counters.tasks, kind, due });
    }

    fn remove_tasks(&mut self, which: impl Fn(&TaskKind) -> bool) {
        self.tasks.retain(|task| !which(&task.kind));
    }

    fn add_hold(&mut self, source: HoldSource, reason: &str, since: Timestamp) {
        self.counters.holds += 1;
        self.holds.push(Hold { hold_id: self.counters.holds, source, reason: reason.to_owned(), since });
    }

    /// Takes back what a customer is invited to do once it is no longer wanted: to confirm a payment that does not wait
    /// for it or whose order is over, and to try another payment while none has failed.
    fn withdraw_offers(&mut self) {
        let over = self.status == OrderStatus::Cancelled;
        let failed = self.status == OrderStatus::PaymentFailed;
        for payment in &mut self.payments {
            if over || payment.status != PaymentStatus::RequiresAction {
                payment.next_action = None;
            }
            if !failed {
                payment.retry_until = None;
            }
        }
    }

    fn is_authorized(&self, payment_id: PaymentId) -> bool {
        self.payments.iter().any(|p| p.payment_id == payment_id && p.authorized > 0)
    }

    fn payment_mut(&mut self, payment_id: PaymentId, change: impl FnOnce(&mut Payment)) {
        if let Some(payment) = self.payments.iter_mut().find(|p| p.payment_id == payment_id) {
            change(payment);
        }
    }
}

impl Payment {
    fn refund_done(&mut self, refund_id: RefundId, amount: i64) {
        if let Some(refund) = self.refunds.iter_mut().find(|r| r.refund_id == refund_id && !r.done) {
            refund.done = true;
            self.refunded += amount;
        }
        self.status = self.settled_status();
    }

    /// The status that its amounts imply.
    fn settled_status(&self) -> PaymentStatus {
        match (self.authorized, self.captured, self.refunded) {
            (0, 0, _) => PaymentStatus::Pending,
            (_, 0, _) => PaymentStatus::Authorized,
            (authorized, captured, 0) if captured < authorized => PaymentStatus::PartiallyCaptured,
            (_, _, 0) => PaymentStatus::Captured,
            (_, captured, refunded) if refunded < captured => PaymentStatus::PartiallyRefunded,
            _ => PaymentStatus::Refunded,
        }
    }
}

impl TaskKind {
    /// The payment that it works on.
    #[must_use]
    pub const fn payment_id(&self) -> Option<PaymentId> {
        match self {
            Self::Authorize { payment_id }
            | Self::Capture { payment_id }
            | Self::Void { payment_id }
            | Self::Refund { payment_id, .. } => Some(*payment_id),
            Self::ExpirePayment => None,
        }
    }
}
