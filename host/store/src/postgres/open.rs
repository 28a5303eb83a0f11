//! Opening: the schema, settings that durability depends on, connections.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, PgConnection, PgPool};

use super::{Connection, Pools};
use crate::Error;
use crate::config::{Config, Postgres};

/// The oldest server that is tested.
const SERVER_MIN: i32 = 150_000;
/// Prepared statements kept a connection: every statement there is.
const STATEMENTS_CACHED: usize = 256;
/// Settings of every session. A node that stops in the middle of a commit, a paused machine for instance, must not keep
/// the others waiting for the rows that it has locked.
const SESSION: [(&str, &str); 5] = [
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "10s"),
    ("statement_timeout", "60s"),
    ("TimeZone", "UTC"),
    ("client_min_messages", "warning"),
];

/// An open database.
pub(crate) struct Opened {
    pub writer: Connection,
    pub pools: Pools,
    /// The position of the last event.
    pub head: u64,
}

pub(crate) async fn open(config: &Config, postgres: &Postgres) -> Result<Opened, Error> {
    let options = PgConnectOptions::from_str(&postgres.url)
        .map_err(|e| Error::Database(Arc::new(e)))?
        .application_name("orderwright")
        .statement_cache_capacity(STATEMENTS_CACHED)
        .options(SESSION)
        .disable_statement_logging();
    let mut connection = options.connect().await?;
    check_settings(&mut connection, config).await?;
    migrate(&mut connection, postgres.migrate).await?;
    drop(connection);
    let pools = Pools {
        api: pool(&options, postgres.api_connections, postgres.acquire_timeout).await?,
        runner: pool(&options, postgres.runner_connections, postgres.acquire_timeout).await?,
        relay: pool(&options, postgres.relay_connections, postgres.acquire_timeout).await?,
    };
    pools.make_event_months().await?;
    let head = pools.head().await?;
    let writer = Connection::open(options).await?;
    Ok(Opened { writer, pools, head })
}

/// One migration at a time: the driver takes an advisory lock for it.
async fn migrate(connection: &mut PgConnection, wanted: bool) -> Result<(), Error> {
    let migrator = sqlx::migrate!("../../migrations/postgres");
    if wanted {
        return migrator.run(connection).await.map_err(|e| Error::Migration(Arc::new(e)));
    }
    let newest = migrator.iter().map(|migration| migration.version).max().unwrap_or(0);
    let there: Option<i64> = sqlx::query_scalar("select max(version) from _sqlx_migrations where success")
        .fetch_one(connection)
        .await
        .or_else(|error| match &error {
            // The table is made by the first migration.
            sqlx::Error::Database(inner) if inner.code().as_deref() == Some("42P01") => Ok(None),
            _ => Err(error),
        })?;
    if there.unwrap_or(0) < newest {
        return Err(Error::OldSchema { found: there.unwrap_or(0), wanted: newest });
    }
    Ok(())
}

async fn check_settings(connection: &mut PgConnection, config: &Config) -> Result<(), Error> {
    let shown = async |connection: &mut PgConnection, name: &'static str| -> Result<String, Error> {
        Ok(sqlx::query_scalar("select current_setting($1)").bind(name).fetch_one(connection).await?)
    };
    let version = shown(connection, "server_version_num").await?;
    if version.parse::<i32>().unwrap_or(0) < SERVER_MIN {
        return Err(Error::Setting("PostgreSQL 15 or newer"));
    }
    if shown(connection, "server_encoding").await? != "UTF8" {
        return Err(Error::Setting("server_encoding = UTF8"));
    }
    if !config.synchronous_full {
        return Ok(());
    }
    for (setting, named) in [("fsync", "fsync = on"), ("full_page_writes", "full_page_writes = on")] {
        if shown(connection, setting).await? != "on" {
            return Err(Error::Setting(named));
        }
    }
    if shown(connection, "synchronous_commit").await? == "off" {
        return Err(Error::Setting("synchronous_commit = on"));
    }
    Ok(())
}

async fn pool(options: &PgConnectOptions, connections: u32, acquire_timeout: Duration) -> Result<PgPool, Error> {
    let pool = PgPoolOptions::new()
        .max_connections(connections.max(1))
        .acquire_timeout(acquire_timeout)
        .test_before_acquire(false)
        .connect_with(options.clone());
    Ok(pool.await?)
}
