//! Buyers who go on ordering while the server comes and goes, and what must be true when they are done.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::basket;
use crate::books;
use crate::client::{Client, Request, order_id};
use crate::server::Server;
use crate::shop::Shop;
use crate::wait::{PATIENCE, eventually};

/// What buyers pay with; most of them without any trouble.
const METHODS: [&str; 8] =
    ["pm_ok", "pm_ok", "pm_ok", "pm_ok", "pm_ok", "pm_flaky", "pm_declined", "pm_capture_declined"];

/// Of these, what nobody ever declines.
const GOOD_METHODS: [&str; 2] = ["pm_ok", "pm_flaky"];

/// How many of the acknowledged orders are asked for again with their keys.
const REPLAYS_MAX: usize = 200;

/// Buyers of one SKU.
pub struct Crowd {
    shared: Arc<Shared>,
    server: watch::Sender<Option<Client>>,
    buyers: JoinSet<()>,
}

struct Shared {
    sku: String,
    server: watch::Receiver<Option<Client>>,
    acknowledged: AtomicUsize,
    /// How often a buyer was told to come back later.
    put_off: AtomicUsize,
    is_over: AtomicBool,
    /// What was ordered with each key, and the order that it was acknowledged as.
    orders: Mutex<BTreeMap<String, (Value, String)>>,
}

impl Crowd {
    /// Lets buyers loose on a server.
    #[must_use]
    pub fn gather(buyers: usize, sku: &str, server: &Server) -> Self {
        let (sender, receiver) = watch::channel(Some(server.client()));
        let shared = Arc::new(Shared {
            sku: sku.to_owned(),
            server: receiver,
            acknowledged: AtomicUsize::new(0),
            put_off: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
            orders: Mutex::default(),
        });
        let mut tasks = JoinSet::new();
        for _ in 0..buyers {
            let shared = Arc::clone(&shared);
            tasks.spawn(async move {
                while !shared.is_over.load(Ordering::Relaxed) {
                    shared.buy().await;
                }
            });
        }
        Self { shared, server: sender, buyers: tasks }
    }

    /// The server is gone; the buyers wait.
    pub fn server_is_gone(&self) {
        self.server.send_replace(None);
    }

    /// The server is back, perhaps elsewhere.
    pub fn server_is_back(&self, server: &Server) {
        self.server.send_replace(Some(server.client()));
    }

    /// How many orders were acknowledged.
    #[must_use]
    pub fn acknowledged(&self) -> usize {
        self.shared.acknowledged.load(Ordering::Relaxed)
    }

    /// Waits until so many more orders were acknowledged.
    ///
    /// # Panics
    /// Where that does not come about.
    pub async fn buys(&self, more: usize) {
        more_of("orders", &self.shared.acknowledged, more).await;
    }

    /// Waits until buyers were told so many more times to come back later.
    ///
    /// # Panics
    /// Where that does not come about.
    pub async fn is_put_off(&self, more: usize) {
        more_of("refusals", &self.shared.put_off, more).await;
    }

    /// Lets every buyer finish, and hears from them what they have bought.
    ///
    /// # Panics
    /// Where a buyer was refused, or never gets an answer.
    pub async fn disperse(mut self) -> Purchases {
        self.shared.is_over.store(true, Ordering::Relaxed);
        let all = async {
            while let Some(ended) = self.buyers.join_next().await {
                ended.expect("no buyer was refused")
            }
        };
        tokio::time::timeout(PATIENCE, all).await.expect("every buyer gets an answer");
        let orders = std::mem::take(&mut *self.shared.orders.lock().unwrap_or_else(PoisonError::into_inner));
        Purchases { sku: self.shared.sku.clone(), others: Vec::new(), orders }
    }
}

impl Shared {
    /// Places one order, again and again until it is acknowledged.
    async fn buy(&self) {
        let key = crate::unique("buy");
        let method = METHODS[fastrand::usize(0..METHODS.len())];
        let basket = basket::paid_with(basket::of(&self.sku, fastrand::u32(1..=3)), method);
        let request = Request::new("POST", "/orders").json(&basket).key(&key);
        let mut server = self.server.clone();
        loop {
            let client = server.wait_for(Option::is_some).await.expect("the crowd is there").clone();
            let answer = client.expect("just waited for").try_send(&request).await;
            match answer {
                Ok(reply) if reply.status == 201 => {
                    let order = (basket, order_id(&reply.body));
                    self.orders.lock().unwrap_or_else(PoisonError::into_inner).insert(key, order);
                    self.acknowledged.fetch_add(1, Ordering::Relaxed);
                    return;
                }
                Ok(reply) if reply.status == 503 => {
                    self.put_off.fetch_add(1, Ordering::Relaxed);
                }
                Ok(reply) if reply.body["code"] == "idempotency_key_in_use" => {}
                Ok(reply) => panic!("a buyer was refused: {}", reply.text),
                Err(_) => {}
            }
            // As a well-made client waits before it tries again.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn more_of(what: &str, count: &AtomicUsize, more: usize) {
    let goal = count.load(Ordering::Relaxed) + more;
    eventually(what, async || {
        let now = count.load(Ordering::Relaxed);
        if now >= goal { Ok(()) } else { Err(format!("{now} of {goal}")) }
    })
    .await;
}

/// What a crowd has bought.
pub struct Purchases {
    sku: String,
    /// Orders of the same SKU that the test itself has placed.
    others: Vec<String>,
    orders: BTreeMap<String, (Value, String)>,
}

impl Purchases {
    /// Together with an order that the test itself has placed.
    #[must_use]
    pub fn and(mut self, id: &str) -> Self {
        self.others.push(id.to_owned());
        self
    }

    /// Asserts everything that must be true however often the server was killed: each acknowledged order is there once,
    /// a key stands for one order, whoever can pay has paid, stock, provider and index say the same as the orders, and
    /// the store is sound.
    ///
    /// # Panics
    /// Where anything is not.
    pub async fn verify(&self, server: &mut Server) {
        let shop = Shop { client: server.client() };
        for (key, (basket, id)) in self.orders.iter().take(REPLAYS_MAX) {
            let again = shop.client.post("/orders", key, basket).await;
            assert_eq!((again.status, again.is_replayed()), (201, true), "{}", again.text);
            assert_eq!(order_id(&again.body), *id, "{key} stands for two orders");
        }
        books::agree_with_provider(&shop.client, &server.provider()).await;
        let orders: Vec<Value> = shop.client.all("/orders").await;
        let orders: Vec<Value> = orders.into_iter().filter(|order| order["items"][0]["sku_id"] == *self.sku).collect();
        let mut found: Vec<String> = orders.iter().map(order_id).collect();
        let mut expected: Vec<String> = self.orders.values().map(|(_, id)| id).chain(&self.others).cloned().collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "the orders that are there are those that were acknowledged, each once");
        for order in orders.iter().filter(|order| order["status"] != "cancelled") {
            let method = order["payment"]["payment_method_id"].as_str().expect("a payment method");
            let is_paid = order["status"] == "payment_confirmed";
            assert!(is_paid || !GOOD_METHODS.contains(&method), "paid with {method} and not confirmed: {order}");
        }
        books::agree_with_stock(&shop, &self.sku, &orders).await;
        books::agree_with_index(&shop.client, &self.sku, &orders).await;
        server.stop();
        crate::admin::verify(server.folder());
    }
}
