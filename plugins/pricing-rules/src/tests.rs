use orderwright_sdk::pricing::{Context, Destination};

use super::*;

fn basket(lines: &[(&str, u32, i64)], codes: &[&str]) -> Input {
    let line = |(line_id, (sku, quantity, price)): (u32, &(&str, u32, i64))| Line {
        line_id,
        sku: (*sku).into(),
        quantity: *quantity,
        price: *price,
        seller_id: None,
    };
    Input {
        context: Context { now: 0, config: String::new() },
        currency: "USD".into(),
        prices_include_tax: false,
        destination: Destination { country: "US".into(), region: None, city: None, zip: None },
        customer_id: None,
        discount_codes: codes.iter().map(|code| (*code).into()).collect(),
        lines: (1..).zip(lines).map(line).collect(),
    }
}

/// The discounts of the lines and of the order.
fn off(config: &str, input: &Input) -> (Vec<i64>, Vec<(String, i64)>) {
    let config = serde_json::from_str(config).expect("a test's configuration is valid");
    let answer = decide(&config, input);
    let lines = answer.lines.iter().map(|line| line.discount.amount).collect();
    (lines, answer.order.into_iter().map(|discount| (discount.name, discount.amount)).collect())
}

#[test]
fn nothing_is_taken_off_without_rules() {
    assert_eq!(off("{}", &basket(&[("A", 1, 1000)], &["SPRING"])), (vec![], vec![]));
}

#[test]
fn codes_count_once_each_and_only_from_their_value() {
    let rules = r#"{"codes": {"SPRING": {"percent": 10, "name": "Spring"}, "FIVE": {"amount": 500, "name": "Five", "from": 2000}}}"#;
    let named = |name: &str, amount| (name.to_owned(), amount);
    let all = off(rules, &basket(&[("A", 2, 999)], &["spring ", "Spring", "FIVE", "OTHER"]));
    assert_eq!(all, (vec![], vec![named("Spring", 199)]));
    let all = off(rules, &basket(&[("A", 2, 1000)], &["FIVE", "spring"]));
    assert_eq!(all, (vec![], vec![named("Five", 500), named("Spring", 200)]));
}

#[test]
fn the_best_rule_for_a_quantity_counts() {
    let rules = r#"{"quantities": [{"from": 5, "percent": 5}, {"from": 10, "percent": 8}, {"sku": "B", "from": 1, "amount": 7}]}"#;
    let (lines, order) = off(rules, &basket(&[("A", 4, 100), ("A", 5, 100), ("A", 10, 100), ("B", 3, 100)], &[]));
    assert_eq!((lines, order.len()), (vec![25, 80, 21], 0));
}

#[test]
fn never_more_is_taken_off_than_the_goods_cost() {
    let rules = r#"{"codes": {"A": {"percent": 80}, "B": {"amount": 900}}, "quantities": [{"percent": 50}], "orders": [{"percent": 100}]}"#;
    let (lines, order) = off(rules, &basket(&[("A", 1, 1000)], &["A", "B"]));
    assert_eq!(lines, [500]);
    assert_eq!(order.iter().map(|(_, amount)| amount).sum::<i64>(), 500);
}
