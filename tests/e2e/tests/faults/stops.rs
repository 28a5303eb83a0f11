//! Processes that are asked to end, and a provider that dies.

use e2e::crowd::Crowd;
use e2e::{Options, Server, Shop, basket, books, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_stopped_under_load_ends_well_and_loses_nothing() {
    let mut server = Server::start();
    let shop = Shop::open(server.client()).await;
    let sku = shop.stocked(1_000_000).await;
    let crowd = Crowd::gather(50, &sku, &server);
    for _ in 0..3 {
        crowd.buys(fastrand::usize(50..100)).await;
        // The exit status must be 0 although clients keep on asking.
        server.stop();
        crowd.server_is_gone();
        e2e::admin::verify(server.folder());
        server.restart();
        crowd.server_is_back(&server);
    }
    crowd.buys(50).await;
    crowd.disperse().await.verify(&mut server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_killed_comes_back_and_is_paid_through() {
    let mut server = Server::start_with(Options::new().flags("--effect-timeout-ms 2000"));
    let shop = Shop::open(server.client()).await;
    let sku = shop.stocked(1_000_000).await;
    let crowd = Crowd::gather(8, &sku, &server);
    for _ in 0..3 {
        crowd.buys(20).await;
        server.kill_provider();
        // Placing goes on without it.
        crowd.buys(8).await;
        let provider = server.provider();
        eventually("the provider is back", async || provider.is_up().await.then_some(()).ok_or("not yet".to_owned()))
            .await;
    }
    let purchases = crowd.disperse().await;
    let id = shop.client.placed(&basket::of(&sku, 1)).await;
    shop.client.order_in(&id, "payment_confirmed").await;
    shop.client.cancel(&id).await.expect(200);
    server.kill_provider();
    shop.client.order_with_payment(&id, "refunded").await;
    books::agree_with_provider(&shop.client, &server.provider()).await;
    assert!(server.lives());
    purchases.and(&id).verify(&mut server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_can_be_started_at_once_after_a_kill_a_stop_and_an_administrator() {
    let mut server = Server::start();
    let shop = Shop::open(server.client()).await;
    let sku = shop.stocked(100).await;
    let address = server.provider().url().to_owned();
    let mut orders = Vec::new();
    for _ in 0..3 {
        // The killed server's provider takes its time to end.
        let half = server.provider().half_a_request().await;
        server.kill();
        server.restart();
        drop(half);
        works(&server, &sku, &mut orders).await;
        server.stop();
        e2e::admin::verify(server.folder());
        server.restart();
        works(&server, &sku, &mut orders).await;
        assert_eq!(server.provider().url(), address, "a customer's page is where it was");
    }
    server.stop();
}

/// Orders are placed, paid and found.
async fn works(server: &Server, sku: &str, orders: &mut Vec<String>) {
    let client = server.client();
    let id = client.placed(&basket::of(sku, 1)).await;
    client.order_in(&id, "payment_confirmed").await;
    orders.push(id);
    books::finds(&client, &format!("sku:\"{sku}\" status:payment_confirmed"), orders.clone()).await;
}
