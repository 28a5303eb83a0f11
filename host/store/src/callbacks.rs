//! Where providers and carriers call, and what they have told.
//!
//! Each change is one statement, past the queue, and so its own transaction: nothing here is about an order until the order's
//! own commit says so.

use domain::ids::{OrderId, TenantId};
use domain::time::Timestamp;
use uuid::Uuid;

use crate::backend::Scope;
use crate::reads::own;
use crate::records::{CallbackAddress, CallbackEvent, CallbackState};
use crate::sql::{self, Columns, Row, id, text};
use crate::{Error, Store};

/// How many parts of one kind an order can have: their ids follow the order's own.
const PARTS_MAX: u128 = 1 << 20;

const EVENT_COLUMNS: &str =
    "tenant_id, hook, event_id, received_at, notice, sealed_call, order_id, state, told, attempts, next_at";

impl Store {
    /// Gives a binding a new address. `only_first` does nothing where it has one. `earlier_until` is until when its earlier
    /// addresses are good.
    ///
    /// # Errors
    /// What the database said.
    pub async fn put_callback_address(
        &self,
        address: &CallbackAddress,
        earlier_until: Timestamp,
        only_first: bool,
    ) -> Result<(), Error> {
        let sql = "insert into callback_addresses (token_hash, tenant_id, hook, generation, sealed_token, created_at, \
                   earlier_until) select $1, $2, $3, 1 + (select coalesce(max(generation), 0) from callback_addresses \
                   where tenant_id = $2 and hook = $3), $4, $5, $6 where $7 = 0 or not exists \
                   (select 1 from callback_addresses where tenant_id = $2 and hook = $3)";
        let query = sql::query(sql)
            .bind(address.token_hash.to_vec())
            .bind(own(address.tenant))
            .bind(text(&address.hook))
            .bind(text(&address.sealed_token))
            .bind(address.created_at.micros())
            .bind(earlier_until.micros())
            .bind(i64::from(only_first));
        self.execute(address.tenant, query).await?;
        Ok(())
    }

    /// The addresses of a binding, the one in force first, without those that ended before a moment.
    ///
    /// # Errors
    /// What the database said.
    pub async fn callback_addresses(
        &self,
        tenant: TenantId,
        hook: &str,
        now: Timestamp,
    ) -> Result<Vec<CallbackAddress>, Error> {
        let sql = "select token_hash, tenant_id, hook, sealed_token, created_at, ends_at from \
                   (select a.*, (select min(b.earlier_until) from callback_addresses as b where b.tenant_id = a.tenant_id \
                   and b.hook = a.hook and b.generation > a.generation) as ends_at from callback_addresses as a \
                   where a.tenant_id = $1 and a.hook = $2) as known where ends_at is null or ends_at > $3 order by generation desc";
        let query = sql::query(sql).bind(own(tenant)).bind(text(hook)).bind(now.micros());
        self.fetch_all(tenant, query).await?.iter().map(address).collect()
    }

