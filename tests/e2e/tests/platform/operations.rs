//! Running a server: what it says of itself, and how it ends.

use e2e::client::{Request, http_client};
use e2e::{Server, Shop, basket};

fn open(path: &str) -> Request {
    Request { path: path.to_owned(), ..Request::new("GET", "") }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_says_how_it_is_and_what_it_does() {
    let mut server = Server::start();
    let shop = Shop::open(server.client()).await;
    let sku = shop.stocked(5).await;
    let id = shop.client.placed(&basket::of(&sku, 1)).await;
    shop.client.order_in(&id, "payment_confirmed").await;
    let anybody = shop.client.with_key("");
    for path in ["/livez", "/readyz"] {
        assert_eq!(anybody.send(open(path)).await.expect(200)["status"], "ok", "{path}");
    }
    let document = anybody.send(open("/openapi.json")).await.expect(200);
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")), "{}", document["openapi"]);
    let docs = anybody.send(open("/docs")).await;
    assert_eq!(docs.status, 200);
    assert!(docs.text.contains("/api/v1/orders"), "the human page lists the operations");
    assert!(!docs.text.contains("https://"), "and loads nothing from elsewhere");
    // Metrics are not for those who can reach the API.
    assert_eq!(anybody.send(open("/metrics")).await.status, 404);
    let metrics = http_client().get(server.said("metrics_url")).send().await.expect("metrics").text().await.unwrap();
    assert!(metrics.contains("orderwright_orders_placed_total 1"), "{metrics}");
    assert!(metrics.contains("http_requests_total{"), "{metrics}");
    assert!(!metrics.contains(&id) && !metrics.contains(&sku), "labels do not grow with what merchants write");

    let named = Request::new("GET", "/orders").header("x-request-id", "trace-7.a");
    assert_eq!(shop.client.send(named).await.header("x-request-id"), "trace-7.a");
    let unnamed = shop.client.send(Request::new("GET", "/orders")).await;
    assert!(unnamed.header("x-request-id").starts_with("req_"), "{:?}", unnamed.headers);

    // The same data, key and merchant after a stop; another server cannot have them meanwhile.
    let (key, tenant) = (server.said("api_key").to_owned(), server.said("tenant").to_owned());
    assert!(key.starts_with("ow_") && tenant.starts_with("ten_"));
    e2e::admin::is_refused_while_a_server_runs(server.folder());
    server.stop();
    server.restart();
    assert_eq!((server.said("api_key"), server.said("tenant")), (key.as_str(), tenant.as_str()));
    assert_eq!(server.client().order(&id).await["status"], "payment_confirmed");
    server.stop();
}
