//! The shop that the load falls on: four warehouses, 10,000 SKUs in each, stock without limit.

use std::fmt;

use anyhow::Context as _;
use serde_json::json;

use crate::http::{Answer, Call, Connection, Target};

/// How many SKUs there are.
pub const SKUS: u32 = 10_000;
/// What stands for stock without limit.
pub const PLENTY: u64 = 1_000_000_000;
/// How many stock rows are written in one request.
const CHANGES_AT_ONCE: usize = 500;

/// Where orders go: region and postal code.
pub const DESTINATIONS: [(&str, &str); 6] =
    [("TX", "78701"), ("NY", "10001"), ("CA", "90001"), ("IL", "60601"), ("FL", "33101"), ("WA", "98101")];

/// Id, region, postal code, latitude and longitude. The first two are the demo merchant's own.
const WAREHOUSES: [(&str, &str, &str, f64, f64); 10] = [
    ("WH-NYC", "NY", "10001", 40.71, -74.01),
    ("WH-LAX", "CA", "90001", 34.05, -118.24),
    ("WH-CHI", "IL", "60601", 41.88, -87.63),
    ("WH-DFW", "TX", "75201", 32.78, -96.80),
    ("WH-SEA", "WA", "98101", 47.61, -122.33),
    ("WH-MIA", "FL", "33101", 25.76, -80.19),
    ("WH-DEN", "CO", "80201", 39.74, -104.99),
    ("WH-ATL", "GA", "30301", 33.75, -84.39),
    ("WH-BOS", "MA", "02101", 42.36, -71.06),
    ("WH-PHX", "AZ", "85001", 33.45, -112.07),
];

/// The SKU of a number.
pub fn sku(number: u32) -> impl fmt::Display {
    struct Sku(u32);
    impl fmt::Display for Sku {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "LOAD-{:05}", self.0)
        }
    }
    Sku(number)
}

/// Speaks to the shop one request after the other.
pub struct Keeper {
    target: Target,
    connection: Connection,
}

impl Keeper {
    pub async fn new(target: &Target) -> anyhow::Result<Self> {
        let connection = Connection::open(target).await.with_context(|| format!("connecting to {}", target.address))?;
        Ok(Self { target: target.clone(), connection })
    }

    /// Sends a request and hands out its answer, whatever it is.
    pub async fn send(&mut self, call: &Call) -> anyhow::Result<Answer<'_>> {
        let what = format!("{} {}", call.method, call.path);
        self.connection.send(&self.target, call).await.context(what)
    }

    /// Makes sure that the first `count` warehouses are there.
    pub async fn warehouses(&mut self, count: usize) -> anyhow::Result<()> {
        for (priority, (id, region, zip, latitude, longitude)) in (1..).zip(&WAREHOUSES[..count]) {
            let body = json!({"name": id, "country": "US", "region": region, "zip": zip,
                              "latitude": latitude, "longitude": longitude, "priority": priority});
            let call = Call::write("PUT", format!("/api/v1/warehouses/{id}"), "", body.to_string());
            self.send(&call).await?.success().with_context(|| format!("creating {id}"))?;
        }
        Ok(())
    }

    /// Puts the whole assortment into the first four warehouses.
    pub async fn assortment(&mut self) -> anyhow::Result<()> {
        self.warehouses(4).await?;
        let rows: Vec<(String, &str)> =
            (0..SKUS).flat_map(|n| WAREHOUSES[..4].iter().map(move |w| (sku(n).to_string(), w.0))).collect();
        self.raise(&rows, PLENTY).await
    }

    /// Puts units of one SKU into the first `count` warehouses.
    pub async fn stock(&mut self, sku: &str, count: usize, units: u64) -> anyhow::Result<()> {
        let rows: Vec<(String, &str)> = WAREHOUSES[..count].iter().map(|w| (sku.to_owned(), w.0)).collect();
        self.raise(&rows, units).await
    }

    /// Gives a merchant that has nothing yet one warehouse with one SKU.
    pub async fn stock_of_a_new_merchant(&mut self, sku: &str, units: u64) -> anyhow::Result<()> {
        self.warehouses(1).await?;
        self.stock(sku, 1, units).await
    }

    async fn raise(&mut self, rows: &[(String, &str)], units: u64) -> anyhow::Result<()> {
        for chunk in rows.chunks(CHANGES_AT_ONCE) {
            let changes: Vec<_> = chunk
                .iter()
                .map(|(sku, warehouse)| json!({"sku": sku, "warehouse": warehouse, "delta": units, "reason": "load"}))
                .collect();
            let (sku, warehouse) = &chunk[0];
            let key = format!("stock-{sku}-{warehouse}");
            let call = Call::write("POST", "/api/v1/inventory/adjust", key, json!({"changes": changes}).to_string());
            self.send(&call).await?.success().context("raising the stock")?;
        }
        Ok(())
    }
}
