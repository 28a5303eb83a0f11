//! Kills: at every named point, and at any moment under load.

use e2e::crowd::Crowd;
use e2e::{Options, Server, Shop};

/// Buyers while the server is killed at a named point.
const FEW: usize = 24;
/// Connections of the load under which it is killed at random.
const MANY: usize = 200;
/// Rounds of random kills; see [`e2e::scale`].
const ROUNDS: usize = 10;
/// By how much the passage is put off where the start of the server alone passes the point too often.
const FURTHER: u32 = 10;
/// More than this many passages no start makes.
const PASSAGE_MAX: u32 = 100;

/// Kills the server at these points, one after the other, each in the middle of the buyers' orders.
async fn killed_at(points: &[(&str, u32)]) {
    let mut server = Server::start();
    let shop = Shop::open(server.client()).await;
    let sku = shop.stocked(1_000_000).await;
    let crowd = Crowd::gather(FEW, &sku, &server);
    crowd.buys(FEW).await;
    for (point, passage) in points {
        server.kill();
        crowd.server_is_gone();
        start_with_point(&mut server, point, *passage);
        crowd.server_is_back(&server);
        server.died().await;
        crowd.server_is_gone();
        server.restart_with(Options::new());
        crowd.server_is_back(&server);
        crowd.buys(FEW).await;
    }
    crowd.disperse().await.verify(&mut server).await;
}

/// What was left over may bring the server to the point before it is ready: that is one more kill. Then later.
fn start_with_point(server: &mut Server, point: &str, first: u32) {
    let mut passage = first;
    while let Err(died) = server.try_restart(Options::new().kill_at(point, passage)) {
        assert!(passage < PASSAGE_MAX, "the server does not start at all: {died:?}");
        passage += FURTHER;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_survive_a_kill_around_a_commit() {
    killed_at(&[("store.after_claim", 7), ("store.before_commit", 7), ("store.after_commit", 7)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_survive_a_kill_around_a_request() {
    killed_at(&[("effects.request_journalled", 11), ("effects.after_send", 11), ("effects.before_result", 11)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_index_survives_a_kill_around_its_commit() {
    killed_at(&[("index.before_commit", 2), ("index.after_commit", 2)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_survives_kills_at_any_moment_under_load() {
    let mut server = Server::start();
    let shop = Shop::open(server.client()).await;
    let sku = shop.stocked(1_000_000).await;
    let crowd = Crowd::gather(MANY, &sku, &server);
    for _ in 0..ROUNDS * e2e::scale() {
        crowd.buys(fastrand::usize(1..100)).await;
        server.kill();
        crowd.server_is_gone();
        server.restart();
        crowd.server_is_back(&server);
    }
    crowd.buys(MANY).await;
    crowd.disperse().await.verify(&mut server).await;
}
