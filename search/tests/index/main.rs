//! The index from outside: what is applied is found, page by page, by its tenant only, and survives whatever happens.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail by panicking, as the tests do")]

mod durability;
mod generate;
mod language;
mod matches_naive;
mod naive;
mod paging;
mod tenants;

use proptest::prelude::ProptestConfig;
use search::{Hit, Index, OrderDocument, Query, SearchOptions, Searcher};

/// An index in a folder that goes away with it.
struct Fixture {
    index: Index,
    _folder: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let index = Index::open(folder.path()).unwrap();
        Self { index, _folder: folder }
    }

    fn with(documents: Vec<OrderDocument>) -> Self {
        let fixture = Self::new();
        fixture.add(documents);
        fixture
    }

    fn add(&self, documents: Vec<OrderDocument>) {
        let indexer = self.index.indexer();
        let position = indexer.position().unwrap() + 1;
        indexer.apply(documents, Vec::new(), position).unwrap();
        indexer.commit().unwrap();
    }

    /// The ids that a query finds, newest first.
    fn ids(&self, tenant: &str, query: &str) -> Vec<String> {
        let options = SearchOptions { limit: 200, ..SearchOptions::default() };
        let page = self.index.searcher().search(tenant, &Query::parse(query).unwrap(), &options).unwrap();
        assert_eq!(page.total, page.hits.len() as u64);
        page.hits.into_iter().map(|hit| hit.order_id).collect()
    }
}

/// So many cases, or more in a long run: `PROPTEST_CASES` scales them, 256 being the usual run.
fn cases(usual: u32) -> ProptestConfig {
    let config = ProptestConfig::default();
    ProptestConfig { cases: (usual * config.cases / 256).max(1), ..config }
}

/// Walks through all pages; every page must tell the same total.
fn all_pages(searcher: &Searcher, tenant: &str, query: &Query, options: &SearchOptions) -> Vec<Hit> {
    let mut options = options.clone();
    let mut hits = Vec::new();
    loop {
        let page = searcher.search(tenant, query, &options).unwrap();
        assert!(page.hits.len() <= options.limit);
        assert!(page.next.is_none() || page.hits.len() == options.limit);
        hits.extend(page.hits);
        match page.next {
            Some(cursor) => options.cursor = Some(cursor),
            None => {
                assert_eq!(page.total, hits.len() as u64);
                return hits;
            }
        }
    }
}

fn order(tenant: &str, order_id: &str, placed_at: i64) -> OrderDocument {
    OrderDocument {
        tenant: tenant.to_owned(),
        order_id: order_id.to_owned(),
        version: 1,
        status: "placed".to_owned(),
        placed_at,
        ..OrderDocument::default()
    }
}
