//! The thread that owns the writer.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender};

use serde::{Deserialize, Serialize};
use tantivy::indexer::{IndexWriterOptions, LogMergePolicy};
use tantivy::{Index, IndexReader, IndexWriter, TantivyError, Term};

use super::Applied;
use super::open::Store;
use super::versions::{Committed, Pending};
use crate::document::{self, key_term};
use crate::schema::Fields;
use crate::{Error, OrderDocument, OrderKey};

/// Memory for documents between commits. When it is full, a segment is written early. The table of words that each
/// segment begins with grows with it, and is cleared each time: four times as much cost a sixth of the indexing thread.
const WRITER_MEMORY_BYTES: usize = 16 << 20;
/// Share of removed documents at which a segment is rewritten: it bounds wasted space and how long erased words stay. A
/// new order is written two or three times within a second, so that every young segment soon has a third removed.
const REMOVED_SHARE_MAX: f32 = 0.5;

pub(super) type Reply<T> = SyncSender<Result<T, Error>>;

pub(super) enum Command {
    Apply { documents: Vec<OrderDocument>, deletions: Vec<OrderKey>, position: u64, reply: Reply<Applied> },
    Commit { reply: Reply<u64> },
    Position { reply: Reply<u64> },
    Resume { reply: Reply<u64> },
    Clear { reply: Reply<()> },
    Compact { reply: Reply<()> },
}

/// What a commit carries beside the documents, written in the same atomic step.
#[derive(Debug, Serialize, Deserialize)]
struct Payload {
    position: u64,
}

/// The position of an index's last commit, 0 before the first.
pub(super) fn committed_position(index: &Index) -> tantivy::Result<u64> {
    let Some(text) = index.load_metas()?.payload else { return Ok(0) };
    let payload: Payload = serde_json::from_str(&text)
        .map_err(|error| TantivyError::InternalError(format!("the commit's payload: {error}")))?;
    Ok(payload.position)
}

pub(super) struct Worker {
    // Before the store: the writer must be gone when the lock is released.
    writer: Option<IndexWriter>,
    reader: IndexReader,
    fields: Fields,
    pending: Pending,
    /// The position that the next commit will carry.
    reached: u64,
    committed: u64,
    is_dirty: bool,
    store: Store,
}

impl Worker {
    pub(super) fn new(store: Store, reader: IndexReader, fields: Fields) -> Result<Self, Error> {
        store.index.tokenizers().register(document::SCOPED_WORDS, document::ScopedWords);
        let mut worker = Self {
            writer: None,
            reader,
            fields,
            pending: Pending::default(),
            reached: 0,
            committed: 0,
            is_dirty: false,
            store,
        };
        worker.resume()?;
        Ok(worker)
    }

    /// Serves commands until all handles are gone. An answer that nobody waits for is no fault.
    pub(super) fn run(mut self, inbox: &Receiver<Command>) {
        while let Ok(command) = inbox.recv() {
            match command {
                Command::Apply { documents, deletions, position, reply } => {
                    let applied = self.guarded(|worker| worker.apply(documents, deletions, position));
                    reply.send(applied).ok();
                }
                Command::Commit { reply } => {
                    reply.send(self.guarded(Self::commit)).ok();
                }
                Command::Position { reply } => {
                    reply.send(Ok(self.committed)).ok();
                }
                Command::Resume { reply } => {
                    reply.send(self.guarded(Self::resume)).ok();
                }
                Command::Clear { reply } => {
                    reply.send(self.guarded(Self::clear)).ok();
                }
                Command::Compact { reply } => {
                    reply.send(self.guarded(Self::compact)).ok();
                }
            }
        }
    }

    /// Runs a step, and gives up the writer if it fails. Part of a batch may be in the writer then, and a later commit
    /// with a later position would hide the loss of the rest: nothing goes on before the caller has resumed. A panic is
    /// such a failure too; all state that it can have left half done is made anew by resuming.
    fn guarded<T>(&mut self, step: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        let result = catch_unwind(AssertUnwindSafe(|| step(self)))
            .unwrap_or_else(|_| Err(TantivyError::InternalError("the index writer panicked".to_owned()).into()));
        if let Err(error) = &result
            && self.writer.take().is_some()
        {
            tracing::error!(%error, "the search index failed; what was not committed will be indexed again");
        }
        result
    }

    fn writer(&mut self) -> Result<&mut IndexWriter, Error> {
        self.writer.as_mut().ok_or(Error::ResumeNeeded)
    }

