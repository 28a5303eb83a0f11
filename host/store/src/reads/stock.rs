//! Stock and idempotency keys as they are now.

use std::collections::BTreeSet;

use domain::ids::{Sku, TenantId, WarehouseId};

use super::own;
use crate::backend::Backend;
use crate::records::{StockRow, WarehouseRow};
use crate::resolve::Level;
use crate::sql::{self, Columns, text};
use crate::{Error, Store, StoredKey, sqlite};

impl Store {
    /// The stock of SKUs, in every warehouse that has a row of one, sorted by SKU and warehouse. What a placement starts
    /// from: its commit looks again, under the lock.
    ///
    /// # Errors
    /// What the database said.
    pub async fn stock(&self, tenant: TenantId, skus: BTreeSet<Sku>) -> Result<Vec<StockRow>, Error> {
        let wanted: Vec<_> = skus.into_iter().map(|sku| (tenant, sku)).collect();
        let (mut levels, unknown) = self.levels().split(&wanted);
        if !unknown.is_empty() {
            // Older than what the writer may have committed meanwhile, so that it is not remembered.
            levels.extend(self.levels_of(tenant, &unknown).await?);
            levels.sort_by(|a, b| (&a.sku, &a.warehouse).cmp(&(&b.sku, &b.warehouse)));
        }
        let row = |Level { sku, warehouse, on_hand, reserved, .. }| StockRow {
            sku,
            warehouse_id: warehouse,
            on_hand,
            reserved,
        };
        Ok(levels.into_iter().map(row).collect())
    }

    /// The stock of a SKU, by warehouse.
    ///
    /// # Errors
    /// What the database said.
    pub async fn inventory(&self, tenant: TenantId, sku: &Sku) -> Result<Vec<StockRow>, Error> {
        let sql = "select sku, warehouse_id, on_hand, reserved from inventory where tenant_id = $1 and sku = $2 order by warehouse_id";
        let query = sql::query(sql).bind(own(tenant)).bind(text(sku.as_str()));
        let rows = self.fetch_all(tenant, query).await?;
        let stock = |row| {
            let mut columns = Columns::new(row);
            Ok(StockRow {
                sku: columns.name(Sku::parse)?,
                warehouse_id: columns.name(WarehouseId::parse)?,
                on_hand: columns.get()?,
                reserved: columns.get()?,
            })
        };
        rows.iter().map(stock).collect()
    }

    /// A merchant's warehouses, by id.
    ///
    /// # Errors
    /// What the database said.
    pub async fn warehouses(&self, tenant: TenantId) -> Result<Vec<WarehouseRow>, Error> {
        let sql = "select warehouse_id, document from warehouses where tenant_id = $1 order by warehouse_id";
        let rows = self.fetch_all(tenant, sql::query(sql).bind(own(tenant))).await?;
        let warehouse = |row| {
            let mut columns = Columns::new(row);
            Ok(WarehouseRow { warehouse_id: columns.name(WarehouseId::parse)?, document: columns.get()? })
        };
        rows.iter().map(warehouse).collect()
    }

    /// What an idempotency key stands for, where it was used.
    ///
    /// # Errors
    /// What the database said.
    pub async fn stored_key(&self, tenant: TenantId, key: &str) -> Result<Option<StoredKey>, Error> {
        let wanted = (tenant, key.to_owned());
        let mut stored = match self.backend() {
            Backend::Sqlite { readers, .. } => sqlite::keys(&mut *readers.acquire().await?, &[&wanted]).await?,
            Backend::Postgres(pools) => pools.keys(tenant, &[&wanted]).await?,
        };
        Ok(stored.remove(&wanted))
    }

    async fn levels_of(&self, tenant: TenantId, unknown: &[&(TenantId, Sku)]) -> Result<Vec<Level>, Error> {
        match self.backend() {
            Backend::Sqlite { readers, .. } => sqlite::levels(&mut *readers.acquire().await?, unknown).await,
            Backend::Postgres(pools) => pools.levels(tenant, unknown).await,
        }
    }
}
