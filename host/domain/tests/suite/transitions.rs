//! The transition table: every state that commands can reach is explored, whatever the outside world answers.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use domain::command::credits::Refunded;
use domain::command::shipments::{Action, Progress, Report};
use domain::command::{Command, Refusal, TaskResult, decide};
use domain::event::Event;
use domain::order::{HoldSource, Order, Part, TaskKind, TrackingNews};
use domain::status::{EventKind, OrderStatus, SHIPMENT_MOVES, ShipmentStatus, TRANSITIONS};
use domain::time::Timestamp;

use crate::baskets::{RETRY_SECONDS, START, small};
use crate::story::{Story, asked, bounce, declined, done, unknown};

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
    let shipments: Vec<_> = order.shipments.iter().map(|s| s.status).collect();
    format!("{} {} {holds:?} {tasks:?} {payments:?} {shipments:?}", order.status, order.amounts.total)
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

/// What can be done with the shipments, sensible or not.
fn shipping(order: &Order) -> Vec<(Command, Timestamp)> {
    let news = |note: &str| TrackingNews { note: Some(note.to_owned()), ..TrackingNews::default() };
    let mut commands = Vec::new();
    for shipment in &order.shipments {
        let shipment_id = shipment.shipment_id;
        let part = Part { line_id: shipment.items[0].line_id, quantity: 1 };
        let mut actions = vec![Action::Pack, Action::Ship(news("gone")), Action::Split { items: vec![part] }];
        let reports = Progress::ALL.map(|progress| Report { status: Some(progress), news: news("seen") });
        let reports = reports.into_iter().chain([Report { status: None, news: news("looked at") }]);
        for report in reports {
            commands.push((Command::Tracked { shipment_id, report: report.clone() }, order.updated_at));
            actions.push(Action::Track(report));
        }
        commands
            .extend(actions.into_iter().map(|action| (Command::Shipment { shipment_id, action }, order.updated_at)));
    }
    commands
}

/// What is tried in every state without following where it leads: there would be no end of states.
fn trying(order: &Order) -> Vec<(Command, Timestamp)> {
    let one = || vec![Part { line_id: 1, quantity: 1 }];
    let reason = || "less".to_owned();
    let mut commands = vec![
        Command::CancelItems { items: one(), reason: reason() },
        Command::Refund { what: Refunded::Items(one()), reason: reason() },
        Command::Refund { what: Refunded::Amount(1), reason: reason() },
        Command::Refund { what: Refunded::Amount(i64::MAX), reason: reason() },
    ];
    for refund in order.payments.iter().flat_map(|p| &p.refunds) {
        commands.push(bounce(order, refund.refund_id));
    }
    for shipment in &order.shipments {
        let action = Action::Cancel { reason: reason() };
        commands.push(Command::Shipment { shipment_id: shipment.shipment_id, action });
    }
    let commands = commands.into_iter().map(|command| (command, order.updated_at));
    commands.chain(shipping(order)).collect()
}

/// What can be done with the shipments of an order that is only divided by hand where that is tried for itself.
fn moving(order: &Order) -> Vec<(Command, Timestamp)> {
    let divides = |command: &Command| matches!(command, Command::Shipment { action: Action::Split { .. }, .. });
    let mut commands = commands(order);
    commands.extend(shipping(order).into_iter().filter(|(command, _)| !divides(command)));
    commands
}

type Choices = fn(&Order) -> Vec<(Command, Timestamp)>;
/// Where the order stood, and what happened.
type Taken = BTreeSet<(OrderStatus, EventKind)>;

