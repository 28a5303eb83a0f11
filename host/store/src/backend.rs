//! Either database behind the one handle: where reads and single statements run.

use std::sync::Arc;

use domain::ids::TenantId;
use sqlx::{Postgres, Sqlite, SqliteConnection, SqlitePool, Transaction};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::postgres::Pools;
use crate::sql::{Handle, Pairs, Query, Row};
use crate::{Error, Store};

/// An open database.
pub(crate) enum Backend {
    Sqlite {
        /// Shared with the writer; the lock is fair, so neither side starves.
        writer: Arc<Mutex<SqliteConnection>>,
        readers: SqlitePool,
    },
    Postgres(Pools),
}

/// Whose rows a statement may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// One merchant's.
    Of(TenantId),
    /// Everybody's: for requests whose merchant is not known yet.
    Callers,
    /// Everybody's: for the sweeper, housekeeping, the audit.
    All,
    /// Everybody's: for whatever follows the log.
    Log,
}

impl From<TenantId> for Scope {
    fn from(tenant: TenantId) -> Self {
        Self::Of(tenant)
    }
}

/// One consistent view of the database, for as long as it lives.
pub(crate) enum View {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl View {
    pub fn handle(&mut self) -> Handle<'_> {
        match self {
            Self::Sqlite(transaction) => Handle::Sqlite(transaction),
            Self::Postgres(transaction) => Handle::Postgres(transaction),
        }
    }
}

impl Store {
    /// Reads rows.
    pub(crate) async fn fetch_all(&self, scope: impl Into<Scope>, query: Query) -> Result<Vec<Row>, Error> {
        match self.backend() {
            Backend::Sqlite { readers, .. } => query.fetch_all(Handle::Sqlite(&mut *readers.acquire().await?)).await,
            Backend::Postgres(pools) => pools.read(scope.into(), query).await,
        }
    }

    /// Reads a row, where there is one.
    pub(crate) async fn fetch_optional(&self, scope: impl Into<Scope>, query: Query) -> Result<Option<Row>, Error> {
        match self.backend() {
            Backend::Sqlite { readers, .. } => {
                query.fetch_optional(Handle::Sqlite(&mut *readers.acquire().await?)).await
            }
            Backend::Postgres(pools) => Ok(pools.read(scope.into(), query).await?.into_iter().next()),
        }
    }

    /// Reads a row that is always there.
    pub(crate) async fn fetch_one(&self, scope: impl Into<Scope>, query: Query) -> Result<Row, Error> {
        let row = self.fetch_optional(scope, query).await?;
        row.ok_or_else(|| Error::Damaged("a row that is always there is missing".into()))
    }

    /// Runs a single statement past the queue, which is a transaction of its own; how many rows it touched.
    pub(crate) async fn execute(&self, scope: impl Into<Scope>, query: Query) -> Result<u64, Error> {
        match self.backend() {
            Backend::Sqlite { writer, .. } => query.execute(Handle::Sqlite(&mut *writer.lock().await)).await,
            Backend::Postgres(pools) => pools.write(scope.into(), query).await,
        }
    }

    /// Runs a single statement past the queue that answers rows.
    pub(crate) async fn execute_returning(&self, scope: impl Into<Scope>, query: Query) -> Result<Vec<Row>, Error> {
        match self.backend() {
            Backend::Sqlite { writer, .. } => query.fetch_all(Handle::Sqlite(&mut *writer.lock().await)).await,
            Backend::Postgres(pools) => pools.write_returning(scope.into(), query).await,
        }
    }

    /// Reads the rows that pairs of ids lead to.
    pub(crate) async fn fetch_pairs(
        &self,
        scope: impl Into<Scope>,
        query: &'static Pairs,
        pairs: &[(Uuid, Uuid)],
    ) -> Result<Vec<Row>, Error> {
        match self.backend() {
            Backend::Sqlite { readers, .. } => query.sqlite(&mut *readers.acquire().await?, pairs).await,
            Backend::Postgres(pools) => pools.read_pairs(scope.into(), query, pairs).await,
        }
    }

    /// A consistent view of everything.
    pub(crate) async fn view(&self) -> Result<View, Error> {
        Ok(match self.backend() {
            Backend::Sqlite { readers, .. } => View::Sqlite(readers.begin().await?),
            Backend::Postgres(pools) => View::Postgres(pools.view().await?),
        })
    }
}
