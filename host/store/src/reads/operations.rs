//! What is being done outside for an order, and what policies decided about it.

use std::ops::Range;
use std::sync::Arc;

use domain::hooks::Hook;
use domain::ids::{CustomerId, DecisionId, OrderId, SealKeyId, TenantId};
use domain::time::Timestamp;
use uuid::Uuid;

use super::own;
use crate::changeset::{Decision, JournalEntry, JournalKind, Operation, Role, SealKey};
use crate::records::{Compared, OperationRecord};
use crate::sql::{self, Columns, Pairs, Row, id, pairs, text};
use crate::{Error, Store};

static SEAL_KEYS: Pairs = pairs!(
    "k.seal_key_id, k.customer_id, k.order_id, k.wrapped_key",
    "seal_keys as k on k.tenant_id = v.column1 and k.seal_key_id = v.column2"
);

impl Store {
    /// The policy calls about an order, oldest first.
    ///
    /// # Errors
    /// What the database said.
    pub async fn decisions(&self, tenant: TenantId, order_id: OrderId) -> Result<Vec<Decision>, Error> {
        let sql = "select decision_id, order_id, hook, plugin, plugin_version, digest, outcome, fuel, duration_us, input, output, \
                   logs, error, at, role from decisions where tenant_id = $1 and order_id = $2 order by at, rowid";
        let query = sql::query(sql).bind(own(tenant)).bind(id(order_id.uuid()));
        let rows = self.fetch_all(tenant, query).await?;
        rows.iter().map(decision).collect()
    }

    /// A policy call by its id. Ids are not indexed by themselves, but tell when they were made, and an order's when it was
    /// placed: only orders placed up to then, and not before `since`, are looked through.
    ///
    /// # Errors
    /// What the database said.
    pub async fn decision(
        &self,
        tenant: TenantId,
        decision_id: DecisionId,
        since: Timestamp,
    ) -> Result<Option<Decision>, Error> {
        let sql = "select decision_id, order_id, hook, plugin, plugin_version, digest, outcome, fuel, duration_us, input, output, \
                   logs, error, at, role from decisions where tenant_id = $1 and decision_id = $2 and order_id between $3 and $4 \
                   order by order_id desc limit 1";
        let latest = Uuid::from_u128(decision_id.uuid().as_u128() | (u128::MAX >> ID_TIME_BITS));
        let query =
            sql::query(sql).bind(own(tenant)).bind(id(decision_id.uuid())).bind(id(first_id(since))).bind(id(latest));
        self.fetch_optional(tenant, query).await?.as_ref().map(decision).transpose()
    }

    /// The policy calls of a hook that counted, about orders placed from a moment until before another, newest order first,
    /// from below one of them: the history that a back-test decides again.
    ///
    /// # Errors
    /// What the database said.
    pub async fn recorded_decisions(
        &self,
        tenant: TenantId,
        hook: Hook,
        placed: Range<Timestamp>,
        below: Option<(OrderId, DecisionId)>,
        limit: u32,
    ) -> Result<Vec<Decision>, Error> {
        let sql = "select decision_id, order_id, hook, plugin, plugin_version, digest, outcome, fuel, duration_us, input, output, \
                   logs, error, at, role from decisions where tenant_id = $1 and order_id >= $2 \
                   and (order_id, decision_id) < ($3, $4) and hook = $5 and role <> 'shadow' order by order_id desc, decision_id desc limit $6";
        let end = (first_id(placed.end), Uuid::nil());
        let (order, call) = below.map_or(end, |(order, call)| (order.uuid(), call.uuid()));
        let query = sql::query(sql)
            .bind(own(tenant))
            .bind(id(first_id(placed.start)))
            .bind(id(order))
            .bind(id(call))
            .bind(text(hook.name()))
            .bind(i64::from(limit));
        self.fetch_all(tenant, query).await?.iter().map(decision).collect()
    }

