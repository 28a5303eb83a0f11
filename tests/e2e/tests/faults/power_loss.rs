//! A power cut on a disk that keeps only what was synced.

use std::collections::BTreeMap;

use e2e::client::order_id;
use e2e::crowd::Crowd;
use e2e::power::ForgetfulDisk;
use e2e::{Options, Server, Shop, basket, books, unique};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut_crash_loses_nothing_that_was_acknowledged() {
    let mut server = Server::start();
    let shop = Shop::open(server.client()).await;
    let sku = shop.stocked(1_000_000).await;
    server.stop();
    let disk = ForgetfulDisk::below(server.folder());
    server.restart_with(disk.options(Options::new()));
    let crowd = Crowd::gather(16, &sku, &server);
    for _ in 0..3 {
        crowd.buys(fastrand::usize(20..60)).await;
        server.kill();
        crowd.server_is_gone();
        disk.forget();
        server.restart();
        crowd.server_is_back(&server);
    }
    crowd.buys(16).await;
    crowd.disperse().await.verify(&mut server).await;
}

/// The test above would see it: with syncing off the same power cut takes acknowledged orders away.
#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut_crash_without_syncing_is_noticed() {
    let mut server = Server::start();
    let shop = Shop::open(server.client()).await;
    let sku = shop.stocked(1_000).await;
    let safe = shop.client.placed(&basket::of(&sku, 1)).await;
    shop.client.order_in(&safe, "payment_confirmed").await;
    server.stop();

    let disk = ForgetfulDisk::below(server.folder());
    server.restart_with(disk.options(Options::new().flags("--unsafe-no-sync")));
    let shop = Shop { client: server.client() };
    let mut acknowledged = BTreeMap::new();
    for _ in 0..20 {
        let (key, basket) = (unique("k"), basket::of(&sku, 1));
        let id = order_id(&shop.client.post("/orders", &key, &basket).await.expect(201));
        acknowledged.insert(id, key);
    }
    server.kill();
    disk.forget();
    server.restart_with(Options::new());
    let client = server.client();
    let mut lost = 0;
    for id in acknowledged.keys() {
        lost += usize::from(client.get(&format!("/orders/{id}")).await.status == 404);
    }
    assert!(lost > 0, "the disk forgets what was not synced, so that the other test means something");
    // What had been synced before is still there: the cut took the right things.
    assert_eq!(client.order(&safe).await["status"], "payment_confirmed");
    let left: Vec<Value> = client.all("/orders").await;
    assert_eq!(left.len(), 1 + acknowledged.len() - lost);
    books::agree_with_stock(&Shop { client }, &sku, &left).await;
}
