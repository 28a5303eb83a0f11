//! The net writes of a batch, one statement a table, `log_head` last.
//!
//! `or rollback` says what happens anyway when a statement fails: the transaction is over. Without it SQLite keeps a copy
//! of every page that a statement touches, to undo that statement alone.

use std::time::{SystemTime, UNIX_EPOCH};

use domain::ids::{OrderId, Sku, TenantId, WarehouseId};
use sqlx::SqliteConnection;

use super::bulk::{Bulk, Row};
use crate::Error;
use crate::changeset::{Decision, JournalEntry, Operation, SealKey};
use crate::encode::EventRow;
use crate::messages::Message;
use crate::prepare::Prepared;
use crate::records::ApiKey;
use crate::resolve::{DeferWrite, KeyWrite, Level, Net, OrderWrite, ReservationWrite};
use crate::sql::{count, id, text};

const ROWS: &str = " where column1 is not null";

static SEAL_KEYS: Bulk = Bulk::new(
    "insert or rollback into seal_keys (tenant_id, seal_key_id, customer_id, order_id, wrapped_key) select * from ",
    5,
    " where column1 is not null on conflict (tenant_id, seal_key_id) do nothing",
);

static ORDERS: Bulk = Bulk::new(
    "insert or rollback into orders (tenant_id, order_id, version, status, wake_at, lease_owner, lease_until, head_hash, document, \
     customer_id, external_id, placed_at, total_minor, currency) select * from ",
    14,
    ROWS,
);

static UPDATED_ORDERS: Bulk = Bulk::new(
    "update or rollback orders set version = v.column3, status = v.column4, wake_at = v.column5, lease_owner = v.column6, \
     lease_until = v.column7, head_hash = v.column8, document = v.column9, customer_id = v.column10, \
     external_id = v.column11, total_minor = v.column12 from ",
    12,
    " as v where orders.tenant_id = v.column1 and orders.order_id = v.column2",
);

static DEFERRED_ORDERS: Bulk = Bulk::new(
    "update orders set wake_at = v.column3, lease_owner = v.column4, lease_until = v.column5 from ",
    5,
    " as v where orders.tenant_id = v.column1 and orders.order_id = v.column2",
);

static STOCK: Bulk = Bulk::new(
    "insert or rollback into inventory (tenant_id, sku, warehouse_id, on_hand, reserved) select * from ",
    5,
    " where column1 is not null on conflict (tenant_id, sku, warehouse_id) \
     do update set on_hand = excluded.on_hand, reserved = excluded.reserved",
);

static HELD: Bulk = Bulk::new(
    "insert or rollback into reservations (tenant_id, order_id, sku, warehouse_id, quantity) select * from ",
    5,
    " where column1 is not null on conflict (tenant_id, order_id, sku, warehouse_id) \
     do update set quantity = excluded.quantity",
);

static RELEASED: Bulk = Bulk::new(
    "delete from reservations where (tenant_id, order_id, sku, warehouse_id) in (select * from ",
    4,
    " where column1 is not null)",
);

static KEYS: Bulk = Bulk::new(
    "insert or rollback into idempotency_keys (tenant_id, key, fingerprint, order_id, order_version, status, response, created_at) \
     select * from ",
    8,
    ROWS,
);

static API_KEYS: Bulk = Bulk::new(
    "insert or rollback into api_keys (tenant_id, key_id, name, hash, scopes, last4, created_at) select * from ",
    7,
    ROWS,
);

static DECISIONS: Bulk = Bulk::new(
    "insert or rollback into decisions (tenant_id, order_id, decision_id, hook, plugin, plugin_version, digest, outcome, fuel, \
     duration_us, input, output, logs, error, at, role) select * from ",
    16,
    ROWS,
);

static OPERATIONS: Bulk = Bulk::new(
    "insert or rollback into operations (tenant_id, order_id, task_id, plugin, digest, idempotency_key, operation, attempts, \
     next_at, state, last_error, first_sent_at) select * from ",
    12,
    " where column1 is not null on conflict (tenant_id, order_id, task_id) do update set plugin = excluded.plugin, \
     digest = excluded.digest, idempotency_key = excluded.idempotency_key, operation = excluded.operation, \
     attempts = excluded.attempts, next_at = excluded.next_at, state = excluded.state, \
     last_error = excluded.last_error, first_sent_at = excluded.first_sent_at",
);

static JOURNAL: Bulk = Bulk::new(
    "insert or rollback into journal (tenant_id, order_id, task_id, seq, at, kind, payload) select * from ",
    7,
    ROWS,
);

