//! The net writes of a batch, one statement a table; `log_head` last, together with what it numbers.

use std::collections::HashSet;

use domain::ids::{OrderId, Sku, TenantId, WarehouseId};
use sqlx::PgConnection;
use uuid::Uuid;

use super::table::Table;
use crate::Error;
use crate::changeset::{Decision, JournalEntry, Operation, SealKey};
use crate::encode::EventRow;
use crate::messages::{Announced, Noted};
use crate::prepare::Prepared;
use crate::resolve::{Level, Net, OrderWrite};
use crate::sql::{Columns, count, text};

const ORDERS: &str = "insert into orders (tenant_id, order_id, version, status, wake_at, lease_owner, lease_until, \
     head_hash, document, customer_id, external_id, total_minor, placed_at, currency) select * from unnest($1::bytea[], \
     $2::bytea[], $3::bigint[], $4::text[], $5::bigint[], $6::text[], $7::bigint[], $8::bytea[], $9::text[], $10::text[], \
     $11::text[], $12::bigint[], $13::bigint[], $14::text[])";

const UPDATED_ORDERS: &str = "update orders set version = v.version, status = v.status, wake_at = v.wake_at, \
     lease_owner = v.lease_owner, lease_until = v.lease_until, head_hash = v.head_hash, document = v.document, \
     customer_id = v.customer_id, external_id = v.external_id, total_minor = v.total_minor from unnest($1::bytea[], \
     $2::bytea[], $3::bigint[], $4::text[], $5::bigint[], $6::text[], $7::bigint[], $8::bytea[], $9::text[], $10::text[], \
     $11::text[], $12::bigint[]) as v (tenant_id, order_id, version, status, wake_at, lease_owner, lease_until, \
     head_hash, document, customer_id, external_id, total_minor) \
     where orders.tenant_id = v.tenant_id and orders.order_id = v.order_id";

const DEFERRED_ORDERS: &str = "update orders set wake_at = v.wake_at, lease_owner = v.lease_owner, \
     lease_until = v.lease_until from unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::text[], $5::bigint[]) \
     as v (tenant_id, order_id, wake_at, lease_owner, lease_until) \
     where orders.tenant_id = v.tenant_id and orders.order_id = v.order_id";

const STOCK: &str = "update inventory as i set on_hand = v.on_hand, reserved = v.reserved from unnest($1::bytea[], \
     $2::text[], $3::text[], $4::bigint[], $5::bigint[]) as v (tenant_id, sku, warehouse_id, on_hand, reserved) \
     where i.tenant_id = v.tenant_id and i.sku = v.sku and i.warehouse_id = v.warehouse_id";

const NEW_STOCK: &str = "insert into inventory (tenant_id, sku, warehouse_id, on_hand, reserved) select * from \
     unnest($1::bytea[], $2::text[], $3::text[], $4::bigint[], $5::bigint[]) on conflict do nothing";

const HELD: &str = "insert into reservations (tenant_id, order_id, sku, warehouse_id, quantity) select * from \
     unnest($1::bytea[], $2::bytea[], $3::text[], $4::text[], $5::bigint[]) \
     on conflict (tenant_id, order_id, sku, warehouse_id) do update set quantity = excluded.quantity";

const RELEASED: &str = "delete from reservations as r using unnest($1::bytea[], $2::bytea[], $3::text[], $4::text[]) \
     as v (tenant_id, order_id, sku, warehouse_id) where r.tenant_id = v.tenant_id and r.order_id = v.order_id \
     and r.sku = v.sku and r.warehouse_id = v.warehouse_id";

const SEAL_KEYS: &str = "insert into seal_keys (tenant_id, seal_key_id, customer_id, order_id, wrapped_key) select * \
     from unnest($1::bytea[], $2::bytea[], $3::text[], $4::bytea[], $5::bytea[]) \
     on conflict (tenant_id, seal_key_id) do nothing";

const API_KEYS: &str = "insert into api_keys (tenant_id, key_id, name, hash, scopes, last4, created_at) select * from \
     unnest($1::bytea[], $2::bytea[], $3::text[], $4::bytea[], $5::text[], $6::text[], $7::bigint[])";

