use serde_json::{Value, json};

use super::*;
use crate::import::sheet;

const HEAD: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";
/// Rows of the real file, one kind of invoice after another; see the note beside it.
const EXCERPT: &[u8] = include_bytes!("../../../../../tests/e2e/data/online-retail-excerpt.csv");

fn mapped(rows: &str) -> Mapped {
    map(&sheet::read(format!("{HEAD}{rows}").as_bytes()).unwrap())
}

fn refusal(row: &str) -> (Kind, String) {
    let mut mapped = mapped(row);
    assert!(mapped.orders.is_empty());
    let refused = mapped.refused.remove(0);
    (refused.kind, refused.reason)
}

fn sum(mapped: &Mapped) -> i64 {
    mapped.orders.iter().map(|order| order.total_minor).sum()
}

#[test]
fn an_invoice_becomes_a_request() {
    let rows = "536365,85123A,WHITE HEART,6,2010-12-01 08:26:00,2.55,17850.0,EIRE\n\
                536365,71053,,1,2010-12-01 08:26:00,0.0,17850.0,EIRE\n\
                536365,85123A,WHITE HEART,2,2010-12-01 08:26:00,2.5,17850.0,EIRE\n";
    let mapped = mapped(rows);
    let order = &mapped.orders[0];
    let body: Value = serde_json::from_str(&order.body).unwrap();
    let expected = json!({
        "external_id": "536365", "currency": "GBP", "prices_include_tax": true, "shipping_cost": 0,
        "payment_method_id": "pm_ok", "customer": {"id": "17850"}, "shipping_address": {"country": "IE"},
        "items": [
            {"sku_id": "85123A", "quantity": 6, "price": 2.55, "title": "WHITE HEART"},
            {"sku_id": "71053", "quantity": 1, "price": 0.00},
            {"sku_id": "85123A", "quantity": 2, "price": 2.50, "title": "WHITE HEART"},
        ],
        "metadata": {"source": "online-retail", "invoice_date": "2010-12-01 08:26:00"},
    });
    assert_eq!(body, expected);
    assert!(order.body.contains(r#""price":2.50"#), "a price has the currency's digits: {}", order.body);
    assert_eq!(order.total_minor, 2_030);
    assert_eq!(order.units, BTreeMap::from([("71053".to_owned(), 1), ("85123A".to_owned(), 8)]));
}

#[test]
fn an_unnamed_customer_is_left_out() {
    let mapped = mapped("1,A,,1,d,1,,France\n");
    let body: Value = serde_json::from_str(&mapped.orders[0].body).unwrap();
    assert!(body.get("customer").is_none());
}

#[test]
fn stock_codes_that_differ_in_case_are_two_skus() {
    let mapped = mapped("1,85123A,,1,d,1,,France\n1,85123a,,1,d,1,,France\n");
    assert_eq!(mapped.orders[0].units.len(), 2);
}

#[test]
fn what_is_no_sale_is_refused_with_its_line() {
    assert_eq!(refusal("1,A,,-3,d,0.0,,France\n"), (Kind::StockAdjustment, "line 2: quantity -3".into()));
    assert_eq!(refusal("1,A,,3,d,-1.00,,France\n"), (Kind::StockAdjustment, "line 2: price -1.00".into()));
    assert_eq!(refusal("1,A,,1,d,1,,Channel Islands\n").0, Kind::UnknownCountry);
    assert_eq!(refusal("1,A,,1,d,0.001,,France\n").0, Kind::TooPrecise);
    for invalid in ["1,A,,0,d,1,,France\n", "1,A,,x,d,1,,France\n", "1,A,,1,d,x,,France\n", "1,,,1,d,1,,France\n"] {
        assert_eq!(refusal(invalid).0, Kind::Invalid, "{invalid}");
    }
    assert_eq!(refusal(&"1,A,,1,d,1,,France\n".repeat(1001)).0, Kind::Invalid);
    assert_eq!(mapped(&"1,A,,1,d,1,,France\n".repeat(1000)).orders.len(), 1);
}

#[test]
fn one_bad_line_refuses_the_whole_invoice() {
    let mapped = mapped("1,A,,1,d,1,,France\n1,B,,-1,d,1,,France\n2,A,,1,d,1,,France\n");
    assert_eq!((mapped.orders.len(), mapped.refused.len()), (1, 1));
    assert_eq!(mapped.refused[0].reason, "line 3: quantity -1");
}

#[test]
fn a_cancellation_is_listed_and_not_placed() {
    let mapped = mapped("C536379,D,Discount,-1,d,27.5,14527.0,United Kingdom\n");
    assert_eq!((mapped.cancellations.as_slice(), mapped.orders.len()), (["C536379".to_owned()].as_slice(), 0));
}

#[test]
fn the_excerpt_is_judged_as_the_file_is() {
    let sheet = sheet::read(EXCERPT).unwrap();
    let mapped = map(&sheet);
    let zero = mapped.orders.iter().filter(|order| order.total_minor == 0).count();
    let counts = (sheet.lines, sheet.invoices.len(), mapped.orders.len(), mapped.refused.len(), zero);
    assert_eq!(counts, (242, 31, 24, 4, 3));
    assert_eq!((mapped.cancellations.len(), sum(&mapped)), (3, 659_906));
}

/// The whole file is not in the repository: `ONLINE_RETAIL_CSV` names it.
#[test]
fn the_whole_file_gives_the_known_figures() {
    let Some(path) = std::env::var_os("ONLINE_RETAIL_CSV") else { return };
    let sheet = sheet::read(std::fs::File::open(path).unwrap()).unwrap();
    let mapped = map(&sheet);
    let zero = mapped.orders.iter().filter(|order| order.total_minor == 0).count();
    assert_eq!((sheet.lines, sheet.invoices.len(), mapped.cancellations.len()), (10_000, 512, 43));
    assert_eq!((mapped.orders.len(), mapped.refused.len(), zero), (439, 30, 15));
    assert!(mapped.refused.iter().all(|refused| refused.kind == Kind::StockAdjustment));
    assert_eq!(sum(&mapped), 18_424_833);
}