    /// How the decisions that a candidate made or was compared by since a moment came out: how many pairs there are of one
    /// that counted and one beside it, in how many the answers differ, and in how many the candidate's failed.
    ///
    /// # Errors
    /// What the database said.
    pub async fn compared_decisions(
        &self,
        tenant: TenantId,
        hook: Hook,
        candidate: &str,
        since: Timestamp,
    ) -> Result<Compared, Error> {
        let sql = "select count(*), \
                   coalesce(sum(case when s.outcome <> a.outcome or s.output is distinct from a.output then 1 else 0 end), 0), \
                   coalesce(sum(case when case when s.digest = $5 then s.outcome else a.outcome end <> 'ok' then 1 else 0 end), 0) \
                   from decisions as s join decisions as a on a.tenant_id = s.tenant_id and a.order_id = s.order_id \
                   and a.hook = s.hook and a.role <> 'shadow' \
                   where s.tenant_id = $1 and s.order_id >= $2 and s.hook = $3 and s.role = 'shadow' and s.at >= $4 \
                   and $5 in (s.digest, a.digest)";
        let query = sql::query(sql)
            .bind(own(tenant))
            .bind(id(first_id(since)))
            .bind(text(hook.name()))
            .bind(since.micros())
            .bind(text(candidate));
        let row = self.fetch_one(tenant, query).await?;
        let mut columns = Columns::new(&row);
        Ok(Compared { pairs: columns.count()?, differing: columns.count()?, failed: columns.count()? })
    }