/// Every state that can be reached, with a shortest story that leads there, and every cell of the table taken on the
/// way. In every state the probes are tried too, but not followed.
fn explore_from(beginnings: Vec<Story>, choices: Choices, probes: Choices) -> (Vec<Story>, Taken) {
    let mut taken = BTreeSet::new();
    let mut reached: BTreeMap<_, _> = beginnings.into_iter().map(|story| (shape(&story.order), story)).collect();
    let mut open: VecDeque<Story> = reached.values().cloned().collect();
    while let Some(story) = open.pop_front() {
        let followed = choices(&story.order).into_iter().map(|choice| (choice, true));
        let tried = probes(&story.order).into_iter().map(|choice| (choice, false));
        for ((command, now), follow) in followed.chain(tried) {
            let mut next = story.clone();
            match next.send(&command, now) {
                Ok(_) => {
                    taken.extend(next.taken.iter().copied());
                    if follow && let Entry::Vacant(slot) = reached.entry(shape(&next.order)) {
                        open.push_back(slot.insert(next).clone());
                    }
                }
                Err(refusal) => check_refusal(&story.order, &command, now, &refusal),
            }
        }
    }
    (reached.into_values().collect(), taken)
}

/// Everything up to the payment.
fn explore() -> (Vec<Story>, Taken) {
    explore_from(beginnings(), commands, trying)
}

/// Everything after it, where a first try to pay has left an authorisation that is still to be given up.
fn explore_shipping() -> (Vec<Story>, Taken) {
    let (draft, plan) = small(1_999, None);
    let mut story = Story::place(&draft, &plan);
    let resolve = |story: &mut Story, result: &dyn Fn(i64) -> TaskResult| {
        let task = story.order.tasks.iter().rfind(|t| t.kind.payment_id().is_some()).expect("there is a task").clone();
        let result = result(asked(&story.order, task.kind));
        story.must(&Command::Resolved { task_id: task.task_id, result }, START);
    };
    resolve(&mut story, &done);
    resolve(&mut story, &|_| declined());
    story.must(&Command::Pay { payment_method_id: "pm_ok".to_owned() }, START);
    resolve(&mut story, &done);
    resolve(&mut story, &done);
    assert_eq!((story.order.status, story.order.tasks.len()), (OrderStatus::PaymentConfirmed, 1));
    let mut refunding = Story::place(&draft, &plan);
    refunding.finish(START);
    refunding.must(&Command::Refund { what: Refunded::Amount(1), reason: "late".to_owned() }, START);
    // Money that was given back for a cancelled order, and has come back.
    let mut bounced = Story::place(&draft, &plan);
    bounced.finish(START);
    bounced.must(&Command::Cancel { reason: "over".to_owned() }, START);
    bounced.finish(START);
    let refund_id = bounced.order.payments[0].refunds[0].refund_id;
    bounced.must(&bounce(&bounced.order, refund_id), START);
    explore_from(vec![story, refunding, bounced], moving, trying)
}

fn kind_of(command: &Command) -> Option<EventKind> {
    match command {
        Command::Pay { .. } => Some(EventKind::PaymentAttempted),
        Command::Cancel { .. } => Some(EventKind::Cancelled),
        Command::Hold { .. } => Some(EventKind::HoldPlaced),
        Command::CancelItems { .. } | Command::Shipment { action: Action::Cancel { .. }, .. } => {
            Some(EventKind::ItemsCancelled)
        }
        Command::Refund { .. } => Some(EventKind::RefundRequested),
        Command::Shipment { action: Action::Pack, .. } => Some(EventKind::ShipmentPacked),
        Command::Shipment { action: Action::Ship(_), .. } => Some(EventKind::ShipmentShipped),
        Command::Shipment { action: Action::Split { .. }, .. } => Some(EventKind::ShipmentSplit),
        _ => None,
    }
}