const OPERATIONS: &str = "insert into operations (tenant_id, order_id, task_id, plugin, digest, idempotency_key, \
     operation, attempts, next_at, state, last_error, first_sent_at) select * from unnest($1::bytea[], $2::bytea[], \
     $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::bigint[], $10::text[], $11::text[], \
     $12::bigint[]) on conflict (tenant_id, order_id, task_id) do update set plugin = excluded.plugin, \
     digest = excluded.digest, idempotency_key = excluded.idempotency_key, operation = excluded.operation, \
     attempts = excluded.attempts, next_at = excluded.next_at, state = excluded.state, \
     last_error = excluded.last_error, first_sent_at = excluded.first_sent_at";

const JOURNAL: &str = "insert into journal (tenant_id, order_id, task_id, seq, at, kind, payload) select * from \
     unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::text[])";

// Whoever follows the log on another node waits here, and then finds that this was noted before.
const CURSOR: &str = "insert into consumer_cursors (consumer, position) values ($1, 0) \
     on conflict (consumer) do update set position = consumer_cursors.position returning position";

const MOVED_CURSOR: &str = "update consumer_cursors set position = $1 where consumer = $2 and position < $1";

const NOTED: &str = "insert into announcements (tenant_id, position, order_id, version) select * from \
     unnest($1::bytea[], $2::bigint[], $3::bytea[], $4::bigint[]) on conflict (tenant_id, position) do nothing";

// Of two nodes that have asked the same, one removes the note and keeps its answer.
const MESSAGES: &str = "with gone as (delete from announcements as a using unnest($1::bytea[], $2::bigint[]) \
     as d (tenant_id, position) where a.tenant_id = d.tenant_id and a.position = d.position \
     returning a.tenant_id, a.position) insert into messages (tenant_id, position, order_id, message_id, version, event, \
     channel, recipient, subject, text, html, status, attempts, reference, last_error, created_at, updated_at) \
     select m.* from unnest($3::bytea[], $4::bigint[], $5::bytea[], $6::bytea[], $7::bigint[], $8::text[], $9::text[], \
     $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::bigint[], $16::text[], $17::text[], \
     $18::bigint[], $19::bigint[]) as m (tenant_id, position, order_id, message_id, version, event, channel, recipient, \
     subject, text, html, status, attempts, reference, last_error, created_at, updated_at) \
     join gone on gone.tenant_id = m.tenant_id and gone.position = m.position";

// Nobody else comes between the head and what is numbered by it: whoever commits next waits for this row.
const LOG: &str = "with head as (update log_head set position = position + $1, calls = calls + $2 \
     returning position - $1 as position, calls - $2 as calls), \
     mark as (update writers set batch = $3, seen_at = (extract(epoch from now()) * 1000000)::bigint where writer_id = $4), \
     logged as (insert into order_events (position, tenant_id, order_id, version, event_id, type, from_status, to_status, \
     actor, reason, at, payload, hash) select head.position + e.place, e.tenant_id, e.order_id, e.version, e.event_id, \
     e.type, e.from_status, e.to_status, e.actor, e.reason, e.at, e.payload, e.hash from head cross join \
     unnest($5::bytea[], $6::bytea[], $7::bigint[], $8::bytea[], $9::text[], $10::text[], $11::text[], $12::text[], \
     $13::text[], $14::bigint[], $15::text[], $16::bytea[]) with ordinality as e (tenant_id, order_id, version, event_id, \
     type, from_status, to_status, actor, reason, at, payload, hash, place)), \
     called as (insert into decisions (rowid, tenant_id, order_id, decision_id, hook, plugin, plugin_version, digest, \
     outcome, fuel, duration_us, input, output, logs, error, at, role) select head.calls + d.place, d.tenant_id, \
     d.order_id, d.decision_id, d.hook, d.plugin, d.plugin_version, d.digest, d.outcome, d.fuel, d.duration_us, d.input, \
     d.output, d.logs, d.error, d.at, d.role from head cross join unnest($17::bytea[], $18::bytea[], $19::bytea[], \
     $20::text[], $21::text[], $22::text[], $23::text[], $24::text[], $25::bigint[], $26::bigint[], $27::text[], \
     $28::text[], $29::text[], $30::text[], $31::bigint[], $32::text[]) with ordinality as d (tenant_id, order_id, \
     decision_id, hook, plugin, plugin_version, digest, outcome, fuel, duration_us, input, output, logs, error, at, role, \
     place)) select position from head";

