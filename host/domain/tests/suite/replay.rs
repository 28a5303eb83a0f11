//! History: replaying an order's events gives its document, in memory and through the stored form.

use domain::command::credits::Refunded;
use domain::command::shipments::{Action, Progress, Report};
use domain::command::{Command, TaskResult};
use domain::event::Event;
use domain::order::{HoldSource, Order, Part, Shipment, TaskKind, TrackingNews};
use domain::time::Timestamp;
use domain::transition::{apply, replay};
use proptest::prelude::*;

use crate::baskets::{RETRY_SECONDS, drafts, small};
use crate::story::{Story, asked, bounce, declined, done, unknown};

/// What somebody or something does next; which task it is about is chosen when the order is known.
#[derive(Debug, Clone)]
enum Move {
    Pay,
    Cancel,
    Hold,
    Release,
    /// Something is done with one of the shipments.
    Ship(usize, usize),
    /// Units of a line are cancelled.
    CancelItems(usize, u32),
    /// So much in a thousand of what was paid is given back.
    Refund(i64),
    /// The money for units of a line is given back.
    RefundItems(usize, u32),
    /// One of the refunds comes back.
    Bounce(usize),
    /// A result for one of the open tasks.
    Resolve(usize, Answer),
    /// A result for any task that there ever was: mostly a late or repeated one.
    Late(u32, Answer),
    Expire(u32),
    /// The same command once more.
    Again,
    /// Clocks may also go backwards.
    Clock(i64),
}

#[derive(Debug, Clone, Copy)]
enum Answer {
    Done,
    DoneWrongly(i64),
    Declined,
    ActionRequired,
    NotAttempted,
    Unknown,
}

fn moves() -> impl Strategy<Value = Move> {
    let answers = || {
        prop_oneof![
            6 => Just(Answer::Done),
            1 => any::<i64>().prop_map(Answer::DoneWrongly),
            3 => Just(Answer::Declined),
            1 => Just(Answer::ActionRequired),
            1 => Just(Answer::NotAttempted),
            2 => Just(Answer::Unknown),
        ]
    };
    let retry = i64::from(RETRY_SECONDS);
    prop_oneof![
        4 => Just(Move::Pay),
        1 => Just(Move::Cancel),
        2 => Just(Move::Hold),
        3 => Just(Move::Release),
        4 => (any::<usize>(), any::<u32>()).prop_map(|(n, units)| Move::CancelItems(n, units)),
        2 => (0i64..1_100).prop_map(Move::Refund),
        2 => (any::<usize>(), any::<u32>()).prop_map(|(n, units)| Move::RefundItems(n, units)),
        2 => any::<usize>().prop_map(Move::Bounce),
        6 => (any::<usize>(), any::<usize>()).prop_map(|(n, action)| Move::Ship(n, action)),
        10 => (any::<usize>(), answers()).prop_map(|(n, answer)| Move::Resolve(n, answer)),
        2 => (any::<u32>(), answers()).prop_map(|(n, answer)| Move::Late(n, answer)),
        2 => any::<u32>().prop_map(Move::Expire),
        2 => Just(Move::Again),
        2 => (-retry..retry).prop_map(Move::Clock),
    ]
}

fn result(answer: Answer, amount: i64, now: Timestamp) -> TaskResult {
    match answer {
        Answer::Done => done(amount),
        Answer::DoneWrongly(amount) => done(amount),
        Answer::Declined => declined(),
        Answer::ActionRequired => TaskResult::ActionRequired { url: "https://p.example".to_owned(), until: now },
        Answer::NotAttempted => TaskResult::NotAttempted,
        Answer::Unknown => unknown(),
    }
}

/// Mostly no more than the line has.
fn some_units(order: &Order, n: usize, units: u32) -> Vec<Part> {
    let line = &order.lines[n % order.lines.len()];
    vec![Part { line_id: line.line_id, quantity: 1 + units % (line.quantity + 1) }]
}

/// Mostly something that moves it on.
fn action(shipment: &Shipment, what: usize) -> Action {
    let item = &shipment.items[what % shipment.items.len()];
    let part = Part { line_id: item.line_id, quantity: 1 + what as u32 % item.quantity };
    let news = TrackingNews { note: Some(format!("news {what}")), ..TrackingNews::default() };
    match what % 9 {
        0 => Action::Pack,
        8 => Action::Cancel { reason: "broken".to_owned() },
        1 => Action::Split { items: vec![part] },
        2 | 3 => Action::Ship(news),
        n => Action::Track(Report { status: Some(Progress::ALL[n - 4]), news }),
    }
}

