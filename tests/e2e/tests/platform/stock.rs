//! Warehouses and stock.

use e2e::client::{Request, escape, order_id, rows};
use e2e::shop::Level;
use e2e::{Server, Shop, basket, books, unique};
use serde_json::{Value, json};

/// Names that a merchant may give: what means something in a URL, in SQL, in a query, in another script.
const ODD: [&str; 8] = [
    "a/b c",
    "100% wool?",
    "x&y=z#1",
    "Ümlaut-ß",
    "日本語",
    "'; drop table orders; --",
    "\"quoted\" \\ back",
    "..%2F..",
];

#[tokio::test(flavor = "multi_thread")]
async fn any_printable_name_can_be_stocked_ordered_and_found() {
    let server = Server::start();
    let shop = Shop::open(server.client()).await;
    let long = "ñ".repeat(100);
    for sku in ODD.into_iter().chain([long.as_str()]) {
        shop.stock_in("WH-TEST", sku, 2).await;
        let shown = shop.client.get(&format!("/inventory/{}", escape(sku))).await.expect(200);
        assert_eq!(shown["sku"], sku);
        let members = json!({"external_id": format!("no {sku}").chars().take(200).collect::<String>()});
        let order = shop.client.place(&basket::with(basket::of(sku, 2), members)).await.expect(201);
        assert_eq!(order["items"][0]["sku_id"], sku);
        assert_eq!(shop.level(sku).await, Level { on_hand: 2, reserved: 2 }, "{sku}");
        let query = format!("order:{}", order_id(&order));
        books::finds(&shop.client, &query, vec![order_id(&order)]).await;
        shop.client.place(&basket::of(sku, 1)).await.expect_refusal(422, "out_of_stock");
    }
    let house = "Lager / Süd & Co?";
    shop.warehouse(house, "DE", "BY", 48.1, 11.6).await;
    shop.stock_in(house, "a/b c", 1).await;
    let listed = rows(&shop.client.get("/warehouses").await.expect(200));
    assert!(listed.iter().any(|warehouse| warehouse["warehouse_id"] == house), "{listed:?}");
    let order = shop.client.place(&basket::of("a/b c", 1)).await.expect(201);
    assert_eq!(order["shipments"][0]["warehouse"], house);
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_is_changed_together_or_not_at_all_and_never_below_what_is_promised() {
    let server = Server::start();
    let shop = Shop::open(server.client()).await;
    let (a, b) = (shop.stocked(10).await, shop.stocked(10).await);
    let change = |sku: &str, delta: i64| json!({"sku": sku, "warehouse": "WH-TEST", "delta": delta, "reason": "count"});
    let adjust = async |changes: Value| {
        let request = Request::new("POST", "/inventory/adjust").json(&json!({"changes": changes}));
        shop.client.send(request).await
    };
    let done = rows(&adjust(json!([change(&a, -3), change(&b, 5), change(&a, 1)])).await.expect(200));
    assert_eq!(done.iter().map(|row| &row["on_hand"]).collect::<Vec<_>>(), [8, 15, 8]);

    shop.client.placed(&basket::of_lines(&[(&a, 6), (&b, 1)])).await;
    adjust(json!([change(&b, 100), change(&a, -3)])).await.expect_refusal(409, "stock_reserved");
    assert_eq!(shop.level(&b).await, Level { on_hand: 15, reserved: 1 }, "nothing of it was done");
    adjust(json!([change(&a, -2)])).await.expect(200);
    assert_eq!(shop.level(&a).await, Level { on_hand: 6, reserved: 6 });
    shop.client.place(&basket::of(&a, 1)).await.expect_refusal(422, "out_of_stock");
    shop.stock_in("WH-TEST", &a, 7).await;
    shop.client.placed(&basket::of(&a, 1)).await;

    // With a key the change is made once.
    let keyed = Request::new("POST", "/inventory/adjust").json(&json!({"changes": [change(&b, 1)]})).key(&unique("k"));
    let (first, second) = (shop.client.send(keyed.clone()).await, shop.client.send(keyed).await);
    assert_eq!((first.is_replayed(), second.is_replayed()), (false, true));
    assert_eq!(first.expect(200)["data"], second.expect(200)["data"]);
    assert_eq!(shop.level(&b).await.on_hand, 16);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sellers_lines_come_from_the_sellers_own_warehouses() {
    let server = Server::start();
    let shop = Shop::open(server.client()).await;
    let sku = shop.stocked(5).await;
    let house = json!({"name": "Seller", "country": "US", "region": "TX", "seller_id": "s1"});
    shop.client.put("/warehouses/WH-S1", &house).await.expect(201);
    shop.stock_in("WH-S1", &sku, 2).await;
    let line =
        |quantity: u32, seller: Value| json!({"sku_id": sku, "quantity": quantity, "price": 1, "seller_id": seller});
    let order = |items: Value| basket::with(basket::of(&sku, 1), json!({"items": items}));

    // There are seven in all, but three are not the seller's and six not the merchant's own.
    shop.client.place(&order(json!([line(3, json!("s1"))]))).await.expect_refusal(422, "out_of_stock");
    shop.client.place(&order(json!([line(6, Value::Null)]))).await.expect_refusal(422, "out_of_stock");
    shop.client.place(&order(json!([line(1, json!("s2"))]))).await.expect_refusal(422, "out_of_stock");
    let both = shop.client.place(&order(json!([line(2, json!("s1")), line(5, Value::Null)]))).await.expect(201);
    let mut from: Vec<(&str, u64)> = Vec::new();
    for shipment in both["shipments"].as_array().expect("shipments") {
        let units = shipment["items"][0]["quantity"].as_u64().expect("units");
        from.push((shipment["warehouse"].as_str().expect("a warehouse"), units));
    }
    from.sort_unstable();
    assert_eq!(from, [("WH-S1", 2), ("WH-TEST", 5)]);
    books::agree_with_stock(&shop, &sku, &[both]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn amounts_have_exactly_their_currencys_digits() {
    let server = Server::start();
    let shop = Shop::open(server.client()).await;
    let sku = shop.stocked(100).await;
    let place = async |currency: &str, price: &str, shipping: &str, country: &str, inclusive: bool| {
        let text = basket::with(
            basket::of(&sku, 3),
            json!({"items": [{"sku_id": sku, "quantity": 3, "price": "PRICE"}], "shipping_cost": shipping,
                "currency": currency, "shipping_address": {"country": country}, "prices_include_tax": inclusive}),
        );
        let request =
            Request::new("POST", "/orders").raw(text.to_string().replace("\"PRICE\"", price)).key(&unique("k"));
        shop.client.call(request).await.expect(201)
    };
    // Japan: 10 % of 3 × 333 is 99.9, of the shipping 50.
    let yen = place("JPY", "333", "500", "JP", false).await;
    assert_eq!((&yen["subtotal"], &yen["tax"], &yen["total"]), (&json!(999), &json!(150), &json!(1649)));
    // Germany: of 89.97 gross, 19 % on the net is 14.36 (and of 4.99 it is 0.80); it is part of the price.
    let euro = place("EUR", "29.990", "4.99", "DE", true).await;
    assert_eq!((&euro["subtotal"], &euro["total"]), (&json!("89.97"), &json!("94.96")));
    assert_eq!(euro["tax"], "15.16");
    // A thousandth is the smallest unit of the Kuwaiti dinar.
    let dinar = place("KWD", "0.001", "0", "KW", false).await;
    assert_eq!((&dinar["subtotal"], &dinar["total"]), (&json!("0.003"), &json!("0.003")));
    for order in [yen, euro, dinar] {
        let order = shop.client.order_in(&order_id(&order), "payment_confirmed").await;
        assert_eq!(order["payment"]["captured"], order["total"]);
    }
    books::agree_with_provider(&shop.client, &server.provider()).await;
}
