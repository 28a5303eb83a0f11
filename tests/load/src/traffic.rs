//! What is sent: each kind of traffic writes the request of a number and hears its answer.

use std::fmt::Write as _;
use std::sync::Mutex;

use crate::http::{Answer, Call};
use crate::shop;

/// A kind of request. The same number is never asked for twice in a run.
pub trait Traffic: Send + Sync + 'static {
    /// Writes the request of this number.
    fn write(&self, number: u64, call: &mut Call);

    /// Hears how it was answered.
    fn answered(&self, _number: u64, _answer: &Answer<'_>) {}
}

/// How many customers come back again and again.
const CUSTOMERS: u64 = 20_000;
/// Ids that are kept for reading them later.
const IDS_MAX: usize = 20_000;

/// What the lines of an order name.
#[derive(Debug, Clone)]
pub enum Basket {
    /// So many lines, each of another SKU out of the whole assortment.
    Assortment { lines: u32 },
    /// One line of this SKU.
    One { sku: String },
}

/// Orders to be placed.
pub struct Orders {
    /// Begins every external id and idempotency key: what is found in the database under it is of this run.
    pub name: String,
    pub basket: Basket,
    /// In cents; zero gives orders that need no payment.
    pub price_cents: u64,
    placed: Mutex<Placed>,
}

/// What was acknowledged.
#[derive(Default)]
pub struct Placed {
    /// The numbers of the orders that got a 201.
    pub numbers: Vec<u64>,
    /// The ids of the first ones.
    pub ids: Vec<String>,
}

impl Orders {
    pub fn new(name: impl Into<String>, basket: Basket) -> Self {
        Self { name: name.into(), basket, price_cents: 1_999, placed: Mutex::default() }
    }

    /// The same, but nothing is to be paid.
    pub fn free_of_charge(mut self) -> Self {
        self.price_cents = 0;
        self
    }

    /// The external id of an order.
    pub fn external_id(&self, number: u64) -> String {
        format!("{}-{number}", self.name)
    }

    /// Takes out what was acknowledged until now.
    pub fn take_placed(&self) -> Placed {
        std::mem::take(&mut *self.placed.lock().expect("nothing panics while it holds this"))
    }
}

impl Traffic for Orders {
    fn write(&self, number: u64, call: &mut Call) {
        call.method = "POST";
        call.path.clear();
        call.path.push_str("/api/v1/orders");
        call.key.clear();
        let _ = write!(call.key, "{}-{number}", self.name);
        let customer = fastrand::u64(..CUSTOMERS);
        let (region, zip) = shop::DESTINATIONS[fastrand::usize(..shop::DESTINATIONS.len())];
        let body = &mut call.body;
        body.clear();
        let _ = write!(
            body,
            r#"{{"external_id":"{}","currency":"USD","shipping_cost":{},"payment_method_id":"pm_ok","customer":{{"id":"c-{customer}","name":"Ann Lee {customer}","email":"ann.{customer}@example.com"}},"shipping_address":{{"name":"Ann Lee {customer}","street":"{customer} Main Street","city":"Springfield","region":"{region}","zip":"{zip}","country":"US"}},"metadata":{{"channel":"load"}},"items":["#,
            call.key,
            if self.price_cents == 0 { "0" } else { "4.95" },
        );
        let mut line = |sku: std::fmt::Arguments<'_>, quantity: u32, comma: &str| {
            let price = if self.price_cents == 0 { 0 } else { self.price_cents + fastrand::u64(..5_000) };
            let (main, cents) = (price / 100, price % 100);
            let _ = write!(
                body,
                r#"{comma}{{"sku_id":"{sku}","quantity":{quantity},"price":{main}.{cents:02},"title":"Blue mug, large"}}"#
            );
        };
        match &self.basket {
            Basket::Assortment { lines } => {
                for index in 0..*lines {
                    let comma = if index == 0 { "" } else { "," };
                    line(format_args!("{}", shop::sku(fastrand::u32(..shop::SKUS))), fastrand::u32(1..=3), comma);
                }
            }
            Basket::One { sku } => line(format_args!("{sku}"), 1, ""),
        }
        body.push_str("]}");
    }

    fn answered(&self, number: u64, answer: &Answer<'_>) {
        if answer.status != 201 {
            return;
        }
        let mut placed = self.placed.lock().expect("nothing panics while it holds this");
        placed.numbers.push(number);
        if placed.ids.len() < IDS_MAX
            && let Some(id) = answer.text("order_id")
        {
            placed.ids.push(id.to_owned());
        }
    }
}

/// Addresses that are asked for in turn.
pub struct Reads {
    pub paths: Vec<String>,
}

impl Traffic for Reads {
    fn write(&self, number: u64, call: &mut Call) {
        call.method = "GET";
        call.path.clear();
        let index = usize::try_from(number).unwrap_or_default() % self.paths.len();
        call.path.push_str(&self.paths[index]);
    }
}

/// Searches as customer service types them: a customer, a product, a status, a sum, and mixtures.
pub fn searches() -> Reads {
    let queries = [
        "springfield",
        "status:payment_confirmed",
        "ann mug",
        "sku:LOAD-00017",
        "status:payment_confirmed%20total:%3E100",
        "customer:c-4711",
        "blue%20mug%20-gift",
        "sku:LOAD-09001%20status:payment_confirmed",
        "country:US%20total:%3E150",
    ];
    let path = |query: &str| format!("/api/v1/search/orders?q={}&limit=20", query.replace(' ', "%20"));
    Reads { paths: queries.iter().map(|query| path(query)).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_well_formed_and_named_after_its_run() {
        let mut call = Call::default();
        for basket in [Basket::Assortment { lines: 3 }, Basket::One { sku: "HOT".into() }] {
            let orders = Orders::new("c64", basket);
            orders.write(7, &mut call);
            let body: serde_json::Value = serde_json::from_str(&call.body).unwrap();
            assert_eq!((call.key.as_str(), &body["external_id"]), ("c64-7", &"c64-7".into()));
            assert!(body["items"][0]["price"].as_f64().unwrap() > 19.0);
        }
        Orders::new("z", Basket::Assortment { lines: 3 }).free_of_charge().write(0, &mut call);
        let body: serde_json::Value = serde_json::from_str(&call.body).unwrap();
        assert_eq!((body["items"].as_array().unwrap().len(), &body["items"][2]["price"]), (3, &0.0.into()));
    }

    #[test]
    fn only_what_was_acknowledged_counts() {
        let orders = Orders::new("x", Basket::One { sku: "HOT".into() });
        orders.answered(1, &Answer { status: 201, body: br#"{"order_id":"ord_1"}"# });
        orders.answered(2, &Answer { status: 422, body: br#"{"order_id":"ord_2"}"# });
        let placed = orders.take_placed();
        assert_eq!((placed.numbers, placed.ids), (vec![1], vec!["ord_1".to_owned()]));
    }
}
