//! What runners and consumers keep: leases, cursors, dead letters, and the end of old idempotency keys.
//!
//! Single statements on the writer's connection, past the queue.

use domain::ids::{EventId, OrderId, TenantId};
use domain::time::Timestamp;

use crate::backend::Scope;
use crate::reads::own;
use crate::records::DeadLetter;
use crate::sql::{self, Columns, Query, count, id, text};
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
        const DUE: &str = "wake_at <= $1 and (lease_until is null or lease_until <= $1)";
        // Mostly nothing is due: then no lock is taken.
        let any = sql::query(format!("select 1 from orders where {DUE} limit 1")).bind(now.micros());
        if self.fetch_optional(Scope::All, any).await?.is_none() {
            return Ok(Vec::new());
        }
        const TAKE: &str = "update orders set lease_owner = $2, lease_until = $3";
        let sqlite = format!(
            "{TAKE} where rowid in (select rowid from orders where {DUE} order by wake_at limit $4) \
             returning tenant_id, order_id"
        );
        // Several nodes look at once: none waits for a row that another is just taking, or committing.
        let postgres = format!(
            "{TAKE} where (tenant_id, order_id) in (select tenant_id, order_id from orders where {DUE} \
             order by wake_at limit $4 for no key update skip locked) returning tenant_id, order_id"
        );
        let query = sql::each(sqlite, postgres)
            .bind(now.micros())
            .bind(text(owner))
            .bind(lease_until.micros())
            .bind(i64::from(limit));
        let rows = self.execute_returning(Scope::All, query).await?;
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
        let query = sql::query(
            "update orders set lease_until = $1 where tenant_id = $2 and order_id = $3 and lease_owner = $4",
        )
        .bind(lease.until.micros())
        .bind(own(tenant))
        .bind(id(order_id.uuid()))
        .bind(text(&lease.owner));
        Ok(self.execute(tenant, query).await? > 0)
    }

    /// Gives a lease back; nothing happens where it is no longer the owner's.
    ///
    /// # Errors
    /// What the database said.
    pub async fn release_lease(&self, tenant: TenantId, order_id: OrderId, owner: &str) -> Result<(), Error> {
        let sql = "update orders set lease_owner = null, lease_until = null \
                   where tenant_id = $1 and order_id = $2 and lease_owner = $3";
        let query = sql::query(sql).bind(own(tenant)).bind(id(order_id.uuid())).bind(text(owner));
        self.execute(tenant, query).await?;
        Ok(())
    }

    /// Ends every lease. Only for a store that one process alone can have open: whoever held a lease has died.
    ///
    /// # Errors
    /// What the database said.
    pub async fn end_leases(&self) -> Result<u64, Error> {
        let sql = "update orders set lease_owner = null, lease_until = null where wake_at is not null and lease_owner is not null";
        let ended = self.execute(Scope::All, sql::query(sql)).await?;
        let sql = "update announcements set owner = null, until = null where owner is not null";
        self.execute(Scope::All, sql::query(sql)).await?;
        Ok(ended)
    }

    /// The earliest moment at which an order is due that nobody works on or whose lease ends.
    ///
    /// # Errors
    /// What the database said.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        let query = sql::each(
            "select min(max(wake_at, coalesce(lease_until, wake_at))) from orders where wake_at is not null",
            "select min(greatest(wake_at, lease_until)) from orders where wake_at is not null",
        );
        Columns::new(&self.fetch_one(Scope::All, query).await?).optional_time()
    }

    /// Up to where a consumer has come; 0 for one that never said.
    ///
    /// # Errors
    /// What the database said.
    pub async fn cursor(&self, consumer: &str) -> Result<u64, Error> {
        let query = sql::query("select position from consumer_cursors where consumer = $1").bind(text(consumer));
        let row = self.fetch_optional(Scope::All, query).await?;
        row.map_or(Ok(0), |row| Columns::new(&row).count())
    }

    /// Sets how far a consumer has come.
    ///
    /// # Errors
    /// What the database said.
    pub async fn set_cursor(&self, consumer: &str, position: u64) -> Result<(), Error> {
        let sql = "insert into consumer_cursors (consumer, position) values ($1, $2) \
                   on conflict (consumer) do update set position = excluded.position";
        let query = sql::query(sql).bind(text(consumer)).bind(count(position));
        self.execute(Scope::All, query).await?;
        Ok(())
    }

    /// Keeps an event that a consumer could not take. The same event again replaces its letter.
    ///
    /// # Errors
    /// What the database said.
    pub async fn put_dead_letter(&self, letter: &DeadLetter) -> Result<(), Error> {
        let sql = "insert into dead_letters (consumer, position, event_id, payload, error, at) values ($1, $2, $3, $4, $5, $6) \
                   on conflict (consumer, position) do update set error = excluded.error, at = excluded.at";
        let query = sql::query(sql)
            .bind(text(&letter.consumer))
            .bind(count(letter.position))
            .bind(id(letter.event_id.uuid()))
            .bind(text(&letter.payload))
            .bind(text(&letter.error))
            .bind(letter.at.micros());
        self.execute(Scope::All, query).await?;
        Ok(())
    }

    /// A consumer's dead letters after a position.
    ///
    /// # Errors
    /// What the database said.
    pub async fn dead_letters(&self, consumer: &str, after: u64, limit: u32) -> Result<Vec<DeadLetter>, Error> {
        let sql = "select consumer, position, event_id, payload, error, at from dead_letters \
                   where consumer = $1 and position > $2 order by position limit $3";
        let query = sql::query(sql).bind(text(consumer)).bind(count(after)).bind(i64::from(limit));
        let rows = self.fetch_all(Scope::All, query).await?;
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
        let query = sql::each(
            "delete from idempotency_keys where created_at < $1 and rowid in \
             (select rowid from idempotency_keys order by rowid limit $2)",
            "delete from idempotency_keys where (tenant_id, key) in (select tenant_id, key from idempotency_keys \
             where created_at < $1 order by created_at limit $2 for update skip locked)",
        );
        self.remove_oldest(query, now.plus_seconds(-KEY_SECONDS_MIN)).await
    }

    /// Removes the records of policy calls that were made before a moment, a few at a time; how many.
    ///
    /// # Errors
    /// What the database said.
    pub async fn expire_decisions(&self, before: Timestamp) -> Result<u64, Error> {
        let sql = "delete from decisions where at < $1 and rowid in \
                   (select rowid from decisions order by rowid limit $2)";
        self.remove_oldest(sql::query(sql), before).await
    }

    /// Rows come in by time, so that the oldest are the first. Each statement is short, and lets commits through.
    pub(crate) async fn remove_oldest(&self, query: Query, before: Timestamp) -> Result<u64, Error> {
        let mut removed = 0;
        loop {
            let query = query.clone().bind(before.micros()).bind(EXPIRED_AT_ONCE);
            let now_removed = self.execute(Scope::All, query).await?;
            removed += now_removed;
            if now_removed == 0 {
                return Ok(removed);
            }
        }
    }
}
