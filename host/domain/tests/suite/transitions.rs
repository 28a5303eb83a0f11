//! The transition table: every state that commands can reach is explored, whatever the outside world answers.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use domain::command::{Command, Refusal, TaskResult, decide};
use domain::event::Event;
use domain::order::{HoldSource, Order, TaskKind};
use domain::status::{EventKind, OrderStatus, ShipmentStatus, TRANSITIONS, Transition};
use domain::time::Timestamp;

use crate::baskets::{RETRY_SECONDS, START, small};
use crate::story::{Story, asked, declined, done, unknown};

/// More payments than these only repeat what fewer show.
const PAYMENTS_EXPLORED: usize = 3;

/// What matters of an order for what can happen next.
fn shape(order: &Order) -> String {
    let index = |task: &TaskKind| order.payments.iter().position(|p| Some(p.payment_id) == task.payment_id());
    let mut tasks: Vec<_> = order
        .tasks
        .iter()
        .map(|t| {
            let kind = match t.kind {
                TaskKind::Authorize { .. } => "authorize",
                TaskKind::Capture { .. } => "capture",
                TaskKind::Void { .. } => "void",
                TaskKind::Refund { .. } => "refund",
                TaskKind::ExpirePayment => "expire",
            };
            (kind, index(&t.kind))
        })
        .collect();
    tasks.sort_unstable();
    // A second hold of the same source parks an order no more than the first.
    let holds: BTreeSet<_> = order.holds.iter().map(|h| format!("{:?}", h.source)).collect();
    let payments: Vec<_> = order
        .payments
        .iter()
        .map(|p| (p.status, p.authorized, p.captured, p.refunded, p.refunds.len(), p.decline_code.is_some()))
        .collect();
    format!("{} {} {holds:?} {tasks:?} {payments:?}", order.status, order.amounts.total)
}

/// Every command that could be given now, sensible or not.
fn commands(order: &Order) -> Vec<(Command, Timestamp)> {
    let now = order.updated_at.plus_seconds(1);
    let later = now.plus_seconds(i64::from(RETRY_SECONDS));
    let mut commands = vec![
        (Command::Cancel { reason: "changed my mind".to_owned() }, now),
        (Command::Release, now),
        (Command::Pay { payment_method_id: "pm_late".to_owned() }, later),
    ];
    if order.payments.len() < PAYMENTS_EXPLORED {
        commands.push((Command::Pay { payment_method_id: "pm_ok".to_owned() }, now));
    }
    commands.push((Command::Hold { source: HoldSource::Manual, reason: "call them".to_owned() }, now));
    let known = order.tasks.iter().map(|t| (t.task_id, asked(order, t.kind)));
    // The number after the last one stands for tasks that were resolved before or never were.
    for (task_id, amount) in known.chain([(order.counters.tasks + 1, 1), (0, 1)]) {
        let url = "https://provider.example/confirm".to_owned();
        let results = [
            done(amount),
            done(amount + 1),
            done(-amount),
            declined(),
            TaskResult::ActionRequired { url, until: later },
            TaskResult::NotAttempted,
            unknown(),
        ];
        commands.extend(results.map(|result| (Command::Resolved { task_id, result }, now)));
        commands.push((Command::Expire { task_id }, now));
        commands.push((Command::Expire { task_id }, later));
    }
    commands
}

fn beginnings() -> Vec<Story> {
    let holds = [None, Some(HoldSource::Risk), Some(HoldSource::PolicyFailure)];
    let baskets = holds.into_iter().flat_map(|hold| [small(0, hold), small(1_999, hold)]);
    baskets.map(|(draft, plan)| Story::place(&draft, &plan)).collect()
}

/// Every state that can be reached, with a shortest story that leads there, and every row taken on the way.
fn explore() -> (Vec<Story>, BTreeSet<Transition>) {
    let mut taken = BTreeSet::new();
    let mut reached: BTreeMap<_, _> = beginnings().into_iter().map(|story| (shape(&story.order), story)).collect();
    let mut open: VecDeque<Story> = reached.values().cloned().collect();
    while let Some(story) = open.pop_front() {
        for (command, now) in commands(&story.order) {
            let mut next = story.clone();
            match next.send(&command, now) {
                Ok(_) => {
                    taken.extend(next.taken.iter().copied());
                    if let Entry::Vacant(slot) = reached.entry(shape(&next.order)) {
                        open.push_back(slot.insert(next).clone());
                    }
                }
                Err(refusal) => check_refusal(&story.order, &command, now, &refusal),
            }
        }
    }
    (reached.into_values().collect(), taken)
}

fn kind_of(command: &Command) -> Option<EventKind> {
    match command {
        Command::Pay { .. } => Some(EventKind::PaymentAttempted),
        Command::Cancel { .. } => Some(EventKind::Cancelled),
        Command::Hold { .. } => Some(EventKind::HoldPlaced),
        _ => None,
    }
}

