use bytes::Bytes;
use proptest::prelude::*;

use super::*;

/// The example of the contract.
pub const EXAMPLE: &str = r#"{ "items": [ {"sku_id": "SKU-123", "quantity": 2, "price": 29.99, "title": "Blue mug", "seller_id": "s1", "tax_code": "general"} ],
  "currency": "USD", "prices_include_tax": false, "discount_codes": ["SPRING"],
  "customer": {"id": "c-17", "name": "Ann Lee", "email": "ann@example.com", "phone": "+15550100"},
  "shipping_address": {"name": "Ann Lee", "street": "1 Main St", "city": "Austin", "region": "TX", "zip": "78701", "country": "US"},
  "billing_address": {"country": "US"}, "tax_exemption": null, "quote_id": null, "shipping_cost": null,
  "payment_method_id": "pm_ok", "delivery_preference": "standard", "requested_delivery_date": null,
  "external_id": "WEB-10001", "metadata": {"channel": "web"} }"#;

fn parse(text: &str) -> Result<Request, Problem> {
    read(&Document::parse(Bytes::copy_from_slice(text.as_bytes()))?, "EUR".parse().unwrap())
}

fn pointers(text: &str) -> Vec<String> {
    let document = parse(text).unwrap_err().document("r");
    document["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_example_of_the_contract_is_read() {
    let request = parse(EXAMPLE).unwrap();
    assert_eq!(request.items[0].price, 2999);
    assert_eq!(request.currency.code(), "USD");
    assert_eq!(request.personal.email.as_deref(), Some("ann@example.com"));
    assert_eq!(request.personal.shipping.street.as_deref(), Some("1 Main St"));
    assert_eq!(request.destination.zip.as_deref(), Some("78701"));
    assert_eq!(request.billing.unwrap().country, "US");
    assert_eq!(request.shipping_cost, None);
    assert_eq!(request.metadata.as_deref(), Some(r#"{"channel":"web"}"#));
}

#[test]
fn the_least_that_is_required() {
    let least = r#"{"items":[{"sku_id":"A","quantity":1,"price":"0"}],"shipping_address":{"country":"DE"},"payment_method_id":"pm"}"#;
    let request = parse(least).unwrap();
    assert_eq!(request.currency.code(), "EUR");
    assert!(!request.prices_include_tax);
    assert_eq!(pointers("{}"), ["/items", "/shipping_address", "/payment_method_id"]);
    assert_eq!(
        pointers(r#"{"items":[],"shipping_address":{},"payment_method_id":""}"#),
        ["/items", "/shipping_address/country", "/payment_method_id"]
    );
}

#[test]
fn each_fault_has_its_pointer() {
    let cases = [
        (r#""quantity": 2"#, r#""quantity": 0"#, "/items/0/quantity"),
        (r#""quantity": 2"#, r#""quantity": 1000001"#, "/items/0/quantity"),
        ("29.99", "29.999", "/items/0/price"),
        ("29.99", "-1", "/items/0/price"),
        ("29.99", "1e400", "/items/0/price"),
        (r#""SKU-123""#, r#""""#, "/items/0/sku_id"),
        (r#""SKU-123""#, r#""a\u0000""#, "/items/0/sku_id"),
        (r#""tax_code""#, r#""tax_cod""#, "/items/0/tax_cod"),
        (r#""USD""#, r#""usd""#, "/currency"),
        (r#""prices_include_tax": false"#, r#""prices_include_tax": "no""#, "/prices_include_tax"),
        (r#"["SPRING"]"#, r#"[5]"#, "/discount_codes/0"),
        ("ann@example.com", "ann", "/customer/email"),
        (r#""country": "US"},"#, r#""country": "XX"},"#, "/shipping_address/country"),
        (r#"{"country": "US"}, "tax"#, r#"{}, "tax"#, "/billing_address/country"),
        (r#""shipping_cost": null"#, r#""shipping_cost": -1"#, "/shipping_cost"),
        (
            r#""requested_delivery_date": null"#,
            r#""requested_delivery_date": "2026-02-30""#,
            "/requested_delivery_date",
        ),
        (r#"{"channel": "web"}"#, r#"[1]"#, "/metadata"),
        (r#""external_id""#, r#""externalId""#, "/externalId"),
    ];
    for (good, bad, pointer) in cases {
        let text = EXAMPLE.replacen(good, bad, 1);
        assert_ne!(text, EXAMPLE, "{good}");
        assert_eq!(pointers(&text), [pointer], "{bad}");
    }
}

#[test]
fn a_quote_is_not_found_yet() {
    let problem = parse(&EXAMPLE.replace(r#""quote_id": null"#, r#""quote_id": "quo_1""#)).unwrap_err();
    assert_eq!(problem.code(), Code::QuoteNotFound);
    assert_eq!(problem.document("r")["errors"][0]["pointer"], "/quote_id");
}

#[test]
fn a_thousand_lines_are_the_most() {
    let line = r#"{"sku_id":"A","quantity":1,"price":1}"#;
    let order = |lines: usize| {
        let lines = vec![line; lines].join(",");
        format!(r#"{{"items":[{lines}],"shipping_address":{{"country":"DE"}},"payment_method_id":"pm"}}"#)
    };
    assert_eq!(parse(&order(1000)).unwrap().items.len(), 1000);
    assert_eq!(pointers(&order(1001)), ["/items"]);
}

proptest! {
    #[test]
    fn a_damaged_order_never_panics(at in 0..EXAMPLE.len(), byte in prop::sample::select(br#"{}[]",:0-9e.\ntu"#.to_vec()), cut in 0..EXAMPLE.len()) {
        let mut damaged = EXAMPLE.as_bytes().to_vec();
        damaged[at] = byte;
        for text in [&damaged[..], &damaged[..cut]] {
            if let Ok(document) = Document::parse(Bytes::copy_from_slice(text)) {
                let _ = read(&document, "EUR".parse().unwrap());
            }
        }
    }
}