/// Where nothing is numbered, nobody has to wait.
const MARK: &str = "with mark as (update writers set batch = $1, seen_at = (extract(epoch from now()) * 1000000)::bigint \
     where writer_id = $2) select position from log_head";

/// Which batch of which writer this is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    pub writer_id: Uuid,
    pub batch: i64,
}

/// Writes everything and answers the head of the log before and after.
pub(super) async fn write(
    connection: &mut PgConnection,
    batch: &[&Prepared],
    net: &Net,
    known_stock: &HashSet<(TenantId, Sku, WarehouseId)>,
    mark: Mark,
) -> Result<(u64, u64), Error> {
    orders(connection, net).await?;
    stock(connection, net, known_stock).await?;
    reservations(connection, net).await?;
    records(connection, batch, net).await?;
    log(connection, batch, net, mark).await
}

async fn orders(connection: &mut PgConnection, net: &Net) -> Result<(), Error> {
    if !net.inserted.is_empty() {
        changing_columns(&net.inserted)
            .numbers(net.inserted.iter().map(|w| w.encoded.order.placed_at.micros()))
            .texts(net.inserted.iter().map(|w| w.encoded.order.currency.code()))
            .execute(connection, ORDERS)
            .await?;
    }
    if !net.updated.is_empty() {
        changing_columns(&net.updated).execute(connection, UPDATED_ORDERS).await?;
    }
    if net.deferred.is_empty() {
        return Ok(());
    }
    Table::default()
        .ids(net.deferred.iter().map(|w| w.tenant.uuid()))
        .ids(net.deferred.iter().map(|w| w.order_id.uuid()))
        .optional_numbers(net.deferred.iter().map(|w| w.wake_at.map(|t| t.micros())))
        .optional_texts(net.deferred.iter().map(|w| w.lease.as_ref().map(|l| l.owner.as_str())))
        .optional_numbers(net.deferred.iter().map(|w| w.lease.as_ref().map(|l| l.until.micros())))
        .execute(connection, DEFERRED_ORDERS)
        .await?;
    Ok(())
}

fn changing_columns(writes: &[OrderWrite]) -> Table {
    let orders = || writes.iter().map(|w| &w.encoded.order);
    Table::default()
        .ids(orders().map(|o| o.tenant_id.uuid()))
        .ids(orders().map(|o| o.order_id.uuid()))
        .numbers(orders().map(|o| count(o.version)))
        .texts(orders().map(|o| o.status.name()))
        .optional_numbers(writes.iter().map(|w| w.wake_at.map(|t| t.micros())))
        .optional_texts(writes.iter().map(|w| w.lease.as_ref().map(|l| l.owner.as_str())))
        .optional_numbers(writes.iter().map(|w| w.lease.as_ref().map(|l| l.until.micros())))
        .hashes(writes.iter().map(|w| &w.encoded.head_hash))
        .texts(writes.iter().map(|w| &*w.encoded.document))
        .optional_texts(orders().map(|o| o.customer_id.as_ref().map(|c| c.as_str())))
        .optional_texts(orders().map(|o| o.external_id.as_ref().map(|e| e.as_str())))
        .numbers(orders().map(|o| o.amounts.total))
}

async fn stock(
    connection: &mut PgConnection,
    net: &Net,
    known: &HashSet<(TenantId, Sku, WarehouseId)>,
) -> Result<(), Error> {
    let is_known = |l: &&Level| known.contains(&(l.tenant, l.sku.clone(), l.warehouse.clone()));
    let (known, new): (Vec<&Level>, Vec<&Level>) = net.stock.iter().partition(is_known);
    let table = |levels: &[&Level]| {
        Table::default()
            .ids(levels.iter().map(|l| l.tenant.uuid()))
            .texts(levels.iter().map(|l| l.sku.as_str()))
            .texts(levels.iter().map(|l| l.warehouse.as_str()))
            .numbers(levels.iter().map(|l| l.on_hand))
            .numbers(levels.iter().map(|l| l.reserved))
    };
    if !known.is_empty() {
        table(&known).execute(connection, STOCK).await?;
    }
    // A row that was not there could not be locked. If another node has added it meanwhile, all is decided again.
    if !new.is_empty() && table(&new).execute(connection, NEW_STOCK).await?.rows_affected() != new.len() as u64 {
        return Err(Error::contended("another node has added the same stock"));
    }
    Ok(())
}

