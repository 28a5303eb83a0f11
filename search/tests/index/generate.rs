//! Random orders and queries from a small stock of words, so that most queries find something and miss something.

use proptest::prelude::*;
use proptest::sample::select;
use search::query::Amount;
use search::{OrderDocument, SearchOptions, Sort};

pub(crate) const TENANTS: [&str; 2] = ["ten_a", "ten_b"];

const DAY: i64 = 86_400_000_000;
/// 2026-01-01.
const YEAR_START: i64 = 1_767_225_600_000_000;
const STATUSES: [&str; 3] = ["placed", "shipped", "payment_failed"];
const TITLES: [&str; 8] =
    ["Blue mug", "Mugs & more", "Café au lait", "cafe\u{301} noir", "東京 mug", "iPhone 15", "Gift-card, blue", "MUG"];
const SKUS: [&str; 6] = ["SKU-123", "sku-124", "MUG.BLUE", "***", "A B", "é*"];
const NAMES: [&str; 5] = ["Ann Lee", "Anna Grüße", "O'Brien", "Lee, Ann", "Bjørn"];
const EMAILS: [&str; 3] = ["Ann@Example.com", "anna@shop.example", "no-at-sign"];
const EXTERNALS: [&str; 4] = ["WEB-10001", "WEB-10002", "10001", "a,b"];
const CUSTOMERS: [&str; 3] = ["c-17", "c-170", "Ann"];
const PHONES: [&str; 3] = ["+1 (555) 01-00", "15550100", "call me"];
const PLACES: [&str; 4] = ["Austin", "1 Main St", "Straße 5b", "78701"];
const HOLDS: [&str; 3] = ["risk review", "Address  Check", "fraud"];

fn text(from: &'static [&'static str]) -> impl Strategy<Value = String> {
    select(from).prop_map(str::to_owned)
}

fn maybe(from: &'static [&'static str]) -> impl Strategy<Value = Option<String>> {
    prop::option::of(text(from))
}

fn some(from: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(text(from), 0..3)
}

/// A placement time, often exactly at a day's beginning or its last moment.
fn time() -> impl Strategy<Value = i64> {
    (0..500_i64, select(vec![0, 1, DAY / 2, DAY - 1])).prop_map(|(day, rest)| YEAR_START - 100 * DAY + day * DAY + rest)
}

fn total() -> impl Strategy<Value = Amount> {
    select(vec![0, 1, 99_999, 100_000, 100_001, 299_900, 1_000_000, i64::MAX]).prop_map(Amount::from_scaled)
}

pub(crate) fn order() -> impl Strategy<Value = OrderDocument> {
    let identity = (select(&TENANTS[..]), 0..30_u32, 1..4_u64, text(&STATUSES), text(&["pending", "captured"]));
    let sums = (time(), text(&["USD", "JPY", ""]), total(), text(&["DE", "US", "us"]));
    let lines = (some(&SKUS), some(&TITLES), some(&["WH-NYC", "WH-LAX"]), some(&HOLDS));
    let people = (maybe(&CUSTOMERS), maybe(&EXTERNALS), maybe(&NAMES), maybe(&EMAILS), maybe(&PHONES));
    let address = (maybe(&PLACES), maybe(&PLACES), maybe(&NAMES), maybe(&PLACES));
    (identity, sums, lines, people, address).prop_map(|(identity, sums, lines, people, address)| OrderDocument {
        tenant: identity.0.to_owned(),
        order_id: format!("ord_{:02}", identity.1),
        version: identity.2,
        status: identity.3,
        payment_status: identity.4,
        placed_at: sums.0,
        currency: sums.1,
        total: sums.2,
        country: sums.3,
        skus: lines.0,
        titles: lines.1,
        warehouses: lines.2,
        holds: lines.3,
        customer_id: people.0,
        external_id: people.1,
        customer_name: people.2,
        email: people.3,
        phone: people.4,
        city: address.0,
        zip: address.1,
        shipping_name: address.2,
        shipping_street: address.3,
    })
}

/// A clause that parses.
fn clause() -> impl Strategy<Value = String> {
    let word = select(vec![
        "mug",
        "mu",
        "mu*",
        "mugs",
        "blue",
        "CAFÉ",
        "caf",
        "ann",
        "lee",
        "gruss",
        "bjorn",
        "o'brien",
        "東京",
        "京",
        "iph",
        "15",
        "1000",
        "10001",
        "web",
        "WEB-10001",
        "sku-123",
        "SKU",
        "ann@example.com",
        "@example.com",
        "example",
        "c-17",
        "ord_07",
        "ORD_08",
        "15550100",
        "+1-555-0100",
        "78701",
        "straße",
        "gift-card",
        "main",
        "review",
        "nothing",
    ]);
    let phrase = select(vec![
        "\"blue mug\"",
        "\"mug blue\"",
        "\"ann lee\"",
        "\"lee ann\"",
        "\"au lait\"",
        "\"***\"",
        "\"a b\"",
        "\"web-10002\"",
        "\"example com\"",
        "\"mug\"",
        "\"mu\"",
    ]);
    let keyword = select(vec![
        "status:shipped",
        "status:SHIPPED,payment_failed",
        "status:ship*",
        "sku:SKU-123",
        "sku:sku*",
        "sku:\"A B\",mug.blue",
        "sku:\"é*\"",
        "sku:*",
        "country:de",
        "country:us,fr",
        "customer:c-17",
        "customer:c-*",
        "customer:ann",
        "customer:\"ann lee\"",
        "customer:gr*",
        "customer:*",
        "external:web-10001",
        "external_id:web*",
        "external:\"a,b\"",
        "external:*",
        "order:ord_03,ord_04",
        "order:*",
        "order:ORD_05",
        "warehouse:wh-nyc",
        "warehouse:wh*",
        "currency:usd",
        "currency:*",
        "email:ann@example.com",
        "email:@shop.example",
        "email:an*",
        "email:*",
        "payment:captured",
        "hold:fraud",
        "hold:\"address check\"",
        "hold:*",
        "hold:ri*",
    ]);
    let span = select(vec![
        "placed:2026",
        "placed:2026-03",
        "placed:2026-03-14",
        "placed:2025-12..2026-02",
        "placed:>=2026-03-01",
        "placed:>2026-03",
        "placed:<2026",
        "placed:<=2025-12-31",
        "placed:2025,2026-02",
        "placed:2026-04..",
        "total:>10",
        "total:>=10",
        "total:=10",
        "total:<10",
        "total:<=10",
        "total:9.9999..10.0001",
        "total:29.99",
        "total:0,>100",
        "total:..29.99",
        "total:922337203685477.5807",
    ]);
    let positive = prop_oneof![3 => word, 1 => phrase, 3 => keyword, 2 => span];
    (prop::bool::weighted(0.25), positive)
        .prop_map(|(negated, text)| format!("{}{text}", if negated { "-" } else { "" }))
}

pub(crate) fn query() -> impl Strategy<Value = String> {
    prop::collection::vec(clause(), 0..4).prop_map(|clauses| clauses.join(" "))
}

pub(crate) fn options() -> impl Strategy<Value = SearchOptions> {
    let statuses = prop_oneof![4 => Just(Vec::new()), 1 => prop::collection::vec(text(&STATUSES), 1..3)];
    let bound = || prop_oneof![4 => Just(None), 1 => time().prop_map(Some)];
    (statuses, bound(), bound(), select(&Sort::ALL[..]), 1..20_usize)
        .prop_map(|(statuses, from, to, sort, limit)| SearchOptions { statuses, from, to, sort, limit, cursor: None })
}