fn command(order: &Order, chosen: &Move, now: Timestamp) -> Option<Command> {
    let task_id = |n: u32| 1 + n % (order.counters.tasks + 1);
    let amount =
        |id: u32| order.tasks.iter().find(|t| t.task_id == id).map_or(order.amounts.total, |t| asked(order, t.kind));
    let resolved = |id: u32, answer| Command::Resolved { task_id: id, result: result(answer, amount(id), now) };
    match chosen {
        Move::Pay => Some(Command::Pay { payment_method_id: "pm_ok".to_owned() }),
        Move::Cancel => Some(Command::Cancel { reason: "over".to_owned() }),
        Move::Hold => Some(Command::Hold { source: HoldSource::Manual, reason: "wait".to_owned() }),
        Move::Release => Some(Command::Release),
        Move::Ship(n, what) => {
            let shipment = &order.shipments[n % order.shipments.len()];
            let action = action(shipment, *what);
            Some(Command::Shipment { shipment_id: shipment.shipment_id, action })
        }
        Move::CancelItems(n, units) => {
            Some(Command::CancelItems { items: some_units(order, *n, *units), reason: "less".to_owned() })
        }
        Move::RefundItems(n, units) => {
            Some(Command::Refund { what: Refunded::Items(some_units(order, *n, *units)), reason: "broken".to_owned() })
        }
        Move::Refund(thousandths) => {
            let amount = order.amounts.total / 1_000 * thousandths;
            Some(Command::Refund { what: Refunded::Amount(amount), reason: "late".to_owned() })
        }
        Move::Bounce(n) => {
            let refunds: Vec<_> = order.payments.iter().flat_map(|p| &p.refunds).collect();
            let refund_id = refunds.get(n % refunds.len().max(1))?.refund_id;
            Some(bounce(order, refund_id))
        }
        Move::Resolve(_, _) if order.tasks.is_empty() => None,
        Move::Resolve(n, answer) => Some(resolved(order.tasks[n % order.tasks.len()].task_id, *answer)),
        Move::Late(n, answer) => Some(resolved(task_id(*n), *answer)),
        Move::Expire(n) => Some(Command::Expire { task_id: task_id(*n) }),
        Move::Again | Move::Clock(_) => None,
    }
}

fn through_json<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
    let text = serde_json::to_string(value).expect("what is stored can be written");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn check_history(story: &Story) {
    let events = || story.events.iter().map(|(event, at)| (event, *at));
    assert_eq!(replay(events()).as_ref(), Some(&story.order));
    let stored: Vec<(Event, Timestamp)> = through_json(&story.events);
    assert_eq!(stored, story.events);
    let replayed = replay(stored.iter().map(|(event, at)| (event, *at))).expect("the first event is the placement");
    assert_eq!(through_json(&story.order), replayed);
    let text = |order: &Order| serde_json::to_string(order).expect("a document can be written");
    assert_eq!(text(&replayed), text(&story.order));
}

proptest! {
    #[test]
    fn replaying_gives_the_document((draft, plan) in drafts(), moves in prop::collection::vec(moves(), 0..120)) {
        let mut story = Story::place(&draft, &plan);
        let (mut now, mut last) = (draft.placed_at, None);
        let mut read_back = story.order.clone();
        for chosen in &moves {
            if let Move::Clock(seconds) = chosen {
                now = now.plus_seconds(*seconds);
            }
            let next = if matches!(chosen, Move::Again) { last.clone() } else { command(&story.order, chosen, now) };
            let Some(next) = next else { continue };
            let (known, before) = (story.events.len(), story.order.clone());
            if story.send(&next, now).is_err() {
                prop_assert_eq!(&story.order, &before, "a refusal changes nothing");
            }
            for (event, at) in &story.events[known..] {
                read_back = apply(through_json(&read_back), &through_json(event), *at);
            }
            prop_assert_eq!(&read_back, &story.order);
            last = Some(next);
        }
        check_history(&story);
        story.finish(now);
        check_history(&story);
    }

    #[test]
    fn a_resolved_task_stays_resolved((draft, plan) in drafts(), answers in prop::collection::vec(moves(), 1..40)) {
        let mut story = Story::place(&draft, &plan);
        for chosen in &answers {
            let Some(next) = command(&story.order, chosen, draft.placed_at) else { continue };
            if story.send(&next, draft.placed_at).is_err() {
                continue;
            }
            let Command::Resolved { task_id, .. } = next else { continue };
            if story.order.tasks.iter().all(|t| t.task_id != task_id) {
                for answer in [Answer::Done, Answer::Declined, Answer::NotAttempted, Answer::Unknown] {
                    let result = result(answer, 1, draft.placed_at);
                    let events = story.must(&Command::Resolved { task_id, result }, draft.placed_at);
                    prop_assert_eq!(events, 0);
                }
            }
        }
    }
}

#[test]
fn a_history_begins_with_the_placement() {
    let (draft, plan) = small(1_999, None);
    let mut story = Story::place(&draft, &plan);
    story.finish(draft.placed_at);
    assert_eq!(replay([]), None);
    assert_eq!(replay(story.events[1..].iter().map(|(event, at)| (event, *at))), None);
}

#[test]
fn the_stored_form_of_an_event_is_stable() {
    let (draft, plan) = small(1_999, None);
    let mut story = Story::place(&draft, &plan);
    story.must(&Command::Hold { source: HoldSource::PolicyFailure, reason: "tax".to_owned() }, draft.placed_at);
    story.must(&Command::Release, draft.placed_at);
    story.finish(draft.placed_at);
    let stored: Vec<_> = story.events[1..].iter().map(|(event, _)| serde_json::to_string(event).unwrap()).collect();
    let payment_id = story.order.payments[0].payment_id;
    let expected = [
        r#"{"type":"order.hold_placed","data":{"source":"policy_failure","reason":"tax"}}"#.to_owned(),
        r#"{"type":"order.hold_released","data":{}}"#.to_owned(),
        format!(
            r#"{{"type":"order.payment_authorized","data":{{"payment_id":"{payment_id}","reference":"pi_1","amount":5997}}}}"#
        ),
        format!(r#"{{"type":"order.payment_captured","data":{{"payment_id":"{payment_id}","amount":5997}}}}"#),
    ];
    assert_eq!(stored, expected);
    let task = domain::order::Task { task_id: 3, kind: TaskKind::Capture { payment_id }, due: draft.placed_at };
    assert_eq!(
        serde_json::to_string(&task).unwrap(),
        format!(
            r#"{{"task_id":3,"kind":{{"kind":"capture","payment_id":"{payment_id}"}},"due":"2026-02-02T02:40:00.000000Z"}}"#
        )
    );
}
