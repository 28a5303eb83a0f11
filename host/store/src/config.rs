//! What a store is opened with.

use std::path::PathBuf;
use std::time::Duration;

/// What a store is opened with. [`Config::new`] gives what a production store wants.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the embedded database lives; made where it is missing. Not used where `postgres` is given.
    pub directory: PathBuf,
    /// A database that several nodes share, in place of the embedded one.
    pub postgres: Option<Postgres>,
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

/// A PostgreSQL that several nodes share.
#[derive(Clone)]
pub struct Postgres {
    /// Where it is, and as whom: `postgres://user:password@host/database`.
    pub url: String,
    /// Whether the schema is brought up to date, under a lock; otherwise it must be already.
    pub migrate: bool,
    /// Connections for requests.
    pub api_connections: u32,
    /// Connections for the sweeper and housekeeping.
    pub runner_connections: u32,
    /// Connections for whatever follows the log.
    pub relay_connections: u32,
    /// How long a request waits for a connection before it is told to come back.
    pub acquire_timeout: Duration,
}

impl Postgres {
    /// With the usual settings.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            migrate: true,
            api_connections: 8,
            runner_connections: 4,
            relay_connections: 3,
            acquire_timeout: Duration::from_secs(2),
        }
    }
}

impl std::fmt::Debug for Postgres {
    /// Without the address: it may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Postgres").field("migrate", &self.migrate).finish_non_exhaustive()
    }
}

impl Config {
    /// A durable store in a directory.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            postgres: None,
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
