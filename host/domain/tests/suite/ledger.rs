//! The money itself: a provider with books of its own, that declines, loses answers and is asked twice, must end with
//! the same books as the order, and must never be asked for what it cannot do.

use std::collections::{BTreeMap, BTreeSet};

use domain::command::credits::Refunded;
use domain::command::{Command, TaskResult};
use domain::ids::{PaymentId, RefundId};
use domain::order::{HoldSource, Order, Part, Task, TaskKind};
use domain::status::{OrderStatus, PaymentStatus};
use domain::time::Timestamp;
use proptest::prelude::*;

use crate::baskets::{RETRY_SECONDS, drafts};
use crate::story::{Story, asked, bounce, declined, done, unknown};

/// What the provider knows of a payment.
#[derive(Debug, Default)]
struct Book {
    authorized: i64,
    voided: bool,
    captured: i64,
    refunds: BTreeMap<RefundId, i64>,
}

/// What becomes of a request that is sent.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Done,
    Declined,
    /// The customer must confirm, and does so when asked for the next time.
    Action,
    /// It never arrives, and nobody learns that.
    LostBefore,
    /// It is done, and the answer never arrives.
    LostAfter,
}

/// Operations have a name that is their idempotency key.
type Key = (&'static str, PaymentId, Option<RefundId>);

fn key(kind: TaskKind) -> Key {
    match kind {
        TaskKind::Authorize { payment_id } => ("authorize", payment_id, None),
        TaskKind::Capture { payment_id } => ("capture", payment_id, None),
        TaskKind::Void { payment_id } => ("void", payment_id, None),
        TaskKind::Refund { payment_id, refund_id } => ("refund", payment_id, Some(refund_id)),
        TaskKind::ExpirePayment => panic!("a timer is no operation"),
    }
}

#[derive(Debug, Default)]
struct Provider {
    books: BTreeMap<PaymentId, Book>,
    /// What was answered under which key: asked again, the provider says the same.
    answers: BTreeMap<Key, TaskResult>,
}

impl Provider {
    /// Does what is asked and says what the runner learns of it.
    fn ask(&mut self, kind: TaskKind, amount: i64, fate: Fate) -> TaskResult {
        if matches!(fate, Fate::LostBefore) {
            return unknown();
        }
        let key = key(kind);
        if let Some(answer) = self.answers.get(&key) {
            return if matches!(fate, Fate::LostAfter) { unknown() } else { answer.clone() };
        }
        let takes = matches!(kind, TaskKind::Authorize { .. } | TaskKind::Capture { .. });
        match fate {
            Fate::Action if matches!(kind, TaskKind::Authorize { .. }) => {
                let url = "https://provider.example/confirm".to_owned();
                return TaskResult::ActionRequired { url, until: Timestamp::MAX };
            }
            // A refused undo is not remembered: the account may have money again tomorrow.
            Fate::Declined if !takes => return declined(),
            Fate::Declined => drop(self.answers.insert(key, declined())),
            _ => {
                self.post(kind, amount);
                self.answers.insert(key, done(amount));
            }
        }
        if matches!(fate, Fate::LostAfter) { unknown() } else { self.answers[&key].clone() }
    }

    fn post(&mut self, kind: TaskKind, amount: i64) {
        let book = self.books.entry(kind.payment_id().expect("an operation has its payment")).or_default();
        assert!(amount > 0, "{kind:?} of nothing");
        match kind {
            TaskKind::Authorize { .. } => {
                assert_eq!(book.authorized, 0, "authorised twice");
                book.authorized = amount;
            }
            TaskKind::Capture { .. } => {
                assert!(book.authorized == amount && !book.voided && book.captured == 0, "{book:?} captured {amount}");
                book.captured = amount;
            }
            TaskKind::Void { .. } => {
                assert!(book.authorized > 0 && !book.voided && book.captured == 0, "{book:?} voided");
                book.voided = true;
            }
            TaskKind::Refund { refund_id, .. } => {
                let left = book.captured - book.refunds.values().sum::<i64>();
                assert!(amount <= left, "{book:?} refunded {amount}");
                book.refunds.insert(refund_id, amount);
            }
            TaskKind::ExpirePayment => {}
        }
    }
}

/// The order, its provider, and the results that are on their way.
struct World {
    story: Story,
    provider: Provider,
    sent: BTreeSet<Key>,
    flying: Vec<(u32, TaskResult)>,
    now: Timestamp,
}

#[derive(Debug, Clone)]
enum Move {
    /// A task is begun; the order is only told later.
    Start(usize, Fate),
    /// A result arrives, perhaps twice.
    Arrive(usize, bool),
    Pay,
    Cancel,
    Hold,
    Release,
    Wait(i64),
    /// A unit of a line is cancelled.
    CancelOne(usize),
    /// So many minor units are given back.
    GiveBack(i64),
    /// What was given back comes back.
    Bounce(usize),
}

fn moves() -> impl Strategy<Value = Move> {
    let fate = prop_oneof![
        5 => Just(Fate::Done),
        2 => Just(Fate::Declined),
        1 => Just(Fate::Action),
        1 => Just(Fate::LostBefore),
        1 => Just(Fate::LostAfter),
    ];
    prop_oneof![
        10 => (any::<usize>(), fate).prop_map(|(n, fate)| Move::Start(n, fate)),
        10 => (any::<usize>(), any::<bool>()).prop_map(|(n, twice)| Move::Arrive(n, twice)),
        4 => Just(Move::Pay),
        1 => Just(Move::Cancel),
        1 => Just(Move::Hold),
        3 => Just(Move::Release),
        1 => (0..2 * i64::from(RETRY_SECONDS)).prop_map(Move::Wait),
        2 => any::<usize>().prop_map(Move::CancelOne),
        2 => (1..2_000i64).prop_map(Move::GiveBack),
        1 => any::<usize>().prop_map(Move::Bounce),
    ]
}

impl World {
    fn new(story: Story) -> Self {
        let now = story.order.placed_at;
        Self { story, provider: Provider::default(), sent: BTreeSet::new(), flying: Vec::new(), now }
    }

    fn step(&mut self, chosen: &Move) {
        let runnable: Vec<Task> =
            self.story.order.tasks.iter().filter(|t| self.story.order.is_runnable(t)).cloned().collect();
        let person = match chosen {
            Move::Start(..) if runnable.is_empty() => return,
            Move::Start(n, fate) => return self.start(&runnable[n % runnable.len()], *fate),
            Move::Arrive(..) if self.flying.is_empty() => return,
            Move::Arrive(n, twice) => return self.arrive(n % self.flying.len(), *twice),
            Move::Wait(seconds) => return self.now = self.now.plus_seconds(*seconds),
            Move::Pay => Command::Pay { payment_method_id: "pm_ok".to_owned() },
            Move::Cancel => Command::Cancel { reason: "over".to_owned() },
            Move::Hold => Command::Hold { source: HoldSource::Manual, reason: "wait".to_owned() },
            Move::Release => Command::Release,
            Move::CancelOne(n) => {
                let line_id = self.story.order.lines[n % self.story.order.lines.len()].line_id;
                Command::CancelItems { items: vec![Part { line_id, quantity: 1 }], reason: "less".to_owned() }
            }
            Move::GiveBack(amount) => Command::Refund { what: Refunded::Amount(*amount), reason: "late".to_owned() },
            Move::Bounce(n) => return self.bounce(*n),
        };
        // A person may be refused; that is no matter here.
        let _ = self.story.send(&person, self.now);
    }

    fn start(&mut self, task: &Task, fate: Fate) {
        if task.kind == TaskKind::ExpirePayment {
            self.story.must(&Command::Expire { task_id: task.task_id }, self.now);
            return;
        }
        let given_up = |(id, result): &(u32, TaskResult)| *id == task.task_id && *result == TaskResult::NotAttempted;
        if self.flying.iter().any(given_up) {
            return;
        }
        let takes = matches!(task.kind, TaskKind::Authorize { .. } | TaskKind::Capture { .. });
        let over = self.story.order.status == OrderStatus::Cancelled;
        let result = if over && takes && !self.sent.contains(&key(task.kind)) {
            TaskResult::NotAttempted
        } else {
            self.sent.insert(key(task.kind));
            self.provider.ask(task.kind, asked(&self.story.order, task.kind), fate)
        };
        self.flying.push((task.task_id, result));
    }

    /// The customer's bank sends a refund back, which everybody learns.
    fn bounce(&mut self, n: usize) {
        let payments = self.story.order.payments.iter();
        let done = payments.flat_map(|p| p.refunds.iter().filter(|r| r.done).map(|r| (p.payment_id, r)));
        let done: Vec<_> = done.map(|(payment_id, refund)| (payment_id, refund.refund_id)).collect();
        let Some((payment_id, refund_id)) = done.get(n % done.len().max(1)).copied() else { return };
        let book = self.provider.books.get_mut(&payment_id).expect("the provider knows what it did");
        book.refunds.remove(&refund_id).expect("it was given back");
        // It has done with that request, and another has another key.
        self.provider.answers.remove(&("refund", payment_id, Some(refund_id)));
        let failed = bounce(&self.story.order, refund_id);
        assert_eq!(self.story.must(&failed, self.now), 1);
        assert_eq!(self.story.must(&failed, self.now), 0, "the same again is no news");
    }

    fn arrive(&mut self, n: usize, twice: bool) {
        let (task_id, result) = if twice { self.flying[n].clone() } else { self.flying.remove(n) };
        self.story.must(&Command::Resolved { task_id, result }, self.now);
    }

    /// From now on nothing goes wrong, and an operator frees what is parked.
    fn finish(&mut self) {
        for _ in 0..200 {
            let order = &self.story.order;
            let next = order.tasks.iter().find(|t| order.is_runnable(t)).cloned();
            if !self.flying.is_empty() {
                self.arrive(0, false);
            } else if let Some(task) = next {
                self.now = self.now.max(task.due);
                self.start(&task, Fate::Done);
            } else if order.is_held() {
                self.story.must(&Command::Release, self.now);
            } else {
                return;
            }
        }
        panic!("the order never comes to rest: {:#?}", self.story.order);
    }
}

fn compare(order: &Order, provider: &Provider) {
    let none = Book::default();
    for payment in &order.payments {
        let book = provider.books.get(&payment.payment_id).unwrap_or(&none);
        assert_eq!(payment.authorized, book.authorized, "{payment:?} {book:?}");
        assert_eq!(payment.captured, book.captured, "{payment:?} {book:?}");
        let refunds: BTreeMap<_, _> =
            payment.refunds.iter().filter(|r| r.done).map(|r| (r.refund_id, r.amount)).collect();
        assert_eq!(refunds, book.refunds, "{payment:?} {book:?}");
        assert_eq!(payment.refunded, book.refunds.values().sum::<i64>());
        let given_up = payment.authorized > 0 && payment.status == PaymentStatus::Voided;
        assert_eq!(given_up, book.voided, "{payment:?} {book:?}");
        assert!(book.authorized == 0 || book.voided || book.captured > 0, "still held: {payment:?} {book:?}");
    }
    assert!(provider.books.keys().all(|id| order.payments.iter().any(|p| p.payment_id == *id)));
    let kept: i64 = provider.books.values().map(|b| b.captured - b.refunds.values().sum::<i64>()).sum();
    assert_eq!(kept, order.due(), "the customer has paid {kept} for an order that is {}", order.status);
}

proptest! {
    #[test]
    fn the_books_of_order_and_provider_agree((draft, plan) in drafts(), moves in prop::collection::vec(moves(), 0..150)) {
        let mut world = World::new(Story::place(&draft, &plan));
        for chosen in &moves {
            world.step(chosen);
        }
        world.finish();
        compare(&world.story.order, &world.provider);
        prop_assert_eq!(&world.story.order.tasks, &[]);
        let status = world.story.order.status;
        prop_assert!(matches!(status, OrderStatus::PaymentConfirmed | OrderStatus::Cancelled), "at rest {}", status);
        if status == OrderStatus::PaymentConfirmed {
            world.step(&Move::Cancel);
            world.finish();
            compare(&world.story.order, &world.provider);
        }
    }
}
