//! What a payment adapter may answer: one case for every law of a step.

use domain::bytes::Bytes;
use domain::hooks::exchange::{Callback, Header, Request, Safety, URL_CHARS_MAX};
use domain::hooks::payment::{
    Authorize, ENTRIES_MAX, Input, LedgerEntry, Listing, Move, Movement, NOTICES_MAX, News, Notice, Operation, Outcome,
    Query, Refund, Settled, Standing, State, Step, validate,
};
use domain::hooks::{Context, LawBroken};
use domain::ids::{OrderId, PaymentId, RefundId};
use domain::time::Timestamp;

use crate::baskets::START;

const AMOUNT: i64 = 2_999;

fn order_id() -> OrderId {
    OrderId::new(uuid::Uuid::from_u128(1 << 80))
}

fn asked(operation: Operation) -> Input {
    Input { context: Context { now: START, config: "{}".to_owned() }, operation, transcript: Vec::new() }
}

fn authorize() -> Operation {
    Operation::Authorize(Authorize {
        payment_id: PaymentId::derived(order_id(), 1),
        order_id: order_id(),
        amount: AMOUNT,
        currency: "USD".parse().expect("the dollar is listed"),
        payment_method_id: "pm_ok".to_owned(),
    })
}

fn movement() -> Move {
    Move {
        payment_id: PaymentId::derived(order_id(), 1),
        reference: "pi_1".to_owned(),
        amount: AMOUNT,
        currency: "USD".parse().expect("the dollar is listed"),
    }
}

fn refund() -> Operation {
    Operation::Refund(Refund { refund_id: RefundId::derived(order_id(), 1), payment: movement() })
}

fn query() -> Operation {
    Operation::Query(Query { payment_id: PaymentId::derived(order_id(), 1), reference: None })
}

fn callback() -> Operation {
    Operation::Callback(Callback { headers: Vec::new(), body: Bytes::default() })
}

fn outcome(state: State, amount: i64) -> Outcome {
    Outcome::Settled(settled(state, amount))
}

fn settled(state: State, amount: i64) -> Settled {
    Settled { reference: "pi_1".to_owned(), state, amount }
}

fn request() -> Request {
    Request {
        method: "POST".to_owned(),
        url: "https://provider.example/v1".to_owned(),
        headers: vec![Header { name: "content-type".to_owned(), value: "text/plain".to_owned() }],
        body: Bytes(b"amount=2999".to_vec()),
        safety: Safety::Idempotent,
        credential: None,
        fill: None,
    }
}

fn action(url: &str, poll_at: Timestamp) -> Step {
    Step::ActionRequired { url: url.to_owned(), until: START.plus_seconds(600), poll_at }
}

fn check(case: &str, operation: Operation, step: Step, named: Option<&str>) {
    match (validate(&asked(operation), step.clone()), named) {
        (Ok(same), None) => assert_eq!(same, step, "{case}: what is right is not changed"),
        (Err(LawBroken(why)), Some(named)) => assert!(why.contains(named), "{case}: {why}"),
        (answer, _) => panic!("{case}: {answer:?}"),
    }
}

#[test]
fn an_outcome_fits_its_operation() {
    let operations = [
        (authorize(), State::Authorized),
        (Operation::Capture(movement()), State::Captured),
        (Operation::Void(movement()), State::Voided),
        (refund(), State::Refunded),
    ];
    let states = [State::Authorized, State::Captured, State::Voided, State::Refunded, State::NotFound];
    for (operation, expected) in operations {
        for state in states {
            let wrong = (state != expected).then_some("the operation ended as");
            check("a state", operation.clone(), Step::Done(outcome(state, AMOUNT)), wrong);
        }
        for amount in [0, AMOUNT - 1, AMOUNT + 1] {
            // How much a void released is the provider's word alone.
            let wrong = (expected != State::Voided).then_some("asked were 2999");
            check("an amount", operation.clone(), Step::Done(outcome(expected, amount)), wrong);
        }
        let negative = if expected == State::Voided { "negative" } else { "asked were" };
        check("a negative amount", operation.clone(), Step::Done(outcome(expected, -1)), Some(negative));
        for reference in [String::new(), "x".repeat(256), "é".repeat(128), "pi\u{0}".to_owned()] {
            let done = Step::Done(Outcome::Settled(Settled { reference, ..settled(expected, AMOUNT) }));
            check("a reference", operation.clone(), done, Some("1 to 255 bytes"));
        }
    }
}

#[test]
fn a_question_may_be_answered_with_any_state() {
    for operation in [query(), callback(), Operation::List { since: START }] {
        for state in [State::Authorized, State::Captured, State::Voided, State::Refunded, State::NotFound] {
            check("a state", operation.clone(), Step::Done(outcome(state, 1)), None);
        }
        let nameless = Outcome::Settled(Settled { reference: String::new(), ..settled(State::NotFound, 0) });
        check("no reference", operation.clone(), Step::Done(nameless), None);
        check("a negative amount", operation.clone(), Step::Done(outcome(State::Captured, -1)), Some("negative"));
        let long = Outcome::Settled(Settled { reference: "x".repeat(256), ..settled(State::Captured, 1) });
        check("a long reference", operation, Step::Done(long), Some("1 to 255 bytes"));
    }
}

