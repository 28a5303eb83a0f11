//! The contract gate: a component answers generated and recorded questions before anybody depends on it.
//!
//! The questions come in the order of their size, so that the first that is answered wrongly is the smallest.

use domain::bytes::Bytes;
use domain::hooks::{Context, Destination, Hook, payment, risk, routing, tax};
use domain::ids::{CustomerId, OrderId, PaymentId, RefundId, Sku, TenantId, WarehouseId};
use domain::money::Currency;
use domain::time::Timestamp;
use plugin_host::{Failure, Plugin};
use serde::Serialize;
use uuid::Uuid;

use crate::again::ask_patiently;
use crate::{App, Error, clock};

/// How many recorded questions are asked besides the generated ones.
const RECORDED: u32 = 50;
/// The lines of the generated orders, smallest first.
const SIZES: [u32; 5] = [1, 2, 10, 100, 1000];
/// An input is quoted up to here.
const QUOTED_CHARS: usize = 2000;
/// The moment of generated questions: 2026-01-01.
const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

/// A question in the domain's JSON.
pub(super) struct Sample {
    what: String,
    input: String,
}

impl Sample {
    fn new(what: impl Into<String>, input: &impl Serialize) -> Result<Self, Error> {
        Ok(Self { what: what.into(), input: serde_json::to_string(input)? })
    }
}

impl App {
    /// What the merchant's policies were asked, smallest first.
    pub(super) async fn recorded_samples(&self, tenant: TenantId, hook: Hook) -> Result<Vec<Sample>, Error> {
        let all_time = Timestamp::from_micros(0)..clock::now();
        let mut recorded = self.store().recorded_decisions(tenant, hook, all_time, None, RECORDED).await?;
        recorded.sort_by_key(|decision| decision.input.len());
        let sample = |decision: store::Decision| Sample {
            what: format!("the recorded input of decision {}", decision.decision_id),
            input: decision.input.to_string(),
        };
        Ok(recorded.into_iter().map(sample).collect())
    }
}

/// Asks every question, generated ones first, and answers why the component is refused: nothing where it is not. It may
/// give up (it says so in words); it may not crash, run out of what it may use, or break a law of its hook.
pub(super) async fn pass(
    plugin: &Plugin,
    tenant: TenantId,
    recorded: Vec<Sample>,
    checks: &mut Vec<String>,
) -> Result<Vec<String>, Error> {
    let mut samples = generated(plugin.hook())?;
    samples.sort_by_key(|sample| sample.input.len());
    let (generated, asked) = (samples.len(), recorded.len());
    let mut gave_up = 0;
    for sample in samples.iter().chain(&recorded) {
        match ask_patiently(plugin, tenant, &sample.input).await?.result {
            Ok(()) => {}
            Err(Failure::GaveUp(_)) => gave_up += 1,
            Err(failure) => {
                let quoted: String = sample.input.chars().take(QUOTED_CHARS).collect();
                return Ok(vec![format!("asked about {}, {failure}; the input was {quoted}", sample.what)]);
            }
        }
    }
    checks.push(format!("kept the hook's laws on {generated} generated and {asked} recorded inputs"));
    if gave_up > 0 {
        checks.push(format!("gave up on {gave_up} of them, which is allowed"));
    }
    Ok(Vec::new())
}

fn generated(hook: Hook) -> Result<Vec<Sample>, Error> {
    match hook {
        Hook::Routing => routings(),
        Hook::Tax => taxes(),
        Hook::Risk => risks(),
        Hook::Payment => payments(),
    }
}

fn context() -> Context {
    Context { now: NOW, config: "{}".to_owned() }
}

/// Every country, and names that are hard to deal with.
fn destinations() -> impl Iterator<Item = Destination> {
    let plain = |country: &str| Destination { country: country.to_owned(), region: None, city: None, zip: None };
    let odd = Destination {
        country: "JP".to_owned(),
        region: Some("東京都 \u{1F5FC}".to_owned()),
        city: Some("e\u{301}\u{202E}\"'\\ ".repeat(20)),
        zip: Some("〒100-0001".to_owned()),
    };
    rust_iso3166::ALL.iter().map(move |country| plain(country.alpha2)).chain([odd])
}

fn home() -> Destination {
    let [region, city, zip] = ["TX", "Austin", "78701"].map(|text| Some(text.to_owned()));
    Destination { country: "US".to_owned(), region, city, zip }
}

fn name<T>(parse: impl Fn(&str) -> Result<T, String>, text: &str) -> Result<T, Error> {
    parse(text).map_err(Error::internal)
}

fn sku(number: u32) -> Result<Sku, Error> {
    // One in three has a name outside of ASCII.
    name(Sku::parse, &if number % 3 == 2 { format!("Größe-{number}-✓") } else { format!("SKU-{number}") })
}

fn currency() -> Result<Currency, Error> {
    "USD".parse().map_err(Error::internal)
}

fn routings() -> Result<Vec<Sample>, Error> {
    let mut samples = Vec::new();
    for size in SIZES {
        for (kind, units) in
            [("with stock", 10), ("with no stock at all", 0), ("with stock in one of two warehouses", 5)]
        {
            samples.push(Sample::new(format!("{size} lines {kind}"), &routing(size, units, home())?)?);
        }
    }
    for destination in destinations() {
        let what = format!("one line to {}", destination.country);
        samples.push(Sample::new(what, &routing(1, 10, destination)?)?);
    }
    Ok(samples)
}

