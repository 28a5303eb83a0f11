//! An order's life: every command goes through a `Story`, which records what happened and checks after each one what
//! must hold in every order, whatever anybody does to it.

use std::collections::{BTreeMap, BTreeSet};

use domain::command::{Command, PaymentFact, Refusal, TaskResult, execute};
use domain::event::Event;
use domain::ledger::{Kind, ledger};
use domain::order::{HoldSource, LineStatus, Order, Payment, ShippingRefund, Task, TaskKind};
use domain::placement::Draft;
use domain::status::{EventKind, Next, OrderStatus, PaymentStatus, ShipmentStatus};
use domain::time::Timestamp;
use domain::transition::apply;
use domain::{
    hooks::routing::Plan,
    ids::{PaymentId, RefundId},
};

/// An order with its history.
#[derive(Debug, Clone)]
pub struct Story {
    pub placed: Order,
    pub order: Order,
    pub events: Vec<(Event, Timestamp)>,
    /// The cells of the transition table that were taken.
    pub taken: BTreeSet<(OrderStatus, EventKind)>,
}

impl Story {
    pub fn place(draft: &Draft, plan: &Plan) -> Self {
        let (order, events) = draft.place(plan);
        assert_eq!(draft.place(plan), (order.clone(), events.clone()), "placing is deterministic");
        let Some(Event::Placed(placed)) = events.first() else { panic!("the first event carries the document") };
        let mut story =
            Self { placed: (**placed).clone(), order: (**placed).clone(), events: Vec::new(), taken: BTreeSet::new() };
        story.events.push((events[0].clone(), draft.placed_at));
        story.record(&events[1..], draft.placed_at);
        assert_eq!(story.order, order);
        story.check();
        story
    }

    /// Gives a command and says how many events it made.
    pub fn send(&mut self, command: &Command, now: Timestamp) -> Result<usize, Refusal> {
        let outcome = execute(&self.order, command, now);
        assert_eq!(execute(&self.order, command, now), outcome, "executing is deterministic");
        let (after, events) = outcome?;
        let at = after.updated_at;
        assert!(at >= self.order.updated_at, "history runs backwards");
        assert!(events.is_empty() || at == now.max(self.order.updated_at));
        self.record(&events, at);
        assert_eq!(self.order, after);
        self.check();
        Ok(events.len())
    }

    /// Gives a command that must not be refused.
    pub fn must(&mut self, command: &Command, now: Timestamp) -> usize {
        self.send(command, now).unwrap_or_else(|refusal| panic!("{command:?} was refused: {refusal}"))
    }

    fn record(&mut self, events: &[Event], at: Timestamp) {
        for event in events {
            let (from, version) = (self.order.status, self.order.version);
            self.order = apply(self.order.clone(), event, at);
            self.events.push((event.clone(), at));
            let expected = match from.after(event.kind()) {
                None => panic!("{} in {from} is not in the table", event.kind()),
                Some(Next::Same) => from,
                Some(Next::Status(to)) => to,
                Some(Next::Derived) => derived(&self.order, from),
            };
            assert_eq!(self.order.status, expected, "after {} in {from}", event.kind());
            assert_eq!(self.order.version, version + 1, "versions have no gap");
            if !EventKind::TOLD.contains(&event.kind()) {
                self.taken.insert((from, event.kind()));
            }
        }
    }

    fn check(&self) {
        let order = &self.order;
        assert_eq!(order.version, self.events.len() as u64);
        check_frame(&self.placed, order);
        for payment in &order.payments {
            check_money(payment);
            check_payment(order, payment);
        }
        check_tasks(order);
        check_status(order);
        check_credits(order);
        self.check_ledger();
    }

    /// The ledger says the same as the document, to the cent.
    fn check_ledger(&self) {
        let entries = ledger(self.events.iter().map(|(event, at)| (event, *at)));
        let sum = |kind: Kind| entries.iter().filter(|entry| entry.kind == kind).map(|entry| entry.amount).sum::<i64>();
        let payments = &self.order.payments;
        let of = |amount: fn(&Payment) -> i64| payments.iter().map(amount).sum::<i64>();
        assert!(entries.iter().all(|entry| entry.amount >= 0), "{entries:?}");
        assert_eq!(sum(Kind::Authorized), of(|p| p.authorized));
        assert_eq!(sum(Kind::Captured), of(|p| p.captured));
        assert_eq!(sum(Kind::Refunded) - sum(Kind::RefundFailed), of(|p| p.refunded));
        let kept = of(|p| p.captured - p.refunded) - sum(Kind::DisputeLost);
        assert_eq!(entries.last().map(|entry| entry.balance), Some(kept));
        let owed = sum(Kind::Ordered) - sum(Kind::Cancelled);
        let over = self.order.status == OrderStatus::Cancelled;
        assert_eq!(owed, if over { 0 } else { self.order.amounts.total - self.order.credits.cancelled });
        let held: i64 = payments.iter().filter(|p| is_open(p)).map(|p| p.authorized).sum();
        assert_eq!(sum(Kind::Authorized) - sum(Kind::Voided) - sum(Kind::Captured), held);
    }

