use orderwright_sdk::v0_3::payment::{Authorize, Body, Move, Query, Refund, Response, Safety, State, TransportError};

use orderwright_sdk::v0_3::payment::{Callback, Header, News};

use super::*;

const NOW: i64 = 1_700_000_000_000_000;

fn run(operation: Operation, transcript: Vec<Entry>) -> Step {
    let config = r#"{"base_url": "http://127.0.0.1:8090/"}"#.to_owned();
    step(Context { now: NOW, config }, operation, transcript)
}

fn authorize() -> Operation {
    Operation::Authorize(Authorize {
        payment_id: "pay_1".into(),
        order_id: "ord_1".into(),
        amount: 4999,
        currency: "EUR".into(),
        payment_method_id: "pm_ok".into(),
    })
}

fn movement(reference: &str) -> Move {
    Move { payment_id: "pay_1".into(), reference: reference.into(), amount: 4999, currency: "EUR".into() }
}

fn response(status: u16, body: &str) -> Entry {
    Entry::Response(Response { status, headers: vec![], body: Body::Inline(body.as_bytes().to_vec()) })
}

fn intent(status: &str) -> String {
    format!(
        r#"{{"id":"pi_1","object":"payment_intent","amount":4999,"status":"{status}","amount_received":{},
            "amount_refunded":0,"next_action":{},"last_error":null,"metadata":{{}}}}"#,
        if status == "succeeded" { 4999 } else { 0 },
        if status == "requires_action" {
            r#"{"type":"redirect_to_url","redirect_to_url":{"url":"http://x/confirm","expires_at":"2026-11-20T22:55:46.331Z"}}"#
        } else {
            "null"
        },
    )
}

fn error(code: &str, status: &str) -> String {
    format!(
        r#"{{"error":{{"type":"t","code":"{code}","message":"No.","param":null,"payment_intent":{}}}}}"#,
        intent(status)
    )
}

#[track_caller]
fn request(step: Step) -> (String, String, Safety, String) {
    let Step::Request(r) = step else { panic!("{step:?} is no request") };
    (r.method, r.url, r.safety, String::from_utf8(r.body).expect("the adapter writes JSON"))
}

#[track_caller]
fn is_failed(step: &Step, retryable: bool) {
    assert!(matches!(step, Step::Failed(f) if f.retryable == retryable), "{step:?}");
}

