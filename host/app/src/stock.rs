//! Warehouses and what they hold.

use std::sync::Arc;

use domain::hooks::routing;
use domain::ids::{SellerId, Sku, TenantId, WarehouseId};
use serde::{Deserialize, Serialize};
use store::{Changeset, Outcome, StockChange};

use crate::merchant::Caller;
use crate::{App, Error, Idempotency, idempotency};

/// The most units of a SKU that a warehouse may hold.
pub const ON_HAND_MAX: i64 = 1_000_000_000;

/// A place that ships. Stored as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warehouse {
    /// The merchant's name for it.
    pub warehouse_id: WarehouseId,
    /// For people.
    pub name: String,
    /// ISO 3166 alpha-2.
    pub country: String,
    /// State or region code.
    pub region: Option<String>,
    /// Postal code.
    pub zip: Option<String>,
    /// Millionths of a degree, north positive.
    pub latitude_e6: Option<i32>,
    /// Millionths of a degree, east positive.
    pub longitude_e6: Option<i32>,
    /// Lower is preferred.
    pub priority: i32,
    /// The seller that owns it, if not the merchant.
    pub seller_id: Option<SellerId>,
    /// Until when an order leaves the same day, `HH:MM`.
    pub cutoff: Option<String>,
    /// IANA name of the zone of `cutoff`.
    pub time_zone: Option<String>,
}

impl From<&Warehouse> for routing::Warehouse {
    fn from(warehouse: &Warehouse) -> Self {
        Self {
            warehouse_id: warehouse.warehouse_id.clone(),
            country: warehouse.country.clone(),
            region: warehouse.region.clone(),
            zip: warehouse.zip.clone(),
            latitude_e6: warehouse.latitude_e6,
            longitude_e6: warehouse.longitude_e6,
            priority: warehouse.priority,
            seller_id: warehouse.seller_id.clone(),
        }
    }
}

/// What a warehouse holds of a SKU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// The warehouse.
    pub warehouse_id: WarehouseId,
    /// Units in the house.
    pub on_hand: i64,
    /// Of these, promised to orders.
    pub reserved: i64,
}

/// A change of stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What.
    pub sku: Sku,
    /// Where.
    pub warehouse_id: WarehouseId,
    /// Units, negative to take away.
    pub delta: i64,
    /// For people; goes to the log.
    pub reason: Option<String>,
}

/// What an adjustment led to.
#[derive(Debug, Clone)]
pub struct Adjusted {
    /// The levels afterwards, in the order of the changes.
    pub levels: Vec<(Sku, Level)>,
    /// Whether this is the answer to an earlier request.
    pub replayed: bool,
}

