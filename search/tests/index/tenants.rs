//! No query, however made, reaches another tenant's orders.

use proptest::prelude::*;
use search::{OrderDocument, OrderKey, Query, SearchOptions};

use crate::{Fixture, generate, order};

#[test]
fn hostile_queries_stay_at_home() {
    let secret = OrderDocument {
        email: Some("ann@example.com".into()),
        titles: vec!["Secret mug".into()],
        skus: vec!["SKU-1".into()],
        external_id: Some("WEB-1".into()),
        ..order("ten_b", "ord_secret", 5)
    };
    // The same id and a tenant whose name continues the other's, with the bytes that terms are made of.
    let fixture = Fixture::with(vec![
        secret.clone(),
        OrderDocument { tenant: "ten_b\u{1f}x".into(), ..secret.clone() },
        order("ten_a", "ord_own", 1),
        order("ten_a", "ord_secret", 2),
    ]);
    let own = ["ord_own", "ord_secret"];
    for text in [
        "",
        "secret",
        "sec*",
        "mug",
        "ann@example.com",
        "@example.com",
        "sku:*",
        "sku:sk*",
        "email:*",
        "order:ord_secret",
        "order:\"ten_b\u{1f}ord_secret\"",
        "\u{1f}ord_secret",
        "ten_b",
        "external:\"ten_b\u{1f}web-1\"",
        "-mug",
        "-order:*",
        "-sku:*",
        "-status:placed",
        "total:>=0",
        "placed:<=9999",
        "\"secret mug\"",
        "tenant",
        "order:*,x",
        "status:..*",
        "status:\".*\"",
        "sku:.**",
        "sku:[^x]*",
        "(secret)",
        "secret|own",
        "ten_b\\x1fsku*",
        "customer:..*",
    ] {
        for hit in fixture.ids("ten_a", text) {
            assert!(own.contains(&hit.as_str()), "{text}");
        }
        let page = fixture.index.searcher().search("ten_a", &Query::parse(text).unwrap(), &SearchOptions::default());
        assert!(page.unwrap().hits.iter().all(|hit| hit.version == 1), "{text}");
    }
    assert_eq!(fixture.ids("ten_b", "secret"), ["ord_secret"]);
    for stranger in ["", "ten", "ten_", "TEN_B", "ten_b\u{1f}", "*", "ten_*"] {
        assert!(fixture.ids(stranger, "").is_empty(), "{stranger}");
    }
}

#[test]
fn one_tenants_removals_and_versions_are_its_own() {
    let fixture = Fixture::with(vec![order("ten_a", "ord_1", 1), order("ten_b", "ord_1", 1)]);
    fixture.add(vec![OrderDocument { version: 9, titles: vec!["mug".into()], ..order("ten_b", "ord_1", 1) }]);
    assert!(fixture.ids("ten_a", "mug").is_empty());
    let indexer = fixture.index.indexer();
    indexer.apply(Vec::new(), vec![OrderKey { tenant: "ten_b".into(), order_id: "ord_1".into() }], 9).unwrap();
    indexer.commit().unwrap();
    assert_eq!(fixture.ids("ten_a", ""), ["ord_1"]);
    assert!(fixture.ids("ten_b", "").is_empty());
}

proptest! {
    #![proptest_config(crate::cases(16))]

    #[test]
    fn a_tenant_alone_sees_the_same_as_among_others(
        orders in prop::collection::vec(generate::order(), 0..40),
        texts in prop::collection::vec(prop_oneof![generate::query(), any::<String>()], 30),
    ) {
        let shared = Fixture::with(orders.clone());
        let alone = Fixture::with(orders.into_iter().filter(|order| order.tenant == "ten_a").collect());
        for query in texts.iter().filter_map(|text| Query::parse(text).ok()) {
            let options = SearchOptions { limit: 200, ..SearchOptions::default() };
            let seen = shared.index.searcher().search("ten_a", &query, &options).unwrap();
            prop_assert_eq!(seen, alone.index.searcher().search("ten_a", &query, &options).unwrap(), "{}", query);
        }
    }
}
