//! Finds orders, one page at a time.
//!
//! Pages go on after the last row's sort key, not after a row count: while orders are added or change, a walk through
//! all pages still gives every order that was there all the time exactly once. That needs sort keys that depend on the
//! order and the query alone, which is why relevance is a sum of fixed weights instead of a statistic over the index.

mod collector;
mod compile;
mod steady;

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tantivy::IndexReader;
use tantivy::columnar::{Column, StrColumn};

use self::collector::{Candidate, PageCollector};
use crate::schema::{self, Fields};
use crate::{Error, Query};

/// The largest page.
pub const LIMIT_MAX: usize = 200;

/// The order of the hits. Ties are broken by order id, in the same direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// The latest placed first.
    #[default]
    Newest,
    /// The earliest placed first.
    Oldest,
    /// The largest total first, all currencies mixed.
    TotalDesc,
    /// The smallest total first, all currencies mixed.
    TotalAsc,
    /// The best match first: whole ids, then phrases, then words, then beginnings of words.
    Relevance,
}

impl Sort {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Newest, Self::Oldest, Self::TotalDesc, Self::TotalAsc, Self::Relevance];

    /// The name in requests and cursors.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Oldest => "oldest",
            Self::TotalDesc => "total_desc",
            Self::TotalAsc => "total_asc",
            Self::Relevance => "relevance",
        }
    }

    const fn is_ascending(self) -> bool {
        matches!(self, Self::Oldest | Self::TotalAsc)
    }
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no sort order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown sort order: expected one of newest, oldest, total_desc, total_asc, relevance")]
pub struct UnknownSort;

impl FromStr for Sort {
    type Err = UnknownSort;

    fn from_str(name: &str) -> Result<Self, UnknownSort> {
        Self::ALL.into_iter().find(|sort| sort.name() == name).ok_or(UnknownSort)
    }
}

/// Where a page ended. Plain data: whoever hands it to a client seals it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The order of the search that it came from.
    pub sort: Sort,
    /// The last hit's sort value.
    pub value: i64,
    /// The last hit's id.
    pub order_id: String,
}

/// What a search wants beside its query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchOptions {
    /// Only orders in one of these statuses; all if empty.
    pub statuses: Vec<String>,
    /// Only orders placed at or after this time, microseconds since 1970.
    pub from: Option<i64>,
    /// Only orders placed before this time, microseconds since 1970.
    pub to: Option<i64>,
    /// The order of the hits.
    pub sort: Sort,
    /// Hits a page, 1 to [`LIMIT_MAX`].
    pub limit: usize,
    /// Where the page before ended.
    pub cursor: Option<Cursor>,
}

impl Default for SearchOptions {
    fn default() -> Self {
        Self { statuses: Vec::new(), from: None, to: None, sort: Sort::default(), limit: 50, cursor: None }
    }
}

/// An order that matches. Its content is the database's to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The order's id.
    pub order_id: String,
    /// The version that was indexed.
    pub version: u64,
}

/// A page of hits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The hits in order.
    pub hits: Vec<Hit>,
    /// How many orders match in all, on this page or not.
    pub total: u64,
    /// Where the next page begins; none on the last page.
    pub next: Option<Cursor>,
}

/// Searches the last commit. A cheap handle: clone it freely.
#[derive(Clone)]
pub struct Searcher {
    reader: IndexReader,
    fields: Fields,
}

impl fmt::Debug for Searcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Searcher").field("orders", &self.len()).finish_non_exhaustive()
    }
}

impl Searcher {
    pub(crate) fn new(reader: IndexReader, fields: Fields) -> Self {
        Self { reader, fields }
    }

    /// How many orders of all tenants are searchable.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.reader.searcher().num_docs()
    }

    /// Whether no order at all is searchable.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Finds a tenant's orders. Blocks for as long as the search takes.
    ///
    /// # Errors
    /// [`Error::Limit`], [`Error::CursorSort`] and [`Error::TooBroad`] are the caller's to correct; the rest are failures
    /// of the index.
    pub fn search(&self, tenant: &str, query: &Query, options: &SearchOptions) -> Result<Page, Error> {
        if !(1..=LIMIT_MAX).contains(&options.limit) {
            return Err(Error::Limit(options.limit));
        }
        if let Some(cursor) = options.cursor.as_ref().filter(|cursor| cursor.sort != options.sort) {
            return Err(Error::CursorSort(cursor.sort));
        }
        let searcher = self.reader.searcher();
        let compiled = compile::compile(&searcher, &self.fields, tenant, query, options)?;
        let collector = PageCollector {
            sort: options.sort,
            // One more than the page shows whether there is a next one.
            keep: options.limit + 1,
            after: options.cursor.clone(),
        };
        let found = searcher.search(&compiled, &collector)?;
        let rows = best(&searcher, found.candidates, options)?;
        let has_next = rows.len() > options.limit;
        let mut hits = Vec::with_capacity(options.limit.min(rows.len()));
        let mut last = None;
        for row in rows.into_iter().take(options.limit) {
            last = Some((row.rank, row.hit.order_id.clone()));
            hits.push(row.hit);
        }
        let next = last.filter(|_| has_next).map(|(rank, order_id)| {
            let value = collector::value_of_rank(options.sort, rank);
            Cursor { sort: options.sort, value, order_id }
        });
        Ok(Page { hits, total: found.total, next })
    }
}

struct Row {
    rank: i64,
    hit: Hit,
}

/// The best rows of all segments in order: at most one more than the limit.
///
/// Ids are strings, and reading one costs far more than comparing numbers. So the candidates are first cut by rank, and
/// only those that can still be on the page, with the ties at its end, get their ids read.
fn best(
    searcher: &tantivy::Searcher,
    mut candidates: Vec<Candidate>,
    options: &SearchOptions,
) -> Result<Vec<Row>, Error> {
    candidates.sort_unstable_by_key(|candidate| std::cmp::Reverse(candidate.rank));
    if let Some(last_rank) = candidates.get(options.limit).map(|candidate| candidate.rank) {
        candidates.retain(|candidate| candidate.rank >= last_rank);
    }
    let mut segments: HashMap<u32, (StrColumn, Column<u64>)> = HashMap::new();
    let mut rows = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        let (ids, versions) = match segments.entry(candidate.segment) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                let columns = searcher.segment_reader(candidate.segment).fast_fields();
                entry.insert((collector::id_column(columns)?, columns.u64(schema::VERSION)?))
            }
        };
        let mut order_id = String::new();
        ids.ord_to_str(candidate.ord, &mut order_id).map_err(tantivy::TantivyError::from)?;
        let version = versions.first(candidate.doc).unwrap_or_default();
        rows.push(Row { rank: candidate.rank, hit: Hit { order_id, version } });
    }
    rows.sort_unstable_by(|a, b| {
        let by_id = a.hit.order_id.cmp(&b.hit.order_id);
        b.rank.cmp(&a.rank).then(if options.sort.is_ascending() { by_id } else { by_id.reverse() })
    });
    rows.truncate(options.limit + 1);
    Ok(rows)
}
