//! The captured rows, batch after batch.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::{Connection as _, SqliteConnection};

use super::bulk::Bulk;
use super::capture::{Captured, EVENTS, ORDERS, OrderRows, RESERVATIONS, StockKey, TABLES};
use super::cells::Cell;
use super::{Rows, copy};
use crate::cpu::Meter;

/// The columns that a change of an order writes anew.
const CHANGING: [&str; 7] = ["version", "status", "wake_at", "lease_owner", "lease_until", "head_hash", "document"];

/// Every statement that is used.
struct Statements {
    inserts: Vec<Bulk>,
    update_orders: Bulk,
    /// Merchant and order, then what changes.
    update_columns: Vec<usize>,
    stock: Bulk,
}

impl Statements {
    fn new(captured: &Captured) -> Self {
        let inserts =
            TABLES.iter().zip(&captured.columns).map(|(table, columns)| Bulk::insert(table, columns)).collect();
        let named = ["tenant_id", "order_id"].into_iter().chain(CHANGING);
        let update_columns: Vec<usize> = named.map(|name| captured.column(ORDERS, name)).collect();
        let sets: Vec<String> =
            CHANGING.iter().zip(3..).map(|(name, column)| format!("{name} = v.column{column}")).collect();
        let update_orders = Bulk::new(
            format!("update or rollback orders set {} from ", sets.join(", ")),
            update_columns.len(),
            " as v where orders.tenant_id = v.column1 and orders.order_id = v.column2",
        );
        let stock = Bulk::new(
            "insert or rollback into inventory (tenant_id, sku, warehouse_id, on_hand, reserved) select * from ",
            5,
            " where column1 is not null on conflict (tenant_id, sku, warehouse_id) \
             do update set on_hand = excluded.on_hand, reserved = excluded.reserved",
        );
        Self { inserts, update_orders, update_columns, stock }
    }
}

/// Writes all rows in transactions of so many orders; answers the time and the processor time that it took.
pub async fn write(captured: &Captured, rows: Rows, file: &Path, size: usize) -> anyhow::Result<(Duration, Duration)> {
    let mut connection = copy::open(file).await?;
    let statements = Statements::new(captured);
    let position = sqlx::query_scalar("select position from log_head").fetch_one(&mut connection).await?;
    let mut writer = Writer { captured, statements, connection, position, reserved: BTreeMap::new() };
    let meter = Meter::start(None);
    let begun = Instant::now();
    for batch in captured.orders.chunks(size) {
        writer.placement(batch).await?;
        // The saga follows later: its rows cannot be in the transaction that placed the order.
        if rows == Rows::Everything && batch.iter().any(|order| order.saga.iter().any(|rows| !rows.is_empty())) {
            writer.saga(batch).await?;
        }
    }
    let took = (begun.elapsed(), meter.read().client);
    writer.connection.close().await?;
    Ok(took)
}

struct Writer<'c> {
    captured: &'c Captured,
    statements: Statements,
    connection: SqliteConnection,
    position: i64,
    reserved: BTreeMap<StockKey, i64>,
}

impl Writer<'_> {
    async fn placement(&mut self, batch: &[OrderRows]) -> Result<(), sqlx::Error> {
        self.begin().await?;
        for table in 0..EVENTS {
            let rows = batch.iter().flat_map(|order| &order.placement[table]).map(Vec::as_slice);
            self.statements.inserts[table].execute(&mut self.connection, rows).await?;
        }
        self.stock(batch).await?;
        self.events(batch.iter().flat_map(|order| &order.placement[EVENTS])).await?;
        self.commit().await
    }

    async fn saga(&mut self, batch: &[OrderRows]) -> Result<(), sqlx::Error> {
        self.begin().await?;
        let pick = |row: &Vec<Cell>| -> Vec<Cell> {
            self.statements.update_columns.iter().map(|column| row[*column].clone()).collect()
        };
        let updates: Vec<Vec<Cell>> = batch.iter().flat_map(|order| &order.saga[ORDERS]).map(pick).collect();
        self.statements.update_orders.execute(&mut self.connection, updates.iter().map(Vec::as_slice)).await?;
        for table in (0..EVENTS).filter(|table| *table != ORDERS) {
            let rows = batch.iter().flat_map(|order| &order.saga[table]).map(Vec::as_slice);
            self.statements.inserts[table].execute(&mut self.connection, rows).await?;
        }
        self.events(batch.iter().flat_map(|order| &order.saga[EVENTS])).await?;
        self.commit().await
    }

    /// One row for each stock row that the batch touches, however many orders touch it.
    async fn stock(&mut self, batch: &[OrderRows]) -> Result<(), sqlx::Error> {
        let column = |name| self.captured.column(RESERVATIONS, name);
        let (tenant, sku, warehouse, units) =
            (column("tenant_id"), column("sku"), column("warehouse_id"), column("quantity"));
        let mut touched: BTreeMap<StockKey, i64> = BTreeMap::new();
        for row in batch.iter().flat_map(|order| &order.placement[RESERVATIONS]) {
            let (Cell::Blob(tenant), Cell::Text(sku), Cell::Text(warehouse), Cell::Integer(units)) =
                (&row[tenant], &row[sku], &row[warehouse], &row[units])
            else {
                continue;
            };
            *touched.entry((tenant.clone(), sku.clone(), warehouse.clone())).or_insert(0) += units;
        }
        let mut rows = Vec::with_capacity(touched.len());
        for (key, units) in touched {
            let on_hand = self.captured.on_hand.get(&key).copied().unwrap_or_default();
            let reserved = self.reserved.entry(key.clone()).or_insert(0);
            *reserved += units;
            let (tenant, sku, warehouse) = key;
            let (on_hand, reserved) = (Cell::Integer(on_hand), Cell::Integer(*reserved));
            rows.push([Cell::Blob(tenant), Cell::Text(sku), Cell::Text(warehouse), on_hand, reserved]);
        }
        self.statements.stock.execute(&mut self.connection, rows.iter().map(<[Cell; 5]>::as_slice)).await
    }

    /// Events at the next positions, and the head of the log.
    async fn events(&mut self, events: impl Iterator<Item = &Vec<Cell>>) -> Result<(), sqlx::Error> {
        let place = self.captured.column(EVENTS, "position");
        let mut rows = Vec::new();
        for event in events {
            self.position += 1;
            let mut row = event.clone();
            row[place] = Cell::Integer(self.position);
            rows.push(row);
        }
        self.statements.inserts[EVENTS].execute(&mut self.connection, rows.iter().map(Vec::as_slice)).await?;
        sqlx::query("update log_head set position = ?").bind(self.position).execute(&mut self.connection).await?;
        Ok(())
    }

    async fn begin(&mut self) -> Result<(), sqlx::Error> {
        sqlx::query("begin immediate").execute(&mut self.connection).await.map(|_| ())
    }

    async fn commit(&mut self) -> Result<(), sqlx::Error> {
        sqlx::query("commit").execute(&mut self.connection).await.map(|_| ())
    }
}
