//! Which version of an order the index has, committed or not.

use std::collections::HashMap;
use std::sync::Arc;

use tantivy::columnar::Column;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet, InvertedIndexReader, TERMINATED, Term};

use crate::OrderKey;
use crate::document::key_term;
use crate::schema::{self, Fields};

/// What the writer has done since the last commit; the reader does not see it yet.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// The version written, or none for a removed order.
    versions: HashMap<OrderKey, Option<u64>>,
}

impl Pending {
    pub(super) fn note(&mut self, key: OrderKey, version: Option<u64>) {
        self.versions.insert(key, version);
    }

    pub(super) fn clear(&mut self) {
        self.versions.clear();
    }

    /// The version that the index will have after a commit now.
    pub(super) fn current(&self, committed: &Committed, key: &OrderKey) -> tantivy::Result<Option<u64>> {
        match self.versions.get(key) {
            Some(version) => Ok(*version),
            None => committed.version(key),
        }
    }
}

/// The versions of the last commit, opened once for a batch.
pub(super) struct Committed {
    fields: Fields,
    searcher: tantivy::Searcher,
    segments: Vec<(Arc<InvertedIndexReader>, Column<u64>)>,
}

impl Committed {
    pub(super) fn open(searcher: tantivy::Searcher, fields: Fields) -> tantivy::Result<Self> {
        let segments = searcher
            .segment_readers()
            .iter()
            .map(|segment| Ok((segment.inverted_index(fields.key)?, segment.fast_fields().u64(schema::VERSION)?)))
            .collect::<tantivy::Result<_>>()?;
        Ok(Self { fields, searcher, segments })
    }

    fn version(&self, key: &OrderKey) -> tantivy::Result<Option<u64>> {
        let term = Term::from_field_text(self.fields.key, &key_term(&key.tenant, &key.order_id));
        for ((keys, versions), segment) in self.segments.iter().zip(self.searcher.segment_readers()) {
            let Some(mut postings) = keys.read_postings(&term, IndexRecordOption::Basic)? else { continue };
            // A segment may hold replaced documents of the order beside the live one.
            while postings.doc() != TERMINATED {
                if !segment.is_deleted(postings.doc()) {
                    return Ok(versions.first(postings.doc()));
                }
                postings.advance();
            }
        }
        Ok(None)
    }
}