/// Why stock is not changed.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// More is promised to orders than would be left.
    #[error("{reserved} of the {on_hand} units of {sku} in {warehouse_id} are reserved")]
    Reserved {
        /// What.
        sku: Sku,
        /// Where.
        warehouse_id: WarehouseId,
        /// Units there now.
        on_hand: i64,
        /// Units promised.
        reserved: i64,
    },
    /// There is no such warehouse.
    #[error("there is no warehouse {warehouse_id}")]
    UnknownWarehouse {
        /// The change that names it.
        index: Option<usize>,
        /// Its name.
        warehouse_id: WarehouseId,
    },
    /// Beyond [`ON_HAND_MAX`].
    #[error("a warehouse can hold at most {ON_HAND_MAX} units of a SKU")]
    TooLarge,
    /// The idempotency key cannot be used.
    #[error(transparent)]
    Idempotency(#[from] idempotency::Refusal),
    /// Something else.
    #[error(transparent)]
    Error(#[from] Error),
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Self {
        Self::Error(error.into())
    }
}

impl App {
    /// Creates or replaces a warehouse; whether it is new.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn put_warehouse(&self, tenant: TenantId, warehouse: &Warehouse) -> Result<bool, Error> {
        let document = serde_json::to_string(warehouse)?;
        let created = !self.warehouses(tenant).await?.iter().any(|w| w.warehouse_id == warehouse.warehouse_id);
        self.store().put_warehouse(tenant, &warehouse.warehouse_id, &document).await?;
        self.caches().warehouses.invalidate(&tenant);
        Ok(created)
    }

    /// A merchant's warehouses by id, cached for [`crate::CACHE_SECONDS`].
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn warehouses(&self, tenant: TenantId) -> Result<Arc<Vec<Warehouse>>, Error> {
        if let Some(warehouses) = self.caches().warehouses.get(&tenant) {
            return Ok(warehouses);
        }
        let rows = self.store().warehouses(tenant).await?;
        let warehouses =
            rows.iter().map(|row| Ok(serde_json::from_str(&row.document)?)).collect::<Result<_, Error>>()?;
        let warehouses = Arc::new(warehouses);
        self.caches().warehouses.insert(tenant, Arc::clone(&warehouses));
        Ok(warehouses)
    }

    /// Sets what a warehouse holds.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn put_inventory(
        &self,
        caller: &Caller,
        sku: Sku,
        warehouse_id: WarehouseId,
        on_hand: i64,
    ) -> Result<Level, Refusal> {
        if !(0..=ON_HAND_MAX).contains(&on_hand) {
            return Err(Refusal::TooLarge);
        }
        self.known_warehouse(caller.tenant(), &warehouse_id, None).await?;
        let mut changeset = Changeset::new(caller.tenant(), caller.actor());
        changeset.stock = vec![StockChange::SetOnHand { sku: sku.clone(), warehouse: warehouse_id.clone(), on_hand }];
        self.commit_stock(changeset, None).await?;
        self.level(caller.tenant(), &sku, &warehouse_id).await
    }

    /// Changes stock, all or nothing.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn adjust_inventory(
        &self,
        caller: &Caller,
        changes: Vec<Change>,
        key: Option<Idempotency>,
    ) -> Result<Adjusted, Refusal> {
        let tenant = caller.tenant();
        if let Some(key) = &key
            && let Some(stored) = self.store().stored_key(tenant, &key.key).await?
        {
            key.matches(&stored)?;
            return Ok(Adjusted { levels: self.levels(tenant, &changes).await?, replayed: true });
        }
        for (index, change) in changes.iter().enumerate() {
            self.known_warehouse(tenant, &change.warehouse_id, Some(index)).await?;
        }
        let mut changeset = Changeset::new(tenant, caller.actor());
        changeset.stock = changes
            .iter()
            .map(|c| StockChange::Adjust { sku: c.sku.clone(), warehouse: c.warehouse_id.clone(), delta: c.delta })
            .collect();
        changeset.key = key.as_ref().map(|k| k.claim(200, None));
        let replayed = self.commit_stock(changeset, key.as_ref()).await?;
        tracing::info!(%tenant, actor = caller.name, changes = changes.len(), replayed, "stock adjusted");
        for change in changes.iter().filter(|c| c.reason.is_some() && !replayed) {
            tracing::debug!(%tenant, actor = caller.name, sku = %change.sku, warehouse = %change.warehouse_id, change.delta, reason = change.reason, "stock adjusted");
        }
        Ok(Adjusted { levels: self.levels(tenant, &changes).await?, replayed })
    }

    /// What the merchant's warehouses hold of a SKU.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn inventory(&self, tenant: TenantId, sku: &Sku) -> Result<Vec<Level>, Error> {
        let rows = self.store().inventory(tenant, sku).await?;
        Ok(rows
            .into_iter()
            .map(|r| Level { warehouse_id: r.warehouse_id, on_hand: r.on_hand, reserved: r.reserved })
            .collect())
    }

    /// Commits in a task of its own; whether the key had been used for the same request before.
    async fn commit_stock(&self, changeset: Changeset, key: Option<&Idempotency>) -> Result<bool, Refusal> {
        match self.commit(changeset).await? {
            Outcome::Committed(_) => Ok(false),
            Outcome::SameKey(stored) => {
                key.map_or(Ok(()), |k| k.matches(&stored))?;
                Ok(true)
            }
            Outcome::StockReserved { sku, warehouse, on_hand, reserved } => {
                Err(Refusal::Reserved { sku, warehouse_id: warehouse, on_hand, reserved })
            }
            Outcome::StockTooLarge { .. } => Err(Refusal::TooLarge),
            Outcome::UnknownWarehouse(warehouse_id) => Err(Refusal::UnknownWarehouse { index: None, warehouse_id }),
            other => Err(Error::Internal(format!("unexpected outcome of a stock change: {other:?}")).into()),
        }
    }

    async fn known_warehouse(
        &self,
        tenant: TenantId,
        warehouse_id: &WarehouseId,
        index: Option<usize>,
    ) -> Result<(), Refusal> {
        let known = self.warehouses(tenant).await?.iter().any(|w| w.warehouse_id == *warehouse_id);
        if known { Ok(()) } else { Err(Refusal::UnknownWarehouse { index, warehouse_id: warehouse_id.clone() }) }
    }

    async fn levels(&self, tenant: TenantId, changes: &[Change]) -> Result<Vec<(Sku, Level)>, Refusal> {
        let mut levels = Vec::with_capacity(changes.len());
        for change in changes {
            levels.push((change.sku.clone(), self.level(tenant, &change.sku, &change.warehouse_id).await?));
        }
        Ok(levels)
    }

    async fn level(&self, tenant: TenantId, sku: &Sku, warehouse_id: &WarehouseId) -> Result<Level, Refusal> {
        let levels = self.inventory(tenant, sku).await?;
        let none = || Level { warehouse_id: warehouse_id.clone(), on_hand: 0, reserved: 0 };
        Ok(levels.into_iter().find(|l| l.warehouse_id == *warehouse_id).unwrap_or_else(none))
    }
}
