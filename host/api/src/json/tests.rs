//! Bodies that are right, wrong, hostile and random.

use domain::money::Currency;
use proptest::prelude::*;

use super::*;

fn usd() -> Currency {
    "USD".parse().unwrap()
}

fn document(text: impl Into<Vec<u8>>) -> Result<Document, Problem> {
    Document::parse(Bytes::from(text.into()))
}

#[derive(Debug, PartialEq)]
struct Sample {
    count: i64,
    price: i64,
    note: Option<String>,
    tags: Vec<String>,
}

fn sample(body: &Document) -> Result<Sample, Problem> {
    body.read(|o| {
        let count = o.required("count", |v| v.integer(1..=10));
        let price = o.required("price", |v| v.money(usd()));
        let note = o.optional("note", |v| v.text(5));
        let tags = o.optional("tags", |v| v.array(0..=2, |v| v.text(3)));
        Some(Sample { count: count?, price: price?, note, tags: tags.unwrap_or_default() })
    })
}

fn faults(text: &str) -> Vec<(String, String)> {
    let problem = sample(&document(text).unwrap()).unwrap_err();
    let document = problem.document("r");
    assert_eq!(document["code"], "invalid_request", "{text}");
    let texts =
        |e: &serde_json::Value| (e["pointer"].as_str().unwrap().to_owned(), e["detail"].as_str().unwrap().to_owned());
    document["errors"].as_array().unwrap().iter().map(texts).collect()
}

fn pointers(text: &str) -> Vec<String> {
    faults(text).into_iter().map(|(pointer, _)| pointer).collect()
}

