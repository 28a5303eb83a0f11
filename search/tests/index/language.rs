//! What people type, and what they expect to find.

use search::query::Amount;
use search::{Error, OrderDocument, Query, SearchOptions, Sort};

use crate::{Fixture, order};

/// 2026-03-14T15:09:26Z.
const PI_DAY: i64 = 1_773_500_966_000_000;

fn fixture() -> Fixture {
    let ann = OrderDocument {
        status: "shipped".into(),
        payment_status: "captured".into(),
        customer_id: Some("c-17".into()),
        external_id: Some("WEB-10001".into()),
        currency: "USD".into(),
        total: Amount::from_minor(12_999, 2),
        skus: vec!["SKU-123".into(), "TEA/7".into()],
        titles: vec!["Blue mug, large".into(), "Thé vert".into()],
        country: "DE".into(),
        city: Some("Köln".into()),
        zip: Some("50667".into()),
        customer_name: Some("Ann Lee".into()),
        email: Some("Ann.Lee@Example.com".into()),
        phone: Some("+49 (221) 123-456".into()),
        shipping_name: Some("Zoë O'Brien".into()),
        shipping_street: Some("Große Straße 1".into()),
        warehouses: vec!["WH-CGN".into()],
        ..order("ten_a", "ord_01ann", PI_DAY)
    };
    let bob = OrderDocument {
        currency: "JPY".into(),
        total: Amount::from_minor(2_999, 0),
        titles: vec!["Mugwort".into(), "A gift".into()],
        country: "JP".into(),
        customer_name: Some("Bob Annan".into()),
        holds: vec!["risk review".into()],
        ..order("ten_a", "ord_02bob", PI_DAY + 86_400_000_000)
    };
    Fixture::with(vec![ann, bob])
}

#[test]
fn one_query_at_a_time() {
    let fixture = fixture();
    let (ann, bob): (&[&str], &[&str]) = (&["ord_01ann"], &["ord_02bob"]);
    let (both, none): (&[&str], &[&str]) = (&["ord_02bob", "ord_01ann"], &[]);
    for (text, expected) in [
        ("", both),
        ("mug", both),
        ("\"mug\"", ann),
        ("mugw", bob),
        ("mu", none),
        ("mu*", both),
        ("ann", both),
        ("ann mug -gift", ann),
        ("blue mug", ann),
        ("\"mug blue\"", none),
        ("\"blue mug large\"", ann),
        ("\"large the\"", none),
        ("the VERT", ann),
        ("zoe o'brien", ann),
        ("koln", ann),
        ("KÖLN", ann),
        ("\"grosse strasse\"", ann),
        ("ann.lee@example.com", ann),
        ("@example.com", ann),
        ("+49221123456", ann),
        ("49-221-123456", ann),
        ("web-10001", ann),
        ("10001", ann),
        ("1000", none),
        ("tea/7", ann),
        ("c-17", ann),
        ("ORD_01ANN", ann),
        ("status:shipped,delivered", ann),
        ("-status:shipped", bob),
        ("sku:sku-123", ann),
        ("sku:tea*", ann),
        ("sku:SKU", none),
        ("placed:2026", both),
        ("placed:2026-03-14", ann),
        ("placed:>2026-03-14", bob),
        ("placed:2026-03-13..2026-03-14", ann),
        ("total:129.99", ann),
        ("total:>129.99", bob),
        ("total:100..3000", both),
        ("total:<1", none),
        ("currency:jpy total:2999", bob),
        ("country:de,jp", both),
        ("customer:c-17", ann),
        ("customer:\"ann lee\"", ann),
        ("customer:ann", ann),
        ("customer:annan", bob),
        ("customer:ann*", both),
        ("external:WEB-10001", ann),
        ("external:*", ann),
        ("-external_id:*", bob),
        ("order:ord_02bob", bob),
        ("warehouse:wh-cgn", ann),
        ("email:Ann.Lee@example.com", ann),
        ("email:@example.com", ann),
        ("payment:captured", ann),
        ("hold:\"risk review\"", bob),
        ("hold:*", bob),
        ("-hold:*", ann),
    ] {
        assert_eq!(fixture.ids("ten_a", text), expected, "{text}");
    }
}

#[test]
fn the_best_match_comes_first() {
    let titled = |id: &str, title: &str| OrderDocument { titles: vec![title.into()], ..order("ten_a", id, 0) };
    let fixture = Fixture::with(vec![
        titled("ord_3", "mugwort"),
        titled("ord_2", "mug"),
        OrderDocument { skus: vec!["MUG".into()], ..order("ten_a", "ord_1", 0) },
        titled("ord_4", "smug"),
    ]);
    let options = SearchOptions { sort: Sort::Relevance, ..SearchOptions::default() };
    let page = fixture.index.searcher().search("ten_a", &Query::parse("mug").unwrap(), &options).unwrap();
    assert_eq!(page.hits.iter().map(|hit| hit.order_id.as_str()).collect::<Vec<_>>(), ["ord_1", "ord_2", "ord_3"]);
}

#[test]
fn filters_beside_the_query_hold_too() {
    let fixture = fixture();
    let search = |options: SearchOptions| {
        let page = fixture.index.searcher().search("ten_a", &Query::parse("mug").unwrap(), &options).unwrap();
        page.hits.into_iter().map(|hit| hit.order_id).collect::<Vec<_>>()
    };
    let statuses = vec!["shipped".to_owned(), "cancelled".to_owned()];
    assert_eq!(search(SearchOptions { statuses, ..SearchOptions::default() }), ["ord_01ann"]);
    assert_eq!(search(SearchOptions { from: Some(PI_DAY + 1), ..SearchOptions::default() }), ["ord_02bob"]);
    assert_eq!(
        search(SearchOptions { from: Some(PI_DAY), to: Some(PI_DAY + 1), ..SearchOptions::default() }),
        ["ord_01ann"]
    );
    assert!(search(SearchOptions { to: Some(PI_DAY), ..SearchOptions::default() }).is_empty());
}

#[test]
fn a_beginning_with_too_many_ends_is_refused_instead_of_cut() {
    // Each order has 1,000 SKUs of its own, 100,000 in all, which is the bound.
    let full = |n: u32| OrderDocument {
        skus: (0..1_000).map(|sku| format!("W{n:03}{sku:03}")).collect(),
        ..order("ten_a", &format!("ord_{n:03}"), i64::from(n))
    };
    let fixture = Fixture::with((0..100).map(full).collect());
    let search = |tenant: &str, text: &str| {
        let options = SearchOptions { limit: 1, ..SearchOptions::default() };
        fixture.index.searcher().search(tenant, &Query::parse(text).unwrap(), &options).map(|page| page.total)
    };
    assert_eq!(search("ten_a", "sku:W0*").unwrap(), 100);
    assert_eq!(search("ten_a", "W0000").unwrap(), 1);
    assert!(matches!(search("ten_a", "sku:W0* sku:W00*"), Err(Error::TooBroad { prefix }) if prefix == "w00"));
    fixture.add(vec![OrderDocument { skus: vec!["W0".into()], ..order("ten_a", "ord_more", 0) }]);
    assert!(matches!(search("ten_a", "sku:W0*"), Err(Error::TooBroad { prefix }) if prefix == "w0"));
    assert!(matches!(search("ten_a", "-w0*"), Err(Error::TooBroad { .. })));
    assert_eq!(search("ten_a", "\"w0\"").unwrap(), 1);
    assert_eq!(search("ten_a", "sku:W05*").unwrap(), 10);
    assert_eq!(search("ten_b", "sku:W0*").unwrap(), 0);
}
