//! The locked rows of a batch: order heads and stock.

use std::collections::{HashMap, HashSet};

use domain::ids::{OrderId, Sku, TenantId, WarehouseId};
use sqlx::{Executor as _, SqliteConnection};

use super::bulk::{Bulk, Row};
use crate::Error;
use crate::levels::Levels;
use crate::resolve::{Claimed, Head, Level, Snapshot, Wanted};
use crate::sql::{self as columns, Columns};

static HEADS: Bulk = Bulk::new(
    "select o.tenant_id, o.order_id, o.version, o.head_hash from ",
    2,
    " as v cross join orders as o on o.tenant_id = v.column1 and o.order_id = v.column2",
);

static LEVELS: Bulk = Bulk::new(
    "select json_group_array(json_array(hex(i.tenant_id), i.sku, i.warehouse_id, i.on_hand, i.reserved)) from ",
    2,
    " as v cross join inventory as i on i.tenant_id = v.column1 and i.sku = v.column2",
);

static WAREHOUSES: Bulk = Bulk::new(
    "select w.tenant_id, w.warehouse_id from ",
    2,
    " as v cross join warehouses as w on w.tenant_id = v.column1 and w.warehouse_id = v.column2",
);

/// The snapshot, and the head of the log.
pub(crate) async fn read(
    connection: &mut SqliteConnection,
    wanted: &Wanted,
    claimed: Claimed,
    known: &Levels,
) -> Result<(Snapshot, u64), Error> {
    let orders = heads(connection, wanted).await?;
    let (mut stock, unknown) = known.split(&wanted.skus);
    let read = levels(connection, &unknown).await?;
    known.learn(&unknown, &read);
    stock.extend(read);
    let warehouses = warehouses(connection, wanted).await?;
    let head = head(connection).await?;
    Ok((Snapshot { keys: claimed.keys, external_ids: claimed.external_ids, orders, stock, warehouses }, head))
}

/// The position of the last event.
pub(crate) async fn head(connection: &mut SqliteConnection) -> Result<u64, Error> {
    let row = connection.fetch_one("select position from log_head").await?;
    Columns::new(&row).count()
}

async fn heads(
    connection: &mut SqliteConnection,
    wanted: &Wanted,
) -> Result<HashMap<(TenantId, OrderId), Head>, Error> {
    let wanted: Vec<_> = wanted.orders.iter().collect();
    let bind = |(tenant, order): &&(TenantId, OrderId), row: &mut Row<'_>| {
        row.bind(columns::id(tenant.uuid())).bind(columns::id(order.uuid()));
    };
    let mut found = HashMap::new();
    for row in HEADS.fetch(connection, &wanted, bind).await? {
        let mut columns = Columns::new(&row);
        let key = (columns.id(TenantId::new)?, columns.id(OrderId::new)?);
        found.insert(key, Head { version: columns.count()?, hash: columns.hash()? });
    }
    Ok(found)
}

/// All warehouses' rows of these SKUs.
pub(crate) async fn levels(
    connection: &mut SqliteConnection,
    wanted: &[&(TenantId, Sku)],
) -> Result<Vec<Level>, Error> {
    let bind = |(tenant, sku): &&(TenantId, Sku), row: &mut Row<'_>| {
        row.bind(columns::id(tenant.uuid())).bind(columns::text(sku.as_str()));
    };
    let rows: Vec<(String, Sku, WarehouseId, i64, i64)> = LEVELS.fetch_json(connection, wanted, bind).await?;
    let level = |(tenant, sku, warehouse, on_hand, reserved): (String, _, _, _, _)| {
        let tenant = u128::from_str_radix(&tenant, 16).map_err(|e| Error::Damaged(format!("tenant {tenant}: {e}")))?;
        let tenant = TenantId::new(uuid::Uuid::from_u128(tenant));
        Ok(Level { tenant, sku, warehouse, on_hand, reserved })
    };
    rows.into_iter().map(level).collect()
}

async fn warehouses(
    connection: &mut SqliteConnection,
    wanted: &Wanted,
) -> Result<HashSet<(TenantId, WarehouseId)>, Error> {
    let wanted: Vec<_> = wanted.warehouses.iter().collect();
    let bind = |(tenant, warehouse): &&(TenantId, WarehouseId), row: &mut Row<'_>| {
        row.bind(columns::id(tenant.uuid())).bind(columns::text(warehouse.as_str()));
    };
    let rows = WAREHOUSES.fetch(connection, &wanted, bind).await?;
    let key = |row| {
        let mut columns = Columns::new(row);
        Ok((columns.id(TenantId::new)?, columns.name(WarehouseId::parse)?))
    };
    rows.iter().map(key).collect()
}

#[cfg(test)]
pub(super) const STATEMENTS: &[&Bulk] = &[&HEADS, &LEVELS, &WAREHOUSES];