static CURSORS: Bulk = Bulk::new(
    "insert or rollback into consumer_cursors (consumer, position) select * from ",
    2,
    " where column1 is not null on conflict (consumer) do update set position = excluded.position",
);

static NOTED: Bulk = Bulk::new(
    "insert or rollback into announcements (tenant_id, position, order_id, version) select * from ",
    4,
    " where column1 is not null on conflict (tenant_id, position) do nothing",
);

static MESSAGES: Bulk = Bulk::new(
    "insert or rollback into messages (tenant_id, position, order_id, message_id, version, event, channel, recipient, subject, \
     text, html, status, attempts, reference, last_error, created_at, updated_at) select v.* from ",
    17,
    " as v where exists (select 1 from announcements as a where a.tenant_id = v.column1 and a.position = v.column2)",
);

static ANNOUNCED: Bulk = Bulk::new(
    "delete from announcements where (tenant_id, position) in (select * from ",
    2,
    " where column1 is not null)",
);

static EVENTS: Bulk = Bulk::new(
    "insert or rollback into order_events (position, tenant_id, order_id, version, event_id, type, from_status, to_status, actor, \
     reason, at, payload, hash) select * from ",
    13,
    ROWS,
);

/// Writes everything and answers the new head of the log.
pub(crate) async fn write(
    connection: &mut SqliteConnection,
    batch: &[&Prepared],
    net: &Net,
    head_before: u64,
) -> Result<u64, Error> {
    orders(connection, net).await?;
    stock(connection, net).await?;
    records(connection, batch, net).await?;
    events(connection, net, head_before).await
}

async fn orders(connection: &mut SqliteConnection, net: &Net) -> Result<(), Error> {
    ORDERS
        .execute(connection, &net.inserted, |write, row| {
            changing_columns(write, row);
            let order = &write.encoded.order;
            row.bind(order.customer_id.as_ref().map(|c| text(c.as_str())))
                .bind(order.external_id.as_ref().map(|e| text(e.as_str())))
                .bind(order.placed_at.micros())
                .bind(order.amounts.total)
                .bind(text(order.currency.code()));
        })
        .await?;
    UPDATED_ORDERS
        .execute(connection, &net.updated, |write, row| {
            changing_columns(write, row);
            let order = &write.encoded.order;
            row.bind(order.customer_id.as_ref().map(|c| text(c.as_str())))
                .bind(order.external_id.as_ref().map(|e| text(e.as_str())))
                .bind(order.amounts.total);
        })
        .await?;
    DEFERRED_ORDERS
        .execute(connection, &net.deferred, |write: &DeferWrite, row| {
            row.bind(id(write.tenant.uuid()))
                .bind(id(write.order_id.uuid()))
                .bind(write.wake_at.map(|t| t.micros()))
                .bind(write.lease.as_ref().map(|l| text(&l.owner)))
                .bind(write.lease.as_ref().map(|l| l.until.micros()));
        })
        .await
}

fn changing_columns(write: &OrderWrite, row: &mut Row<'_>) {
    let order = &write.encoded.order;
    row.bind(id(order.tenant_id.uuid()))
        .bind(id(order.order_id.uuid()))
        .bind(count(order.version))
        .bind(text(order.status.name()))
        .bind(write.wake_at.map(|t| t.micros()))
        .bind(write.lease.as_ref().map(|l| text(&l.owner)))
        .bind(write.lease.as_ref().map(|l| l.until.micros()))
        .bind(write.encoded.head_hash.to_vec())
        .bind(write.encoded.document.clone());
}

async fn stock(connection: &mut SqliteConnection, net: &Net) -> Result<(), Error> {
    STOCK
        .execute(connection, &net.stock, |level: &Level, row| {
            row.bind(id(level.tenant.uuid()))
                .bind(text(level.sku.as_str()))
                .bind(text(level.warehouse.as_str()))
                .bind(level.on_hand)
                .bind(level.reserved);
        })
        .await?;
    type Released = (TenantId, OrderId, Sku, WarehouseId);
    RELEASED
        .execute(connection, &net.released, |(tenant, order, sku, warehouse): &Released, row| {
            row.bind(id(tenant.uuid())).bind(id(order.uuid())).bind(text(sku.as_str())).bind(text(warehouse.as_str()));
        })
        .await?;
    HELD.execute(connection, &net.held, |held: &ReservationWrite, row| {
        row.bind(id(held.tenant.uuid()))
            .bind(id(held.order_id.uuid()))
            .bind(text(held.sku.as_str()))
            .bind(text(held.warehouse.as_str()))
            .bind(held.units);
    })
    .await
}

