//! What a store is opened with.

use std::path::PathBuf;

/// What a store is opened with. [`Config::new`] gives what a production store wants.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the database lives; made where it is missing.
    pub directory: PathBuf,
    /// The most changesets that may wait. One merchant may use up half of it.
    pub queue_capacity: usize,
    /// The most changesets in one transaction.
    pub batch_changesets_max: usize,
    /// The most bytes of documents and records in one transaction; a larger single changeset still goes, alone.
    pub batch_bytes_max: usize,
    /// How many connections read.
    pub readers: u32,
    /// Whether a commit waits for the disk. Only a test that shows what this is good for turns it off.
    pub synchronous_full: bool,
    /// The most pages that the database may have; only a test of a full disk sets it.
    pub pages_max: Option<u32>,
    /// The name of the SQLite VFS to use; only a test that drops unsynced writes sets it.
    pub vfs: Option<String>,
}

impl Config {
    /// A durable store in a directory.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            queue_capacity: 4096,
            batch_changesets_max: 256,
            batch_bytes_max: 8 << 20,
            readers: 4,
            synchronous_full: true,
            pages_max: None,
            vfs: None,
        }
    }
}