fn check_refusal(order: &Order, command: &Command, now: Timestamp, refusal: &Refusal) {
    match refusal {
        Refusal::IllegalTransition { from, .. } => {
            let kind = kind_of(command).expect("facts are never refused");
            assert_eq!((*from, order.status.after(kind)), (order.status, None));
        }
        Refusal::IllegalShipment { from, to } => {
            let Command::Shipment { shipment_id, .. } = command else { panic!("{command:?} is about no shipment") };
            assert_eq!(order.shipment(*shipment_id).map(|s| s.status), Some(*from));
            let target = to.parse::<ShipmentStatus>();
            assert!(target.is_err() || !from.may_become(target.unwrap_or(*from)), "{from} may become {to}");
        }
        Refusal::OnHold => assert!(order.is_held() && matches!(kind_of(command), Some(EventKind::ShipmentShipped))),
        Refusal::NothingLeft => assert_eq!(kind_of(command), Some(EventKind::ShipmentSplit)),
        Refusal::TooManyUnits { line_id, left, .. } => assert_eq!((*line_id, *left), (1, 0), "{command:?}"),
        Refusal::RefundExceedsCaptured { left } => assert_eq!(*left, order.refundable()),
        Refusal::NothingToRefund => assert_eq!(order.amounts.total, 0),
        Refusal::NoShipment => panic!("{command:?} names what is there"),
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
fn every_cell_of_the_table_is_taken_and_no_other() {
    let (reached, mut taken) = explore();
    assert!(reached.len() > 500, "only {} states were reached", reached.len());
    let (shipped, more) = explore_shipping();
    assert!(shipped.len() > 300, "only {} states were reached", shipped.len());
    taken.extend(more);
    let cells = TRANSITIONS.iter().flat_map(|row| row.from.iter().map(|from| (*from, row.kind)));
    let expected: Taken = cells.collect();
    let missing: Vec<_> = expected.difference(&taken).collect();
    assert_eq!(missing, Vec::<&(OrderStatus, EventKind)>::new(), "cells that nothing takes");
    assert_eq!(taken, expected);
}

#[test]
fn a_shipment_moves_exactly_where_its_table_says() {
    let (draft, plan) = small(1_999, None);
    let mut story = Story::place(&draft, &plan);
    story.finish(START);
    for (from, targets) in SHIPMENT_MOVES {
        for to in ShipmentStatus::ALL {
            let mut order = story.order.clone();
            order.shipments[0].status = *from;
            order.status = order.derived_status();
            let Some(action) = action_to(*to) else { continue };
            let shipment_id = order.shipments[0].shipment_id;
            let answer = decide(&order, &Command::Shipment { shipment_id, action }, START);
            if targets.contains(to) {
                assert_eq!(answer.map(|events| events.len()), Ok(1), "{from} to {to}");
            } else if from == to && from.has_left() && *to != ShipmentStatus::Shipped {
                assert_eq!(answer, Ok(Vec::new()), "what is known is no news");
            } else {
                let refused = Refusal::IllegalShipment { from: *from, to: to.name() };
                assert!(
                    answer == Err(refused) || matches!(answer, Err(Refusal::IllegalTransition { .. })),
                    "{from} to {to}: {answer:?}"
                );
            }
        }
    }
}

/// What would bring a shipment there.
fn action_to(status: ShipmentStatus) -> Option<Action> {
    let report = |progress| Action::Track(Report { status: Some(progress), news: TrackingNews::default() });
    match status {
        ShipmentStatus::Packed => Some(Action::Pack),
        ShipmentStatus::Shipped => Some(Action::Ship(TrackingNews::default())),
        other => Progress::ALL.into_iter().find(|p| p.status() == other).map(report),
    }
}

#[test]
fn every_state_comes_to_rest_with_the_right_money() {
    for story in explore().0.into_iter().chain(explore_shipping().0) {
        let end = story.order.updated_at.plus_seconds(1);
        story.clone().finish(end);
        let mut cancelled = story;
        if cancelled.order.status.after(EventKind::Cancelled).is_none()
            && cancelled.order.status != OrderStatus::Cancelled
        {
            continue;
        }
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
    let orders = orders.chain(explore_shipping().0.into_iter().map(|s| s.order));
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