fn check_refusal(order: &Order, command: &Command, now: Timestamp, refusal: &Refusal) {
    match refusal {
        Refusal::IllegalTransition { from, .. } => {
            let kind = kind_of(command).expect("facts are never refused");
            assert_eq!((*from, order.status.after(kind)), (order.status, None));
        }
        Refusal::NotHeld => assert!(*command == Command::Release && order.holds.is_empty()),
        Refusal::RetryExpired(until) => {
            assert_eq!(
                (order.status, kind_of(command)),
                (OrderStatus::PaymentFailed, Some(EventKind::PaymentAttempted))
            );
            assert!(*until <= now);
        }
    }
}

#[test]
fn every_row_of_the_table_is_taken_and_no_other() {
    let (reached, taken) = explore();
    assert!(reached.len() > 500, "only {} states were reached", reached.len());
    // Nothing moves an order to `processing` before shipments do; its rows are tried by hand below.
    let expected: BTreeSet<Transition> =
        TRANSITIONS.iter().copied().filter(|(from, ..)| *from != OrderStatus::Processing).collect();
    let missing: Vec<_> = expected.difference(&taken).collect();
    assert_eq!(missing, Vec::<&Transition>::new(), "rows that nothing takes");
    assert_eq!(taken, expected);
}

#[test]
fn every_state_comes_to_rest_with_the_right_money() {
    for story in explore().0.into_iter() {
        let end = story.order.updated_at.plus_seconds(1);
        story.clone().finish(end);
        let mut cancelled = story;
        cancelled.must(&Command::Cancel { reason: "over".to_owned() }, end);
        cancelled.finish(end);
        assert_eq!(cancelled.order.status, OrderStatus::Cancelled);
        for payment in &cancelled.order.payments {
            assert_eq!(payment.captured, payment.refunded);
        }
    }
}

/// A confirmed order as it will look in a status that only shipments bring.
fn confirmed_but(status: OrderStatus) -> Order {
    let (draft, plan) = small(1_999, None);
    let mut story = Story::place(&draft, &plan);
    story.finish(START);
    story.order.status = status;
    story.order
}

#[test]
fn a_person_is_refused_exactly_where_the_table_has_no_row() {
    let orders = explore().0.into_iter().map(|s| s.order);
    for order in orders.chain(OrderStatus::ALL.iter().map(|status| confirmed_but(*status))) {
        let person = [
            Command::Cancel { reason: "over".to_owned() },
            Command::Hold { source: HoldSource::Manual, reason: "wait".to_owned() },
            Command::Pay { payment_method_id: "pm_ok".to_owned() },
        ];
        for command in person {
            let kind = kind_of(&command).expect("a person's command has one event");
            let answer = decide(&order, &command, order.updated_at);
            let again = order.status == OrderStatus::Cancelled && kind == EventKind::Cancelled;
            match order.status.after(kind) {
                Some(_) => assert_eq!(answer.map(|e| e.iter().map(Event::kind).collect()), Ok(vec![kind])),
                None if again => assert_eq!(answer, Ok(Vec::new()), "a repeated cancel has nothing to do"),
                None => assert!(
                    matches!(answer, Err(Refusal::IllegalTransition { from, .. }) if from == order.status),
                    "{command:?} in {} gave {answer:?}",
                    order.status
                ),
            }
        }
    }
}

#[test]
fn an_order_in_processing_can_be_parked_freed_and_cancelled() {
    let mut order = confirmed_but(OrderStatus::Processing);
    let reserved = order.reservations();
    order.shipments[0].status = ShipmentStatus::Packed;
    let run = |order: &Order, command: Command| {
        domain::command::execute(order, &command, START).unwrap_or_else(|refusal| panic!("{command:?}: {refusal}"))
    };
    let (held, _) = run(&order, Command::Hold { source: HoldSource::Manual, reason: "wait".to_owned() });
    assert_eq!((held.status, held.is_held()), (OrderStatus::Processing, true));
    let (freed, events) = run(&held, Command::Release);
    assert_eq!((freed.status, freed.is_held(), events.len()), (OrderStatus::Processing, false, 1));
    assert_eq!(freed.reservations(), reserved, "what is packed is still reserved");
    let (over, _) = run(&held, Command::Cancel { reason: "over".to_owned() });
    assert_eq!((over.status, over.tasks.len(), over.reservations().len()), (OrderStatus::Cancelled, 1, 0));
    assert!(matches!(over.tasks[0].kind, TaskKind::Refund { .. }));
}

#[test]
fn what_has_left_the_warehouse_is_no_longer_reserved() {
    for status in ShipmentStatus::ALL {
        let mut order = confirmed_but(OrderStatus::PaymentConfirmed);
        let (all, second) = (order.reservations(), order.shipments[1].warehouse_id.clone());
        order.shipments[0].status = *status;
        let waits = matches!(status, ShipmentStatus::Pending | ShipmentStatus::Packed);
        let expected: Vec<_> = all.into_iter().filter(|(_, warehouse, _)| waits || *warehouse == second).collect();
        assert_eq!(order.reservations(), expected, "{status}");
    }
}
