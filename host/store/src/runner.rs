//! What runners and consumers keep: leases, cursors, dead letters, and the end of old idempotency keys.
//!
//! Single statements on the writer's connection, past the queue.

use domain::ids::{EventId, OrderId, TenantId};
use domain::time::Timestamp;

use crate::reads::own;
use crate::records::DeadLetter;
use crate::sqlite::columns::{Columns, count, id, text};
use crate::{Error, Lease, Store};

/// How long an idempotency key is kept at least, in seconds.
pub const KEY_SECONDS_MIN: i64 = 24 * 60 * 60;
/// How many keys go in one transaction, so that commits get their turn.
const EXPIRED_AT_ONCE: i64 = 500;

impl Store {
    /// Takes up to `limit` orders that are due and that nobody works on, until `lease_until`; the longest due first.
    ///
    /// # Errors
    /// What the database said.
    pub async fn claim_due(
        &self,
        owner: &str,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<(TenantId, OrderId)>, Error> {
        const DUE: &str = "wake_at <= ?1 and (lease_until is null or lease_until <= ?1)";
        // Mostly nothing is due: then no lock is taken.
        let sql = format!("select exists (select 1 from orders where {DUE})");
        let any: bool = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .bind(now.micros())
            .fetch_one(&mut *self.reader().await?)
            .await?;
        if !any {
            return Ok(Vec::new());
        }
        let sql = format!(
            "update orders set lease_owner = ?2, lease_until = ?3 where rowid in \
             (select rowid from orders where {DUE} order by wake_at limit ?4) returning tenant_id, order_id"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(now.micros())
            .bind(text(owner))
            .bind(lease_until.micros())
            .bind(i64::from(limit));
        let rows = query.fetch_all(&mut *self.writer().await).await?;
        let key = |row| {
            let mut columns = Columns::new(row);
            Ok((columns.id(TenantId::new)?, columns.id(OrderId::new)?))
        };
        rows.iter().map(key).collect()
    }

    /// Prolongs a lease; false where it is no longer the owner's.
    ///
    /// # Errors
    /// What the database said.
    pub async fn renew_lease(&self, tenant: TenantId, order_id: OrderId, lease: &Lease) -> Result<bool, Error> {
        let query =
            sqlx::query("update orders set lease_until = ? where tenant_id = ? and order_id = ? and lease_owner = ?")
                .bind(lease.until.micros())
                .bind(own(tenant))
                .bind(id(order_id.uuid()))
                .bind(text(&lease.owner));
        Ok(query.execute(&mut *self.writer().await).await?.rows_affected() > 0)
    }

    /// Gives a lease back; nothing happens where it is no longer the owner's.
    ///
    /// # Errors
    /// What the database said.
    pub async fn release_lease(&self, tenant: TenantId, order_id: OrderId, owner: &str) -> Result<(), Error> {
        let sql = "update orders set lease_owner = null, lease_until = null \
                   where tenant_id = ? and order_id = ? and lease_owner = ?";
        let query = sqlx::query(sql).bind(own(tenant)).bind(id(order_id.uuid())).bind(text(owner));
        query.execute(&mut *self.writer().await).await?;
        Ok(())
    }

    /// Ends every lease. Only for a store that one process alone can have open: whoever held a lease has died.
    ///
    /// # Errors
    /// What the database said.
    pub async fn end_leases(&self) -> Result<u64, Error> {
        let sql = "update orders set lease_owner = null, lease_until = null where wake_at is not null and lease_owner is not null";
        Ok(sqlx::query(sql).execute(&mut *self.writer().await).await?.rows_affected())
    }

    /// The earliest moment at which an order is due that nobody works on or whose lease ends.
    ///
    /// # Errors
    /// What the database said.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        let sql = "select min(max(wake_at, coalesce(lease_until, wake_at))) from orders where wake_at is not null";
        let next: Option<i64> = sqlx::query_scalar(sql).fetch_one(&mut *self.reader().await?).await?;
        Ok(next.map(Timestamp::from_micros))
    }

    /// Up to where a consumer has come; 0 for one that never said.
    ///
    /// # Errors
    /// What the database said.
    pub async fn cursor(&self, consumer: &str) -> Result<u64, Error> {
        let query = sqlx::query("select position from consumer_cursors where consumer = ?").bind(text(consumer));
        let row = query.fetch_optional(&mut *self.reader().await?).await?;
        row.map_or(Ok(0), |row| Columns::new(&row).count())
    }

    /// Sets how far a consumer has come.
    ///
    /// # Errors
    /// What the database said.
    pub async fn set_cursor(&self, consumer: &str, position: u64) -> Result<(), Error> {
        let sql = "insert into consumer_cursors (consumer, position) values (?, ?) \
                   on conflict (consumer) do update set position = excluded.position";
        let query = sqlx::query(sql).bind(text(consumer)).bind(count(position));
        query.execute(&mut *self.writer().await).await?;
        Ok(())
    }

    /// Keeps an event that a consumer could not take. The same event again replaces its letter.
    ///
    /// # Errors
    /// What the database said.
    pub async fn put_dead_letter(&self, letter: &DeadLetter) -> Result<(), Error> {
        let sql = "insert into dead_letters (consumer, position, event_id, payload, error, at) values (?, ?, ?, ?, ?, ?) \
                   on conflict (consumer, position) do update set error = excluded.error, at = excluded.at";
        let query = sqlx::query(sql)
            .bind(text(&letter.consumer))
            .bind(count(letter.position))
            .bind(id(letter.event_id.uuid()))
            .bind(text(&letter.payload))
            .bind(text(&letter.error))
            .bind(letter.at.micros());
        query.execute(&mut *self.writer().await).await?;
        Ok(())
    }

    /// A consumer's dead letters after a position.
    ///
    /// # Errors
    /// What the database said.
    pub async fn dead_letters(&self, consumer: &str, after: u64, limit: u32) -> Result<Vec<DeadLetter>, Error> {
        let sql = "select consumer, position, event_id, payload, error, at from dead_letters \
                   where consumer = ? and position > ? order by position limit ?";
        let query = sqlx::query(sql).bind(text(consumer)).bind(count(after)).bind(i64::from(limit));
        let rows = query.fetch_all(&mut *self.reader().await?).await?;
        let letter = |row| {
            let mut columns = Columns::new(row);
            Ok(DeadLetter {
                consumer: columns.get()?,
                position: columns.count()?,
                event_id: columns.id(EventId::new)?,
                payload: columns.get()?,
                error: columns.get()?,
                at: columns.time()?,
            })
        };
        rows.iter().map(letter).collect()
    }

    /// Removes idempotency keys older than [`KEY_SECONDS_MIN`], some at a time. Answers how many.
    ///
    /// # Errors
    /// What the database said.
    pub async fn expire_keys(&self, now: Timestamp) -> Result<u64, Error> {
        let sql = "delete from idempotency_keys where created_at < ?1 and rowid in \
                   (select rowid from idempotency_keys order by rowid limit ?2)";
        self.remove_oldest(sql, now.plus_seconds(-KEY_SECONDS_MIN)).await
    }

    /// Removes the records of policy calls that were made before a moment, a few at a time; how many.
    ///
    /// # Errors
    /// What the database said.
    pub async fn expire_decisions(&self, before: Timestamp) -> Result<u64, Error> {
        let sql = "delete from decisions where at < ?1 and rowid in \
                   (select rowid from decisions order by rowid limit ?2)";
        self.remove_oldest(sql, before).await
    }

    /// Rows come in by time, so that the oldest are the first. Each statement is short, and lets commits through.
    async fn remove_oldest(&self, sql: &'static str, before: Timestamp) -> Result<u64, Error> {
        let mut removed = 0;
        loop {
            let query = sqlx::query(sql).bind(before.micros()).bind(EXPIRED_AT_ONCE);
            let now_removed = query.execute(&mut *self.writer().await).await?.rows_affected();
            removed += now_removed;
            if now_removed == 0 {
                return Ok(removed);
            }
        }
    }
}
