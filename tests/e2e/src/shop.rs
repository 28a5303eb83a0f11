//! A merchant's warehouses and stock, for a test.

use serde_json::{Value, json};

use crate::client::{Client, escape};

/// A merchant with warehouses of the test's own.
#[derive(Clone)]
pub struct Shop {
    /// How it talks to the server.
    pub client: Client,
}

/// What a warehouse holds of a SKU.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Level {
    /// Units in the house.
    pub on_hand: i64,
    /// Of these, promised to orders.
    pub reserved: i64,
}

impl Shop {
    /// A merchant who has one more warehouse, in Texas.
    pub async fn open(client: Client) -> Self {
        let shop = Self { client };
        shop.warehouse("WH-TEST", "US", "TX", 31.0, -97.7).await;
        shop
    }

    /// Puts up a warehouse.
    ///
    /// # Panics
    /// Where the server refuses.
    pub async fn warehouse(&self, id: &str, country: &str, region: &str, latitude: f64, longitude: f64) {
        let body = json!({
            "name": id, "country": country, "region": region, "latitude": latitude, "longitude": longitude, "priority": 1
        });
        let reply = self.client.put(&format!("/warehouses/{}", escape(id)), &body).await;
        assert!(matches!(reply.status, 200 | 201), "{}", reply.text);
    }

    /// Says how many units a warehouse holds.
    ///
    /// # Panics
    /// Where the server refuses.
    pub async fn stock_in(&self, warehouse: &str, sku: &str, on_hand: i64) {
        let path = format!("/inventory/{}/{}", escape(sku), escape(warehouse));
        let reply = self.client.put(&path, &json!({"on_hand": on_hand})).await;
        assert!(matches!(reply.status, 200 | 201), "{}", reply.text);
    }

    /// A new SKU of which the test's warehouse holds so many.
    pub async fn stocked(&self, on_hand: i64) -> String {
        let sku = crate::unique("SKU");
        self.stock_in("WH-TEST", &sku, on_hand).await;
        sku
    }

    /// What is held of a SKU, by warehouse.
    ///
    /// # Panics
    /// Where the server refuses.
    pub async fn levels(&self, sku: &str) -> Vec<(String, Level)> {
        let inventory = self.client.get(&format!("/inventory/{}", escape(sku))).await.expect(200);
        let level = |row: &Value| {
            let units = |name: &str| row[name].as_i64().unwrap_or_else(|| panic!("no {name} in {row}"));
            let level = Level { on_hand: units("on_hand"), reserved: units("reserved") };
            assert_eq!(units("available"), level.on_hand - level.reserved, "{row}");
            (row["warehouse"].as_str().expect("a warehouse").to_owned(), level)
        };
        crate::client::rows(&inventory).iter().map(level).collect()
    }

    /// What the test's warehouse holds of a SKU.
    pub async fn level(&self, sku: &str) -> Level {
        let levels = self.levels(sku).await;
        levels.into_iter().find(|(warehouse, _)| warehouse == "WH-TEST").map(|(_, level)| level).unwrap_or_default()
    }
}
