//! The calls of a plugin over all orders: what they wrote, and what they took.

use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use domain::ids::{DecisionId, OrderId, TenantId};
use domain::time::Timestamp;
use serde::Deserialize;

use super::operations::{first_id, hook, role};
use super::own;
use crate::backend::Scope;
use crate::records::{CallCount, CallCounts, Written};
use crate::sql::{self, Columns, Row, count, id, text};
use crate::{Error, Store};

/// How long before a call its order may have been placed to be found. Orders are found by when they were placed, as ids
/// tell it, and most calls are made when an order is placed or soon after.
const PLACED_BEFORE_SECONDS: i64 = 24 * 60 * 60;
/// How much later than its moment a call may have been recorded: more than any call may take.
const RECORDED_AFTER_SECONDS: i64 = 60;

/// A row of the answer to [`Store::call_counts`].
#[derive(Deserialize)]
struct CountRow(String, i64, String, u64, u64, u64);

impl Store {
    /// The position of the newest policy call of all merchants, 0 where there is none.
    ///
    /// # Errors
    /// What the database said.
    pub async fn last_call(&self) -> Result<u64, Error> {
        let query = sql::query("select coalesce(max(rowid), 0) from decisions");
        Columns::new(&self.fetch_one(Scope::All, query).await?).count()
    }

    /// The calls of a plugin that wrote something or failed, of one version or all, between two positions, from the newest
    /// or from the oldest on.
    ///
    /// # Errors
    /// What the database said.
    pub async fn written(
        &self,
        tenant: TenantId,
        plugin: &str,
        version: Option<&str>,
        positions: RangeInclusive<u64>,
        is_newest_first: bool,
        limit: u32,
    ) -> Result<Vec<Written>, Error> {
        // The condition is the index's own, word for word: otherwise the index is not used.
        let mut query = sql::query(
            "select rowid, decision_id, order_id, hook, plugin_version, role, outcome, error, logs, at from decisions \
             where (logs <> '[]' or outcome <> 'ok') and tenant_id = ",
        );
        query.push_bind(own(tenant)).push(" and plugin = ").push_bind(text(plugin));
        query.push(" and rowid between ").push_bind(count(*positions.start()));
        query.push(" and ").push_bind(count(*positions.end()));
        if let Some(version) = version {
            query.push(" and plugin_version = ").push_bind(text(version));
        }
        query.push(if is_newest_first { " order by rowid desc limit " } else { " order by rowid limit " });
        query.push_bind(i64::from(limit));
        self.fetch_all(tenant, query).await?.iter().map(written).collect()
    }

    /// How often the versions of a plugin were called in a span of time, by what came of it and how long it took, in
    /// pieces of the span. No index knows when a call was made: of the merchant's calls about orders placed in the span
    /// or up to a day before it, the newest `scan_max` are looked through, and the answer says how far that went.
    ///
    /// # Errors
    /// What the database said.
    pub async fn call_counts(
        &self,
        tenant: TenantId,
        plugin: &str,
        made: Range<Timestamp>,
        piece: Duration,
        scan_max: u32,
    ) -> Result<CallCounts, Error> {
        // The ids alone are read of what is looked through, from the index of the primary key.
        const SEEN: &str = "with seen as materialized (select rowid as call, order_id, decision_id from decisions \
                    where tenant_id = $1 and order_id >= $2 and order_id < $3 order by order_id desc limit $4) ";
        // One text for all rows: see `Bulk::fetch_json`.
        const COUNTED: &str = "select d.plugin_version as version, (d.at - $5) / $8 as piece, d.outcome, d.duration_us, \
             count(*) as calls, sum(d.fuel) as fuel from seen cross join decisions as d where d.rowid = seen.call \
             and seen.decision_id >= $6 and seen.decision_id < $7 and d.plugin = $9 and d.at >= $5 and d.at < $10 \
             group by 1, 2, 3, 4";
        const COLUMNS: &str = "version, piece, outcome, duration_us, calls, fuel";
        let sqlite = format!(
            "{SEEN} select (select count(*) from seen), (select min(order_id) from seen), \
             (select json_group_array(json_array({COLUMNS})) from ({COUNTED}))"
        );
        // PostgreSQL has no smallest of bytes, and no JSON text.
        let postgres = format!(
            "{SEEN} select (select count(*) from seen), (select order_id from seen order by order_id limit 1), \
             (select coalesce(json_agg(json_build_array({COLUMNS})), '[]')::text from ({COUNTED}) as counted)"
        );
        let piece_us = i64::try_from(piece.as_micros()).unwrap_or(i64::MAX).max(1);
        let recorded_until = made.end.plus_seconds(RECORDED_AFTER_SECONDS);
        let query = sql::each(sqlite, postgres)
            .bind(own(tenant))
            .bind(id(first_id(made.start.plus_seconds(-PLACED_BEFORE_SECONDS))))
            .bind(id(first_id(recorded_until)))
            .bind(i64::from(scan_max))
            .bind(made.start.micros())
            .bind(id(first_id(made.start)))
            .bind(id(first_id(recorded_until)))
            .bind(piece_us)
            .bind(text(plugin))
            .bind(made.end.micros());
        let row = self.fetch_one(tenant, query).await?;
        let mut columns = Columns::new(&row);
        let seen = columns.count()?;
        let oldest = columns.optional_id(OrderId::new)?;
        let rows: Vec<CountRow> = columns.json()?;
        let count = |CountRow(version, piece, outcome, duration_us, calls, fuel): CountRow| CallCount {
            version,
            piece: usize::try_from(piece).unwrap_or(0),
            outcome,
            duration_us,
            calls,
            fuel,
        };
        let is_whole = seen < u64::from(scan_max);
        Ok(CallCounts {
            rows: rows.into_iter().map(count).collect(),
            since: oldest.filter(|_| !is_whole).map(OrderId::made_at).filter(|since| *since > made.start),
        })
    }
}

fn written(row: &Row) -> Result<Written, Error> {
    let mut columns = Columns::new(row);
    Ok(Written {
        position: columns.count()?,
        decision_id: columns.id(DecisionId::new)?,
        order_id: columns.id(OrderId::new)?,
        hook: columns.name(hook)?,
        version: columns.get()?,
        role: columns.name(role)?,
        outcome: columns.get()?,
        error: columns.get()?,
        logs: columns.get()?,
        at: columns.time()?,
    })
}
