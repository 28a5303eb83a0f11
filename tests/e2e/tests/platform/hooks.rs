//! Discounts, shipping and what a policy may know: hooks that change what an order costs, and grants.

use e2e::client::{Request, order_id};
use e2e::{Client, Server, Shop, admin, basket, eventually, unique};
use futures::StreamExt as _;
use serde_json::{Value, json};

/// Uploads a component that is ready at once.
pub async fn uploaded(client: &Client, name: &str, file: &std::path::Path) -> Value {
    client.upload(name, std::fs::read(file).expect("the policies are built")).await.expect(201)
}

fn decision<'d>(decisions: &'d [Value], hook: &str) -> &'d Value {
    decisions.iter().find(|decision| decision["hook"] == hook).unwrap_or_else(|| panic!("{hook} was not asked"))
}

#[tokio::test(flavor = "multi_thread")]
async fn promotions_and_shipping_rules_change_what_an_order_costs() {
    let mut server = Server::start();
    let shop = Shop::open(server.client()).await;
    let (client, sku) = (&shop.client, shop.stocked(1_000).await);
    let other = shop.stocked(1_000).await;
    uploaded(client, "promos", &admin::policy("pricing_rules")).await;
    uploaded(client, "rates", &admin::policy("shipping_rules")).await;
    let promotions = json!({
        "codes": {"SPRING": {"percent": 10, "name": "Spring sale"}},
        "quantities": [{"sku": other, "from": 2, "amount": 100, "name": "A pair"}]
    });
    let zones = json!({"zones": [{"services": [
        {"name": "standard", "cost": 490, "days": 2, "free_from": 10_000},
        {"name": "express", "cost": 1290, "days": 1}
    ]}]});
    client.bind("pricing", &json!({"plugin": "promos", "config": promotions})).await.expect(200);
    client.bind("shipping", &json!({"plugin": "rates", "config": zones})).await.expect(200);

    let lines = basket::of_lines(&[(&sku, 1), (&other, 2)]);
    let asked = basket::with(lines, json!({"shipping_cost": null, "discount_codes": ["spring"]}));
    let order = eventually("the policies decide", async || {
        let order = client.place(&asked).await.expect(201);
        if order["shipping_cost"] == "4.90" && order["discount"] != "0.00" { Ok(order) } else { Err(order.to_string()) }
    })
    .await;
    // 30.00, less 2.00 on the pair, less a tenth of the remaining 28.00, shared out as 10.00 to 18.00.
    assert_eq!((&order["subtotal"], &order["discount"]), (&json!("30.00"), &json!("4.80")));
    assert_eq!((&order["items"][0]["discount"], &order["items"][1]["discount"]), (&json!("1.00"), &json!("3.80")));
    assert_eq!(
        order["discounts"],
        json!([
            {"name": "A pair", "amount": "2.00", "line_id": 2, "code": null},
            {"name": "Spring sale", "amount": "2.80", "line_id": null, "code": "spring"}
        ])
    );
    let cents = |value: &Value| value.as_str().expect("an amount").replace('.', "").parse::<i64>().expect("cents");
    let total = cents(&order["subtotal"]) - cents(&order["discount"]) + 490 + cents(&order["tax"]);
    assert_eq!(cents(&order["total"]), total);
    assert!(order["estimated_delivery"].is_string(), "{order}");

    // Tax is due on what is left, and all of it is in the decisions, which come out the same again.
    let id = order_id(&order);
    let decisions = client.decisions(&id).await;
    let taxed: Vec<_> = decision(&decisions, "tax")["input"]["lines"].as_array().expect("lines").clone();
    assert_eq!(taxed.iter().map(|line| line["amount"].to_string()).collect::<Vec<_>>(), ["900", "1620"]);
    assert_eq!(decision(&decisions, "shipping")["input"]["parcels"][0]["warehouse_id"], "WH-TEST");
    for made in &decisions {
        let replay = format!("/decisions/{}/replay", made["decision_id"].as_str().expect("an id"));
        assert_eq!(client.call(Request::new("POST", &replay)).await.expect(200)["same"], true, "{made}");
    }
    client.order_in(&id, "payment_confirmed").await;

    // A back-test adds up what would have been taken off.
    let plugins = e2e::client::rows(&client.get("/plugins").await.expect(200));
    let promos = plugins.iter().find(|plugin| plugin["name"] == "promos").expect("it was uploaded");
    let path = format!("/plugins/{}/versions/1/backtest", promos["plugin_id"].as_str().expect("an id"));
    let test = client.call(Request::new("POST", &path).json(&json!({"config": {}}))).await.expect(200);
    let report = &test["report"];
    assert_eq!(
        (&report["before"]["amounts"]["USD"], &report["now"]["amounts"]["USD"]),
        (&json!("4.80"), &json!("0.00"))
    );
    assert_eq!(report["changed_most"][0]["what"], "discount 4.80 USD → 0.00 USD");

    // Whoever names the price of shipping pays that, and a wish is met.
    let express = basket::with(asked.clone(), json!({"delivery_preference": "express"}));
    assert_eq!(client.place(&express).await.expect(201)["shipping_cost"], "12.90");
    let given = basket::with(asked, json!({"shipping_cost": "1.00"}));
    assert_eq!(client.place(&given).await.expect(201)["shipping_cost"], "1.00");
    client.bind("notification", &json!({"plugin": "promos"})).await.expect_refusal(422, "hook_not_asked");
    server.stop();
    admin::verify(server.folder());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_knows_only_what_it_was_granted() {
    let mut server = Server::start();
    let shop = Shop::open(server.client()).await;
    let (client, sku) = (&shop.client, shop.stocked(1_000).await);
    let screening = uploaded(client, "screening", &admin::policy("risk_rules")).await;
    assert_eq!(screening["fields"], json!(["email_domain"]));
    let refused = client.bind("risk", &json!({"plugin": "screening"})).await;
    refused.expect_refusal(409, "approval_required");
    assert_eq!((&refused.body["missing"], &refused.body["granted"]), (&json!(["email_domain"]), &json!([])));
    let unknown = client.bind("risk", &json!({"plugin": "screening", "fields": ["age"]})).await;
    unknown.expect_refusal(422, "invalid_request");
    assert_eq!(unknown.pointers(), ["/fields/0"]);

    let asked = basket::with(basket::of(&sku, 1), json!({"customer": {"id": "c-1", "email": "ann@shop.example"}}));
    let seen = async |wanted: Value| {
        eventually("the binding is in force", async || {
            let order = client.placed(&asked).await;
            let decisions = client.decisions(&order).await;
            let made = decision(&decisions, "risk");
            let ours = made["plugin"] == "screening" && made["input"]["email_domain"] == wanted;
            if ours { Ok(made["input"].clone()) } else { Err(made.to_string()) }
        })
        .await
    };
    let bound = client.bind("risk", &json!({"plugin": "screening", "fields": []})).await.expect(200);
    assert_eq!(bound["fields"], json!([]));
    let input = seen(Value::Null).await;
    assert_eq!((&input["destination"]["zip"], &input["customer_id"]), (&Value::Null, &Value::Null));
    // What was granted stays granted; what a component does not ask for it does not get even so.
    client.bind("risk", &json!({"plugin": "screening", "fields": ["email_domain", "zip"]})).await.expect(200);
    let input = seen(json!("shop.example")).await;
    assert_eq!(input["destination"]["zip"], Value::Null);
    let again =
        client.bind("risk", &json!({"plugin": "screening", "config": {"review_quantity": 9}})).await.expect(200);
    assert_eq!(again["fields"], json!(["zip", "email_domain"]));
    server.stop();
}

/// Kilometres from a place, in degrees, to the middle of Texas, by the law of cosines.
#[expect(clippy::float_arithmetic, reason = "distances, no money")]
fn to_texas(latitude: f64, longitude: f64) -> u64 {
    let [from, to] = [latitude.to_radians(), 31.5_f64.to_radians()];
    let apart = (longitude - -99.3).to_radians();
    (6371.0 * (from.sin() * to.sin() + from.cos() * to.cos() * apart.cos()).acos()).round() as u64
}

/// As many orders as a back-test must manage within five seconds.
const HISTORY: usize = 10_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_back_test_of_ten_thousand_orders_is_what_it_would_have_been() {
    let mut server = Server::start();
    let shop = Shop::open(server.client()).await;
    shop.warehouse("WH-ZZZ", "US", "NY", 40.7, -74.0).await;
    let (client, sku) = (&shop.client, unique("SKU"));
    for warehouse in ["WH-TEST", "WH-ZZZ"] {
        shop.stock_in(warehouse, &sku, 100_000_000).await;
    }
    uploaded(client, "by-value", &admin::fixture("fixture_routing_by_value")).await;
    // Whatever is worth up to 50.00 comes from the first warehouse, by what decides now.
    client.bind("routing", &json!({"plugin": "by-value", "config": {"limit": 5000}})).await.expect(200);
    let free = |price: i64| {
        let items = json!([{"sku_id": sku, "quantity": 1, "price": format!("{price}.00")}]);
        let discounted = json!({"items": items, "shipping_cost": 0});
        basket::with(basket::of(&sku, 1), discounted)
    };
    eventually("the binding is in force", async || {
        let order = client.place(&free(1)).await.expect(201);
        let decisions = client.decisions(&order_id(&order)).await;
        let plugin = &decision(&decisions, "routing")["plugin"];
        if *plugin == "by-value" { Ok(()) } else { Err(plugin.to_string()) }
    })
    .await;
    let prices: Vec<i64> = (0..HISTORY).map(|n| i64::try_from(n * 7919 % 120).expect("small") + 1).collect();
    let from_the_last = |prices: &[i64], limit: i64| prices.iter().filter(|price| **price > limit).count();
    let placed: Vec<(i64, String)> = futures::stream::iter(prices.clone())
        .map(|price| {
            let (client, basket) = (client.clone(), free(price));
            async move {
                let order = client.place(&basket).await.expect(201);
                (price, order["shipments"][0]["warehouse"].as_str().expect("a warehouse").to_owned())
            }
        })
        .buffer_unordered(64)
        .collect()
        .await;
    // What was decided is what the rule says: the expectation below rests on nothing of the back-test's.
    let last = placed.iter().map(|(_, warehouse)| warehouse.clone()).max().expect("orders");
    for (price, warehouse) in &placed {
        assert_eq!(*warehouse == last, *price > 50, "{price}: {warehouse}");
    }

    let plugins = e2e::client::rows(&client.get("/plugins").await.expect(200));
    let id = plugins[0]["plugin_id"].as_str().expect("an id").to_owned();
    let path = format!("/plugins/{id}/versions/1/backtest");
    let asked = json!({"limit": HISTORY, "config": {"limit": 8000}});
    let started = client.call(Request::new("POST", &path).json(&asked)).await;
    let mut test = started.body;
    while test["status"] == "running" {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        test = client.get(&format!("/backtests/{}", test["backtest_id"].as_str().expect("an id"))).await.expect(200);
    }
    let report = &test["report"];
    let moved = from_the_last(&prices, 50) - from_the_last(&prices, 80);
    assert_eq!((&report["decisions"], &report["differing"]), (&json!(HISTORY), &json!(moved)), "{report}");
    let (near, far) = (to_texas(31.0, -97.7), to_texas(40.7, -74.0));
    for (side, limit) in [("before", 50), ("now", 80)] {
        let sums = &report[side];
        assert_eq!(
            (&sums["answers"], &sums["shipments"], &sums["split_orders"], &sums["without_plan"]),
            (&json!(HISTORY), &json!(HISTORY), &json!(0), &json!(0))
        );
        let from_far = from_the_last(&prices, limit) as u64;
        let travelled = from_far * far + (HISTORY as u64 - from_far) * near;
        assert_eq!((&sums["distance_km"], &sums["distance_unknown"]), (&json!(travelled), &json!(0)), "{side}");
    }
    let changes = report["changed_most"].as_array().expect("changes");
    let what = format!("1 of 1 units from elsewhere, 1 → 1 shipments, {far} → {near} km");
    assert!(changes.iter().all(|change| change["what"] == *what), "{report}");
    assert!(report["took_ms"].as_u64() < Some(5000), "{report}");
    server.stop();
}
