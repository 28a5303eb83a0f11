//! The stock that the orders need: looked up, and raised by what is missing.
//!
//! What is missing is computed afresh in every run, so a second run raises nothing that the first one raised.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;
use serde_json::{Value, json};

use super::client::{Client, Error};
use super::mapping::ToPlace;
use crate::remote::progress;

/// How many SKUs are raised in one request.
const CHANGES_AT_ONCE: usize = 200;
/// The warehouse that is made where there is none.
const OWN_WAREHOUSE: &str = "WH-IMPORT";

/// What was booked in.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Raised {
    /// Where; nothing where nothing was missing.
    pub warehouse: Option<String>,
    pub skus: usize,
    pub units: i64,
}

/// The warehouse that takes the stock: the named one, or the first that belongs to no seller, or a new one.
pub async fn warehouse(client: &Client, wanted: Option<&str>) -> Result<String, Error> {
    let page = client.get(&["warehouses"], &[]).await?.success("listing the warehouses")?;
    let all = page["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    if let Some(wanted) = wanted {
        if all.iter().any(|warehouse| warehouse["warehouse_id"] == wanted) {
            return Ok(wanted.to_owned());
        }
        let known: Vec<&str> = all.iter().filter_map(|warehouse| warehouse["warehouse_id"].as_str()).collect();
        return Err(Error::Refused(format!("there is no warehouse `{wanted}`; there are: {}", known.join(", "))));
    }
    let own = all.iter().find(|warehouse| warehouse["seller_id"].is_null());
    if let Some(id) = own.and_then(|warehouse| warehouse["warehouse_id"].as_str()) {
        return Ok(id.to_owned());
    }
    // Somewhere in the middle of the country that the data comes from.
    let body = json!({"name": "Import", "country": "GB", "region": "ENG", "zip": "CV1 1AA",
                      "latitude": 52.41, "longitude": -1.51, "priority": 1});
    client.put(&["warehouses", OWN_WAREHOUSE], &body).await?.success("creating a warehouse")?;
    Ok(OWN_WAREHOUSE.to_owned())
}

/// Raises the stock of one warehouse to what these orders need.
pub async fn raise(client: &Client, warehouse: &str, orders: &[&ToPlace], connections: usize) -> Result<Raised, Error> {
    let needs = needs(orders);
    let bar = progress::bar("stock", needs.len());
    let looked_up = stream::iter(&needs).map(async |(sku, needed)| {
        let available = available(client, sku, warehouse).await?;
        bar.inc(1);
        Ok::<_, Error>((sku.as_str(), needed - available))
    });
    let levels: Vec<(&str, i64)> = looked_up.buffered(connections).try_collect().await?;
    bar.finish_and_clear();
    let missing: Vec<(&str, i64)> = levels.into_iter().filter(|(_, missing)| *missing > 0).collect();
    // New in every run: the same amounts may be missing again some day. Within the run a repeated request is one change.
    let run = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    for (number, chunk) in missing.chunks(CHANGES_AT_ONCE).enumerate() {
        let changes: Vec<Value> = chunk.iter().map(|(sku, delta)| change(sku, warehouse, *delta)).collect();
        let key = format!("import-stock-{run}-{number}");
        let body = json!({"changes": changes}).to_string();
        client.post(&["inventory", "adjust"], &key, &body).await?.success("raising the stock")?;
    }
    let units = missing.iter().map(|(_, units)| units).sum();
    Ok(Raised { warehouse: (!missing.is_empty()).then(|| warehouse.to_owned()), skus: missing.len(), units })
}

fn change(sku: &str, warehouse: &str, delta: i64) -> Value {
    json!({"sku": sku, "warehouse": warehouse, "delta": delta, "reason": "import of online-retail"})
}

/// Units of each SKU over all orders.
fn needs(orders: &[&ToPlace]) -> BTreeMap<String, i64> {
    let mut needs = BTreeMap::new();
    for (sku, units) in orders.iter().flat_map(|order| &order.units) {
        *needs.entry(sku.clone()).or_insert(0) += units;
    }
    needs
}

/// What the warehouse can still promise of a SKU; nothing of one that was never stocked.
async fn available(client: &Client, sku: &str, warehouse: &str) -> Result<i64, Error> {
    let answer = client.get(&["inventory", sku], &[]).await?;
    if answer.status == reqwest::StatusCode::NOT_FOUND {
        return Ok(0);
    }
    let levels = answer.success("reading the stock")?;
    let level = levels["data"].as_array().into_iter().flatten().find(|level| level["warehouse"] == warehouse);
    Ok(level.and_then(|level| level["available"].as_i64()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_needs_of_all_orders_are_added_up() {
        let order = |units: &[(&str, i64)]| ToPlace {
            external_id: String::new(),
            total_minor: 0,
            body: String::new(),
            units: units.iter().map(|(sku, units)| ((*sku).to_owned(), *units)).collect(),
        };
        let (one, two) = (order(&[("A", 2), ("B", 1)]), order(&[("A", 3)]));
        assert_eq!(needs(&[&one, &two]), BTreeMap::from([("A".to_owned(), 5), ("B".to_owned(), 1)]));
    }
}
