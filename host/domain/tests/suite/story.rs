//! An order's life: every command goes through a `Story`, which records what happened and checks after each one what
//! must hold in every order, whatever anybody does to it.

use std::collections::{BTreeMap, BTreeSet};

use domain::command::{Command, Refusal, TaskResult, execute};
use domain::event::Event;
use domain::order::{HoldSource, LineStatus, Order, Payment, Task, TaskKind};
use domain::placement::Draft;
use domain::status::{EventKind, Next, OrderStatus, PaymentStatus, ShipmentStatus};
use domain::time::Timestamp;
use domain::transition::apply;
use domain::{hooks::routing::Plan, ids::PaymentId};

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
        check_status(&self.placed, order);
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
            other if is_paid(other) => assert_eq!(paid, order.amounts.total),
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
    assert_eq!(&frame, placed);
    let bare = |order: &Order| {
        let mut lines = order.lines.clone();
        lines.iter_mut().for_each(|line| line.status = LineStatus::Active);
        lines
    };
    assert_eq!(bare(order), bare(placed));
    assert_eq!(contents(order), contents(placed), "units come from nowhere, or are gone");
}

/// The units of each line that each warehouse is to send, in whatever shipments.
fn contents(order: &Order) -> BTreeMap<(u32, String), u32> {
    let mut contents = BTreeMap::new();
    for shipment in &order.shipments {
        for item in &shipment.items {
            *contents.entry((item.line_id, shipment.warehouse_id.to_string())).or_default() += item.quantity;
        }
    }
    contents
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
    assert!(tasks.len() <= 1, "two operations on one payment: {tasks:?}");
    let task = tasks.first().map(|t| t.kind);
    let payment_id = payment.payment_id;
    let expected = match payment.status {
        P::Pending if order.status == OrderStatus::Placed => None,
        P::Pending | P::RequiresAction => Some(TaskKind::Authorize { payment_id }),
        P::Authorized if order.status == OrderStatus::PaymentPending && payment.decline_code.is_none() => {
            Some(TaskKind::Capture { payment_id })
        }
        P::Failed if payment.authorized > 0 => Some(TaskKind::Void { payment_id }),
        P::Failed | P::Voided | P::Refunded => None,
        P::Captured if is_paid(order.status) => None,
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
    assert!(!over || payment.refundable() == 0, "money is kept: {payment:?}");
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

/// What is reserved for it or was sent, by SKU and warehouse.
fn promised(order: &Order) -> BTreeMap<(String, String), i64> {
    let mut promised = BTreeMap::new();
    for (sku, warehouse, units) in order.reservations().into_iter().chain(order.taken_units()) {
        *promised.entry((sku.to_string(), warehouse.to_string())).or_default() += units;
    }
    promised
}

fn check_status(placed: &Order, order: &Order) {
    let over = order.status == OrderStatus::Cancelled;
    assert_eq!(order.cancel_reason.is_some(), over);
    assert!(order.lines.iter().all(|l| (l.status == LineStatus::Cancelled) == over));
    assert!(order.shipments.iter().all(|s| (s.status == ShipmentStatus::Cancelled) == over));
    if over {
        assert_eq!(order.reservations(), []);
        assert!(order.holds.iter().all(|h| h.source == HoldSource::PaymentUnknown));
    } else {
        assert_eq!(promised(order), promised(placed), "what was promised is reserved, or was sent");
        assert_eq!(order.status, derived(order, order.status), "the status is another than the shipments say");
    }
    if order.status == OrderStatus::Placed {
        assert!(order.is_held() && order.tasks.is_empty(), "an order that nobody holds goes on");
    }
    if is_paid(order.status) && order.amounts.total > 0 {
        assert_eq!(order.payment().map(|p| p.captured), Some(order.amounts.total));
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