fn notice(event_id: &str, news: News) -> Notice {
    Notice { event_id: event_id.to_owned(), at: START, reference: "pi_1".to_owned(), ours: None, news }
}

#[test]
fn what_is_told_and_listed_is_bounded() {
    let told = |notices: Vec<Notice>| Step::Done(Outcome::Notices { notices });
    let captured = || notice("evt_1", News::Captured { amount: AMOUNT });
    check("a notice", callback(), told(vec![captured()]), None);
    check("nothing", callback(), told(Vec::new()), None);
    check("too many", callback(), told(vec![captured(); NOTICES_MAX + 1]), Some("at most 100"));
    for (bad, named) in [
        (notice("", News::Voided), "an event's name"),
        (notice("evt\n", News::Voided), "an event's name"),
        (Notice { reference: String::new(), ..captured() }, "reference"),
        (Notice { ours: Some("x".repeat(256)), ..captured() }, "reference"),
        (notice("evt_1", News::Refunded { amount: -1 }), "negative"),
        (notice("evt_1", News::DisputeClosed { dispute_id: String::new(), won: true }), "reference"),
    ] {
        check("a notice", callback(), told(vec![bad]), Some(named));
    }
    check("told where nobody called", authorize(), told(vec![captured()]), Some("none of this operation"));

    let entry = LedgerEntry {
        reference: "pi_1".to_owned(),
        ours: None,
        kind: Movement::Capture,
        amount: AMOUNT,
        currency: "USD".parse().unwrap(),
        standing: Standing::Done,
        at: START,
    };
    let list = || Operation::List { since: START };
    let listed = |entries, next| Step::Done(Outcome::Listed(Listing { entries, next }));
    check("a list", list(), listed(vec![entry.clone()], Some(START.plus_seconds(1))), None);
    check("a list that stands still", list(), listed(vec![entry.clone()], Some(START)), Some("where it began"));
    check("a long list", list(), listed(vec![entry.clone(); ENTRIES_MAX + 1], None), Some("at most 1000"));
    check("a list for a question", query(), listed(vec![entry], None), Some("none of this operation"));
}

#[test]
fn a_request_leaves_to_the_host_what_is_the_hosts() {
    let step = |change: &dyn Fn(&mut Request)| {
        let mut request = request();
        change(&mut request);
        Step::Request(request)
    };
    let header = |name: &str| Header { name: name.to_owned(), value: "x".to_owned() };
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        check(method, authorize(), step(&|r| r.method = method.to_owned()), None);
    }
    for method in ["CONNECT", "TRACE", "get", "", "GET /x"] {
        check(method, authorize(), step(&|r| r.method = method.to_owned()), Some("is not allowed"));
    }
    for name in ["authorization", "Authorization", "HOST", "content-length", "transfer-encoding", "Connection"] {
        check(name, authorize(), step(&|r| r.headers.push(header(name))), Some("is the host's"));
    }
    check("50 headers", authorize(), step(&|r| r.headers = vec![header("x-a"); 50]), None);
    check("51 headers", authorize(), step(&|r| r.headers = vec![header("x-a"); 51]), Some("more than 50"));
}

#[test]
fn a_customer_is_only_sent_to_the_web() {
    let later = START.plus_seconds(2);
    let longest = format!("https://{}", "x".repeat(URL_CHARS_MAX - 8));
    for url in ["https://provider.example/3ds?id=1", "http://127.0.0.1:9/confirm", &longest] {
        check(url, authorize(), action(url, later), None);
    }
    let too_long = format!("{longest}x");
    for url in ["javascript:alert(1)", "data:text/html,x", "//provider.example", "", "https://a\nb", &too_long] {
        check(url, authorize(), action(url, later), Some("must be http or https"));
    }
}

#[test]
fn a_pause_ends_in_the_future() {
    let wait = |until: Timestamp| Step::Wait { until, callback: true };
    check("now", authorize(), wait(START), Some("has passed"));
    check("before", authorize(), wait(START.plus_seconds(-1)), Some("has passed"));
    check("later", authorize(), wait(START.plus_millis(1)), None);
    for poll_at in [START, START.plus_seconds(-60)] {
        let answer = validate(&asked(authorize()), action("https://provider.example", poll_at));
        assert_eq!(answer, Ok(action("https://provider.example", START.plus_seconds(1))), "asked at once means soon");
    }
}

#[test]
fn a_no_is_always_accepted() {
    let no = Step::Declined { code: String::new(), message: "x".repeat(100_000) };
    check("a decline", authorize(), no, None);
    check("a failure", refund(), Step::Failed { retryable: true, message: String::new() }, None);
}
