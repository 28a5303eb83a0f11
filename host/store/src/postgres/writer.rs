//! The writer's connection, and what becomes of a batch whose commit was cut off.
//!
//! A connection that is lost during `commit` leaves open whether the batch was kept. Every batch therefore writes its
//! number into the writer's own row, and after such a loss the row is read back, with a lock: it waits for the old
//! transaction, should that still be at it, and shows how it ended. The row is data like the batch itself, so that the
//! answer is right on a promoted standby too, where numbers of transactions may be used again.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use domain::ids::{Sku, TenantId, WarehouseId};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection};
use tokio::time::Instant;
use uuid::Uuid;

use super::claim::{self, Claims};
use super::read;
use super::write::{self, Mark};
use crate::Error;
use crate::prepare::Prepared;
use crate::resolve::{Claimed, Net, Snapshot, Wanted};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a commit may take: as long as a disk or a standby may stall.
const COMMIT: Duration = Duration::from_secs(30);
/// How long it is asked what became of a batch: longer than a failover takes.
const READ_BACK: Duration = Duration::from_secs(60);
/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(100);

/// The writer's connection. It is made anew where it was lost.
pub(crate) struct Connection {
    options: PgConnectOptions,
    open: Option<PgConnection>,
    writer_id: Uuid,
    batch: i64,
    claims: Claims,
    known_stock: HashSet<(TenantId, Sku, WarehouseId)>,
}

impl Connection {
    pub async fn open(options: PgConnectOptions) -> Result<Self, Error> {
        let mut connection = Self {
            options,
            open: None,
            writer_id: Uuid::now_v7(),
            batch: 0,
            claims: Claims::default(),
            known_stock: HashSet::new(),
        };
        connection.connect().await?;
        Ok(connection)
    }

    async fn connect(&mut self) -> Result<&mut PgConnection, Error> {
        if self.open.is_none() {
            let connecting = tokio::time::timeout(CONNECT, self.options.connect());
            let mut connection = connecting.await.map_err(|_| Error::unavailable("the database does not answer"))??;
            // A standby that was promoted may never have heard of this writer.
            let sql = "insert into writers (writer_id, batch, seen_at) \
                       values ($1, 0, (extract(epoch from now()) * 1000000)::bigint) on conflict do nothing";
            sqlx::query(sql).bind(self.writer_id.into_bytes()).execute(&mut connection).await?;
            self.open = Some(connection);
        }
        self.current()
    }

    fn current(&mut self) -> Result<&mut PgConnection, Error> {
        self.open.as_mut().ok_or_else(|| Error::unavailable("the connection was lost"))
    }

    /// Begins a transaction that may write rows of the batch's merchants and no others'.
    pub async fn begin(&mut self, tenants: &BTreeSet<TenantId>) -> Result<(), Error> {
        self.batch += 1;
        let tenants: Vec<String> = tenants.iter().map(|tenant| tenant.uuid().simple().to_string()).collect();
        let begin = format!(
            "begin; set local role orderwright_writer; set local orderwright.tenants = '{}'",
            tenants.join(",")
        );
        let begun = self.connect().await?.execute(AssertSqlSafe(begin.clone())).await;
        if begun.is_err() {
            // What was open to a server that has been restarted is of no use; a new connection may well be.
            self.open = None;
            self.connect().await?.execute(AssertSqlSafe(begin)).await?;
        }
        Ok(())
    }

    pub async fn claim(&mut self, batch: &[&Prepared]) -> Result<Claimed, Error> {
        let (claimed, claims) = claim::claim(self.current()?, batch).await?;
        self.claims = claims;
        Ok(claimed)
    }

    pub async fn read(&mut self, wanted: &Wanted, claimed: Claimed) -> Result<Snapshot, Error> {
        let snapshot = read::read(self.current()?, wanted, claimed).await?;
        let key = |level: &crate::resolve::Level| (level.tenant, level.sku.clone(), level.warehouse.clone());
        self.known_stock = snapshot.stock.iter().map(key).collect();
        Ok(snapshot)
    }

    /// Writes everything; the head of the log before and after.
    pub async fn write(&mut self, batch: &[&Prepared], net: &Net) -> Result<(u64, u64), Error> {
        let mark = Mark { writer_id: self.writer_id, batch: self.batch };
        let connection = self.open.as_mut().ok_or_else(|| Error::unavailable("the connection was lost"))?;
        claim::settle(connection, batch, net, &self.claims).await?;
        write::write(connection, batch, net, &self.known_stock, mark).await
    }

    /// Commits. Where it is not known whether that was done, it is found out.
    pub async fn commit(&mut self) -> Result<(), Error> {
        let committing = self.current()?.execute("commit");
        let error = match tokio::time::timeout(COMMIT, committing).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => Error::from(error),
            Err(_) => Error::unavailable("a commit takes too long"),
        };
        self.open = None;
        metrics::counter!("store_commits_read_back_total").increment(1);
        tracing::warn!(%error, "a commit was cut off; it is read back");
        self.read_back(error).await
    }

    async fn read_back(&mut self, error: Error) -> Result<(), Error> {
        let deadline = Instant::now() + READ_BACK;
        loop {
            match self.last_batch().await {
                Ok(last) if last == self.batch => return Ok(()),
                // Nothing was kept: the same can be tried again.
                Ok(_) => return Err(Error::contended("the commit was cut off, and was not done")),
                Err(again) if Instant::now() < deadline => {
                    tracing::debug!(error = %again, "the database does not say yet what became of a commit");
                    self.open = None;
                    tokio::time::sleep(PAUSE).await;
                }
                Err(_) => return Err(error),
            }
        }
    }

    async fn last_batch(&mut self) -> Result<i64, Error> {
        let writer_id = self.writer_id.into_bytes();
        let connection = self.connect().await?;
        let sql = "select batch from writers where writer_id = $1 for update";
        Ok(sqlx::query_scalar(sql).bind(writer_id).fetch_one(connection).await?)
    }

    pub async fn rollback(&mut self) {
        let Some(connection) = &mut self.open else { return };
        if let Err(error) = connection.execute("rollback").await {
            tracing::debug!(%error, "the connection is lost, and the transaction with it");
            self.open = None;
        }
    }

    /// Says good-bye: this writer has no batch in doubt.
    pub async fn close(mut self) {
        let writer_id = self.writer_id.into_bytes();
        if let Some(mut connection) = self.open.take() {
            let gone = sqlx::query("delete from writers where writer_id = $1").bind(writer_id);
            if let Err(error) = gone.execute(&mut connection).await {
                tracing::debug!(%error, "the writer's row stays behind");
            }
            let _the_server_notices = connection.close().await;
        }
    }
}
