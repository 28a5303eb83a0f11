//! Every operation of the OpenAPI document: without a key, without the scope, and as another merchant.

use app::merchant::Scope;
use serde_json::{Value, json};

use crate::harness::Shop;

struct Operation {
    name: String,
    method: String,
    path: String,
    scopes: Vec<String>,
}

async fn operations(shop: &Shop, order_id: &str) -> Vec<Operation> {
    let document = shop.get("/openapi.json").await.json;
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let id = if path.contains("/keys/") { "key_00000000000000000000000000" } else { order_id };
            let filled = path.replace("{id}", id).replace("{sku}", "MUG").replace("{warehouse}", "W");
            let filled = filled.replace("{hook}", "payment").replace("{binding}", "main");
            let filled = filled.replace("{shipment_id}", "shp_00000000000000000000000000");
            let filled = filled.replace("{version}", "1").replace("{name}", "some");
            let needed = operation["security"].as_array().into_iter().flatten();
            let scopes = needed.flat_map(|s| s["key"].as_array().unwrap().clone());
            operations.push(Operation {
                name: format!("{method} {path}"),
                method: method.to_uppercase(),
                path: filled,
                scopes: scopes.map(|scope: Value| scope.as_str().unwrap().to_owned()).collect(),
            });
        }
    }
    operations
}

#[tokio::test]
async fn every_operation_asks_for_a_key_and_its_scope() {
    let shop = Shop::open().await;
    let protected = operations(&shop, "ord_00000000000000000000000000").await;
    let protected: Vec<_> = protected.into_iter().filter(|o| o.path.starts_with("/api/v1/")).collect();
    assert!(protected.len() >= 44);
    for operation in protected {
        let name = &operation.name;
        let none = shop.call(&operation.method, &operation.path, &[("authorization", "")], Some("{}")).await;
        assert_eq!(none.problem(), (401, "unauthorized"), "{name}");
        let others: Vec<Scope> =
            Scope::ALL.into_iter().filter(|s| !operation.scopes.contains(&s.name().to_owned())).collect();
        let key = format!("Bearer {}", shop.key_with(&others).await);
        let lacking = shop.call(&operation.method, &operation.path, &[("authorization", &key)], Some("{}")).await;
        assert_eq!(lacking.problem(), (403, "forbidden"), "{name}");
        assert_eq!(lacking.json["scopes_needed"], json!(operation.scopes), "{name}");
        for scope in &operation.scopes {
            let key = format!("Bearer {}", shop.key_with(&[scope.parse().unwrap()]).await);
            let headers = [("authorization", key.as_str()), ("idempotency-key", "k")];
            let enough = shop.call(&operation.method, &operation.path, &headers, Some("{}")).await;
            assert!(![401, 403].contains(&enough.status.as_u16()), "{name} with {scope}: {}", enough.text);
        }
    }
}

#[tokio::test]
async fn another_merchants_order_does_not_exist() {
    let shop = Shop::open().await;
    shop.stock(10).await;
    let order_id = shop.place("k1").await.json["order_id"].as_str().unwrap().to_owned();
    let foreign = format!("Bearer {}", shop.foreign_key().await);
    let body = |path: &str| match path.rsplit('/').next() {
        Some("pay") => json!({"payment_method_id": "pm_ok"}),
        Some("release" | "pack" | "ship" | "track") => json!({}),
        Some("refunds") => json!({"reason": "r", "amount": 1}),
        Some("split") => json!({"items": [{"line_id": 1, "quantity": 1}]}),
        _ => json!({"reason": "r"}),
    };
    let all = operations(&shop, &order_id).await;
    let of_an_order: Vec<_> =
        all.iter().filter(|o| o.path.contains(&order_id) && o.path.contains("/orders/")).collect();
    assert_eq!(of_an_order.len(), 15);
    for operation in of_an_order {
        let headers = [("authorization", foreign.as_str()), ("idempotency-key", "f")];
        let body = (operation.method == "POST").then(|| body(&operation.path).to_string());
        let answer = shop.call(&operation.method, &operation.path, &headers, body.as_deref()).await;
        assert_eq!(answer.problem(), (404, "not_found"), "{}", operation.name);
    }
    let theirs = shop.call("GET", "/api/v1/inventory/MUG", &[("authorization", &foreign)], None).await;
    assert_eq!(theirs.json["data"], json!([]));
}

#[tokio::test]
async fn the_document_and_its_page_are_served() {
    let shop = Shop::open().await;
    let document = shop.get("/openapi.json").await;
    assert_eq!(document.header("content-type"), "application/json");
    let known = shop.call("GET", "/openapi.json", &[("if-none-match", document.header("etag"))], None).await;
    assert_eq!(known.status, 304);
    let page = shop.get("/docs").await;
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.text.contains("placeOrder") && !page.text.contains("<script"));
    assert!(!page.text.contains("https://"), "the page loads something from elsewhere");
    assert_eq!(shop.get("/livez").await.json, json!({"status": "ok"}));
    assert_eq!(shop.get("/readyz").await.status, 200);
    shop.app.begin_shutdown();
    assert_eq!(shop.get("/readyz").await.problem(), (503, "not_ready"));
    assert_eq!(shop.get("/livez").await.status, 200);
}
