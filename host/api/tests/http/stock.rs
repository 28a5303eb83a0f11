//! Warehouses and inventory.

use serde_json::json;

use crate::harness::Shop;

#[tokio::test]
async fn a_warehouse_is_created_replaced_and_listed() {
    let shop = Shop::open().await;
    let body = json!({"name": "New York", "country": "US", "region": "NY", "latitude": 40.7128, "longitude": -74.006, "cutoff": "15:00", "time_zone": "America/New_York"});
    let created = shop.put("/api/v1/warehouses/WH%2FNYC", &body).await;
    assert_eq!(created.status, 201, "{}", created.text);
    assert_eq!(created.json["warehouse_id"], "WH/NYC");
    assert!(created.text.contains(r#""latitude":40.7128,"longitude":-74.006"#), "{}", created.text);
    assert_eq!(shop.put("/api/v1/warehouses/WH%2FNYC", &body).await.status, 200);
    let list = shop.get("/api/v1/warehouses").await;
    assert_eq!(list.json["data"][0], created.json);
    let bad = shop
        .put(
            "/api/v1/warehouses/X",
            &json!({"country": "us", "latitude": 91, "cutoff": "25:00", "time_zone": "Mars/Base"}),
        )
        .await;
    assert_eq!(bad.problem(), (422, "invalid_request"));
    assert_eq!(bad.pointers(), ["/name", "/country", "/latitude", "/cutoff", "/time_zone"]);
}

#[tokio::test]
async fn stock_never_falls_below_what_is_reserved() {
    let shop = Shop::open().await;
    shop.stock(5).await;
    assert_eq!(shop.place("k1").await.status, 201);
    assert_eq!(shop.put("/api/v1/inventory/MUG/W", &json!({"on_hand": 0})).await.problem(), (409, "stock_reserved"));
    let set = shop.put("/api/v1/inventory/MUG/W", &json!({"on_hand": 1})).await;
    assert_eq!(set.json, json!({"sku": "MUG", "warehouse": "W", "on_hand": 1, "reserved": 1, "available": 0}));
    let adjust = json!({"changes": [{"sku": "MUG", "warehouse": "W", "delta": -1}]});
    assert_eq!(shop.post("/api/v1/inventory/adjust", "a0", &adjust).await.problem(), (409, "stock_reserved"));
    assert_eq!(shop.put("/api/v1/inventory/MUG/NONE", &json!({"on_hand": 1})).await.problem(), (404, "not_found"));
}

#[tokio::test]
async fn changes_are_made_together_or_not_at_all() {
    let shop = Shop::open().await;
    shop.stock(5).await;
    let half = json!({"changes": [{"sku": "MUG", "warehouse": "W", "delta": 2}, {"sku": "MUG", "warehouse": "NONE", "delta": 1}]});
    let refused = shop.post("/api/v1/inventory/adjust", "a1", &half).await;
    assert_eq!(refused.problem(), (422, "unknown_warehouse"));
    assert_eq!(refused.pointers(), ["/changes/1/warehouse"]);
    let both = json!({"changes": [{"sku": "MUG", "warehouse": "W", "delta": 2, "reason": "found"}, {"sku": "a/b c", "warehouse": "W", "delta": 1}]});
    let done = shop.post("/api/v1/inventory/adjust", "a1", &both).await;
    assert_eq!(done.status, 200, "{}", done.text);
    assert_eq!(done.json["data"][0]["on_hand"], 7);
    let again = shop.post("/api/v1/inventory/adjust", "a1", &both).await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(shop.get("/api/v1/inventory/MUG").await.json["data"][0]["on_hand"], 7);
    assert_eq!(shop.get("/api/v1/inventory/a%2Fb%20c").await.json["sku"], "a/b c");
    assert_eq!(shop.get("/api/v1/inventory/never").await.json["data"], json!([]));
}
