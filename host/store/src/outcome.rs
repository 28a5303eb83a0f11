//! How a changeset ended.

use std::sync::Arc;

use domain::ids::{OrderId, Sku, WarehouseId};
use domain::order::Order;
use domain::placement::Shortage;

use crate::Error;
use crate::sql::Columns;

/// How a changeset ended. Everything but `Committed` changed nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Durable.
    Committed(Committed),
    /// The order is not at the expected version.
    VersionConflict,
    /// The locked stock cannot serve the order from any warehouses.
    OutOfStock(Vec<Shortage>),
    /// The idempotency key was used before.
    SameKey(StoredKey),
    /// The merchant's own number names another order.
    DuplicateExternalId(OrderId),
    /// Less would be on hand than is reserved.
    StockReserved {
        /// Of which SKU.
        sku: Sku,
        /// Where.
        warehouse: WarehouseId,
        /// On hand now.
        on_hand: i64,
        /// Reserved now.
        reserved: i64,
    },
    /// More would be on hand than can be counted.
    StockTooLarge {
        /// Of which SKU.
        sku: Sku,
        /// Where.
        warehouse: WarehouseId,
    },
    /// Stock cannot lie in a warehouse that does not exist.
    UnknownWarehouse(WarehouseId),
}

/// What a commit led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The order as it is now, under the plan that was taken; none where the changeset had no `Place` or `Update`.
    pub order: Option<Arc<Order>>,
    /// The hash of its last event, for the next update.
    pub head_hash: Option<[u8; 32]>,
    /// The position of its last event, or of the last event before it where it had none.
    pub position: u64,
}

/// What is kept of an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// Of the request that used it up.
    pub fingerprint: [u8; 32],
    /// The order that the request made or changed.
    pub order_id: Option<OrderId>,
    /// The order's version after it.
    pub order_version: Option<u64>,
    /// The HTTP status of the answer.
    pub status: u16,
    /// The answer where it cannot be made from the order.
    pub response: Option<String>,
}

impl StoredKey {
    /// From the columns `fingerprint`, `order_id`, `order_version`, `status`, `response`.
    pub(crate) fn read(columns: &mut Columns<'_>) -> Result<Self, Error> {
        Ok(Self {
            fingerprint: columns.hash()?,
            order_id: columns.optional_id(OrderId::new)?,
            order_version: columns.get::<Option<i64>>()?.and_then(|v| u64::try_from(v).ok()),
            status: columns.status_code()?,
            response: columns.get()?,
        })
    }
}
