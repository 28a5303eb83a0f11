//! An empty database with the schema of the run's, and what the run found there: the merchant and the stock.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, SqliteConnection};

/// As the store sets them, so that nothing but the work differs.
const CHECKPOINT_PAGES: u32 = 4096;
/// What is there before an order is placed. The tables of orders stay empty.
const FOUND: [&str; 5] = ["tenants", "api_keys", "warehouses", "inventory", "log_head"];

/// Opens a database with the durability and the settings of the store.
pub async fn open(file: &Path) -> Result<SqliteConnection, sqlx::Error> {
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .page_size(16_384)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
        .pragma("secure_delete", "on")
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES.to_string())
        .pragma("cache_size", "-65536")
        .pragma("temp_store", "memory")
        .statement_cache_capacity(512)
        .disable_statement_logging()
        .connect()
        .await
}

/// Makes a database with the schema of another.
pub async fn empty(source: &Path, file: &Path) -> anyhow::Result<()> {
    remove(file);
    let mut connection = open(file).await?;
    sqlx::query("attach ? as source").bind(source.to_string_lossy().into_owned()).execute(&mut connection).await?;
    let objects: Vec<String> = sqlx::query_scalar(
        "select sql from source.sqlite_schema where sql is not null and name not like 'sqlite\\_%' escape '\\' \
         and tbl_name not like '\\_sqlx%' escape '\\' order by case type when 'table' then 0 else 1 end, rowid",
    )
    .fetch_all(&mut connection)
    .await?;
    for sql in objects {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
    }
    for table in FOUND {
        let sql = format!("insert into main.{table} select * from source.{table}");
        sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await?;
    }
    sqlx::query("update main.inventory set reserved = 0").execute(&mut connection).await?;
    sqlx::query("detach source").execute(&mut connection).await?;
    sqlx::query("pragma wal_checkpoint(truncate)").execute(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

/// Removes a database with its log.
pub fn remove(file: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        // It may never have been there.
        let _ = std::fs::remove_file(format!("{}{suffix}", file.display()));
    }
}
