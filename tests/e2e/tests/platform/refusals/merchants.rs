//! Another merchant's things are not there.

use e2e::client::{Request, escape, order_id};
use e2e::server::Folder;
use e2e::{Client, Options, Server, Shop, admin, basket, unique};
use serde_json::{Value, json};

use super::{Case, check, keyed};

/// Every operation; `{order}` stands for an order.
pub const OPERATIONS: [(&str, &str); 54] = [
    ("GET", "/orders"),
    ("POST", "/orders"),
    ("POST", "/orders/bulk"),
    ("GET", "/orders/{order}"),
    ("GET", "/orders/{order}/events"),
    ("GET", "/orders/{order}/decisions"),
    ("GET", "/orders/{order}/messages"),
    ("POST", "/orders/{order}/cancel"),
    ("POST", "/orders/{order}/pay"),
    ("POST", "/orders/{order}/hold"),
    ("POST", "/orders/{order}/release"),
    ("POST", "/orders/{order}/refunds"),
    ("GET", "/orders/{order}/ledger"),
    ("POST", "/orders/{order}/shipments/shp_00000000000000000000000001/cancel"),
    ("POST", "/orders/{order}/shipments/shp_00000000000000000000000001/pack"),
    ("POST", "/orders/{order}/shipments/shp_00000000000000000000000001/split"),
    ("POST", "/orders/{order}/shipments/shp_00000000000000000000000001/ship"),
    ("POST", "/orders/{order}/shipments/shp_00000000000000000000000001/track"),
    ("GET", "/events"),
    ("GET", "/search/orders"),
    ("GET", "/warehouses"),
    ("PUT", "/warehouses/WH-1"),
    ("GET", "/inventory/SKU-1"),
    ("PUT", "/inventory/SKU-1/WH-1"),
    ("POST", "/inventory/adjust"),
    ("GET", "/keys"),
    ("POST", "/keys"),
    ("DELETE", "/keys/key_00000000000000000000000001"),
    ("GET", "/plugins"),
    ("POST", "/plugins"),
    ("GET", "/plugins/plg_00000000000000000000000001"),
    ("GET", "/plugins/plg_00000000000000000000000001/logs"),
    ("GET", "/plugins/plg_00000000000000000000000001/metrics"),
    ("GET", "/plugins/plg_00000000000000000000000001/versions"),
    ("GET", "/plugins/plg_00000000000000000000000001/versions/v-1"),
    ("POST", "/plugins/plg_00000000000000000000000001/versions/v-1/run"),
    ("POST", "/plugins/plg_00000000000000000000000001/versions/v-1/backtest"),
    ("GET", "/backtests/bkt_00000000000000000000000001"),
    ("DELETE", "/backtests/bkt_00000000000000000000000001"),
    ("POST", "/decisions/dec_00000000000000000000000001/replay"),
    ("GET", "/hooks"),
    ("GET", "/hooks/x-hook"),
    ("PUT", "/hooks/x-hook"),
    ("GET", "/hooks/x-hook/x-binding"),
    ("PUT", "/hooks/x-hook/x-binding"),
    ("DELETE", "/hooks/x-hook/x-binding"),
    ("POST", "/hooks/x-hook/x-binding/rollback"),
    ("GET", "/hooks/x-hook/x-binding/callbacks"),
    ("POST", "/hooks/x-hook/x-binding/callback/rotate"),
    ("POST", "/hooks/x-hook/promote"),
    ("POST", "/hooks/x-hook/rollback"),
    ("GET", "/secrets"),
    ("PUT", "/secrets/x-secret"),
    ("DELETE", "/secrets/x-secret"),
];

