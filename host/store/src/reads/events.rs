//! The event log: of an order, of a merchant, of all.

use domain::ids::{EventId, OrderId, TenantId};
use domain::time::Timestamp;

use super::own;
use crate::backend::Scope;
use crate::records::{EventRecord, Touched};
use crate::sql::{self, Columns, Row, id, text};
use crate::{Error, Store};

/// What [`event`] reads, in its order.
pub(crate) const EVENT_COLUMNS: &str =
    "position, event_id, tenant_id, order_id, version, type, from_status, to_status, actor, reason, at, payload, hash";

pub(crate) fn event(row: &Row) -> Result<EventRecord, Error> {
    let mut columns = Columns::new(row);
    Ok(EventRecord {
        position: columns.count()?,
        event_id: columns.id(EventId::new)?,
        tenant: columns.id(TenantId::new)?,
        order_id: columns.id(OrderId::new)?,
        version: columns.count()?,
        kind: columns.get()?,
        from: columns.optional_status()?,
        to: columns.status()?,
        actor: columns.get()?,
        reason: columns.get()?,
        at: columns.time()?,
        payload: columns.get()?,
        hash: columns.hash()?,
    })
}

impl Store {
    /// An order's history, oldest first.
    ///
    /// # Errors
    /// What the database said.
    pub async fn order_events(&self, tenant: TenantId, order_id: OrderId) -> Result<Vec<EventRecord>, Error> {
        let sql =
            format!("select {EVENT_COLUMNS} from order_events where tenant_id = $1 and order_id = $2 order by version");
        let query = sql::query(sql).bind(own(tenant)).bind(id(order_id.uuid()));
        let rows = self.fetch_all(tenant, query).await?;
        rows.iter().map(event).collect()
    }

    /// A merchant's events after a position, oldest first. `kind` is an exact kind, or `order.*` for all that begin so.
    ///
    /// # Errors
    /// What the database said.
    pub async fn tenant_events(
        &self,
        tenant: TenantId,
        after: u64,
        kind: Option<&str>,
        limit: u32,
    ) -> Result<Vec<EventRecord>, Error> {
        let sql = format!("select {EVENT_COLUMNS} from order_events where tenant_id = ");
        let mut query = sql::query(sql);
        query.push_bind(own(tenant)).push(" and position > ").push_bind(position(after));
        if let Some(prefix) = kind.and_then(|k| k.strip_suffix('*')) {
            // Not `like`: a merchant's text has no wildcards but its last star.
            query.push(" and substr(type, 1, cast(").push_bind(prefix.chars().count() as i64).push(" as integer)) = ");
            query.push_bind(text(prefix));
        } else if let Some(kind) = kind {
            query.push(" and type = ").push_bind(text(kind));
        }
        query.push(" order by position limit ").push_bind(i64::from(limit));
        let rows = self.fetch_all(tenant, query).await?;
        rows.iter().map(event).collect()
    }

    /// All merchants' events after a position, oldest first: gap-free, in the order of commits.
    ///
    /// # Errors
    /// What the database said.
    pub async fn log_after(&self, after: u64, limit: u32) -> Result<Vec<EventRecord>, Error> {
        let sql = format!("select {EVENT_COLUMNS} from order_events where position > $1 order by position limit $2");
        let query = sql::query(sql).bind(position(after)).bind(i64::from(limit));
        let rows = self.fetch_all(Scope::Log, query).await?;
        rows.iter().map(event).collect()
    }
}

impl Store {
    /// Which orders all merchants' events after a position are about, oldest first: what [`Store::log_after`] says,
    /// without the payloads.
    ///
    /// # Errors
    /// What the database said.
    pub async fn touched_after(&self, after: u64, limit: u32) -> Result<Vec<Touched>, Error> {
        // One text for all rows: see `Bulk::fetch_json`.
        let query = sql::each(
            "select json_group_array(json_array(position, hex(tenant_id), hex(order_id), version, at)) from \
             (select position, tenant_id, order_id, version, at from order_events where position > $1 \
             order by position limit $2)",
            "select coalesce(json_agg(json_build_array(position, encode(tenant_id, 'hex'), encode(order_id, 'hex'), \
             version, at) order by position), '[]')::text from \
             (select position, tenant_id, order_id, version, at from order_events where position > $1 \
             order by position limit $2) as touched",
        );
        let row = self.fetch_one(Scope::Log, query.bind(position(after)).bind(i64::from(limit))).await?;
        let text: &str = Columns::new(&row).get()?;
        let damaged = |error: &dyn std::fmt::Display| Error::Damaged(format!("the log after {after}: {error}"));
        let rows: Vec<(u64, String, String, u64, i64)> = serde_json::from_str(text).map_err(|e| damaged(&e))?;
        let id = |hex: String| u128::from_str_radix(&hex, 16).map(uuid::Uuid::from_u128).map_err(|e| damaged(&e));
        let touched = |(position, tenant, order, version, at)| {
            let (tenant, order_id) = (TenantId::new(id(tenant)?), OrderId::new(id(order)?));
            Ok(Touched { position, tenant, order_id, version, at: Timestamp::from_micros(at) })
        };
        rows.into_iter().map(touched).collect()
    }
}

fn position(position: u64) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}