    pub fn kinds(&self) -> Vec<EventKind> {
        self.events.iter().map(|(event, _)| event.kind()).collect()
    }

    /// Resolves a task as the provider would if all went well.
    pub fn succeed(&mut self, task_id: u32, now: Timestamp) {
        let task = self.order.tasks.iter().find(|t| t.task_id == task_id).expect("the task is there").clone();
        let command = match task.kind {
            TaskKind::ExpirePayment => Command::Expire { task_id },
            kind => Command::Resolved { task_id, result: done(asked(&self.order, kind)) },
        };
        assert_ne!(self.must(&command, now.max(task.due)), 0, "{task:?} was over and nothing happened");
    }

    /// Lets everything happen that is still to happen, freeing the order where a person would have to.
    pub fn finish(&mut self, now: Timestamp) {
        for _ in 0..100 {
            let next = self.order.tasks.iter().find(|t| self.order.is_runnable(t)).map(|t| t.task_id);
            match next {
                Some(task_id) => self.succeed(task_id, now),
                None if self.order.is_held() => drop(self.must(&Command::Release, now)),
                None => return self.check_over(),
            }
        }
        panic!("the order never comes to rest: {:#?}", self.order);
    }

    /// What must hold of an order at rest: the customer has paid the total once, or nothing.
    fn check_over(&self) {
        let order = &self.order;
        assert_eq!(order.tasks, [], "something is left that never runs");
        assert_eq!(order.wake_at(), None);
        let paid: i64 = order.payments.iter().map(|p| p.captured - p.refunded).sum();
        match order.status {
            OrderStatus::Cancelled => assert_eq!(paid, 0),
            other if is_paid(other) => assert_eq!(paid, order.due()),
            other => panic!("an order at rest is {other}"),
        }
        for payment in &order.payments {
            assert!(!is_open(payment), "an authorisation binds the customer's money: {payment:?}");
        }
    }
}

/// Whether an order in this status has its payment behind it.
pub fn is_paid(status: OrderStatus) -> bool {
    use OrderStatus as S;
    !matches!(status, S::Placed | S::PaymentPending | S::PaymentFailed | S::Cancelled)
}

/// What the shipments say, or else what the payment said.
fn derived(order: &Order, before: OrderStatus) -> OrderStatus {
    let shipments: Vec<_> = order.shipments.iter().map(|s| s.status).collect();
    let unmoved = if is_paid(before) { OrderStatus::PaymentConfirmed } else { before };
    OrderStatus::from_shipments(&shipments).unwrap_or(unmoved)
}

/// Whether the provider still holds money that was neither taken nor given up.
fn is_open(payment: &Payment) -> bool {
    payment.authorized > 0 && payment.captured == 0 && payment.status != PaymentStatus::Voided
}

/// The right amount of a task's operation.
pub fn asked(order: &Order, kind: TaskKind) -> i64 {
    let payment = |id: PaymentId| order.payments.iter().find(|p| p.payment_id == id).expect("the payment is there");
    match kind {
        TaskKind::Authorize { payment_id } => payment(payment_id).amount,
        TaskKind::Capture { payment_id } | TaskKind::Void { payment_id } => payment(payment_id).authorized,
        TaskKind::Refund { payment_id, refund_id } => {
            payment(payment_id).refunds.iter().find(|r| r.refund_id == refund_id).expect("the refund is there").amount
        }
        TaskKind::ExpirePayment => 0,
    }
}

pub fn done(amount: i64) -> TaskResult {
    TaskResult::Done { reference: "pi_1".to_owned(), amount }
}

/// A refund that was done has not arrived.
pub fn bounce(order: &Order, refund_id: RefundId) -> Command {
    let has = |p: &&Payment| p.refunds.iter().any(|r| r.refund_id == refund_id);
    let payment_id = order.payments.iter().find(has).expect("a refund has its payment").payment_id;
    let (code, message) = ("closed".to_owned(), "the account is closed".to_owned());
    Command::Told { payment_id, fact: PaymentFact::RefundFailed { refund_id, code, message } }
}

