//! Every refusal that the interface can give: its status, its code, and where the faults are.

mod bodies;
mod cases;
mod coverage;
mod merchants;
mod observed;
mod rates;

use e2e::client::{Request, order_id};
use e2e::{Client, Reply, Server, Shop, basket, unique};
use serde_json::{Value, json};

/// A request and how it is refused.
struct Case {
    name: &'static str,
    request: Request,
    status: u16,
    code: &'static str,
    pointers: Vec<&'static str>,
}

impl Case {
    fn new(name: &'static str, request: Request, status: u16, code: &'static str) -> Self {
        Self { name, request, status, code, pointers: Vec::new() }
    }

    fn at(mut self, pointers: &[&'static str]) -> Self {
        self.pointers = pointers.to_vec();
        self.pointers.sort_unstable();
        self
    }

    /// Says what is wrong with the answer.
    async fn complaint(self, client: &Client) -> Option<String> {
        let reply = client.send(self.request).await;
        let code = reply.body["code"].as_str().unwrap_or_default();
        let is_right =
            (reply.status, code) == (self.status, self.code) && reply.pointers() == self.pointers && reply.is_problem();
        let Self { name, status, code, pointers, .. } = self;
        (!is_right).then(|| format!("{name}: not {status} {code} at {pointers:?} but {} {}", reply.status, reply.text))
    }
}

fn assert_problem(name: &str, reply: &Reply) {
    assert!(reply.is_problem(), "{name}: {} {:?} {}", reply.status, reply.headers, reply.text);
}

/// Checks every case before it complains about any.
async fn check(client: &Client, cases: Vec<Case>) {
    let mut complaints = Vec::new();
    for case in cases {
        complaints.extend(case.complaint(client).await);
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// A merchant with an order in each of two states, to be refused things.
struct Stage {
    shop: Shop,
    sku: String,
    confirmed: String,
    failed: String,
    cancelled: String,
    external_id: String,
}

impl Stage {
    async fn set(server: &Server) -> Self {
        let shop = Shop::open(server.client()).await;
        let (sku, external_id) = (shop.stocked(100).await, unique("WEB"));
        let named = basket::with(basket::of(&sku, 1), json!({"external_id": external_id}));
        let confirmed = shop.client.placed(&named).await;
        let failed = shop.client.placed(&basket::paid_with(basket::of(&sku, 1), "pm_declined")).await;
        let cancelled = shop.client.placed(&basket::for_free(&sku, 1)).await;
        shop.client.cancel(&cancelled).await.expect(200);
        shop.client.order_in(&confirmed, "payment_confirmed").await;
        shop.client.order_in(&failed, "payment_failed").await;
        Self { shop, sku, confirmed, failed, cancelled, external_id }
    }

    /// Everything that a refusal must not change.
    async fn everything(&self) -> Vec<Value> {
        let client = &self.shop.client;
        let mut all = client.all("/orders").await;
        all.extend(client.all_events().await);
        let lists = ["/warehouses".to_owned(), "/keys".to_owned(), format!("/inventory/{}", self.sku)];
        for list in lists {
            all.push(client.get(&list).await.expect(200));
        }
        // Positions are sealed anew each time.
        for event in &mut all {
            event.as_object_mut().expect("rows are objects").remove("cursor");
        }
        all
    }
}

fn post(path: &str) -> Request {
    Request::new("POST", path)
}

fn keyed(path: &str, body: &Value) -> Request {
    post(path).json(body).key(&unique("k"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_says_what_is_wrong_and_changes_nothing() {
    let mut server = Server::start();
    let stage = Stage::set(&server).await;
    let before = stage.everything().await;
    coverage::nothing_is_left_out(&stage).await;
    check(&stage.shop.client, cases::all(&stage)).await;
    cases::members(&stage).await;
    cases::keys_and_scopes(&stage).await;
    bodies::bad_bodies(&stage).await;
    assert_eq!(stage.everything().await, before, "a refusal changes nothing");
    // The key of a refused request is not used up.
    let key = unique("k");
    let empty = basket::of(&unique("SKU"), 1);
    stage.shop.client.post("/orders", &key, &empty).await.expect_refusal(422, "out_of_stock");
    let priced = |price: &str| basket::of(&stage.sku, 1).to_string().replace("\"10.00\"", price);
    let place = |price: &str| stage.shop.client.call(post("/orders").raw(priced(price)).key(&key));
    let accepted = place("10").await;
    assert!(!accepted.is_replayed());
    let id = order_id(&accepted.expect(201));
    place("10.01").await.expect_refusal(422, "idempotency_key_reused");
    // The same number written otherwise is the same request.
    let again = place("1.000e1").await;
    assert_eq!((again.is_replayed(), order_id(&again.expect(201))), (true, id));
    assert!(server.lives());
    server.stop();
    e2e::admin::verify(server.folder());
}