async fn records(connection: &mut SqliteConnection, batch: &[&Prepared], net: &Net) -> Result<(), Error> {
    let now = now_micros();
    KEYS.execute(connection, &net.keys, |write: &KeyWrite, row| {
        let prepared = batch[write.of];
        let claim = prepared.key.as_ref().expect("a key is written for a changeset that claims one");
        row.bind(id(prepared.tenant.uuid()))
            .bind(text(&claim.key))
            .bind(claim.fingerprint.to_vec())
            .bind(write.order_id.map(|o| id(o.uuid())))
            .bind(write.order_version.map(count))
            .bind(i64::from(claim.status))
            .bind(claim.response.clone())
            .bind(now);
    })
    .await?;
    let accepted = || net.accepted.iter().map(|index| batch[*index]);
    let seal_keys: Vec<_> = accepted().flat_map(|p| p.seal_keys.iter().map(|k| (p.tenant, k))).collect();
    SEAL_KEYS.execute(connection, &seal_keys, |(tenant, key), row| seal_key(*tenant, key, row)).await?;
    let api_keys: Vec<_> = accepted().flat_map(|p| &p.api_keys).collect();
    API_KEYS.execute(connection, &api_keys, |key, row| bind_api_key(key, row)).await?;
    let decisions: Vec<_> = accepted().flat_map(|p| p.decisions.iter().map(|d| (p.tenant, d))).collect();
    DECISIONS.execute(connection, &decisions, |(tenant, decision), row| bind_decision(*tenant, decision, row)).await?;
    let operations: Vec<_> = accepted().flat_map(|p| p.operations.iter().map(|o| (p.tenant, o))).collect();
    OPERATIONS
        .execute(connection, &operations, |(tenant, operation), row| bind_operation(*tenant, operation, row))
        .await?;
    let journal: Vec<_> = accepted().flat_map(|p| p.journal.iter().map(|j| (p.tenant, j))).collect();
    JOURNAL.execute(connection, &journal, |(tenant, entry), row| bind_journal(*tenant, entry, row)).await?;
    messages(connection, accepted()).await
}

/// What is to be asked about, and what was answered: of two answers to one question the first counts.
async fn messages<'p>(
    connection: &mut SqliteConnection,
    accepted: impl Iterator<Item = &'p Prepared> + Clone,
) -> Result<(), Error> {
    let noted: Vec<_> = accepted.clone().filter_map(|p| p.noted.as_ref()).collect();
    CURSORS
        .execute(connection, &noted, |noted, row| {
            row.bind(text(&noted.consumer)).bind(count(noted.position));
        })
        .await?;
    let announcements: Vec<_> = noted.iter().flat_map(|noted| &noted.announcements).collect();
    NOTED
        .execute(connection, &announcements, |announcement, row| {
            row.bind(id(announcement.tenant.uuid()))
                .bind(count(announcement.position))
                .bind(id(announcement.order_id.uuid()))
                .bind(count(announcement.version));
        })
        .await?;
    let announced: Vec<_> = accepted.filter_map(|p| p.announced.as_ref().map(|a| (p.tenant, a))).collect();
    let messages: Vec<_> = announced.iter().flat_map(|(t, a)| a.messages.iter().map(|m| (*t, a.position, m))).collect();
    MESSAGES
        .execute(connection, &messages, |(tenant, position, m), row| bind_message(*tenant, *position, m, row))
        .await?;
    ANNOUNCED
        .execute(connection, &announced, |(tenant, announced), row| {
            row.bind(id(tenant.uuid())).bind(count(announced.position));
        })
        .await
}

fn bind_message(tenant: TenantId, position: u64, message: &Message, row: &mut Row<'_>) {
    row.bind(id(tenant.uuid()))
        .bind(count(position))
        .bind(id(message.order_id.uuid()))
        .bind(id(message.message_id.uuid()))
        .bind(count(message.version))
        .bind(text(&message.event))
        .bind(text(&message.channel))
        .bind(message.recipient.clone())
        .bind(message.subject.clone())
        .bind(text(&message.text))
        .bind(message.html.clone())
        .bind(text(message.status.name()))
        .bind(i64::from(message.attempts))
        .bind(message.reference.clone())
        .bind(message.last_error.clone())
        .bind(message.created_at.micros())
        .bind(message.updated_at.micros());
}

