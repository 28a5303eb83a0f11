use orderwright_sdk::risk::{Context, Destination, Line};

use super::*;

fn order(total: i64, quantity: u32) -> Input {
    Input {
        context: Context { now: 0, config: String::new() },
        order_id: "ord_1".into(),
        currency: "USD".into(),
        total,
        lines: vec![Line { line_id: 1, sku: "A".into(), quantity, price: 1 }],
        destination: Destination { country: "US".into(), region: None, city: None, zip: None },
        billing_country: Some("US".into()),
        customer_id: None,
        email_domain: Some("shop.example.com".into()),
        payment_method_id: "pm".into(),
    }
}

fn verdict(config: &str, input: &Input) -> (Verdict, u16) {
    let config = serde_json::from_str(config).expect("a test's configuration is valid");
    let answer = decide(&config, input);
    (answer.verdict, answer.score)
}

#[test]
fn without_rules_everything_is_accepted() {
    assert_eq!(verdict("{}", &order(i64::MAX, u32::MAX)), (Verdict::Accept, 0));
}

#[test]
fn totals_are_compared_in_their_own_currency() {
    let config = r#"{"review_total": 1000, "reject_total": {"USD": 5000}}"#;
    assert_eq!(verdict(config, &order(999, 1)).0, Verdict::Accept);
    assert_eq!(verdict(config, &order(1000, 1)).0, Verdict::Review);
    assert_eq!(verdict(config, &order(5000, 1)).0, Verdict::Reject);
    let yen = Input { currency: "JPY".into(), ..order(5000, 1) };
    assert_eq!(verdict(config, &yen).0, Verdict::Review);
}

#[test]
fn blocked_places_and_domains_are_refused() {
    assert_eq!(verdict(r#"{"blocked_countries": ["us"]}"#, &order(1, 1)), (Verdict::Reject, 1000));
    assert_eq!(verdict(r#"{"blocked_email_domains": ["Example.com"]}"#, &order(1, 1)).0, Verdict::Reject);
    assert_eq!(verdict(r#"{"blocked_email_domains": ["ample.com"]}"#, &order(1, 1)).0, Verdict::Accept);
}

#[test]
fn the_sternest_rule_wins_and_all_give_their_reason() {
    let config = r#"{"review_total": 10, "reject_quantity": 5, "mismatch_review_total": 10}"#;
    let config: Config = serde_json::from_str(config).expect("a test's configuration is valid");
    let input = Input { billing_country: Some("DE".into()), ..order(10, 5) };
    let answer = decide(&config, &input);
    assert_eq!((answer.verdict, answer.score, answer.reasons.len()), (Verdict::Reject, 1000, 3));
}
