//! What can go wrong in a database.

use std::path::PathBuf;
use std::sync::Arc;

use crate::postgres::from_postgres;

/// What went wrong. `Unavailable`, `DiskFull`, `QueueFull` and `Closed` are passing troubles of the whole store; the
/// others concern one changeset or one row.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// More changesets wait than the queue may hold.
    #[error("too many changes are waiting")]
    QueueFull,
    /// The database is busy, or its disk does not answer. Whether a change was kept is unknown: ask again with its key.
    #[error("the database is unavailable")]
    Unavailable(#[source] Arc<sqlx::Error>),
    /// Another node's commits got in the way again and again. Nothing was kept.
    #[error("other commits are in the way")]
    Contended(#[source] Arc<sqlx::Error>),
    /// The disk is full.
    #[error("the disk is full")]
    DiskFull,
    /// The store was shut down, or its writer died.
    #[error("the store is closed")]
    Closed,
    /// The database refuses this changeset, and always will.
    #[error("the database refuses the change: {constraint}")]
    Refused {
        /// The constraint's name, or the columns of a unique one.
        constraint: String,
    },
    /// The changeset contradicts itself or the stored order.
    #[error("the changeset is not consistent: {0}")]
    Inconsistent(String),
    /// The order is larger than an order may be.
    #[error("the order takes {bytes} bytes, at most {limit} are kept")]
    DocumentTooLarge {
        /// What it would take.
        bytes: usize,
        /// What is kept.
        limit: usize,
    },
    /// A stored row cannot be understood.
    #[error("a stored row is damaged: {0}")]
    Damaged(String),
    /// Another process has the directory open.
    #[error("another process has {} open", .0.display())]
    Locked(PathBuf),
    /// The linked SQLite has known faults.
    #[error("SQLite {found} is too old: 3.51.3 or newer is needed, older ones can corrupt the log")]
    OldSqlite {
        /// Its version.
        found: String,
    },
    /// A setting that durability depends on did not take.
    #[error("the database did not accept {0}")]
    Setting(&'static str),
    /// The schema could not be brought up to date.
    #[error("the schema could not be brought up to date")]
    Migration(#[source] Arc<sqlx::migrate::MigrateError>),
    /// The schema is older than this program, which was told to leave it alone.
    #[error("the schema is at version {found}, this program needs {wanted}: let it migrate, or do so beforehand")]
    OldSchema {
        /// The newest migration that was done.
        found: i64,
        /// The newest that there is.
        wanted: i64,
    },
    /// The directory cannot be used.
    #[error("cannot use {}", .directory.display())]
    Directory {
        /// Which.
        directory: PathBuf,
        /// Why.
        #[source]
        source: Arc<std::io::Error>,
    },
    /// The system gives no thread.
    #[error("cannot start a thread")]
    Thread(#[source] Arc<std::io::Error>),
    /// Anything else that the database said.
    #[error("the database failed")]
    Database(#[source] Arc<sqlx::Error>),
}

/// SQLite's primary result codes, <https://sqlite.org/rescode.html>.
mod code {
    pub const BUSY: u32 = 5;
    pub const LOCKED: u32 = 6;
    pub const NOMEM: u32 = 7;
    pub const READONLY: u32 = 8;
    pub const IOERR: u32 = 10;
    pub const FULL: u32 = 13;
    pub const CANTOPEN: u32 = 14;
    pub const PROTOCOL: u32 = 15;
    pub const CONSTRAINT: u32 = 19;
}

impl Error {
    /// Whether the same changeset would fail again on a healthy database, so that it is worth finding the culprit of a
    /// failed batch.
    #[must_use]
    pub const fn is_lasting(&self) -> bool {
        !matches!(self, Self::QueueFull | Self::Unavailable(_) | Self::Contended(_) | Self::DiskFull | Self::Closed)
    }
}

impl Error {
    pub(crate) fn unavailable(why: &str) -> Self {
        Self::Unavailable(Arc::new(sqlx::Error::Io(std::io::Error::other(why))))
    }

    pub(crate) fn contended(why: &str) -> Self {
        Self::Contended(Arc::new(sqlx::Error::Io(std::io::Error::other(why))))
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let error = Arc::new(error);
        if let Some(error) = from_postgres(&error) {
            return error;
        }
        match &*error {
            sqlx::Error::Database(inner) => {
                let extended: u32 = inner.code().and_then(|c| c.parse().ok()).unwrap_or(0);
                match extended & 0xff {
                    code::FULL => Self::DiskFull,
                    code::BUSY
                    | code::LOCKED
                    | code::NOMEM
                    | code::READONLY
                    | code::IOERR
                    | code::CANTOPEN
                    | code::PROTOCOL => Self::Unavailable(error),
                    code::CONSTRAINT => Self::Refused { constraint: constraint_name(inner.message()) },
                    _ => Self::Database(error),
                }
            }
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed | sqlx::Error::Io(_) => {
                Self::Unavailable(error)
            }
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Self::Damaged(error.to_string()),
            _ => Self::Database(error),
        }
    }
}

/// SQLite names a check and the columns of a unique constraint after the first colon, and nothing of a foreign key.
fn constraint_name(message: &str) -> String {
    message.split_once(": ").map_or(message, |(_, name)| name).to_owned()
}
