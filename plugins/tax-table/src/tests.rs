use orderwright_sdk::tax::{Context, Destination, Line};

use super::*;

fn order(country: &str, region: Option<&str>, amounts: &[(i64, &str)], shipping: i64) -> Input {
    let line = |(index, (amount, class)): (usize, &(i64, &str))| Line {
        line_id: index as u32 + 1,
        sku: "A".into(),
        tax_code: Some((*class).into()),
        quantity: 1,
        amount: *amount,
    };
    Input {
        context: Context { now: 0, config: String::new() },
        currency: "USD".into(),
        prices_include_tax: false,
        destination: Destination { country: country.into(), region: region.map(Into::into), city: None, zip: None },
        exemption: None,
        lines: amounts.iter().enumerate().map(line).collect(),
        shipping,
    }
}

/// The taxes of the lines, and the tax of the shipping.
fn taxes(config: &str, input: &Input) -> (Vec<i64>, i64) {
    let config = serde_json::from_str(config).expect("a test's configuration is valid");
    let answer = decide(&config, input);
    (answer.lines.iter().map(|l| l.charge.amount).collect(), answer.shipping.amount)
}

#[test]
fn texas_taxes_goods_but_not_their_shipping() {
    let input = order("US", Some("TX"), &[(5998, "general")], 500);
    assert_eq!(taxes("{}", &input), (vec![495], 0));
    let answer = decide(&Config::default(), &input);
    assert_eq!((answer.lines[0].charge.rate_ppm, answer.lines[0].charge.name.as_str()), (82_500, "TX sales tax"));
}

#[test]
fn classes_have_their_own_rates() {
    let lines = [(10_000, "general"), (10_000, "food"), (10_000, "books"), (10_000, "exempt"), (10_000, "hats")];
    assert_eq!(taxes("{}", &order("DE", None, &lines, 500)), (vec![1900, 700, 700, 0, 1900], 95));
    assert_eq!(taxes("{}", &order("CA", Some("qc"), &lines, 500)), (vec![1498, 0, 500, 0, 1498], 75));
}

#[test]
fn a_price_with_tax_contains_less_than_the_rate() {
    let input = Input { prices_include_tax: true, ..order("DE", None, &[(11_900, "general")], 119) };
    assert_eq!(taxes("{}", &input), (vec![1900], 19));
}

#[test]
fn halves_go_up() {
    assert_eq!(rate::tax(10, 50_000, false), 1);
    assert_eq!(rate::tax(9, 50_000, false), 0);
    assert_eq!(rate::tax(i64::MAX, 1_000_000, false), i64::MAX);
    assert_eq!(rate::tax(-5, 500_000, true), 0);
}

#[test]
fn an_exempt_customer_and_an_unknown_place_pay_nothing() {
    let exempt = Input { exemption: Some("EX-1".into()), ..order("DE", None, &[(100, "general")], 100) };
    assert_eq!(taxes("{}", &exempt), (vec![0], 0));
    assert_eq!(taxes("{}", &order("US", None, &[(100, "general")], 100)), (vec![0], 0));
    assert_eq!(taxes("{}", &order("AQ", None, &[(100, "general")], 100)), (vec![0], 0));
}

#[test]
fn the_merchant_knows_better() {
    let input = order("US", Some("TX"), &[(10_000, "general")], 1000);
    let own = r#"{"rates": {"US-TX": {"general": 6.25, "shipping": true}}}"#;
    assert_eq!(taxes(own, &input), (vec![625], 63));
    assert_eq!(taxes(r#"{"collect_in": ["US-CA", "DE"]}"#, &input), (vec![0], 0));
    assert_eq!(taxes(r#"{"collect_in": ["us"]}"#, &input), (vec![825], 0));
}

#[test]
fn percentages_are_read_exactly_or_refused() {
    for (text, ppm) in [
        ("8.25", Some(82_500)),
        ("0", Some(0)),
        ("14.975", Some(149_750)),
        ("190000", None),
        ("-1", None),
        ("1.00001", None),
    ] {
        assert_eq!(rate::percent(text), ppm, "{text}");
    }
    assert!(serde_json::from_str::<Config>(r#"{"rates": {"DE": {"general": "x"}}}"#).is_err());
    assert!(serde_json::from_str::<Config>(r#"{"rats": {}}"#).is_err());
}

#[test]
fn the_first_and_last_rows_are_found() {
    let lines = [(100, "general")];
    for country in ["AT", "SK", "GB", "JP", "NZ", "CH", "NO"] {
        assert!(taxes("{}", &order(country, None, &lines, 0)).0[0] > 0, "{country}");
    }
}