#[test]
fn a_good_body_is_read_exactly() {
    let body = document(r#" {"count": 5.0, "price": "29.99", "note": null, "tags": ["a"]} "#).unwrap();
    let read = sample(&body).unwrap();
    assert_eq!(read, Sample { count: 5, price: 2999, note: None, tags: vec!["a".into()] });
    assert_eq!(sample(&document(r#"{"count":1e1,"price":0.10}"#).unwrap()).unwrap().price, 10);
}

#[test]
fn every_fault_is_named_at_once() {
    let text = r#"{"count": 0, "price": 1.999, "note": "too long", "tags": ["a", 1, "c"], "a/b~c": 1, "count": 2}"#;
    assert_eq!(pointers(text), ["/count", "/price", "/note", "/tags/1", "/tags", "/a~1b~0c", "/count"]);
    assert_eq!(faults("{}"), [("/count", "is required"), ("/price", "is required")].map(|(p, d)| (p.into(), d.into())));
    let unknown = faults(r#"{"count":1,"price":1,"quantity":2}"#);
    assert_eq!(unknown, [("/quantity".to_owned(), "is unknown; known are count, price, note, tags".to_owned())]);
}

#[test]
fn wrong_types_are_faults() {
    for text in ["[]", "5", "null", "\"a\"", "[[[[[[[[]]]]]]]]"] {
        assert_eq!(faults(text), [(String::new(), "must be an object".to_owned())], "{text}");
    }
    for count in ["5.5", "1e400", "1e-400", "-1", "11", "\"5\"", "true", "[5]", "{}", "1e99999999999999999999"] {
        assert_eq!(pointers(&format!(r#"{{"count":{count},"price":1}}"#)), ["/count"], "{count}");
    }
    for price in ["1e400", "-1", "true", "\"1,5\"", "\"\"", "0.001", "99999999999999999999", "1e-99999999999999999999"]
    {
        assert_eq!(pointers(&format!(r#"{{"count":1,"price":{price}}}"#)), ["/price"], "{price}");
    }
    for note in [r#""\u0000""#, r#""a\nb""#, r#""\ud800""#, "\"\"", "5"] {
        assert_eq!(pointers(&format!(r#"{{"count":1,"price":1,"note":{note}}}"#)), ["/note"], "{note}");
    }
    assert_eq!(pointers(r#"{"\ud800":1}"#), [""]);
}

#[test]
fn a_body_that_is_not_json_says_where() {
    for bad in [
        &b"{\n \"a\": }"[..],
        b"",
        b"{",
        b"{\"a\":1}x",
        b"\xff",
        b"{\"a\":\"\xc3\x28\"}",
        b"{'a':1}",
        b"\xef\xbb\xbf{}",
        b"[1,]",
        b"\"\x01\"",
    ] {
        let problem = document(bad).unwrap_err();
        assert_eq!(problem.code(), Code::MalformedJson);
        assert!(problem.document("r")["line"].is_u64(), "{bad:?}");
    }
    assert_eq!(document("{\n \"a\": }").unwrap_err().document("r")["line"], 2);
}

#[test]
fn hostile_sizes_are_bounded() {
    let deep = "[".repeat(500_000);
    assert_eq!(document(deep.clone()).unwrap_err().code(), Code::MalformedJson);
    let closed = document(format!("{deep}{}", "]".repeat(500_000))).unwrap();
    assert_eq!(sample(&closed).unwrap_err().code(), Code::InvalidRequest);
    assert_eq!(closed.canonical().unwrap_err().code(), Code::InvalidRequest);
    let wide: Vec<String> = (0..100_000).map(|i| format!("\"f{i}\":0")).collect();
    let problem = sample(&document(format!("{{{}}}", wide.join(","))).unwrap()).unwrap_err();
    assert_eq!(problem.document("r")["errors"].as_array().unwrap().len(), FAULTS_MAX);
    let long = format!(r#"{{"count":1,"price":1,"tags":[{}1]}}"#, "1,".repeat(100_000));
    assert_eq!(pointers(&long), ["/tags/0", "/tags/1", "/tags"]);
}

#[test]
fn metadata_is_any_bounded_object() {
    let read = |text: &str| document(text).unwrap().read(|o| o.required("m", |v| v.metadata()));
    assert_eq!(read(r#"{"m": {"b": [1.50, null], "a": "ü\n"} }"#).unwrap(), r#"{"b":[1.50,null],"a":"ü\n"}"#);
    let nested = |levels: usize| format!(r#"{{"m":{}1{}}}"#, r#"{"a":"#.repeat(levels), "}".repeat(levels));
    assert!(read(&nested(16)).is_ok());
    assert!(read(&nested(17)).is_err());
    assert!(read(&nested(10_000)).is_err());
    assert!(read(r#"{"m": {"a": 1, "a": 2}}"#).is_err());
    assert!(read(r#"{"m": {"a": "\u0000"}}"#).is_err());
    assert!(read(r#"{"m": {"a": "\ud800"}}"#).is_err());
    assert!(read(r#"{"m": []}"#).is_err());
    let text = |chars: usize| format!(r#"{{"m":{{"a":"{}"}}}}"#, "x".repeat(chars));
    assert!(read(&text(16 * 1024 - 8)).is_ok());
    assert!(read(&text(16 * 1024 - 7)).is_err());
}

#[test]
fn the_canonical_form_is_the_same_for_every_spelling() {
    let canonical = |text: &str| document(text).unwrap().canonical().unwrap();
    let forms = [
        r#"{"a":5,"b":[true]}"#,
        r#"{ "b" : [ true ], "a" : 5.00 }"#,
        r#"{"a":5e0,"b":[true]}"#,
        r#"{"a":0.5E+1,"\u0062":[true]}"#,
    ];
    for form in forms {
        assert_eq!(canonical(form), r#"{"a":5,"b":[true]}"#, "{form}");
    }
    assert_eq!(canonical("-0.0"), canonical("0e400"));
    assert_eq!(canonical("1500"), canonical("1.5e3"));
    assert_ne!(canonical("5"), canonical("-5"));
    assert_ne!(canonical("5"), canonical("50"));
    assert_ne!(canonical(r#"{"a":"5"}"#), canonical(r#"{"a":5}"#));
    assert_ne!(canonical(r#"["a,b"]"#), canonical(r#"["a","b"]"#));
}

#[test]
fn degrees_are_rounded_to_millionths() {
    let read = |text: &str| document(text).unwrap().read(|o| o.required("l", |v| v.degrees_e6(90)));
    assert_eq!(read(r#"{"l": 40.7127753}"#).unwrap(), 40_712_775);
    assert_eq!(read(r#"{"l": -0.0000005}"#).unwrap(), -1);
    assert_eq!(read(r#"{"l": 1e-400}"#).unwrap(), 0);
    assert_eq!(read(r#"{"l": 90}"#).unwrap(), 90_000_000);
    assert!(read(r#"{"l": 90.000001}"#).is_err());
    assert!(read(r#"{"l": 1e400}"#).is_err());
    assert!(read(r#"{"l": "1"}"#).is_err());
}

/// A body of the sample's shape, to be damaged.
const VALID: &str = r#"{"count": 5, "price": 29.99, "note": "ab\u00e9", "tags": ["a", "b"]}"#;

fn read_anything(bytes: Vec<u8>) {
    if let Ok(body) = document(bytes) {
        let _ = sample(&body);
        let _ = body.canonical();
        let _ = body.read(|o| o.optional("note", |v| v.metadata()));
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read_anything(bytes);
    }

    #[test]
    fn no_json_like_text_makes_it_panic(text in r#"[\[\]{}",:\\0-9eE.+\-nutrlfas ]{0,80}"#) {
        read_anything(text.into_bytes());
    }

    #[test]
    fn a_damaged_body_never_panics(at in 0..VALID.len(), byte: u8, cut in 0..VALID.len()) {
        let mut damaged = VALID.as_bytes().to_vec();
        damaged[at] = byte;
        read_anything(damaged.clone());
        damaged.truncate(cut);
        read_anything(damaged);
    }

    #[test]
    fn a_number_and_its_canonical_form_are_the_same_number(whole in -1_000_000_000i64..1_000_000_000, zeros in 0usize..6) {
        let text = format!("{{\"count\":{whole}.{}}}", "0".repeat(zeros + 1));
        let read = |text: &str| document(text).unwrap().read(|o| o.required("count", |v| v.integer(i64::MIN..=i64::MAX)));
        let canonical = document(text.clone()).unwrap().canonical().unwrap();
        prop_assert_eq!(read(&text).unwrap(), whole);
        prop_assert_eq!(read(&canonical).unwrap(), whole);
    }
}
