//! Connections for everything but the group commit: of their own for requests, for runners and for followers of the log,
//! so that none takes the others' away.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use domain::ids::{Sku, TenantId};
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, Transaction};
use uuid::Uuid;

use crate::backend::Scope;
use crate::resolve::Level;
use crate::sql::{Handle, Pairs, Query, Row};
use crate::{Error, StoredKey};

/// How far ahead partitions of the event log are made, and how far back, in microseconds.
const MONTHS_AHEAD_MICROS: i64 = 92 * 24 * 60 * 60 * 1_000_000;
const MONTHS_BACK_MICROS: i64 = 31 * 24 * 60 * 60 * 1_000_000;

#[derive(Clone)]
pub(crate) struct Pools {
    /// For requests.
    pub api: PgPool,
    /// For the sweeper and for housekeeping.
    pub runner: PgPool,
    /// For whatever follows the log.
    pub relay: PgPool,
}

impl Pools {
    fn of(&self, scope: Scope) -> &PgPool {
        match scope {
            Scope::Of(_) | Scope::Callers => &self.api,
            Scope::All => &self.runner,
            Scope::Log => &self.relay,
        }
    }

    /// Begins a transaction that sees the rows of a scope and no others.
    async fn begin(&self, scope: Scope) -> Result<Transaction<'static, Postgres>, Error> {
        let begin = match scope {
            Scope::Of(tenant) => format!(
                "begin; set local role orderwright_api; set local orderwright.tenant = '{}'",
                tenant.uuid().simple()
            ),
            Scope::Callers => "begin; set local role orderwright_callers".to_owned(),
            Scope::All => "begin; set local role orderwright_runner".to_owned(),
            Scope::Log => "begin; set local role orderwright_relay".to_owned(),
        };
        self.begun(scope, &begin).await
    }

    /// Connections that a restarted server has cut are only found out by using them, and each is found out once.
    async fn begun(&self, scope: Scope, begin: &str) -> Result<Transaction<'static, Postgres>, Error> {
        let pool = self.of(scope);
        let mut cut_off = 0;
        loop {
            match pool.begin_with(AssertSqlSafe(begin.to_owned())).await {
                Ok(transaction) => return Ok(transaction),
                Err(sqlx::Error::Io(_) | sqlx::Error::Database(_))
                    if cut_off < pool.options().get_max_connections() =>
                {
                    cut_off += 1;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    pub async fn read(&self, scope: Scope, query: Query) -> Result<Vec<Row>, Error> {
        // Nothing is to be kept: whoever asked need not wait for the end of the transaction.
        query.fetch_all(Handle::Postgres(&mut *self.begin(scope).await?)).await
    }

    pub async fn read_pairs(&self, scope: Scope, query: &Pairs, pairs: &[(Uuid, Uuid)]) -> Result<Vec<Row>, Error> {
        query.postgres(&mut *self.begin(scope).await?, pairs).await
    }

    pub async fn write(&self, scope: Scope, query: Query) -> Result<u64, Error> {
        let mut transaction = self.begin(scope).await?;
        let touched = query.execute(Handle::Postgres(&mut transaction)).await?;
        transaction.commit().await?;
        Ok(touched)
    }

    pub async fn write_returning(&self, scope: Scope, query: Query) -> Result<Vec<Row>, Error> {
        let mut transaction = self.begin(scope).await?;
        let rows = query.fetch_all(Handle::Postgres(&mut transaction)).await?;
        transaction.commit().await?;
        Ok(rows)
    }

    /// The stored ones among a merchant's keys.
    pub async fn keys(
        &self,
        tenant: TenantId,
        wanted: &[&(TenantId, String)],
    ) -> Result<HashMap<(TenantId, String), StoredKey>, Error> {
        super::keys(&mut *self.begin(tenant.into()).await?, wanted).await
    }

    /// All warehouses' rows of a merchant's SKUs.
    pub async fn levels(&self, tenant: TenantId, wanted: &[&(TenantId, Sku)]) -> Result<Vec<Level>, Error> {
        super::levels(&mut *self.begin(tenant.into()).await?, wanted).await
    }

    /// One view of everything, in which nothing moves.
    pub async fn view(&self) -> Result<Transaction<'static, Postgres>, Error> {
        let begin = "begin isolation level repeatable read, read only; set local role orderwright_runner";
        self.begun(Scope::All, begin).await
    }

    /// The position of the last event.
    pub async fn head(&self) -> Result<u64, Error> {
        let head: i64 = sqlx::query_scalar("select position from log_head").fetch_one(&self.relay).await?;
        u64::try_from(head).map_err(|_| Error::Damaged(format!("{head} is no position")))
    }

    /// Makes the log's partitions for the months to come.
    pub async fn make_event_months(&self) -> Result<(), Error> {
        let mut connection = self.runner.acquire().await?;
        let now = now_micros(&mut connection).await?;
        let query = sqlx::query("select make_event_months($1, $2)");
        query.bind(now - MONTHS_BACK_MICROS).bind(now + MONTHS_AHEAD_MICROS).execute(&mut *connection).await?;
        Ok(())
    }

    /// How far the database's clock is ahead of this machine's, in microseconds.
    pub async fn clock_offset_micros(&self) -> Result<i64, Error> {
        let mut connection = self.runner.acquire().await?;
        let before = local_micros();
        let there = now_micros(&mut connection).await?;
        let after = local_micros();
        Ok(there - (before + after) / 2)
    }

    pub async fn close(&self) {
        for pool in [&self.api, &self.runner, &self.relay] {
            pool.close().await;
        }
    }
}

async fn now_micros(connection: &mut PgConnection) -> Result<i64, Error> {
    let sql = "select (extract(epoch from clock_timestamp()) * 1000000)::bigint";
    Ok(sqlx::query_scalar(sql).fetch_one(connection).await?)
}

fn local_micros() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