    /// The address with this hash, whoever's it is: this is how a caller finds the merchant. None where it has ended.
    ///
    /// # Errors
    /// What the database said.
    pub async fn callback_address(
        &self,
        token_hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<CallbackAddress>, Error> {
        let sql = "select token_hash, tenant_id, hook, sealed_token, created_at, ends_at from \
                   (select a.*, (select min(b.earlier_until) from callback_addresses as b where b.tenant_id = a.tenant_id \
                   and b.hook = a.hook and b.generation > a.generation) as ends_at from callback_addresses as a \
                   where a.token_hash = $1) as known where ends_at is null or ends_at > $2";
        let query = sql::query(sql).bind(token_hash.to_vec()).bind(now.micros());
        self.fetch_optional(Scope::Callers, query).await?.as_ref().map(address).transpose()
    }

    /// Keeps what was told; false where this event was told before.
    ///
    /// # Errors
    /// What the database said.
    pub async fn put_callback_event(&self, event: &CallbackEvent) -> Result<bool, Error> {
        let sql = "insert into callback_events (tenant_id, hook, event_id, received_at, notice, sealed_call, order_id, \
                   state, told, attempts, next_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict do nothing";
        let query = sql::query(sql)
            .bind(own(event.tenant))
            .bind(text(&event.hook))
            .bind(text(&event.event_id))
            .bind(event.received_at.micros())
            .bind(text(&event.notice))
            .bind(event.sealed_call.clone())
            .bind(event.order_id.map(|order| id(order.uuid())))
            .bind(text(event.state.name()))
            .bind(event.told.clone())
            .bind(i64::from(event.attempts))
            .bind(event.next_at.map(Timestamp::micros));
        Ok(self.execute(event.tenant, query).await? > 0)
    }

    /// Says what has become of an event. What came with it is forgotten once it is not looked at again.
    ///
    /// # Errors
    /// What the database said.
    pub async fn judge_callback_event(&self, event: &CallbackEvent) -> Result<(), Error> {
        let sql = "update callback_events set order_id = $4, state = $5, told = $6, attempts = $7, next_at = $8, \
                   sealed_call = case when $8 is null then null else sealed_call end \
                   where tenant_id = $1 and hook = $2 and event_id = $3";
        let query = sql::query(sql)
            .bind(own(event.tenant))
            .bind(text(&event.hook))
            .bind(text(&event.event_id))
            .bind(event.order_id.map(|order| id(order.uuid())))
            .bind(text(event.state.name()))
            .bind(event.told.clone())
            .bind(i64::from(event.attempts))
            .bind(event.next_at.map(Timestamp::micros));
        self.execute(event.tenant, query).await?;
        Ok(())
    }

    /// Events of all merchants that are to be looked at, the longest due first.
    ///
    /// # Errors
    /// What the database said.
    pub async fn due_callback_events(&self, now: Timestamp, limit: u32) -> Result<Vec<CallbackEvent>, Error> {
        let sql = format!("select {EVENT_COLUMNS} from callback_events where next_at <= $1 order by next_at limit $2");
        let query = sql::query(sql).bind(now.micros()).bind(i64::from(limit));
        self.fetch_all(Scope::All, query).await?.iter().map(event).collect()
    }

    /// What was told at a binding, newest first.
    ///
    /// # Errors
    /// What the database said.
    pub async fn callback_events(&self, tenant: TenantId, hook: &str, limit: u32) -> Result<Vec<CallbackEvent>, Error> {
        let sql = format!(
            "select {EVENT_COLUMNS} from callback_events where tenant_id = $1 and hook = $2 order by rowid desc limit $3"
        );
        let query = sql::query(sql).bind(own(tenant)).bind(text(hook)).bind(i64::from(limit));
        self.fetch_all(tenant, query).await?.iter().map(event).collect()
    }

    /// Forgets events that came before a moment and are not looked at again; how many.
    ///
    /// # Errors
    /// What the database said.
    pub async fn expire_callback_events(&self, before: Timestamp) -> Result<u64, Error> {
        let sql = "delete from callback_events where received_at < $1 and next_at is null and rowid in \
                   (select rowid from callback_events order by rowid limit $2)";
        self.remove_oldest(sql::query(sql), before).await
    }

    /// The order that a payment, refund or shipment with this id would belong to: the last one with a lower id, where it is
    /// close enough. Whether it has such a part is for the caller to see.
    ///
    /// # Errors
    /// What the database said.
    pub async fn order_of_part(&self, tenant: TenantId, part: Uuid) -> Result<Option<OrderId>, Error> {
        let sql = "select order_id from orders where tenant_id = $1 and order_id < $2 and order_id >= $3 \
                   order by order_id desc limit 1";
        let least = Uuid::from_u128(part.as_u128().saturating_sub(PARTS_MAX));
        let query = sql::query(sql).bind(own(tenant)).bind(id(part)).bind(id(least));
        let row = self.fetch_optional(tenant, query).await?;
        row.as_ref().map(|row| Columns::new(row).id(OrderId::new)).transpose()
    }
}

fn address(row: &Row) -> Result<CallbackAddress, Error> {
    let mut columns = Columns::new(row);
    Ok(CallbackAddress {
        token_hash: columns.hash()?,
        tenant: columns.id(TenantId::new)?,
        hook: columns.get()?,
        sealed_token: columns.get()?,
        created_at: columns.time()?,
        ends_at: columns.optional_time()?,
    })
}

fn event(row: &Row) -> Result<CallbackEvent, Error> {
    let mut columns = Columns::new(row);
    Ok(CallbackEvent {
        tenant: columns.id(TenantId::new)?,
        hook: columns.get()?,
        event_id: columns.get()?,
        received_at: columns.time()?,
        notice: columns.get()?,
        sealed_call: columns.get()?,
        order_id: columns.optional_id(OrderId::new)?,
        state: columns.name(CallbackState::named)?,
        told: columns.get()?,
        attempts: columns.small()?,
        next_at: columns.optional_time()?,
    })
}
