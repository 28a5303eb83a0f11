//! What can go wrong outside the query language, which has an error type of its own.

use std::path::PathBuf;

use crate::searcher::{LIMIT_MAX, Sort};

/// An operation on the index that could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The index folder could not be used: permissions, disk.
    #[error("cannot use the index folder {path}: {source}")]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another process, or another [`crate::Index`] of this one, has the folder open.
    #[error("the index folder {0} is in use by another process")]
    InUse(PathBuf),
    /// The index itself failed, for example because the disk is full.
    #[error("the index failed: {0}")]
    Tantivy(#[from] tantivy::TantivyError),
    /// An earlier failure threw away what was not committed. The caller takes [`crate::Indexer::resume`] and feeds
    /// again from the position it answers.
    #[error("uncommitted work was lost: resume first")]
    ResumeNeeded,
    /// The writer's thread has ended: the index was closed, or the thread panicked.
    #[error("the index writer has stopped")]
    Stopped,
    /// The page size is outside 1 to 200.
    #[error("limit must be 1 to {LIMIT_MAX}, not {0}")]
    Limit(usize),
    /// The cursor came from a search with another sort order.
    #[error("the cursor belongs to the sort order `{0}`")]
    CursorSort(Sort),
    /// The beginning of a word or value matches more different ones than a search may visit. The caller's query is at
    /// fault.
    #[error("too many different values begin with `{prefix}`: write more of it, or put the whole word in quotes")]
    TooBroad {
        /// The beginning, folded.
        prefix: String,
    },
}