    /// The pairs of which [`Store::compared_decisions`] counts the differing ones: the decision that counted and the one
    /// beside it, newest order first.
    ///
    /// # Errors
    /// What the database said.
    pub async fn differing_decisions(
        &self,
        tenant: TenantId,
        hook: Hook,
        candidate: &str,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<(Decision, Decision)>, Error> {
        let sql = "select a.decision_id, a.order_id, a.hook, a.plugin, a.plugin_version, a.digest, a.outcome, a.fuel, \
                   a.duration_us, a.input, a.output, a.logs, a.error, a.at, a.role, \
                   s.decision_id, s.order_id, s.hook, s.plugin, s.plugin_version, s.digest, s.outcome, s.fuel, \
                   s.duration_us, s.input, s.output, s.logs, s.error, s.at, s.role \
                   from decisions as s cross join decisions as a \
                   where a.tenant_id = s.tenant_id and a.order_id = s.order_id and a.hook = s.hook and a.role <> 'shadow' \
                   and s.tenant_id = $1 and s.order_id >= $2 and s.hook = $3 and s.role = 'shadow' and s.at >= $4 \
                   and $5 in (s.digest, a.digest) and (s.outcome <> a.outcome or s.output is distinct from a.output) \
                   order by s.order_id desc limit $6";
        let query = sql::query(sql)
            .bind(own(tenant))
            .bind(id(first_id(since)))
            .bind(text(hook.name()))
            .bind(since.micros())
            .bind(text(candidate))
            .bind(i64::from(limit));
        let pair = |row: &Row| {
            let mut columns = Columns::new(row);
            Ok((decision_of(&mut columns)?, decision_of(&mut columns)?))
        };
        self.fetch_all(tenant, query).await?.iter().map(pair).collect()
    }

    /// The outside operations of an order with their journals, by task.
    ///
    /// # Errors
    /// What the database said.
    pub async fn operations(&self, tenant: TenantId, order_id: OrderId) -> Result<Vec<OperationRecord>, Error> {
        let sql = "select order_id, task_id, plugin, digest, idempotency_key, operation, attempts, next_at, state, last_error, \
                   first_sent_at from operations where tenant_id = $1 and order_id = $2 order by task_id";
        let query = sql::query(sql).bind(own(tenant)).bind(id(order_id.uuid()));
        let rows = self.fetch_all(tenant, query).await?;
        let operations: Vec<Operation> = rows.iter().map(operation).collect::<Result<_, _>>()?;
        let sql = "select order_id, task_id, seq, at, kind, payload from journal where tenant_id = $1 and order_id = $2 \
                   order by task_id, seq";
        let query = sql::query(sql).bind(own(tenant)).bind(id(order_id.uuid()));
        let rows = self.fetch_all(tenant, query).await?;
        let mut journal: Vec<JournalEntry> = rows.iter().map(entry).collect::<Result<_, _>>()?;
        let with_journal = |operation: Operation| {
            let own = journal.extract_if(.., |entry| entry.task_id == operation.task_id).collect();
            OperationRecord { operation, journal: own }
        };
        Ok(operations.into_iter().map(with_journal).collect())
    }

    /// Those of the keys that exist.
    ///
    /// # Errors
    /// What the database said.
    pub async fn seal_keys(&self, tenant: TenantId, ids: &[SealKeyId]) -> Result<Vec<SealKey>, Error> {
        let ids: Vec<_> = ids.iter().map(|key| (tenant.uuid(), key.uuid())).collect();
        self.fetch_pairs(tenant, &SEAL_KEYS, &ids).await?.iter().map(seal_key).collect()
    }

    /// The keys of a customer's data.
    ///
    /// # Errors
    /// What the database said.
    pub async fn seal_keys_of_customer(&self, tenant: TenantId, customer: &CustomerId) -> Result<Vec<SealKey>, Error> {
        let sql = "select seal_key_id, customer_id, order_id, wrapped_key from seal_keys \
                   where tenant_id = $1 and customer_id = $2 order by seal_key_id";
        let query = sql::query(sql).bind(own(tenant)).bind(text(customer.as_str()));
        let rows = self.fetch_all(tenant, query).await?;
        rows.iter().map(seal_key).collect()
    }
}

fn decision(row: &Row) -> Result<Decision, Error> {
    decision_of(&mut Columns::new(row))
}

fn decision_of(columns: &mut Columns<'_>) -> Result<Decision, Error> {
    Ok(Decision {
        decision_id: columns.id(DecisionId::new)?,
        order_id: columns.id(OrderId::new)?,
        hook: columns.name(hook)?,
        plugin: columns.get()?,
        plugin_version: columns.get()?,
        digest: columns.get()?,
        outcome: columns.get()?,
        fuel: columns.count()?,
        duration_us: columns.count()?,
        input: columns.get::<String>()?.into(),
        output: columns.get::<Option<String>>()?.map(Arc::from),
        logs: columns.get::<String>()?.into(),
        error: columns.get()?,
        at: columns.time()?,
        role: columns.name(role)?,
    })
}

pub(super) fn role(name: &str) -> Result<Role, String> {
    Role::ALL.into_iter().find(|role| role.name() == name).ok_or_else(|| format!("{name} is no role of a decision"))
}

/// The leading bits of an id (UUID version 7) that are its milliseconds since 1970.
const ID_TIME_BITS: u32 = 48;

/// Not above any id made at this moment, above all made before it.
pub(super) fn first_id(at: Timestamp) -> Uuid {
    let millis = u128::try_from(at.micros() / 1000).unwrap_or(0);
    Uuid::from_u128(millis << (u128::BITS - ID_TIME_BITS))
}

pub(super) fn hook(name: &str) -> Result<Hook, String> {
    Hook::ALL.into_iter().find(|h| h.name() == name).ok_or_else(|| format!("{name} is no hook"))
}

fn operation(row: &Row) -> Result<Operation, Error> {
    let mut columns = Columns::new(row);
    Ok(Operation {
        order_id: columns.id(OrderId::new)?,
        task_id: columns.small()?,
        plugin: columns.get()?,
        digest: columns.get()?,
        idempotency_key: columns.get()?,
        operation: columns.get()?,
        attempts: columns.small()?,
        next_at: columns.optional_time()?,
        state: columns.get()?,
        last_error: columns.get()?,
        first_sent_at: columns.optional_time()?,
    })
}

fn entry(row: &Row) -> Result<JournalEntry, Error> {
    let mut columns = Columns::new(row);
    Ok(JournalEntry {
        order_id: columns.id(OrderId::new)?,
        task_id: columns.small()?,
        seq: columns.small()?,
        at: columns.time()?,
        kind: columns.name(|kind| match kind {
            "request" => Ok(JournalKind::Request),
            "result" => Ok(JournalKind::Result),
            other => Err(format!("{other} is no kind of journal entry")),
        })?,
        payload: columns.get::<String>()?.into(),
    })
}

fn seal_key(row: &Row) -> Result<SealKey, Error> {
    let mut columns = Columns::new(row);
    Ok(SealKey {
        seal_key_id: columns.id(SealKeyId::new)?,
        customer_id: columns.optional_name(CustomerId::parse)?,
        order_id: columns.optional_id(OrderId::new)?,
        wrapped_key: columns.get()?,
    })
}
