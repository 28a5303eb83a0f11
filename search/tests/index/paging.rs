//! Pages: complete, without doubles, and steady while the index changes beneath them.

use std::collections::BTreeSet;

use proptest::prelude::*;
use search::query::Amount;
use search::{Cursor, Error, OrderDocument, Query, SearchOptions, Sort};

use crate::{Fixture, order};

/// Few different sort values, so that most rows are ties.
fn numbered(number: u32) -> OrderDocument {
    let mut order = order("ten_a", &format!("ord_{number:04}"), i64::from(number % 3));
    order.total = Amount::from_scaled(i64::from(number % 4) - 1);
    order.titles = vec![if number.is_multiple_of(2) { "mug".to_owned() } else { "mugs".to_owned() }];
    order
}

proptest! {
    #![proptest_config(crate::cases(24))]

    #[test]
    fn rows_added_between_pages_double_and_hide_nothing(
        first in prop::collection::btree_set(0..500_u32, 1..60),
        later in prop::collection::vec(prop::collection::btree_set(0..500_u32, 0..8), 0..6),
        limit in 1..15_usize,
        sort in prop::sample::select(&Sort::ALL[..]),
    ) {
        let fixture = Fixture::with(first.iter().copied().map(numbered).collect());
        let query = Query::parse("mug").unwrap();
        let mut options = SearchOptions { sort, limit, ..SearchOptions::default() };
        let mut later = later.into_iter();
        let mut seen = Vec::new();
        loop {
            let page = fixture.index.searcher().search("ten_a", &query, &options).unwrap();
            seen.extend(page.hits.into_iter().map(|hit| hit.order_id));
            let Some(next) = page.next else { break };
            options.cursor = Some(next);
            if let Some(added) = later.next() {
                fixture.add(added.into_iter().map(numbered).collect());
            }
        }
        let distinct: BTreeSet<&String> = seen.iter().collect();
        prop_assert_eq!(distinct.len(), seen.len(), "a row came twice");
        for number in first {
            prop_assert!(distinct.contains(&format!("ord_{number:04}")), "row {} was hidden", number);
        }
    }
}

#[test]
fn a_changed_order_keeps_its_place() {
    let fixture = Fixture::with((0..10).map(|n| order("ten_a", &format!("ord_{n}"), n)).collect());
    let mut options = SearchOptions { limit: 4, ..SearchOptions::default() };
    let first = fixture.index.searcher().search("ten_a", &Query::default(), &options).unwrap();
    let changed = (0..10).map(|n| OrderDocument { version: 2, ..order("ten_a", &format!("ord_{n}"), n) });
    fixture.add(changed.collect());
    options.cursor = first.next;
    let second = fixture.index.searcher().search("ten_a", &Query::default(), &options).unwrap();
    let hits: Vec<(&str, u64)> = second.hits.iter().map(|hit| (hit.order_id.as_str(), hit.version)).collect();
    assert_eq!(hits, [("ord_5", 2), ("ord_4", 2), ("ord_3", 2), ("ord_2", 2)]);
}

#[test]
fn the_row_of_a_cursor_may_be_gone() {
    let fixture = Fixture::with((0..6).map(|n| order("ten_a", &format!("ord_{n}"), 7)).collect());
    let mut options = SearchOptions { limit: 3, ..SearchOptions::default() };
    let first = fixture.index.searcher().search("ten_a", &Query::default(), &options).unwrap();
    let indexer = fixture.index.indexer();
    indexer.apply(Vec::new(), vec![order("ten_a", "ord_3", 7).key()], 9).unwrap();
    indexer.commit().unwrap();
    options.cursor = first.next;
    let second = fixture.index.searcher().search("ten_a", &Query::default(), &options).unwrap();
    assert_eq!(second.hits.iter().map(|hit| hit.order_id.as_str()).collect::<Vec<_>>(), ["ord_2", "ord_1", "ord_0"]);
    assert_eq!((second.total, second.next), (5, None));
}

#[test]
fn bad_limits_and_foreign_cursors_are_refused() {
    let fixture = Fixture::new();
    let search = |options: SearchOptions| fixture.index.searcher().search("ten_a", &Query::default(), &options);
    for limit in [0, 201] {
        let result = search(SearchOptions { limit, ..SearchOptions::default() });
        assert!(matches!(result, Err(Error::Limit(refused)) if refused == limit));
    }
    let cursor = Some(Cursor { sort: Sort::Oldest, value: 0, order_id: String::new() });
    assert!(matches!(
        search(SearchOptions { cursor, ..SearchOptions::default() }),
        Err(Error::CursorSort(Sort::Oldest))
    ));
    assert!(search(SearchOptions::default()).unwrap().hits.is_empty());
}