async fn reservations(connection: &mut PgConnection, net: &Net) -> Result<(), Error> {
    type Released = (TenantId, OrderId, Sku, WarehouseId);
    if !net.released.is_empty() {
        Table::default()
            .ids(net.released.iter().map(|(tenant, ..): &Released| tenant.uuid()))
            .ids(net.released.iter().map(|(_, order, ..)| order.uuid()))
            .texts(net.released.iter().map(|(_, _, sku, _)| sku.as_str()))
            .texts(net.released.iter().map(|(.., warehouse)| warehouse.as_str()))
            .execute(connection, RELEASED)
            .await?;
    }
    if net.held.is_empty() {
        return Ok(());
    }
    Table::default()
        .ids(net.held.iter().map(|h| h.tenant.uuid()))
        .ids(net.held.iter().map(|h| h.order_id.uuid()))
        .texts(net.held.iter().map(|h| h.sku.as_str()))
        .texts(net.held.iter().map(|h| h.warehouse.as_str()))
        .numbers(net.held.iter().map(|h| h.units))
        .execute(connection, HELD)
        .await?;
    Ok(())
}

/// What belongs to a merchant.
type Owned<'r, T> = Vec<(TenantId, &'r T)>;

fn owned<'b, T: 'b>(batch: &[&'b Prepared], net: &Net, of: impl Fn(&'b Prepared) -> &'b [T]) -> Owned<'b, T> {
    let accepted = net.accepted.iter().map(|index| batch[*index]);
    accepted.flat_map(|prepared| of(prepared).iter().map(move |record| (prepared.tenant, record))).collect()
}

async fn records(connection: &mut PgConnection, batch: &[&Prepared], net: &Net) -> Result<(), Error> {
    let mut seal_keys = owned(batch, net, |p| &p.seal_keys);
    seal_keys.sort_by_key(|(tenant, key)| (*tenant, key.seal_key_id));
    write_seal_keys(connection, &seal_keys).await?;
    let api_keys = owned(batch, net, |p| &p.api_keys);
    if !api_keys.is_empty() {
        let scopes = |scopes| serde_json::to_string(scopes).expect("a list of texts can be written as JSON");
        let scopes: Vec<String> = api_keys.iter().map(|(_, k)| scopes(&k.scopes)).collect();
        Table::default()
            .ids(api_keys.iter().map(|(tenant, _)| tenant.uuid()))
            .ids(api_keys.iter().map(|(_, k)| k.key_id.uuid()))
            .texts(api_keys.iter().map(|(_, k)| k.name.as_str()))
            .hashes(api_keys.iter().map(|(_, k)| &k.hash))
            .texts(scopes.iter().map(String::as_str))
            .optional_texts(api_keys.iter().map(|(_, k)| k.last4.as_deref()))
            .numbers(api_keys.iter().map(|(_, k)| k.created_at.micros()))
            .execute(connection, API_KEYS)
            .await?;
    }
    // The last word on a task is the one that stays: one statement may write a row only once.
    let mut operations = owned(batch, net, |p| &p.operations);
    operations.reverse();
    operations.sort_by_key(|(tenant, o)| (*tenant, o.order_id, o.task_id));
    operations.dedup_by_key(|(tenant, o)| (*tenant, o.order_id, o.task_id));
    write_operations(connection, &operations).await?;
    let mut journal = owned(batch, net, |p| &p.journal);
    journal.sort_by_key(|(tenant, entry)| (*tenant, entry.order_id, entry.task_id, entry.seq));
    write_journal(connection, &journal).await?;
    for noted in net.accepted.iter().filter_map(|index| batch[*index].noted.as_ref()) {
        write_noted(connection, noted).await?;
    }
    let announced = net.accepted.iter().map(|index| batch[*index]);
    let mut announced: Vec<_> = announced.filter_map(|p| p.announced.as_ref().map(|a| (p.tenant, a))).collect();
    announced.sort_by_key(|(tenant, announced)| (*tenant, announced.position));
    write_announced(connection, &announced).await
}

async fn write_noted(connection: &mut PgConnection, noted: &Noted) -> Result<(), Error> {
    let rows = Table::default().one(text(&noted.consumer)).fetch(connection, CURSOR).await?;
    let seen = rows.first().map_or(Ok(0), |row| Columns::new(row).count())?;
    let new: Vec<_> = noted.announcements.iter().filter(|announcement| announcement.position > seen).collect();
    Table::default()
        .ids(new.iter().map(|a| a.tenant.uuid()))
        .numbers(new.iter().map(|a| count(a.position)))
        .ids(new.iter().map(|a| a.order_id.uuid()))
        .numbers(new.iter().map(|a| count(a.version)))
        .execute(connection, NOTED)
        .await?;
    let table = Table::default().one(count(noted.position)).one(text(&noted.consumer));
    table.execute(connection, MOVED_CURSOR).await?;
    Ok(())
}

async fn write_announced(connection: &mut PgConnection, announced: &[(TenantId, &Announced)]) -> Result<(), Error> {
    if announced.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = announced.iter().flat_map(|(t, a)| a.messages.iter().map(|m| (*t, a.position, m))).collect();
    let all = || rows.iter().map(|(.., message)| *message);
    Table::default()
        .ids(announced.iter().map(|(tenant, _)| tenant.uuid()))
        .numbers(announced.iter().map(|(_, a)| count(a.position)))
        .ids(rows.iter().map(|(tenant, ..)| tenant.uuid()))
        .numbers(rows.iter().map(|(_, position, _)| count(*position)))
        .ids(all().map(|m| m.order_id.uuid()))
        .ids(all().map(|m| m.message_id.uuid()))
        .numbers(all().map(|m| count(m.version)))
        .texts(all().map(|m| m.event.as_str()))
        .texts(all().map(|m| m.channel.as_str()))
        .optional_texts(all().map(|m| m.recipient.as_deref()))
        .optional_texts(all().map(|m| m.subject.as_deref()))
        .texts(all().map(|m| m.text.as_str()))
        .optional_texts(all().map(|m| m.html.as_deref()))
        .texts(all().map(|m| m.status.name()))
        .numbers(all().map(|m| i64::from(m.attempts)))
        .optional_texts(all().map(|m| m.reference.as_deref()))
        .optional_texts(all().map(|m| m.last_error.as_deref()))
        .numbers(all().map(|m| m.created_at.micros()))
        .numbers(all().map(|m| m.updated_at.micros()))
        .execute(connection, MESSAGES)
        .await?;
    Ok(())
}

async fn write_seal_keys(connection: &mut PgConnection, keys: &Owned<'_, SealKey>) -> Result<(), Error> {
    if keys.is_empty() {
        return Ok(());
    }
    Table::default()
        .ids(keys.iter().map(|(tenant, _)| tenant.uuid()))
        .ids(keys.iter().map(|(_, k)| k.seal_key_id.uuid()))
        .optional_texts(keys.iter().map(|(_, k)| k.customer_id.as_ref().map(|c| c.as_str())))
        .optional_ids(keys.iter().map(|(_, k)| k.order_id.map(OrderId::uuid)))
        .bytes(keys.iter().map(|(_, k)| k.wrapped_key.as_slice()))
        .execute(connection, SEAL_KEYS)
        .await?;
    Ok(())
}

async fn write_operations(connection: &mut PgConnection, operations: &Owned<'_, Operation>) -> Result<(), Error> {
    if operations.is_empty() {
        return Ok(());
    }
    let all = || operations.iter().map(|(_, operation)| *operation);
    Table::default()
        .ids(operations.iter().map(|(tenant, _)| tenant.uuid()))
        .ids(all().map(|o| o.order_id.uuid()))
        .numbers(all().map(|o| i64::from(o.task_id)))
        .texts(all().map(|o| o.plugin.as_str()))
        .optional_texts(all().map(|o| o.digest.as_deref()))
        .texts(all().map(|o| o.idempotency_key.as_str()))
        .texts(all().map(|o| o.operation.as_str()))
        .numbers(all().map(|o| i64::from(o.attempts)))
        .optional_numbers(all().map(|o| o.next_at.map(|t| t.micros())))
        .texts(all().map(|o| o.state.as_str()))
        .optional_texts(all().map(|o| o.last_error.as_deref()))
        .optional_numbers(all().map(|o| o.first_sent_at.map(|t| t.micros())))
        .execute(connection, OPERATIONS)
        .await?;
    Ok(())
}

async fn write_journal(connection: &mut PgConnection, journal: &Owned<'_, JournalEntry>) -> Result<(), Error> {
    if journal.is_empty() {
        return Ok(());
    }
    let all = || journal.iter().map(|(_, entry)| *entry);
    Table::default()
        .ids(journal.iter().map(|(tenant, _)| tenant.uuid()))
        .ids(all().map(|e| e.order_id.uuid()))
        .numbers(all().map(|e| i64::from(e.task_id)))
        .numbers(all().map(|e| i64::from(e.seq)))
        .numbers(all().map(|e| e.at.micros()))
        .texts(all().map(|e| e.kind.name()))
        .texts(all().map(|e| &*e.payload))
        .execute(connection, JOURNAL)
        .await?;
    Ok(())
}

/// Takes the next positions, for events and for calls, and appends both.
async fn log(connection: &mut PgConnection, batch: &[&Prepared], net: &Net, mark: Mark) -> Result<(u64, u64), Error> {
    let events: Vec<&EventRow> = net.events.iter().flat_map(|encoded| &encoded.events).collect();
    let calls = owned(batch, net, |p| &p.decisions);
    let rows = if events.is_empty() && calls.is_empty() {
        Table::default().one(mark.batch).one(mark.writer_id.into_bytes()).fetch(connection, MARK).await?
    } else {
        let table = Table::default()
            .one(count(events.len() as u64))
            .one(count(calls.len() as u64))
            .one(mark.batch)
            .one(mark.writer_id.into_bytes());
        call_columns(event_columns(table, &events), &calls).fetch(connection, LOG).await?
    };
    let row = rows.first().ok_or_else(|| Error::Damaged("the log has no head".into()))?;
    let before = Columns::new(row).count()?;
    Ok((before, before + events.len() as u64))
}

fn event_columns(table: Table, events: &[&EventRow]) -> Table {
    let all = || events.iter();
    table
        .ids(all().map(|e| e.tenant.uuid()))
        .ids(all().map(|e| e.order_id.uuid()))
        .numbers(all().map(|e| count(e.version)))
        .ids(all().map(|e| e.event_id.uuid()))
        .texts(all().map(|e| e.kind))
        .optional_texts(all().map(|e| e.from.map(|s| s.name())))
        .texts(all().map(|e| e.to.name()))
        .texts(all().map(|e| &*e.actor))
        .optional_texts(all().map(|e| e.reason.as_deref()))
        .numbers(all().map(|e| e.at.micros()))
        .texts(all().map(|e| &*e.payload))
        .hashes(all().map(|e| &e.hash))
}

fn call_columns(table: Table, calls: &Owned<'_, Decision>) -> Table {
    let all = || calls.iter().map(|(_, call)| *call);
    table
        .ids(calls.iter().map(|(tenant, _)| tenant.uuid()))
        .ids(all().map(|d| d.order_id.uuid()))
        .ids(all().map(|d| d.decision_id.uuid()))
        .texts(all().map(|d| d.hook.name()))
        .texts(all().map(|d| d.plugin.as_str()))
        .texts(all().map(|d| d.plugin_version.as_str()))
        .optional_texts(all().map(|d| d.digest.as_deref()))
        .texts(all().map(|d| d.outcome.as_str()))
        .numbers(all().map(|d| count(d.fuel)))
        .numbers(all().map(|d| count(d.duration_us)))
        .texts(all().map(|d| &*d.input))
        .optional_texts(all().map(|d| d.output.as_deref()))
        .texts(all().map(|d| &*d.logs))
        .optional_texts(all().map(|d| d.error.as_deref()))
        .numbers(all().map(|d| d.at.micros()))
        .texts(all().map(|d| d.role.name()))
}