pub fn declined() -> TaskResult {
    TaskResult::Declined { code: "card_declined".to_owned(), message: "no".to_owned() }
}

pub fn unknown() -> TaskResult {
    TaskResult::Unknown { message: "no answer".to_owned() }
}

/// What no command of this crate may change.
fn check_frame(placed: &Order, order: &Order) {
    let mut frame = order.clone();
    frame.version = placed.version;
    frame.status = placed.status;
    frame.updated_at = placed.updated_at;
    frame.lines.clone_from(&placed.lines);
    frame.shipments.clone_from(&placed.shipments);
    frame.payments.clone_from(&placed.payments);
    frame.holds.clone_from(&placed.holds);
    frame.tasks.clone_from(&placed.tasks);
    frame.counters = placed.counters;
    frame.cancel_reason.clone_from(&placed.cancel_reason);
    frame.credits = placed.credits;
    assert_eq!(&frame, placed);
    let bare = |order: &Order| {
        let mut lines = order.lines.clone();
        for line in &mut lines {
            line.status = LineStatus::Active;
            (line.cancelled, line.credited_units, line.credited) = (0, 0, 0);
        }
        lines
    };
    assert_eq!(bare(order), bare(placed));
}

fn check_money(payment: &Payment) {
    let done: i64 = payment.refunds.iter().filter(|r| r.done).map(|r| r.amount).sum();
    let pending: i64 = payment.refunds.iter().filter(|r| !r.done).map(|r| r.amount).sum();
    assert!(payment.refunds.iter().all(|r| r.amount > 0));
    assert_eq!(payment.refunded, done, "{payment:?}");
    assert!(payment.refunded + pending <= payment.captured, "{payment:?}");
    assert!(payment.captured <= payment.authorized, "{payment:?}");
    assert!(payment.authorized <= payment.amount, "{payment:?}");
}

fn check_payment(order: &Order, payment: &Payment) {
    use PaymentStatus as P;
    let tasks: Vec<&Task> = order.tasks.iter().filter(|t| t.kind.payment_id() == Some(payment.payment_id)).collect();
    let is_refund = |task: &&&Task| matches!(task.kind, TaskKind::Refund { .. });
    let refunds = tasks.iter().filter(is_refund).count();
    assert_eq!(refunds, payment.refunds.iter().filter(|r| !r.done).count(), "each refund has its task: {payment:?}");
    assert!(refunds == 0 || refunds == tasks.len(), "nothing but refunds follows a capture: {tasks:?}");
    assert!(refunds > 0 || tasks.len() <= 1, "two operations on one payment: {tasks:?}");
    let task = tasks.iter().find(|task| !is_refund(task)).map(|t| t.kind);
    let payment_id = payment.payment_id;
    let expected = match payment.status {
        P::Pending if order.status == OrderStatus::Placed => None,
        P::Pending | P::RequiresAction => Some(TaskKind::Authorize { payment_id }),
        P::Authorized if order.status == OrderStatus::PaymentPending && payment.decline_code.is_none() => {
            Some(TaskKind::Capture { payment_id })
        }
        P::Failed if payment.authorized > 0 => Some(TaskKind::Void { payment_id }),
        P::Failed | P::Voided | P::Captured | P::PartiallyRefunded | P::Refunded => None,
        P::Unknown if refunds > 0 => None,
        // An order that is over may still have its capture under way, or an undo of it.
        _ => {
            assert!(task.is_some(), "{payment:?} waits for nothing");
            task
        }
    };
    assert_eq!(task, expected, "{payment:?}");
    if payment.status == P::Unknown {
        assert!(order.holds.iter().any(|h| h.source == HoldSource::PaymentUnknown), "nobody is told");
    }
    let over = order.status == OrderStatus::Cancelled;
    assert_eq!(payment.next_action.is_some(), payment.status == P::RequiresAction && !over);
    assert!(payment.retry_until.is_none() || order.status == OrderStatus::PaymentFailed);
}

