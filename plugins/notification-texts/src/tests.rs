use orderwright_sdk::notification::{Context, Event, Line, Order};

use super::*;

fn input(event: &str, reason: Option<&str>) -> Input {
    let line = Line { line_id: 1, sku: "MUG".into(), title: Some("Blue mug".into()), quantity: 2 };
    Input {
        context: Context { now: 0, config: String::new() },
        event: Event { name: event.into(), at: 0, version: 1, reason: reason.map(Into::into) },
        order: Order {
            order_id: "ord_1".into(),
            external_id: None,
            status: "placed".into(),
            currency: "USD".into(),
            total: 6_905,
            country: "US".into(),
            estimated_delivery: None,
            lines: vec![line],
            shipments: vec![],
        },
    }
}

fn message(config: &str, input: &Input) -> Option<Message> {
    decide(&serde_json::from_str(config).expect("a test's configuration is valid"), input)
}

#[test]
fn the_usual_text_is_filled_in_but_for_the_name() {
    let message = message(r#"{"shop": "Mugs"}"#, &input("order.placed", None)).expect("an order is confirmed");
    assert_eq!(message.channel, "email");
    assert!(matches!(message.to, Recipient::Customer));
    assert_eq!(message.subject.as_deref(), Some("Your order ord_1"));
    assert_eq!(
        message.text,
        "Dear {{name}},\n\nthank you for your order ord_1 at Mugs:\n2 x Blue mug\n\nTotal: 69.05 USD\n"
    );
}

#[test]
fn a_merchants_text_goes_before_the_usual_and_null_before_both() {
    let config = r#"{"texts": {"order.placed": null,
        "order.hold_placed": {"to": "ops@example.com", "channel": "sms", "text": "{order}: {reason} {odd} {"}}}"#;
    assert!(message(config, &input("order.placed", None)).is_none());
    assert!(message(config, &input("order.unheard_of", None)).is_none());
    let held = message(config, &input("order.hold_placed", Some("risk"))).expect("it is configured");
    assert_eq!((held.channel.as_str(), held.text.as_str()), ("sms", "ord_1: risk {odd} {"));
    assert!(matches!(held.to, Recipient::Address(address) if address == "ops@example.com"));
}

#[test]
fn amounts_have_their_currencys_digits() {
    assert_eq!(
        (amount(5, "USD"), amount(1999, "JPY"), amount(1005, "KWD")),
        ("0.05 USD".into(), "1999 JPY".into(), "1.005 KWD".into())
    );
}