    fn resume(&mut self) -> Result<u64, Error> {
        // The old writer holds the directory's lock and may still have documents: it must go before the new one comes.
        self.writer = None;
        let options = IndexWriterOptions::builder()
            .num_worker_threads(1)
            .num_merge_threads(1)
            .memory_budget_per_thread(WRITER_MEMORY_BYTES)
            .build();
        let writer: IndexWriter = self.store.index.writer_with_options(options)?;
        let mut merges = LogMergePolicy::default();
        merges.set_del_docs_ratio_before_merge(REMOVED_SHARE_MAX);
        writer.set_merge_policy(Box::new(merges));
        self.committed = committed_position(&self.store.index)?;
        self.reader.reload()?;
        self.reached = self.committed;
        self.pending.clear();
        self.is_dirty = false;
        self.writer = Some(writer);
        Ok(self.committed)
    }

    fn apply(
        &mut self,
        documents: Vec<OrderDocument>,
        deletions: Vec<OrderKey>,
        position: u64,
    ) -> Result<Applied, Error> {
        let committed = Committed::open(self.reader.searcher(), self.fields)?;
        let mut applied = Applied::default();
        for key in deletions {
            if self.remove(&committed, &key)? {
                applied.deleted += 1;
            }
            self.pending.note(key, None);
        }
        let given = documents.len();
        for (key, order) in newest(documents) {
            let current = self.pending.current(&committed, &key)?;
            if current.is_some_and(|version| version >= order.version) {
                continue;
            }
            self.remove(&committed, &key)?;
            let doc = document::map(&order, &self.fields);
            self.writer()?.add_document(doc)?;
            self.pending.note(key, Some(order.version));
            applied.written += 1;
            self.is_dirty = true;
        }
        applied.stale = given - applied.written;
        self.writer()?;
        self.reached = self.reached.max(position);
        Ok(applied)
    }

    /// Removes what the index has of an order, if anything.
    fn remove(&mut self, committed: &Committed, key: &OrderKey) -> Result<bool, Error> {
        if self.pending.current(committed, key)?.is_none() {
            return Ok(false);
        }
        let term = Term::from_field_text(self.fields.key, &key_term(&key.tenant, &key.order_id));
        self.writer()?.delete_term(term);
        self.is_dirty = true;
        Ok(true)
    }

    fn commit(&mut self) -> Result<u64, Error> {
        let (reached, is_new) = (self.reached, self.is_dirty || self.reached != self.committed);
        let writer = self.writer()?;
        if is_new {
            let payload = serde_json::to_string(&Payload { position: reached }).expect("a number is valid JSON");
            let mut commit = writer.prepare_commit()?;
            commit.set_payload(&payload);
            commit.commit()?;
            self.reader.reload()?;
            self.pending.clear();
            self.committed = reached;
            self.is_dirty = false;
        }
        Ok(self.committed)
    }

    fn clear(&mut self) -> Result<(), Error> {
        // A new writer has neither documents of its own nor merges under way that could bring old ones back.
        self.resume()?;
        self.writer()?.delete_all_documents()?;
        self.reached = 0;
        self.is_dirty = true;
        self.commit().map(drop)
    }

    fn compact(&mut self) -> Result<(), Error> {
        self.commit()?;
        // A segment that is being merged cannot be merged again: let those merges end first.
        if let Some(writer) = self.writer.take() {
            writer.wait_merging_threads()?;
        }
        self.resume()?;
        // Ids only: whoever holds a segment's description keeps its files from being removed.
        let touched: Vec<_> = self
            .store
            .index
            .searchable_segment_metas()?
            .into_iter()
            .filter(|segment| segment.num_deleted_docs() > 0)
            .map(|segment| segment.id())
            .collect();
        if !touched.is_empty() {
            self.writer()?.merge(&touched).wait()?;
        }
        self.reader.reload()?;
        self.writer()?.garbage_collect_files().wait()?;
        Ok(())
    }
}

/// The newest document of each order.
fn newest(documents: Vec<OrderDocument>) -> HashMap<OrderKey, OrderDocument> {
    let mut newest: HashMap<OrderKey, OrderDocument> = HashMap::with_capacity(documents.len());
    for order in documents {
        match newest.entry(order.key()) {
            std::collections::hash_map::Entry::Occupied(mut entry) => {
                if entry.get().version < order.version {
                    entry.insert(order);
                }
            }
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(order);
            }
        }
    }
    newest
}
