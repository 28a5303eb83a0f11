//! What the published contract says can be refused is refused by a test.

use std::collections::BTreeSet;

use e2e::client::Request;
use serde_json::Value;

use super::merchants::OPERATIONS;
use super::{Stage, cases};

/// Codes that no table can provoke, and where they are provoked instead.
const ELSEWHERE: [(&str, &str); 20] = [
    ("order_on_hold", "shipping::an_order_ships_in_parts_and_its_stock_leaves_with_it"),
    ("body_too_large", "cases::members"),
    ("unauthorized", "cases::keys_and_scopes"),
    ("forbidden", "cases::keys_and_scopes"),
    ("payment_declined", "saga::a_client_may_wait_for_its_payment"),
    ("idempotency_key_in_use", "concurrency::two_hundred_requests_with_one_key_are_one_order"),
    ("idempotency_key_reused", "every_refusal_says_what_is_wrong_and_changes_nothing"),
    ("order_too_large", "concurrency::an_order_that_cannot_be_kept_fails_alone_among_its_neighbours"),
    ("order_rejected", "policies::a_merchants_rules_send_orders_to_review_or_refuse_them"),
    ("policy_failed", "policies::a_hostile_policy_harms_nobody_but_its_own_merchant"),
    ("component_refused", "plugins::what_is_no_policy_is_refused_with_every_reason"),
    ("version_not_ready", "plugins::what_is_no_policy_is_refused_with_every_reason"),
    ("approval_required", "hooks::a_policy_knows_only_what_it_was_granted"),
    ("hook_not_asked", "hooks::promotions_and_shipping_rules_change_what_an_order_costs"),
    ("callback_not_verified", "callbacks::a_forged_call_is_refused_and_changes_nothing"),
    ("callback_not_understood", "callbacks::a_forged_call_is_refused_and_changes_nothing"),
    ("rate_limited", "rates::who_asks_too_often_is_told_when_to_come_back"),
    // Between the end of that time and the timer that cancels the order lie milliseconds: the domain's tests have it.
    ("payment_retry_expired", "domain"),
    // Crowds and stops bring it about too, and the clients of every suite then come back as they are told.
    ("unavailable", "full_disk::what_a_full_disk_cannot_keep_is_refused_and_changes_nothing"),
    // A server that gives it is broken.
    ("internal_error", "nothing but a defect"),
];
/// Only a machine that is broken or far too slow gives these; the crate `api` tests them from within.
const OF_THE_MACHINE: [&str; 2] = ["timeout", "not_ready"];

/// Every operation is in the tables of strangers and scopes, and every code in one of the tables.
pub async fn nothing_is_left_out(stage: &Stage) {
    let mut request = Request::new("GET", "");
    request.path = "/openapi.json".to_owned();
    let document = stage.shop.client.send(request).await.expect(200);
    let mut operations = BTreeSet::new();
    let mut codes = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            if let Some(path) = path.strip_prefix("/api/v1") {
                operations.insert(format!("{} {}", method.to_uppercase(), shape(path)));
            }
            for response in operation["responses"].as_object().expect("responses").values() {
                codes.extend(codes_of(response));
            }
        }
    }
    let tested = OPERATIONS.iter().map(|(method, path)| format!("{method} {}", shape(path)));
    assert_eq!(operations, tested.collect(), "the operations that are tested are those that are published");

    let mut known: BTreeSet<String> = cases::all(stage).iter().map(|case| case.code.to_owned()).collect();
    known.extend(ELSEWHERE.iter().map(|(code, _)| (*code).to_owned()));
    known.extend(OF_THE_MACHINE.map(str::to_owned));
    let untested: Vec<&String> = codes.difference(&known).collect();
    assert!(untested.is_empty(), "published, but no test sees them: {untested:?}");
    assert!(codes.len() > 30, "the codes are read from the document: {codes:?}");
}

/// The codes that a response's description lists.
fn codes_of(response: &Value) -> Vec<String> {
    if response["content"]["application/problem+json"].is_null() {
        return Vec::new();
    }
    let description = response["description"].as_str().expect("a description");
    description.lines().filter_map(|line| line.split('`').nth(1)).map(str::to_owned).collect()
}

/// A path with its ids left out: parameters and the tables' own ids alike.
fn shape(path: &str) -> String {
    let ids = ["key_", "plg_", "bkt_", "dec_", "shp_"];
    let is_id = |segment: &&str| segment.contains(['{', '-']) || ids.iter().any(|id| segment.starts_with(id));
    path.split('/').map(|segment| if is_id(&segment) { "*" } else { segment }).collect::<Vec<_>>().join("/")
}
