//! Warehouses and stock as the API shows them.

use app::stock::{Level, Warehouse};
use domain::ids::{SellerId, Sku, WarehouseId};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// A place that ships.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Warehouse)]
pub struct WarehouseView {
    #[schema(value_type = String, example = "WH-NYC")]
    warehouse_id: WarehouseId,
    name: String,
    /// ISO 3166 alpha-2.
    country: String,
    region: Option<String>,
    zip: Option<String>,
    /// Degrees, north positive.
    #[schema(value_type = Option<f64>)]
    latitude: Option<Box<RawValue>>,
    /// Degrees, east positive.
    #[schema(value_type = Option<f64>)]
    longitude: Option<Box<RawValue>>,
    /// Lower is preferred.
    priority: i32,
    /// The seller that owns it; null for the merchant's own.
    #[schema(value_type = Option<String>)]
    seller_id: Option<SellerId>,
    /// Until when an order leaves the same day.
    cutoff: Option<String>,
    /// IANA name of the zone of `cutoff`.
    time_zone: Option<String>,
}

impl From<&Warehouse> for WarehouseView {
    fn from(warehouse: &Warehouse) -> Self {
        Self {
            warehouse_id: warehouse.warehouse_id.clone(),
            name: warehouse.name.clone(),
            country: warehouse.country.clone(),
            region: warehouse.region.clone(),
            zip: warehouse.zip.clone(),
            latitude: warehouse.latitude_e6.map(degrees),
            longitude: warehouse.longitude_e6.map(degrees),
            priority: warehouse.priority,
            seller_id: warehouse.seller_id.clone(),
            cutoff: warehouse.cutoff.clone(),
            time_zone: warehouse.time_zone.clone(),
        }
    }
}

/// Millionths of a degree as a decimal number without zeros at its end.
fn degrees(millionths: i32) -> Box<RawValue> {
    let sign = if millionths < 0 { "-" } else { "" };
    let magnitude = millionths.unsigned_abs();
    let text = format!("{sign}{}.{:06}", magnitude / 1_000_000, magnitude % 1_000_000);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    RawValue::from_string(text.to_owned()).expect("digits with a point are a JSON number")
}

/// What a warehouse holds of a SKU.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StockLevel)]
pub struct LevelView {
    #[schema(value_type = String)]
    warehouse: WarehouseId,
    /// Units in the house.
    on_hand: i64,
    /// Of these, promised to orders.
    reserved: i64,
    /// What can still be promised.
    available: i64,
}

impl From<Level> for LevelView {
    fn from(level: Level) -> Self {
        Self {
            available: level.on_hand - level.reserved,
            warehouse: level.warehouse_id,
            on_hand: level.on_hand,
            reserved: level.reserved,
        }
    }
}

/// What a warehouse holds of a named SKU.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SkuStockLevel)]
pub struct SkuLevelView {
    #[schema(value_type = String)]
    sku: Sku,
    #[serde(flatten)]
    level: LevelView,
}

impl SkuLevelView {
    /// The level of a SKU.
    #[must_use]
    pub fn new(sku: Sku, level: Level) -> Self {
        Self { sku, level: level.into() }
    }
}

/// What the merchant's warehouses hold of a SKU.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Inventory)]
pub struct InventoryView {
    /// Which.
    #[schema(value_type = String)]
    pub sku: Sku,
    /// One entry for each warehouse that ever held it.
    pub data: Vec<LevelView>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn degrees_are_written_exactly() {
        for (millionths, text) in
            [(40_712_775, "40.712775"), (-500_000, "-0.5"), (0, "0"), (90_000_000, "90"), (-1, "-0.000001")]
        {
            assert_eq!(degrees(millionths).get(), text);
        }
    }
}