/// What is given up or back adds up, line by line and as a whole.
fn check_credits(order: &Order) {
    assert!(order.refundable() <= order.due(), "money is kept: {order:#?}");
    let credits = &order.credits;
    let (mut lines, mut whole) = (0, true);
    for line in &order.lines {
        let total = order.line_total(line);
        assert!((0..=line.quantity).contains(&line.credited_units) && (0..=total).contains(&line.credited), "{line:?}");
        if line.credited_units == line.quantity {
            assert_eq!(line.credited, total, "all units of a line come to all of it");
        }
        assert!(line.cancelled <= line.credited_units, "{line:?}");
        lines += line.credited;
        whole &= line.credited_units == line.quantity;
    }
    assert!((0..=order.shipping_total()).contains(&credits.shipping));
    assert!(lines + credits.shipping <= credits.cancelled + credits.refunded, "{order:#?}");
    if whole && order.shipping_refund != ShippingRefund::Never {
        assert_eq!(lines + credits.shipping, order.amounts.total, "all of it together is the total");
    }
}

fn check_tasks(order: &Order) {
    let ids: BTreeSet<u32> = order.tasks.iter().map(|t| t.task_id).collect();
    assert_eq!(ids.len(), order.tasks.len());
    assert!(ids.iter().all(|id| (1..=order.counters.tasks).contains(id)));
    for task in &order.tasks {
        let Some(payment_id) = task.kind.payment_id() else { continue };
        let payment = order.payments.iter().find(|p| p.payment_id == payment_id).expect("a task has its payment");
        match task.kind {
            TaskKind::Authorize { .. } => assert_eq!(payment.authorized, 0),
            TaskKind::Capture { .. } | TaskKind::Void { .. } => {
                assert!(payment.authorized > 0 && payment.captured == 0, "{task:?} of {payment:?}");
            }
            TaskKind::Refund { refund_id, .. } => {
                assert!(payment.refunds.iter().any(|r| r.refund_id == refund_id && !r.done), "{task:?} of {payment:?}");
            }
            TaskKind::ExpirePayment => {}
        }
    }
    let timers = order.tasks.iter().filter(|t| t.kind == TaskKind::ExpirePayment).count();
    assert_eq!(timers, usize::from(order.status == OrderStatus::PaymentFailed), "a declined order has one end");
    let runnable = order.tasks.iter().filter(|t| order.is_runnable(t));
    assert_eq!(order.wake_at(), runnable.map(|t| t.due).min());
}

/// What is reserved for it or was sent, by SKU.
fn promised(order: &Order) -> BTreeMap<String, i64> {
    let mut promised = BTreeMap::new();
    for (sku, _, units) in order.reservations().into_iter().chain(order.taken_units()) {
        *promised.entry(sku.to_string()).or_default() += units;
    }
    promised
}

/// What is still wanted, by SKU.
fn wanted(order: &Order) -> BTreeMap<String, i64> {
    let mut wanted = BTreeMap::new();
    for line in order.lines.iter().filter(|line| line.cancelled < line.quantity) {
        *wanted.entry(line.sku.to_string()).or_default() += i64::from(line.quantity - line.cancelled);
    }
    wanted
}

fn check_status(order: &Order) {
    let over = order.status == OrderStatus::Cancelled;
    assert_eq!(order.cancel_reason.is_some(), over);
    for line in &order.lines {
        assert_eq!(line.status == LineStatus::Cancelled, over || line.cancelled == line.quantity, "{line:?}");
    }
    if over {
        assert!(order.shipments.iter().all(|s| s.status == ShipmentStatus::Cancelled));
        assert_eq!(order.reservations(), []);
        let lasting = [HoldSource::PaymentUnknown, HoldSource::Dispute];
        assert!(order.holds.iter().all(|h| lasting.contains(&h.source)));
    } else {
        assert_eq!(promised(order), wanted(order), "what is wanted is reserved, or was sent");
        assert_eq!(order.status, derived(order, order.status), "the status is another than the shipments say");
    }
    if order.status == OrderStatus::Placed {
        assert!(order.is_held() && order.tasks.is_empty(), "an order that nobody holds goes on");
    }
    if is_paid(order.status) && order.amounts.total > 0 {
        assert_eq!(order.payment().map(|p| p.captured), order.payment().map(|p| p.amount));
    }
    if order.shipments.iter().any(|s| s.status.has_left()) {
        assert!(is_paid(order.status), "something was sent that is not paid");
    }
    for shipment in &order.shipments {
        assert!(!shipment.items.is_empty() && shipment.items.iter().all(|item| item.quantity > 0), "{shipment:?}");
        assert_eq!(shipment.tracking.is_some(), shipment.status.has_left(), "{shipment:?}");
    }
    let holds: BTreeSet<u32> = order.holds.iter().map(|h| h.hold_id).collect();
    assert_eq!(holds.len(), order.holds.len());
}