#[test]
fn an_authorisation_is_one_idempotent_request() {
    let (method, url, safety, body) = request(run(authorize(), vec![]));
    assert_eq!(
        (method.as_str(), url.as_str(), safety),
        ("POST", "http://127.0.0.1:8090/v1/payment_intents", Safety::Idempotent)
    );
    assert!(body.contains(r#""reference":"pay_1""#) && body.contains(r#""amount":4999"#), "{body}");
    let done = run(authorize(), vec![response(200, &intent("requires_capture"))]);
    assert!(
        matches!(&done, Step::Done(Outcome::Settled(o)) if o.reference == "pi_1" && o.state == State::Authorized && o.amount == 4999)
    );
}

#[test]
fn a_late_authorisation_is_asked_for_until_it_lands() {
    let first = response(200, &intent("processing"));
    assert!(matches!(run(authorize(), vec![first.clone()]), Step::Wait(w) if w.until == NOW + 3_000_000));
    let (method, url, safety, _) = request(run(authorize(), vec![first.clone(), Entry::Waited]));
    assert_eq!(
        (method.as_str(), url.as_str(), safety),
        ("GET", "http://127.0.0.1:8090/v1/payment_intents/pi_1", Safety::Safe)
    );
    let landed = run(authorize(), vec![first, Entry::Waited, response(200, &intent("requires_capture"))]);
    assert!(matches!(landed, Step::Done(_)));
}

#[test]
fn a_confirmation_is_asked_for_and_may_be_refused() {
    let first = response(200, &intent("requires_action"));
    let step = run(authorize(), vec![first.clone()]);
    assert!(
        matches!(&step, Step::ActionRequired(a) if a.url == "http://x/confirm" && a.until > a.poll_at && a.poll_at > NOW),
        "{step:?}"
    );
    let failed = intent("failed")
        .replace(r#""last_error":null"#, r#""last_error":{"code":"authentication_failed","message":"Refused."}"#);
    let step = run(authorize(), vec![first, Entry::Waited, response(200, &failed)]);
    assert!(matches!(&step, Step::Declined(d) if d.code == "authentication_failed"), "{step:?}");
}

#[test]
fn refusals_are_told_from_failures() {
    let declined = run(authorize(), vec![response(402, &error("insufficient_funds", "failed"))]);
    assert!(matches!(&declined, Step::Declined(d) if d.code == "insufficient_funds"));
    is_failed(&run(authorize(), vec![response(500, &error("provider_unavailable", "failed"))]), true);
    is_failed(&run(authorize(), vec![response(503, "<html>")]), true);
    is_failed(&run(authorize(), vec![response(200, "{")]), true);
    is_failed(&run(authorize(), vec![response(409, &error("idempotency_in_progress", "failed"))]), true);
    is_failed(&run(authorize(), vec![response(409, &error("idempotency_key_in_use", "failed"))]), false);
    is_failed(&run(authorize(), vec![response(400, &error("currency_invalid", "failed"))]), false);
    is_failed(&run(authorize(), vec![response(401, "")]), false);
    for sent in [false, true] {
        let lost = Entry::TransportError(TransportError { message: "timed out".into(), sent });
        is_failed(&run(authorize(), vec![lost]), true);
    }
}

#[test]
fn a_capture_that_was_made_before_is_done() {
    let capture = || Operation::Capture(movement("pi_1"));
    let (_, url, safety, body) = request(run(capture(), vec![]));
    assert_eq!((url.as_str(), safety), ("http://127.0.0.1:8090/v1/payment_intents/pi_1/capture", Safety::Idempotent));
    assert_eq!(body, r#"{"amount_to_capture":4999}"#);
    for entry in
        [response(200, &intent("succeeded")), response(400, &error("payment_intent_unexpected_state", "succeeded"))]
    {
        assert!(
            matches!(run(capture(), vec![entry]), Step::Done(Outcome::Settled(o)) if o.state == State::Captured && o.amount == 4999)
        );
    }
    is_failed(&run(capture(), vec![response(400, &error("payment_intent_unexpected_state", "canceled"))]), false);
    is_failed(&run(capture(), vec![response(404, "{}")]), false);
}

#[test]
fn a_void_finds_a_payment_whose_name_is_unknown() {
    let void = || Operation::Void(movement(""));
    let (_, url, safety, _) = request(run(void(), vec![]));
    assert_eq!((url.as_str(), safety), ("http://127.0.0.1:8090/v1/payment_intents?reference=pay_1", Safety::Safe));
    let list = |status: &str| response(200, &format!(r#"{{"data":[{}]}}"#, intent(status)));
    let (method, url, ..) = request(run(void(), vec![list("processing")]));
    assert_eq!((method.as_str(), url.as_str()), ("POST", "http://127.0.0.1:8090/v1/payment_intents/pi_1/cancel"));
    assert!(matches!(run(void(), vec![list("failed")]), Step::Done(Outcome::Settled(o)) if o.state == State::Voided));
    is_failed(&run(void(), vec![response(200, r#"{"data":[]}"#)]), true);
    let canceled = run(void(), vec![list("processing"), response(200, &intent("canceled"))]);
    assert!(matches!(canceled, Step::Done(Outcome::Settled(o)) if o.state == State::Voided));
    let gone = run(
        Operation::Void(movement("pi_1")),
        vec![response(400, &error("payment_intent_unexpected_state", "failed"))],
    );
    assert!(matches!(gone, Step::Done(Outcome::Settled(o)) if o.state == State::Voided));
}

#[test]
fn a_refund_names_the_providers_refund() {
    let refund = || Operation::Refund(Refund { refund_id: "ref_1".into(), payment: movement("pi_1") });
    let (_, url, safety, body) = request(run(refund(), vec![]));
    assert_eq!((url.as_str(), safety), ("http://127.0.0.1:8090/v1/refunds", Safety::Idempotent));
    assert_eq!(body, r#"{"amount":4999,"payment_intent":"pi_1","reference":"ref_1"}"#);
    let done = run(refund(), vec![response(200, r#"{"id":"re_1","status":"succeeded","amount":4999}"#)]);
    assert!(
        matches!(&done, Step::Done(Outcome::Settled(o)) if o.reference == "re_1" && o.state == State::Refunded && o.amount == 4999)
    );
}

#[test]
fn a_query_tells_every_state() {
    let query = |reference: Option<&str>| {
        Operation::Query(Query { payment_id: "pay_1".into(), reference: reference.map(Into::into) })
    };
    for (status, state) in
        [("requires_capture", State::Authorized), ("succeeded", State::Captured), ("canceled", State::Voided)]
    {
        let by_name = run(query(Some("pi_1")), vec![response(200, &intent(status))]);
        assert!(matches!(&by_name, Step::Done(Outcome::Settled(o)) if o.state == state), "{by_name:?}");
        let list = response(200, &format!(r#"{{"data":[{},{}]}}"#, intent("failed"), intent(status)));
        assert!(matches!(run(query(None), vec![list]), Step::Done(Outcome::Settled(o)) if o.state == state));
    }
    for lost in [response(404, "{}"), response(200, r#"{"data":[]}"#)] {
        assert!(
            matches!(run(query(None), vec![lost]), Step::Done(Outcome::Settled(o)) if o.state == State::NotFound && o.reference == "pay_1")
        );
    }
    let list = response(200, &format!(r#"{{"data":[{}]}}"#, intent("processing")));
    assert!(matches!(run(query(None), vec![list.clone()]), Step::Wait(_)));
    let (_, url, ..) = request(run(query(None), vec![list.clone(), Entry::Waited]));
    assert_eq!(url, "http://127.0.0.1:8090/v1/payment_intents/pi_1");
    let still = response(200, &intent("processing"));
    let (_, url, ..) = request(run(query(None), vec![list, Entry::Waited, still, Entry::Waited]));
    assert_eq!(url, "http://127.0.0.1:8090/v1/payment_intents/pi_1");
}

#[test]
fn a_reference_cannot_leave_its_place_in_the_url() {
    let (_, url, ..) = request(run(Operation::Capture(movement("../x?y#z")), vec![]));
    assert_eq!(url, "http://127.0.0.1:8090/v1/payment_intents/..%2Fx%3Fy%23z/capture");
}

#[test]
fn without_configuration_nothing_is_sent() {
    let context = Context { now: NOW, config: "{}".into() };
    let Step::Failed(f) = step(context, authorize(), vec![]) else { panic!("a step without a base URL") };
    assert!(!f.retryable && f.message.contains("base_url"), "{}", f.message);
}

fn called(signature: &str, body: &str, transcript: Vec<Entry>) -> Step {
    let config = r#"{"base_url": "http://127.0.0.1:8090/", "callback_secret": "signing"}"#.to_owned();
    let header = Header { name: "sandbox-signature".into(), value: signature.into() };
    let callback = Callback { headers: vec![header], body: body.as_bytes().to_vec() };
    step(Context { now: NOW, config }, Operation::Callback(callback), transcript)
}

#[test]
fn an_event_counts_once_its_signature_is_right() {
    let event = |kind: &str, more: &str| {
        format!(
            r#"{{"id":"evt_1","object":"event","type":"{kind}","created":"2026-11-20T22:55:46.331Z","data":{{
                "payment_intent":"pi_1","reference":"pay_1","amount":4999,"currency":"EUR"{more}}}}}"#
        )
    };
    let signed = format!("t={},v1=00ff", NOW / 1_000_000);
    let body = event("payment_intent.captured", "");
    let Step::VerifyHmac(asked) = called(&signed, &body, vec![]) else { panic!("it is taken unseen") };
    assert_eq!((asked.secret.as_str(), asked.given.as_slice()), ("signing", &[0, 255][..]));
    assert_eq!(asked.signed, format!("{}.{body}", NOW / 1_000_000).into_bytes());
    for wrong in ["", "t=,v1=00", "v1=00", "t=1,v1=00", &signed.replace("00ff", "00f"), &signed.replace("00ff", "zz")] {
        is_failed(&called(wrong, &body, vec![]), false);
    }
    is_failed(&called(&signed, &body, vec![Entry::Verified(false)]), false);
    is_failed(&called(&signed, "{", vec![Entry::Verified(true)]), false);
    let told = |kind: &str, more: &str| match called(&signed, &event(kind, more), vec![Entry::Verified(true)]) {
        Step::Done(Outcome::Notices(notices)) => notices,
        other => panic!("{kind}: {other:?}"),
    };
    let captured = told("payment_intent.captured", "");
    assert!(matches!(captured[0].news, News::Captured(4999)), "{captured:?}");
    assert_eq!((captured[0].ours.as_deref(), captured[0].event_id.as_str()), (Some("pay_1"), "evt_1"));
    let refund = told("refund.failed", r#","refund":"re_1","refund_reference":"ref_1""#);
    assert!(matches!(refund[0].news, News::RefundFailed(_)), "{refund:?}");
    assert_eq!((refund[0].ours.as_deref(), refund[0].reference.as_str()), (Some("ref_1"), "re_1"));
    assert!(told("something.new", "").is_empty());
}

#[test]
fn the_ledger_is_listed_page_by_page() {
    let (method, url, safety, _) = request(run(Operation::List(NOW), vec![]));
    assert_eq!((method.as_str(), safety), ("GET", Safety::Safe));
    assert_eq!(url, "http://127.0.0.1:8090/v1/ledger?since=2023-11-14T22%3A13%3A20.000Z&limit=100");
    let line = r#"{"sequence":1,"at":"2026-11-20T22:55:46.331Z","kind":"capture","payment_intent":"pi_1","refund":null,
        "reference":"pay_1","amount":4999,"currency":"EUR"}"#;
    let page = |more| response(200, &format!(r#"{{"data":[{line}],"has_more":{more}}}"#));
    for (more, goes_on) in [(true, true), (false, false)] {
        let Step::Done(Outcome::Listed(listing)) = run(Operation::List(NOW), vec![page(more)]) else {
            panic!("no list")
        };
        assert_eq!((listing.entries.len(), listing.next.is_some()), (1, goes_on));
        assert_eq!((listing.entries[0].amount, listing.entries[0].ours.as_deref()), (4999, Some("pay_1")));
    }
}
