//! The strongest test: over random histories of the index and random queries, it finds exactly what a plain filter and
//! sort over the same orders finds, in the same order, page by page.

use std::collections::HashMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use search::{Index, OrderDocument, OrderKey, Query, SearchOptions};

use crate::{all_pages, generate, naive};

/// A batch, and whether it is committed at once.
type Batch = (Vec<OrderDocument>, Vec<(usize, u32)>, bool);

fn batch() -> impl Strategy<Value = Batch> {
    let deletion = (0..generate::TENANTS.len(), 0..30_u32);
    (prop::collection::vec(generate::order(), 0..25), prop::collection::vec(deletion, 0..4), any::<bool>())
}

/// What the index should hold after the batches.
fn expected(batches: &[Batch]) -> Vec<OrderDocument> {
    let mut orders: HashMap<OrderKey, OrderDocument> = HashMap::new();
    for (documents, deletions, _) in batches {
        for key in deletions.iter().map(key) {
            orders.remove(&key);
        }
        for document in documents {
            let is_newer = orders.get(&document.key()).is_none_or(|known| known.version < document.version);
            if is_newer {
                orders.insert(document.key(), document.clone());
            }
        }
    }
    orders.into_values().collect()
}

fn key(&(tenant, number): &(usize, u32)) -> OrderKey {
    OrderKey { tenant: generate::TENANTS[tenant].to_owned(), order_id: format!("ord_{number:02}") }
}

proptest! {
    #![proptest_config(crate::cases(48))]

    #[test]
    fn the_index_finds_what_a_plain_filter_finds(
        batches in prop::collection::vec(batch(), 1..6),
        searches in prop::collection::vec((generate::query(), generate::options()), 40),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let index = Index::open(folder.path()).unwrap();
        let indexer = index.indexer();
        for (position, (documents, deletions, is_committed)) in (1..).zip(&batches) {
            indexer.apply(documents.clone(), deletions.iter().map(key).collect(), position).unwrap();
            if *is_committed {
                indexer.commit().unwrap();
            }
        }
        indexer.commit().unwrap();
        let orders = expected(&batches);
        prop_assert_eq!(index.searcher().len(), orders.len() as u64);
        for (text, options) in &searches {
            let query = Query::parse(text).unwrap();
            for tenant in generate::TENANTS {
                let found = all_pages(&index.searcher(), tenant, &query, options);
                let wanted = naive::search(&orders, tenant, &query, options);
                prop_assert_eq!(found, wanted, "{} {} {:?}", tenant, text, options);
            }
        }
    }
}

#[test]
fn the_model_itself_finds_and_misses() {
    // A model that finds nothing, or everything, would make the test above worthless.
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let orders: Vec<OrderDocument> =
        (0..200).map(|_| generate::order().new_tree(&mut runner).unwrap().current()).collect();
    let (mut found, mut missed) = (0, 0);
    for _ in 0..500 {
        let text = generate::query().new_tree(&mut runner).unwrap().current();
        let query = Query::parse(&text).unwrap();
        let hits = naive::search(&orders, "ten_a", &query, &SearchOptions::default()).len();
        found += usize::from(hits > 0);
        missed += usize::from(hits < 50);
    }
    assert!(found > 200 && missed > 200, "{found} {missed}");
}
