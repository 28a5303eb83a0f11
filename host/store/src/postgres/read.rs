//! The locked rows of a batch: order heads and stock.

use std::collections::{HashMap, HashSet};

use domain::ids::{OrderId, Sku, TenantId, WarehouseId};
use sqlx::PgConnection;

use super::table::Table;
use crate::Error;
use crate::resolve::{Claimed, Head, Level, Snapshot, Wanted};
use crate::sql::Columns;

// Sorted before they are locked, so that every batch of every node locks in one order. `no key`: rows that refer to an
// order can be written meanwhile.
const HEADS: &str = "select o.tenant_id, o.order_id, o.version, o.head_hash \
     from unnest($1::bytea[], $2::bytea[]) as v (column1, column2) \
     join orders as o on o.tenant_id = v.column1 and o.order_id = v.column2 \
     order by o.tenant_id, o.order_id for no key update of o";

const LOCKED_LEVELS: &str = "select i.tenant_id, i.sku, i.warehouse_id, i.on_hand, i.reserved \
     from unnest($1::bytea[], $2::text[]) as v (column1, column2) \
     join inventory as i on i.tenant_id = v.column1 and i.sku = v.column2 \
     order by i.tenant_id, i.sku, i.warehouse_id for no key update of i";

const LEVELS: &str = "select i.tenant_id, i.sku, i.warehouse_id, i.on_hand, i.reserved \
     from unnest($1::bytea[], $2::text[]) as v (column1, column2) \
     join inventory as i on i.tenant_id = v.column1 and i.sku = v.column2 \
     order by i.tenant_id, i.sku, i.warehouse_id";

const WAREHOUSES: &str = "select w.tenant_id, w.warehouse_id from unnest($1::bytea[], $2::text[]) as v (column1, column2) \
     join warehouses as w on w.tenant_id = v.column1 and w.warehouse_id = v.column2";

pub(super) async fn read(connection: &mut PgConnection, wanted: &Wanted, claimed: Claimed) -> Result<Snapshot, Error> {
    let orders = heads(connection, wanted).await?;
    let skus: Vec<_> = wanted.skus.iter().collect();
    let stock = select_levels(connection, &skus, LOCKED_LEVELS).await?;
    let warehouses = warehouses(connection, wanted).await?;
    Ok(Snapshot { keys: claimed.keys, external_ids: claimed.external_ids, orders, stock, warehouses })
}

async fn heads(connection: &mut PgConnection, wanted: &Wanted) -> Result<HashMap<(TenantId, OrderId), Head>, Error> {
    if wanted.orders.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = Table::default()
        .ids(wanted.orders.iter().map(|(tenant, _)| tenant.uuid()))
        .ids(wanted.orders.iter().map(|(_, order)| order.uuid()))
        .fetch(connection, HEADS)
        .await?;
    let mut found = HashMap::new();
    for row in &rows {
        let mut columns = Columns::new(row);
        let key = (columns.id(TenantId::new)?, columns.id(OrderId::new)?);
        found.insert(key, Head { version: columns.count()?, hash: columns.hash()? });
    }
    Ok(found)
}

/// All warehouses' rows of these SKUs, unlocked.
pub(crate) async fn levels(connection: &mut PgConnection, wanted: &[&(TenantId, Sku)]) -> Result<Vec<Level>, Error> {
    select_levels(connection, wanted, LEVELS).await
}

async fn select_levels(
    connection: &mut PgConnection,
    wanted: &[&(TenantId, Sku)],
    statement: &'static str,
) -> Result<Vec<Level>, Error> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let rows = Table::default()
        .ids(wanted.iter().map(|(tenant, _)| tenant.uuid()))
        .texts(wanted.iter().map(|(_, sku)| sku.as_str()))
        .fetch(connection, statement)
        .await?;
    let level = |row| {
        let mut columns = Columns::new(row);
        Ok(Level {
            tenant: columns.id(TenantId::new)?,
            sku: columns.name(Sku::parse)?,
            warehouse: columns.name(WarehouseId::parse)?,
            on_hand: columns.get()?,
            reserved: columns.get()?,
        })
    };
    rows.iter().map(level).collect()
}

async fn warehouses(connection: &mut PgConnection, wanted: &Wanted) -> Result<HashSet<(TenantId, WarehouseId)>, Error> {
    if wanted.warehouses.is_empty() {
        return Ok(HashSet::new());
    }
    let rows = Table::default()
        .ids(wanted.warehouses.iter().map(|(tenant, _)| tenant.uuid()))
        .texts(wanted.warehouses.iter().map(|(_, warehouse)| warehouse.as_str()))
        .fetch(connection, WAREHOUSES)
        .await?;
    let key = |row| {
        let mut columns = Columns::new(row);
        Ok((columns.id(TenantId::new)?, columns.name(WarehouseId::parse)?))
    };
    rows.iter().map(key).collect()
}