#[tokio::test(flavor = "multi_thread")]
async fn another_merchants_things_are_not_there() {
    let folder = Folder::new();
    let stranger = admin::create_tenant(&folder, "stranger");
    let server = Server::start_in(folder, Options::new());
    let ours = Shop::open(server.client()).await;
    let theirs = server.client_with(&stranger.api_key);
    let (sku, key, external_id) = (ours.stocked(100).await, unique("k"), unique("WEB"));
    let named = json!({"external_id": external_id, "customer": {"id": "c-1", "name": "Ottoline Secret"}});
    let basket = basket::with(basket::of(&sku, 1), named);
    let placed = ours.client.post("/orders", &key, &basket).await.expect(201);
    let id = order_id(&placed);
    ours.client.order_in(&id, "payment_confirmed").await;
    e2e::books::finds(&ours.client, "ottoline", vec![id.clone()]).await;
    let before = ours.client.order(&id).await;

    for (method, path) in OPERATIONS.iter().filter(|(_, path)| path.contains("{order}")) {
        let path = path.replace("{order}", &id);
        let body = match path.rsplit('/').next() {
            Some("pay") => json!({"payment_method_id": "pm_ok"}),
            Some("cancel" | "hold") => json!({"reason": "mine"}),
            Some("refunds") => json!({"reason": "mine", "amount": 1}),
            Some("split") => json!({"items": [{"line_id": 1, "quantity": 1}]}),
            _ => json!({}),
        };
        let request = Request::new(method, &path).key(&unique("k"));
        let request = if *method == "POST" { request.json(&body) } else { request };
        check(&theirs, vec![Case::new("a stranger", request, 404, "not_found")]).await;
    }
    for path in [
        "/orders".to_owned(),
        format!("/orders?external_id={external_id}"),
        "/orders?customer_id=c-1".to_owned(),
        "/events".to_owned(),
        "/search/orders".to_owned(),
        "/search/orders?q=ottoline".to_owned(),
        format!("/search/orders?q={id}"),
        "/warehouses".to_owned(),
        format!("/inventory/{sku}"),
    ] {
        let list = theirs.get(&path).await.expect(200);
        assert_eq!(list["data"], json!([]), "{path}");
    }
    strangers_names_mean_nothing(&ours, &theirs, &sku).await;
    theirs.post("/orders", &key, &basket).await.expect_refusal(422, "out_of_stock");
    let shop = Shop::open(theirs.clone()).await;
    shop.stock_in("WH-TEST", &sku, 1).await;
    let own = theirs.post("/orders", &key, &basket).await;
    assert!(!own.is_replayed(), "the same key and number of another merchant are others");
    assert_ne!(order_id(&own.expect(201)), id);
    assert_eq!(ours.client.order(&id).await, before);
    assert_eq!(ours.level(&sku).await.reserved, 2);
}

/// Ids, cursors and warehouses of one merchant are nothing to another.
async fn strangers_names_mean_nothing(ours: &Shop, theirs: &Client, sku: &str) {
    let keys = |client: &Client| {
        let client = client.clone();
        async move { e2e::client::rows(&client.get("/keys").await.expect(200)) }
    };
    let (our_keys, their_keys): (Vec<Value>, Vec<Value>) = (keys(&ours.client).await, keys(theirs).await);
    assert!(our_keys.iter().all(|key| !their_keys.contains(key)));
    let our_key = our_keys[0]["key_id"].as_str().expect("an id");
    // Cursors, keys and numbers are each merchant's own.
    ours.client.placed(&basket::of(sku, 1)).await;
    let page = ours.client.get("/orders?limit=1").await.expect(200);
    let cursor = escape(page["next_cursor"].as_str().expect("there is more"));
    let change = json!({"changes": [{"sku": sku, "warehouse": "WH-TEST", "delta": -1}]});
    let delete = Request::new("DELETE", &format!("/keys/{our_key}"));
    let put = Request::new("PUT", &format!("/inventory/{sku}/WH-TEST")).json(&json!({"on_hand": 0}));
    let list = Request::new("GET", &format!("/orders?cursor={cursor}"));
    let cases = vec![
        Case::new("a stranger's key", delete, 404, "not_found"),
        Case::new("a stranger's warehouse", put, 404, "not_found"),
        Case::new("a stranger's stock", keyed("/inventory/adjust", &change), 422, "unknown_warehouse")
            .at(&["/changes/0/warehouse"]),
        Case::new("a stranger's cursor", list, 400, "invalid_cursor"),
    ];
    check(theirs, cases).await;
}
