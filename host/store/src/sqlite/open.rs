//! Opening a directory: lock, settings that durability depends on, schema.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, SqliteConnection};

use crate::Error;
use crate::config::Config;
use crate::lock::Lock;

/// The oldest SQLite whose write-ahead log is free of known corruption: 3.7.0 to 3.51.2 could lose it on a reset.
const SQLITE_MIN: (u32, u32, u32) = (3, 51, 3);
/// Prepared statements kept a connection: every bulk statement in every length.
const STATEMENTS_CACHED: usize = 512;
/// Several usual documents fit on a page, and few spill over: against 4 kB, a sixth less work and a third less space an
/// order in batches of two hundred, and as many bytes written.
const PAGE_BYTES: u32 = 16_384;
/// The log is copied into the database after so many pages (64 MB): rarely enough that hot pages are copied once for
/// many commits, often enough that the log of a killed process is read in well under a second.
const CHECKPOINT_PAGES: u32 = 4096;
/// How many rows the driver's thread may be ahead of the reader: an answer of a batch goes over in one piece, without a
/// change of threads when a smaller buffer is full.
const ROWS_BUFFERED: usize = 1024;
/// How long a reader waits for a connection before the caller is told to come back later.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// An open directory.
pub(crate) struct Opened {
    pub writer: SqliteConnection,
    pub readers: SqlitePool,
    /// Held as long as the store is open.
    pub lock: Lock,
}

pub(crate) async fn open(config: &Config) -> Result<Opened, Error> {
    let directory = |source| Error::Directory { directory: config.directory.clone(), source: Arc::new(source) };
    fs::create_dir_all(&config.directory).map_err(directory)?;
    let lock = Lock::take(&config.directory).await?;
    let options = options(config);
    let mut writer = options.clone().connect().await?;
    check_version(&mut writer).await?;
    // One migration at a time: the lock file keeps other processes out, and nobody else has the directory yet.
    sqlx::migrate!("../../migrations/sqlite")
        .set_locking(false)
        .run(&mut writer)
        .await
        .map_err(|e| Error::Migration(Arc::new(e)))?;
    if let Some(pages) = config.pages_max {
        let pragma = format!("pragma max_page_count = {pages}");
        sqlx::query(sqlx::AssertSqlSafe(pragma)).execute(&mut writer).await?;
    }
    check_settings(&mut writer, config).await?;
    forget_unfinished_components(&mut writer).await?;
    sync_names(&config.directory).map_err(directory)?;
    let readers = SqlitePoolOptions::new()
        .max_connections(config.readers.max(1))
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .connect_with(options.pragma("query_only", "on"))
        .await?;
    Ok(Opened { writer, readers, lock })
}

fn options(config: &Config) -> SqliteConnectOptions {
    let synchronous = if config.synchronous_full { SqliteSynchronous::Full } else { SqliteSynchronous::Off };
    let options = SqliteConnectOptions::new()
        .filename(config.directory.join("orderwright.db"))
        .create_if_missing(true)
        .page_size(PAGE_BYTES)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
        .pragma("secure_delete", "on")
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES.to_string())
        .pragma("journal_size_limit", (u64::from(CHECKPOINT_PAGES) * u64::from(PAGE_BYTES) * 2).to_string())
        .pragma("cache_size", "-65536")
        .pragma("temp_store", "memory")
        .statement_cache_capacity(STATEMENTS_CACHED)
        .row_buffer_size(ROWS_BUFFERED)
        .disable_statement_logging();
    match &config.vfs {
        Some(vfs) => options.vfs(vfs.clone()),
        None => options,
    }
}

async fn check_version(connection: &mut SqliteConnection) -> Result<(), Error> {
    let found: String = sqlx::query_scalar("select sqlite_version()").fetch_one(connection).await?;
    let mut parts = found.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let mut part = || parts.next().unwrap_or(0);
    if (part(), part(), part()) < SQLITE_MIN {
        return Err(Error::OldSqlite { found });
    }
    Ok(())
}

/// A pragma that is not understood is not an error to SQLite: what counts is what it answers.
async fn check_settings(connection: &mut SqliteConnection, config: &Config) -> Result<(), Error> {
    let mode: String = sqlx::query_scalar("pragma journal_mode").fetch_one(&mut *connection).await?;
    if mode != "wal" {
        return Err(Error::Setting("journal_mode = wal"));
    }
    let synchronous: i64 = sqlx::query_scalar("pragma synchronous").fetch_one(&mut *connection).await?;
    if config.synchronous_full && synchronous != 2 {
        return Err(Error::Setting("synchronous = full"));
    }
    let foreign_keys: i64 = sqlx::query_scalar("pragma foreign_keys").fetch_one(&mut *connection).await?;
    if foreign_keys != 1 {
        return Err(Error::Setting("foreign_keys = on"));
    }
    let secure_delete: i64 = sqlx::query_scalar("pragma secure_delete").fetch_one(&mut *connection).await?;
    if secure_delete != 1 {
        return Err(Error::Setting("secure_delete = on"));
    }
    Ok(())
}

/// Removes what uploads left that a stop broke off: whoever uploads the component again brings all of it.
async fn forget_unfinished_components(connection: &mut SqliteConnection) -> Result<(), Error> {
    let sql = "delete from component_parts where digest not in (select digest from components)";
    let parts = sqlx::query(sql).execute(connection).await?.rows_affected();
    if parts > 0 {
        tracing::info!(parts, "parts of components whose upload was broken off were removed");
    }
    Ok(())
}

/// A new file's name is durable only once its directory is synced, and SQLite syncs that of its log alone.
fn sync_names(directory: &Path) -> std::io::Result<()> {
    File::open(directory)?.sync_all()?;
    match directory.canonicalize()?.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

/// Copies the log into the database and empties it.
pub(crate) async fn checkpoint(writer: &mut SqliteConnection) -> Result<(), Error> {
    sqlx::query("pragma wal_checkpoint(truncate)").execute(writer).await?;
    Ok(())
}
