//! The reference policies decide properly, through the real WebAssembly.

use domain::bytes::Bytes;
use domain::hooks::exchange::{Body, Credential, Entry, Response, Safety};
use domain::hooks::payment::{Outcome, Settled, State, Step};
use domain::hooks::{Hook, risk, routing};
use plugin_host::{Failure, Level};

use crate::harness::{
    Fixture, caller, context, huge_routing_input, payment_input, risk_input, routing_input, tax_input,
};

#[tokio::test]
async fn routing_splits_and_sends_what_both_have_from_the_nearer() {
    let plugin = Fixture::new().load("routing_nearest", Hook::Routing).await;
    let call = plugin.call(caller(), &routing_input()).await;
    let answer = call.result.unwrap();
    let parts: Vec<_> =
        answer.plans[0].allocations.iter().map(|a| (a.line_id, a.warehouse_id.as_str(), a.quantity)).collect();
    assert_eq!(parts, [(1, "WH-NYC", 1), (2, "WH-LAX", 2), (3, "WH-NYC", 3)]);
    assert!(call.fuel > 0);
    assert_eq!(serde_json::from_str::<routing::Answer>(&call.output_json.unwrap()).unwrap(), answer);
}

#[tokio::test]
async fn routing_says_what_is_missing() {
    let plugin = Fixture::new().load("routing_nearest", Hook::Routing).await;
    let mut input = routing_input();
    input.lines[1].quantity = 11;
    let call = plugin.call(caller(), &input).await;
    assert!(call.result.unwrap().plans.is_empty());
    assert_eq!((call.logs[0].level, call.logs[0].message.as_str()), (Level::Info, "stock does not suffice for B"));
}

#[tokio::test]
async fn the_largest_order_is_within_the_limits() {
    let plugin = Fixture::new().load("routing_nearest", Hook::Routing).await;
    let call = plugin.call(caller(), &huge_routing_input(1000, 40)).await;
    let answer = call.result.unwrap();
    assert_eq!(answer.plans.len(), 4);
    assert_eq!(answer.plans[0].allocations.len(), 2000);
}

#[tokio::test]
async fn tax_of_the_documented_order_is_4_95() {
    let plugin = Fixture::new().load("tax_table", Hook::Tax).await;
    let answer = plugin.call(caller(), &tax_input()).await.result.unwrap();
    assert_eq!((answer.lines[0].charge.amount, answer.lines[0].charge.rate_ppm), (495, 82_500));
    assert_eq!(answer.shipping.amount, 0);
}

#[tokio::test]
async fn a_wrong_configuration_is_named() {
    let plugin = Fixture::new().load("tax_table", Hook::Tax).await;
    let mut input = tax_input();
    input.context = context(r#"{"rats": {}}"#);
    let failure = plugin.call(caller(), &input).await.result.unwrap_err();
    assert!(matches!(&failure, Failure::GaveUp(why) if why.contains("rats")), "{failure}");
    assert_eq!(failure.code(), "gave_up");
}

#[tokio::test]
async fn risk_accepts_by_default_and_follows_its_rules() {
    let plugin = Fixture::new().load("risk_rules", Hook::Risk).await;
    for (config, verdict) in [
        ("", risk::Verdict::Accept),
        (r#"{"review_total": 6993}"#, risk::Verdict::Review),
        (r#"{"blocked_countries": ["US"]}"#, risk::Verdict::Reject),
    ] {
        let answer = plugin.call(caller(), &risk_input(config)).await.result.unwrap();
        assert_eq!(answer.verdict, verdict, "{config}");
    }
}

fn answered(amount: i64) -> Entry {
    let body = format!(
        r#"{{"id":"pi_1","status":"requires_capture","amount":{amount},"next_action":null,"last_error":null}}"#
    );
    Entry::Response(Response { status: 200, headers: vec![], body: Body::Inline { bytes: Bytes(body.into_bytes()) } })
}

#[tokio::test]
async fn the_payment_adapter_walks_from_a_request_to_an_outcome() {
    let plugin = Fixture::new().load("payment_sandbox", Hook::Payment).await;
    let descriptor = plugin.describe(caller()).await.result.unwrap();
    assert_eq!(descriptor.idempotency_header, "Idempotency-Key");

    let Step::Request(request) = plugin.call(caller(), &payment_input(vec![])).await.result.unwrap() else {
        panic!("the first step is a request");
    };
    assert_eq!((request.method.as_str(), request.safety), ("POST", Safety::Idempotent));
    assert_eq!(request.credential, Some(Credential::Bearer { secret: "api_key".into() }));

    let Step::Done(outcome) = plugin.call(caller(), &payment_input(vec![answered(6993)])).await.result.unwrap() else {
        panic!("an authorised payment ends the operation");
    };
    let settled = Settled { reference: "pi_1".to_owned(), state: State::Authorized, amount: 6993 };
    assert_eq!(outcome, Outcome::Settled(settled));
}

#[tokio::test]
async fn an_outcome_of_another_amount_breaks_the_law() {
    let plugin = Fixture::new().load("payment_sandbox", Hook::Payment).await;
    let call = plugin.call(caller(), &payment_input(vec![answered(1)])).await;
    assert!(matches!(&call.result, Err(Failure::LawBroken(why)) if why.contains("6993")), "{:?}", call.result);
    assert!(call.output_json.unwrap().contains("pi_1"));
}

#[tokio::test]
async fn the_same_question_costs_and_answers_the_same() {
    let fixture = Fixture::new();
    let routing = fixture.load("routing_nearest", Hook::Routing).await;
    let tax = fixture.load("tax_table", Hook::Tax).await;
    let (first, second) =
        (routing.call(caller(), &routing_input()).await, routing.call(caller(), &routing_input()).await);
    assert_eq!((first.fuel, first.output_json), (second.fuel, second.output_json));
    let (first, second) = (tax.call(caller(), &tax_input()).await, tax.call(caller(), &tax_input()).await);
    assert_eq!((first.fuel, first.output_json), (second.fuel, second.output_json));
}

#[tokio::test]
async fn a_plugin_serves_its_own_hook_only() {
    let plugin = Fixture::new().load("tax_table", Hook::Tax).await;
    assert_eq!(plugin.hook(), Hook::Tax);
    assert_eq!(plugin.call(caller(), &routing_input()).await.result, Err(Failure::WrongHook));
}
