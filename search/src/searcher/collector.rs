//! Counts all matches and keeps the best of each segment, by fast fields alone.

use std::cmp::Reverse;
use std::ops::Bound;
use std::sync::Arc;

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::{ColumnValues, StrColumn};
use tantivy::fastfield::FastFieldReaders;
use tantivy::{DocId, Score, SegmentReader, TantivyError};

use super::{Cursor, Sort};
use crate::schema;

/// A match that may be on the page. Ranks are made so that the greatest comes first, whatever the sort order.
#[derive(Debug)]
pub(super) struct Candidate {
    pub rank: i64,
    pub segment: u32,
    pub doc: DocId,
    /// The id's number in its segment's dictionary.
    pub ord: u64,
}

#[derive(Debug, Default)]
pub(super) struct Found {
    pub total: u64,
    pub candidates: Vec<Candidate>,
}

/// Rows that come first get the greatest rank. Bitwise not reverses the order of all integers without overflow.
const fn rank_of_value(sort: Sort, value: i64) -> i64 {
    if sort.is_ascending() { !value } else { value }
}

pub(super) const fn value_of_rank(sort: Sort, rank: i64) -> i64 {
    rank_of_value(sort, rank)
}

pub(super) fn id_column(columns: &FastFieldReaders) -> Result<StrColumn, TantivyError> {
    columns.str(schema::ORDER_ID)?.ok_or_else(|| TantivyError::InternalError("a segment without order ids".to_owned()))
}

pub(super) struct PageCollector {
    pub sort: Sort,
    pub keep: usize,
    pub after: Option<Cursor>,
}

impl Collector for PageCollector {
    type Fruit = Found;
    type Child = SegmentPage;

    fn for_segment(&self, segment: u32, reader: &SegmentReader) -> tantivy::Result<SegmentPage> {
        let columns = reader.fast_fields();
        let values = match self.sort {
            Sort::Newest | Sort::Oldest => Some(columns.i64(schema::PLACED_AT)?.first_or_default_col(0)),
            Sort::TotalDesc | Sort::TotalAsc => Some(columns.i64(schema::TOTAL)?.first_or_default_col(0)),
            Sort::Relevance => None,
        };
        let ids = id_column(columns)?;
        let after = self.after.as_ref().map(|cursor| After::locate(cursor, &ids)).transpose()?;
        Ok(SegmentPage {
            sort: self.sort,
            keep: self.keep,
            segment,
            values,
            ords: ids.ords().clone().first_or_default_col(0),
            after,
            total: 0,
            best: Vec::with_capacity(2 * self.keep),
            worst: i64::MIN,
        })
    }

    fn requires_scoring(&self) -> bool {
        self.sort == Sort::Relevance
    }

    fn merge_fruits(&self, fruits: Vec<Found>) -> tantivy::Result<Found> {
        let mut all = Found::default();
        for fruit in fruits {
            all.total += fruit.total;
            all.candidates.extend(fruit.candidates);
        }
        Ok(all)
    }
}

/// A cursor in terms of one segment: rows rank below `rank`, or equal it and have a tie of at most `tie_max`.
struct After {
    rank: i64,
    tie_max: Option<u64>,
}

impl After {
    fn locate(cursor: &Cursor, ids: &StrColumn) -> tantivy::Result<Self> {
        let dictionary = ids.dictionary();
        let id = cursor.order_id.as_bytes();
        let tie_max = if cursor.sort.is_ascending() {
            let (first, _) = dictionary.term_bounds_to_ord(Bound::Excluded(id), Bound::Unbounded)?;
            Some(tie(cursor.sort, first_ord(first)))
        } else {
            let (first, _) = dictionary.term_bounds_to_ord(Bound::Included(id), Bound::Unbounded)?;
            first_ord(first).checked_sub(1)
        };
        Ok(Self { rank: rank_of_value(cursor.sort, cursor.value), tie_max })
    }
}

const fn first_ord(bound: Bound<u64>) -> u64 {
    match bound {
        Bound::Included(ord) => ord,
        Bound::Excluded(ord) => ord.saturating_add(1),
        Bound::Unbounded => 0,
    }
}

/// Among equal ranks the greatest tie comes first.
const fn tie(sort: Sort, ord: u64) -> u64 {
    if sort.is_ascending() { !ord } else { ord }
}

pub(super) struct SegmentPage {
    sort: Sort,
    keep: usize,
    segment: u32,
    /// The sort column; none when sorting by score.
    values: Option<Arc<dyn ColumnValues<i64>>>,
    ords: Arc<dyn ColumnValues<u64>>,
    after: Option<After>,
    total: u64,
    /// Rank, tie and document of at least the best so far, in no order. It is cut down when it is twice as long as
    /// wanted, which costs the same whether rows come best first or last: orders are indexed in the order of their
    /// placement, so with the newest first every row is better than all before it.
    best: Vec<(i64, u64, DocId)>,
    /// Rows of a lower rank cannot be among the best any more.
    worst: i64,
}

impl SegmentPage {
    fn cut(&mut self) {
        if self.best.len() > self.keep {
            self.best.select_nth_unstable_by_key(self.keep, |row| Reverse(*row));
            self.best.truncate(self.keep);
            self.worst = self.best.iter().map(|(rank, ..)| *rank).min().unwrap_or(i64::MIN);
        }
    }
}

impl SegmentCollector for SegmentPage {
    type Fruit = Found;

    fn collect(&mut self, doc: DocId, score: Score) {
        self.total += 1;
        let value = match &self.values {
            Some(values) => values.get_val(doc),
            // Scores are sums of whole weights, which a float holds exactly.
            None => score as i64,
        };
        let rank = rank_of_value(self.sort, value);
        if self.after.as_ref().is_some_and(|after| rank > after.rank) {
            return;
        }
        if rank < self.worst {
            return;
        }
        let tie = tie(self.sort, self.ords.get_val(doc));
        if self.after.as_ref().is_some_and(|after| rank == after.rank && after.tie_max.is_none_or(|max| tie > max)) {
            return;
        }
        self.best.push((rank, tie, doc));
        if self.best.len() == 2 * self.keep {
            self.cut();
        }
    }

    fn harvest(mut self) -> Found {
        self.cut();
        let candidates = self
            .best
            .into_iter()
            .map(|(rank, tie_value, doc)| {
                // Taking the tie of a tie gives the number back.
                Candidate { rank, segment: self.segment, doc, ord: tie(self.sort, tie_value) }
            })
            .collect();
        Found { total: self.total, candidates }
    }
}