fn seal_key(tenant: TenantId, key: &SealKey, row: &mut Row<'_>) {
    row.bind(id(tenant.uuid()))
        .bind(id(key.seal_key_id.uuid()))
        .bind(key.customer_id.as_ref().map(|c| text(c.as_str())))
        .bind(key.order_id.map(|o| id(o.uuid())))
        .bind(key.wrapped_key.clone());
}

fn bind_api_key(key: &ApiKey, row: &mut Row<'_>) {
    row.bind(id(key.tenant.uuid()))
        .bind(id(key.key_id.uuid()))
        .bind(text(&key.name))
        .bind(key.hash.to_vec())
        .bind(serde_json::to_string(&key.scopes).expect("a list of texts can be written as JSON"))
        .bind(key.last4.clone())
        .bind(key.created_at.micros());
}

fn bind_decision(tenant: TenantId, decision: &Decision, row: &mut Row<'_>) {
    row.bind(id(tenant.uuid()))
        .bind(id(decision.order_id.uuid()))
        .bind(id(decision.decision_id.uuid()))
        .bind(text(decision.hook.name()))
        .bind(text(&decision.plugin))
        .bind(text(&decision.plugin_version))
        .bind(decision.digest.clone())
        .bind(text(&decision.outcome))
        .bind(count(decision.fuel))
        .bind(count(decision.duration_us))
        .bind(decision.input.clone())
        .bind(decision.output.clone())
        .bind(decision.logs.clone())
        .bind(decision.error.clone())
        .bind(decision.at.micros())
        .bind(text(decision.role.name()));
}

fn bind_operation(tenant: TenantId, operation: &Operation, row: &mut Row<'_>) {
    row.bind(id(tenant.uuid()))
        .bind(id(operation.order_id.uuid()))
        .bind(i64::from(operation.task_id))
        .bind(text(&operation.plugin))
        .bind(operation.digest.clone())
        .bind(text(&operation.idempotency_key))
        .bind(text(&operation.operation))
        .bind(i64::from(operation.attempts))
        .bind(operation.next_at.map(|t| t.micros()))
        .bind(text(&operation.state))
        .bind(operation.last_error.clone())
        .bind(operation.first_sent_at.map(|t| t.micros()));
}

fn bind_journal(tenant: TenantId, entry: &JournalEntry, row: &mut Row<'_>) {
    row.bind(id(tenant.uuid()))
        .bind(id(entry.order_id.uuid()))
        .bind(i64::from(entry.task_id))
        .bind(i64::from(entry.seq))
        .bind(entry.at.micros())
        .bind(text(entry.kind.name()))
        .bind(entry.payload.clone());
}

/// Appends the events at the next positions and moves the head of the log.
async fn events(connection: &mut SqliteConnection, net: &Net, head_before: u64) -> Result<u64, Error> {
    let rows: Vec<(i64, &EventRow)> =
        (count(head_before) + 1..).zip(net.events.iter().flat_map(|encoded| &encoded.events)).collect();
    let Some((head, _)) = rows.last().copied() else { return Ok(head_before) };
    EVENTS
        .execute(connection, &rows, |(position, event), row| {
            row.bind(*position)
                .bind(id(event.tenant.uuid()))
                .bind(id(event.order_id.uuid()))
                .bind(count(event.version))
                .bind(id(event.event_id.uuid()))
                .bind(text(event.kind))
                .bind(event.from.map(|s| text(s.name())))
                .bind(text(event.to.name()))
                .bind(event.actor.clone())
                .bind(event.reason.clone())
                .bind(event.at.micros())
                .bind(event.payload.clone())
                .bind(event.hash.to_vec());
        })
        .await?;
    sqlx::query("update log_head set position = ?").bind(head).execute(connection).await?;
    Ok(head_before + rows.len() as u64)
}

/// The database's clock: SQLite has none but this machine's.
fn now_micros() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("this machine's clock stands after 1970");
    i64::try_from(since.as_micros()).expect("this machine's clock stands before the year 292,000")
}

#[cfg(test)]
pub(super) const STATEMENTS: &[&Bulk] = &[
    &SEAL_KEYS,
    &ORDERS,
    &UPDATED_ORDERS,
    &DEFERRED_ORDERS,
    &STOCK,
    &HELD,
    &RELEASED,
    &KEYS,
    &API_KEYS,
    &DECISIONS,
    &OPERATIONS,
    &JOURNAL,
    &CURSORS,
    &NOTED,
    &MESSAGES,
    &ANNOUNCED,
    &EVENTS,
];
