//! What is understood, what is refused and where, and that printing and parsing are inverse.

use proptest::prelude::*;

use super::*;

fn printed(text: &str) -> String {
    Query::parse(text).unwrap().to_string()
}

fn refused(text: &str) -> (usize, usize, Fault) {
    let error = Query::parse(text).unwrap_err();
    (error.offset, error.length, error.fault)
}

#[test]
fn the_example_of_the_contract_is_understood() {
    let query = Query::parse("ann mug status:shipped sku:SKU-123 placed:2026-03 total:>100 country:DE -gift").unwrap();
    let exact = |text: &str| vec![Value::Exact(text.to_owned())];
    let matchers: Vec<_> = query.clauses().iter().map(|clause| clause.matcher.clone()).collect();
    assert_eq!(
        matchers,
        [
            Matcher::Word("ann".into()),
            Matcher::Word("mug".into()),
            Matcher::Keyword(Keyword::Status, exact("shipped")),
            Matcher::Keyword(Keyword::Sku, exact("SKU-123")),
            Matcher::Placed(vec![Bounds::Exactly(Period::Month(2026, 3))]),
            Matcher::Total(vec![Bounds::MoreThan(Amount::from_scaled(1_000_000))]),
            Matcher::Keyword(Keyword::Country, exact("DE")),
            Matcher::Word("gift".into()),
        ]
    );
    assert_eq!(query.clauses().iter().map(|clause| clause.negated).collect::<Vec<_>>()[7..], [true]);
}

#[test]
fn spans_of_dates_and_amounts() {
    for text in ["placed:2026", "placed:2026-03-14", "placed:2026-03..2026-05", "placed:>=2026-03-01", "placed:<2026"] {
        assert_eq!(printed(text), text);
    }
    for text in ["total:>=99.5", "total:10..20", "total:<10", "total:<=0.0001", "total:1,2..3,>4"] {
        assert_eq!(printed(text), text);
    }
    assert_eq!(printed("total:=29.90"), "total:29.9");
    assert_eq!(printed("total:10.."), "total:>=10");
    assert_eq!(printed("placed:..2026"), "placed:<=2026");
    assert_eq!(printed("TOTAL:007"), "total:7");
}

#[test]
fn words_phrases_and_values_keep_their_spelling() {
    for text in [
        "17\" 12:30 a-b:c ann@example.com O'Brien Größe",
        "\"blue mug\" -\"say \\\"hi\\\" \\\\o\"",
        "status:shipped,delivered -hold:* sku:AB*,\"A B\",\"A*\" customer:\"Ann Lee\"",
        "sku:a:b sku:12\" email:@example.com",
    ] {
        assert_eq!(printed(text), text);
    }
    assert_eq!(
        printed("  external_id:W-1\t ORDER_ID:ord_1 --gift mug - & blue "),
        "external:W-1 order:ord_1 -gift mug blue"
    );
    assert_eq!(printed("sku:\"AB\""), "sku:AB");
    assert_eq!(Query::parse(" \n").unwrap(), Query::default());
}

#[test]
fn refusals_say_where_and_what_was_expected() {
    assert_eq!(refused("mug colour:blue"), (4, 6, Fault::UnknownField("colour".into())));
    assert_eq!(refused("é größe:xl"), (3, 7, Fault::UnknownField("größe".into())));
    assert_eq!(refused("a -\"b c"), (3, 4, Fault::UnclosedQuote));
    assert_eq!(refused("\"a\"b c"), (3, 1, Fault::TextAfterQuote));
    assert_eq!(refused("a \" \""), (2, 3, Fault::EmptyQuotes));
    assert_eq!(refused("sku:\"\""), (4, 2, Fault::EmptyQuotes));
    assert_eq!(refused("placed:2026-02-30"), (7, 10, Fault::BadDate));
    assert_eq!(refused("placed:2026,march"), (12, 5, Fault::BadDate));
    assert_eq!(refused("placed:.."), (7, 2, Fault::BadDate));
    assert_eq!(refused("total:1e3"), (6, 3, Fault::BadAmount));
    assert_eq!(refused("total:>=1.23456"), (6, 9, Fault::BadAmount));
    assert_eq!(refused("total:>"), (6, 1, Fault::BadAmount));
    assert_eq!(refused("total:20..10"), (6, 6, Fault::ReversedRange));
    assert_eq!(refused("placed:2026-05..2026-04"), (7, 16, Fault::ReversedRange));
    assert_eq!(refused("sku:A*"), (4, 2, Fault::ShortPrefix));
    assert_eq!(refused("order:ord_01*"), (6, 7, Fault::OrderPrefix));
    assert_eq!(refused(" - &"), (1, 3, Fault::NothingToFind));
    for (text, offset) in [("x status:", 9), ("status: shipped", 7), ("status:a,", 9), ("sku:,a", 4), ("total:", 6)] {
        let (at, length, fault) = refused(text);
        assert_eq!((at, length), (offset, 0), "{text}");
        assert!(matches!(fault, Fault::MissingValue { .. }), "{text}");
    }
}

#[test]
fn messages_are_for_people() {
    let text = "mug größe:xl";
    let error = Query::parse(text).unwrap_err();
    assert_eq!(error.underlined(text), "mug größe:xl\n    ^^^^^");
    assert_eq!(
        error.to_string(),
        "unknown field `größe`: expected one of status, sku, country, customer, external, order, warehouse, currency, \
         email, payment, hold, placed, total, or quotes around the text (at byte 4)"
    );
}

#[test]
fn length_and_parts_are_bounded() {
    assert!(Query::parse(&"é".repeat(QUERY_CHARS_MAX)).is_ok());
    assert_eq!(refused(&"é".repeat(QUERY_CHARS_MAX + 1)), (2 * QUERY_CHARS_MAX, 2, Fault::TooLong));
    assert!(Query::parse(&"a ".repeat(CLAUSES_MAX)).is_ok());
    assert_eq!(refused(&"a ".repeat(CLAUSES_MAX + 1)), (2 * CLAUSES_MAX, 2, Fault::TooManyClauses));
    let values = vec!["1"; CLAUSES_MAX + 1].join(",");
    assert!(matches!(refused(&format!("total:{values}")).2, Fault::TooManyClauses));
}

/// Pieces that, joined in any way, reach every branch of lexer and parser.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            " ", "  ", "-", "\"", "\\", ":", ",", "*", "..", ">=", "<=", ">", "<", "=", "status:", "sku:", "placed:",
            "total:", "order:", "hold:", "nope:", "2026", "2026-03", "29.99", "10", "mug", "é", "\u{301}", "a b",
            "東京", "\u{0}", "\u{a0}",
        ])
        .prop_map(str::to_owned),
        "[a-z0-9]{1,4}",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn check(text: &str) -> Result<(), TestCaseError> {
    match Query::parse(text) {
        Ok(query) => {
            let again = Query::parse(&query.to_string());
            prop_assert_eq!(again, Ok(query));
        }
        Err(error) => {
            prop_assert!(text.get(error.offset..error.offset + error.length).is_some(), "{:?}", error);
            prop_assert_eq!(error.underlined(text).lines().count(), 2);
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_text_parses_or_says_where(text in any::<String>()) {
        check(&text)?;
    }

    #[test]
    fn printing_and_parsing_are_inverse(text in pieces()) {
        check(&text)?;
    }

    #[test]
    fn amounts_print_as_they_parse(scaled in 0..=i64::MAX) {
        let amount = Amount::from_scaled(scaled);
        prop_assert_eq!(Amount::parse(&amount.to_string()), Some(amount));
    }
}