/// Of 10 units both warehouses have some, of 5 only one has.
fn routing(size: u32, units: i64, destination: Destination) -> Result<routing::Input, Error> {
    let mut lines = Vec::new();
    let mut stock = Vec::new();
    let warehouse = |id: &str, country: &str, place: Option<(i32, i32)>, priority| {
        Ok::<_, Error>(routing::Warehouse {
            warehouse_id: name(WarehouseId::parse, id)?,
            country: country.to_owned(),
            region: None,
            zip: None,
            latitude_e6: place.map(|(latitude, _)| latitude),
            longitude_e6: place.map(|(_, longitude)| longitude),
            priority,
            seller_id: None,
        })
    };
    let warehouses =
        vec![warehouse("WH-A", "US", Some((40_712_800, -74_006_000)), 1)?, warehouse("WH-Ü", "DE", None, 2)?];
    for line_id in 1..=size {
        let sku = sku(line_id)?;
        lines.push(routing::Line { line_id, sku: sku.clone(), quantity: 1 + line_id % 7, seller_id: None });
        let holding = if units == 5 { &warehouses[..1] } else { &warehouses[..] };
        for warehouse in holding.iter().filter(|_| units > 0) {
            let warehouse_id = warehouse.warehouse_id.clone();
            stock.push(routing::Stock { sku: sku.clone(), warehouse_id, available: units });
        }
    }
    let warehouses = if units > 0 { warehouses } else { Vec::new() };
    let delivery_preference = Some("express".to_owned());
    Ok(routing::Input {
        context: context(),
        destination,
        delivery_preference,
        requested_delivery_date: None,
        lines,
        warehouses,
        stock,
    })
}

fn taxes() -> Result<Vec<Sample>, Error> {
    let mut samples = Vec::new();
    for size in SIZES {
        for (kind, amount, inclusive) in
            [("net prices", 1999, false), ("gross prices", 1999, true), ("a price of zero", 0, false)]
        {
            samples.push(Sample::new(format!("{size} lines with {kind}"), &tax(size, amount, inclusive, home())?)?);
        }
    }
    for destination in destinations() {
        let what = format!("one line to {}", destination.country);
        samples.push(Sample::new(what, &tax(1, 999_999_999, true, destination)?)?);
    }
    Ok(samples)
}

fn tax(size: u32, amount: i64, prices_include_tax: bool, destination: Destination) -> Result<tax::Input, Error> {
    let line = |line_id: u32| {
        let tax_code = line_id.is_multiple_of(2).then(|| "general".to_owned());
        Ok(tax::Line { line_id, sku: sku(line_id)?, tax_code, quantity: 1 + line_id % 7, amount })
    };
    Ok(tax::Input {
        context: context(),
        currency: currency()?,
        prices_include_tax,
        destination,
        exemption: None,
        lines: (1..=size).map(line).collect::<Result<_, Error>>()?,
        shipping: amount / 4,
    })
}

fn risks() -> Result<Vec<Sample>, Error> {
    let mut samples = Vec::new();
    for size in SIZES {
        for price in [0, 1999, 99_999_999] {
            samples.push(Sample::new(format!("{size} lines at {price}"), &risk(size, price, home())?)?);
        }
    }
    for destination in destinations() {
        let what = format!("one line to {}", destination.country);
        samples.push(Sample::new(what, &risk(1, 1999, destination)?)?);
    }
    Ok(samples)
}

fn risk(size: u32, price: i64, destination: Destination) -> Result<risk::Input, Error> {
    let line = |line_id: u32| Ok(risk::Line { line_id, sku: sku(line_id)?, quantity: 1 + line_id % 7, price });
    let lines: Vec<risk::Line> = (1..=size).map(line).collect::<Result<_, Error>>()?;
    let known = size.is_multiple_of(2);
    Ok(risk::Input {
        context: context(),
        order_id: OrderId::new(Uuid::from_u128(u128::from(size))),
        currency: currency()?,
        total: lines.iter().map(|line| line.price * i64::from(line.quantity)).sum(),
        lines,
        destination,
        billing_country: known.then(|| "US".to_owned()),
        customer_id: known.then(|| name(CustomerId::parse, "c-17 ✓")).transpose()?,
        email_domain: known.then(|| "example.com".to_owned()),
        payment_method_id: "pm_ok".to_owned(),
    })
}

/// How an adapter begins each kind of operation. What follows depends on a provider, of which there is none here.
fn payments() -> Result<Vec<Sample>, Error> {
    let order_id = OrderId::new(Uuid::from_u128(1));
    let payment_id = PaymentId::derived(order_id, 1);
    let reference = "ref-✓-1".to_owned();
    let moved = payment::Move { payment_id, reference: reference.clone(), amount: 1999, currency: currency()? };
    let authorize = payment::Authorize {
        payment_id,
        order_id,
        amount: 1999,
        currency: currency()?,
        payment_method_id: "pm_ok".to_owned(),
    };
    let refund = payment::Refund { refund_id: RefundId::derived(order_id, 1), payment: moved.clone() };
    let callback = payment::Callback { headers: Vec::new(), body: Bytes(b"{\"id\": 1".to_vec()) };
    let operations = [
        ("an authorisation", payment::Operation::Authorize(authorize)),
        ("a capture", payment::Operation::Capture(moved.clone())),
        ("a void", payment::Operation::Void(moved)),
        ("a refund", payment::Operation::Refund(refund)),
        ("a payment", payment::Operation::Query(payment::Query { payment_id, reference: None })),
        ("a known payment", payment::Operation::Query(payment::Query { payment_id, reference: Some(reference) })),
        ("a list", payment::Operation::List { since: NOW }),
        ("a callback that is no JSON", payment::Operation::Callback(callback)),
    ];
    let sample = |(what, operation)| {
        Sample::new(what, &payment::Input { context: context(), operation, transcript: Vec::new() })
    };
    operations.into_iter().map(sample).collect()
}
