//! A disk without room: what cannot be kept is refused, and everything goes on once there is room again.

use e2e::client::{Request, escape, order_id};
use e2e::crowd::Crowd;
use e2e::full::{FullDisk, Part, Refused};
use e2e::server::Folder;
use e2e::{Client, Options, Reply, Server, Shop, basket, books, eventually, unique};
use serde_json::{Value, json};

/// Buyers while the disk fills up.
const FEW: usize = 16;
/// Refusals of a second or two: a buyer comes again after 20 milliseconds.
const MANY: usize = FEW * 50;
/// Further behind than a commit of the index ever puts it.
const LAG_MS: u64 = 2_000;

/// A server on a disk that can be filled.
fn start() -> (FullDisk, Server) {
    let folder = Folder::new();
    let disk = FullDisk::below(&folder);
    let options = disk.options(Options::new());
    (disk, Server::start_in(folder, options))
}

/// A merchant with orders in several states.
struct Stage {
    shop: Shop,
    sku: String,
    confirmed: String,
    failed: String,
    held: String,
    key_id: String,
}

impl Stage {
    async fn set(server: &Server) -> Self {
        let shop = Shop::open(server.client()).await;
        let client = &shop.client;
        let sku = shop.stocked(1_000).await;
        let confirmed = client.placed(&basket::of(&sku, 1)).await;
        let failed = client.placed(&basket::paid_with(basket::of(&sku, 1), "pm_declined")).await;
        let held = client.placed(&basket::for_free(&sku, 1)).await;
        client.post(&format!("/orders/{held}/hold"), &unique("k"), &json!({"reason": "ask her"})).await.expect(200);
        let key = client.post("/keys", &unique("k"), &json!({"name": "till", "scopes": ["orders:read"]})).await;
        let key_id = key.expect(201)["key_id"].as_str().expect("a key's id").to_owned();
        client.order_in(&confirmed, "payment_confirmed").await;
        client.order_in(&failed, "payment_failed").await;
        let stage = Self { shop, sku, confirmed, failed, held, key_id };
        stage.is_found().await;
        stage
    }

    /// One of each request that changes something, each fit to be followed.
    fn changes(&self) -> Vec<Request> {
        let post = |path: &str, body: &Value| Request::new("POST", path).json(body).key(&unique("k"));
        let command = |order: &str, verb: &str, body: &Value| post(&format!("/orders/{order}/{verb}"), body);
        let customer = json!({"customer": {"id": unique("c"), "name": "Ann Lee", "email": "ann@full.example"}});
        let warehouse = json!({"name": "New", "country": "US", "region": "TX", "latitude": 31, "longitude": -97});
        let adjust = json!({"changes": [{"sku": self.sku, "warehouse": "WH-TEST", "delta": 3, "reason": "found"}]});
        let inventory = format!("/inventory/{}/WH-TEST", escape(&self.sku));
        vec![
            post("/orders", &basket::of(&self.sku, 2)),
            post("/orders", &basket::with(basket::of(&self.sku, 1), customer)),
            command(&self.failed, "pay", &json!({"payment_method_id": "pm_ok"})),
            command(&self.held, "release", &json!({})),
            command(&self.confirmed, "hold", &json!({"reason": "wait"})),
            command(&self.confirmed, "cancel", &json!({"reason": "changed her mind"})),
            post("/inventory/adjust", &adjust),
            Request::new("PUT", &inventory).json(&json!({"on_hand": 2_000})),
            Request::new("PUT", "/warehouses/WH-NEW").json(&warehouse),
            post("/keys", &json!({"name": "another", "scopes": ["orders:read"]})),
            Request::new("DELETE", &format!("/keys/{}", self.key_id)),
        ]
    }

    /// Everything that can be read.
    async fn everything(&self) -> Vec<Value> {
        let client = &self.shop.client;
        let mut all = client.all("/orders").await;
        all.extend(client.all_events().await);
        for order in [&self.confirmed, &self.failed, &self.held] {
            all.extend(client.events(order).await);
            all.extend(client.decisions(order).await);
        }
        for list in ["/warehouses".to_owned(), "/keys".to_owned(), format!("/inventory/{}", escape(&self.sku))] {
            all.push(client.get(&list).await.expect(200));
        }
        // Positions are sealed anew each time.
        for row in &mut all {
            row.as_object_mut().expect("rows are objects").remove("cursor");
        }
        all
    }

    /// Searching finds the orders.
    async fn is_found(&self) {
        let orders: Vec<Value> = self.shop.client.all("/orders").await;
        books::agree_with_index(&self.shop.client, &self.sku, &orders).await;
    }
}

/// The answer that tells a client what has happened, and that it may come again.
fn assert_put_off(request: &Request, reply: &Reply, detail: &str) {
    let what = format!("{} {}: {} {:?}", request.method, request.path, reply.text, reply.headers);
    assert_eq!((reply.status, reply.body["code"].as_str()), (503, Some("unavailable")), "{what}");
    assert!(reply.is_problem() && reply.body["detail"].as_str().is_some_and(|text| text.contains(detail)), "{what}");
    assert!(reply.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds > 0), "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_full_disk_cannot_keep_is_refused_and_changes_nothing() {
    let (disk, mut server) = start();
    let stage = Stage::set(&server).await;
    let client = &stage.shop.client;
    let before = stage.everything().await;
    let changes = stage.changes();
    for refused in Refused::ALL {
        // What was written and not synced could come back after a crash.
        let detail = if refused == Refused::Syncs { "may have happened" } else { "disk is full. Nothing was changed" };
        disk.fill(Part::Everything, refused);
        for request in &changes {
            assert_put_off(request, &client.send(request.clone()).await, detail);
        }
        assert_eq!(stage.everything().await, before, "{refused:?}: nothing is changed, and all can be read");
        stage.is_found().await;
        disk.free();
    }
    for request in &changes {
        let reply = client.call(request.clone()).await;
        let is_done = (200..300).contains(&reply.status) && !reply.is_replayed();
        assert!(is_done, "{} {}: a refused request uses up no key: {}", request.method, request.path, reply.text);
    }
    let order = order_of(client, "ann@full.example").await;
    assert_eq!(client.order(&order).await["customer"]["name"], "Ann Lee", "the key that seals it was kept as well");
    books::agree_with_provider(client, &server.provider()).await;
    stage.is_found().await;
    assert!(server.lives());
    server.stop();
    e2e::admin::verify(server.folder());
}

/// The one order whose customer has this e-mail address.
async fn order_of(client: &Client, email: &str) -> String {
    let query = format!("/search/orders?q={}", escape(email));
    eventually("the order is found", async || {
        let hits = client.all(&query).await;
        if let [hit] = &hits[..] { Ok(order_id(hit)) } else { Err(format!("{hits:?}")) }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_goes_on_by_itself_when_its_full_disk_has_room_again() {
    let (disk, mut server) = start();
    let shop = Shop::open(server.client()).await;
    let sku = shop.stocked(1_000_000).await;
    let safe = shop.client.placed(&basket::of(&sku, 1)).await;
    let crowd = Crowd::gather(FEW, &sku, &server);
    for refused in Refused::ALL {
        for part in Part::ALL {
            crowd.buys(fastrand::usize(10..30)).await;
            disk.fill(part, refused);
            is_felt(part, refused, &crowd, &shop.client, &server).await;
            shop.client.order(&safe).await;
            disk.free();
            crowd.buys(FEW).await;
            assert!(server.lives(), "{part:?} {refused:?}");
        }
    }
    crowd.disperse().await.and(&safe).verify(&mut server).await;
}

/// Waits until a part of the disk was full for somebody, and shows that the others were not in need of it.
async fn is_felt(part: Part, refused: Refused, crowd: &Crowd, client: &Client, server: &Server) {
    match part {
        Part::Everything | Part::Store => crowd.is_put_off(MANY).await,
        Part::Index => {
            crowd.buys(FEW).await;
            eventually("the index falls behind", async || {
                let lag = client.get("/search/orders?q=").await.expect(200)["lag_ms"].as_u64().expect("a lag");
                if lag > LAG_MS { Ok(()) } else { Err(format!("{lag} ms")) }
            })
            .await;
            crowd.buys(FEW).await;
        }
        Part::Provider => {
            crowd.buys(FEW).await;
            // A ledger has room of its own for a while.
            if refused != Refused::Growth {
                let provider = server.provider();
                let down = async || if provider.is_up().await { Err("it is up".to_owned()) } else { Ok(()) };
                eventually("the provider gives up", down).await;
            }
            crowd.buys(FEW).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_ends_on_a_full_disk_loses_nothing() {
    let (disk, mut server) = start();
    let shop = Shop::open(server.client()).await;
    let sku = shop.stocked(1_000_000).await;
    let crowd = Crowd::gather(FEW, &sku, &server);
    for (refused, is_killed) in Refused::ALL.into_iter().flat_map(|refused| [(refused, false), (refused, true)]) {
        crowd.buys(30).await;
        disk.fill(Part::Everything, refused);
        // Long enough for the index to try, and fail, to keep what it has taken.
        crowd.is_put_off(MANY).await;
        if is_killed {
            server.kill()
        } else {
            server.stop()
        }
        crowd.server_is_gone();
        disk.free();
        e2e::admin::verify(server.folder());
        server.restart();
        crowd.server_is_back(&server);
    }
    crowd.buys(FEW).await;
    crowd.disperse().await.verify(&mut server).await;
}
