//! Generated questions, in the domain's JSON: small and large, plain and odd, for every country.

mod adapters;

use domain::hooks::{Context, Destination, Hook, notification, pricing, risk, routing, shipping, tax};
use domain::ids::{CustomerId, OrderId, ShipmentId, Sku, WarehouseId};
use domain::money::Currency;
use domain::status::EventKind;
use domain::time::Timestamp;
use uuid::Uuid;

use super::Sample;
use crate::Error;

/// The lines of the generated orders, smallest first.
const SIZES: [u32; 5] = [1, 2, 10, 100, 1000];
/// The moment of generated questions: 2026-01-01.
const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

/// Questions of every size and kind that a hook can be asked.
pub(super) fn generated(hook: Hook) -> Result<Vec<Sample>, Error> {
    match hook {
        Hook::Routing => routings(),
        Hook::Pricing => pricings(),
        Hook::Shipping => shippings(),
        Hook::Tax => taxes(),
        Hook::Risk => risks(),
        Hook::Notification => notifications(),
        Hook::Payment => adapters::payments(),
        Hook::Carrier => adapters::carriers(),
        Hook::Channel => adapters::channels(),
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
        lines.push(routing::Line {
            line_id,
            sku: sku.clone(),
            quantity: 1 + line_id % 7,
            price: Some(1999),
            seller_id: None,
        });
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
        currency: Some(currency()?),
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

fn pricings() -> Result<Vec<Sample>, Error> {
    let mut samples = Vec::new();
    for size in SIZES {
        for (kind, price, codes) in [
            ("at 19.99", 1999, &[][..]),
            ("at 19.99, with codes", 1999, &["SPRING", "spring 🌷", ""][..]),
            ("at a price of zero", 0, &["SPRING"][..]),
            ("at one cent", 1, &["SPRING"][..]),
        ] {
            samples.push(Sample::new(format!("{size} lines {kind}"), &pricing(size, price, codes, home())?)?);
        }
    }
    for destination in destinations() {
        let what = format!("one line to {}", destination.country);
        samples.push(Sample::new(what, &pricing(1, 99_999_999, &["X"], destination)?)?);
    }
    Ok(samples)
}

fn pricing(size: u32, price: i64, codes: &[&str], destination: Destination) -> Result<pricing::Input, Error> {
    let line = |line_id: u32| {
        Ok(pricing::Line { line_id, sku: sku(line_id)?, quantity: 1 + line_id % 7, price, seller_id: None })
    };
    let known = size.is_multiple_of(2);
    Ok(pricing::Input {
        context: context(),
        currency: currency()?,
        prices_include_tax: known,
        destination,
        customer_id: known.then(|| name(CustomerId::parse, "c-17 ✓")).transpose()?,
        discount_codes: codes.iter().map(|code| (*code).to_owned()).collect(),
        lines: (1..=size).map(line).collect::<Result<_, Error>>()?,
    })
}

fn shippings() -> Result<Vec<Sample>, Error> {
    let mut samples = Vec::new();
    for size in SIZES {
        for (kind, parcels) in [("that no stock serves", 0), ("in one parcel", 1), ("in two parcels", 2)] {
            samples.push(Sample::new(format!("{size} lines {kind}"), &shipping(size, parcels, home())?)?);
        }
    }
    for destination in destinations() {
        let what = format!("one line to {}", destination.country);
        samples.push(Sample::new(what, &shipping(1, 1, destination)?)?);
    }
    Ok(samples)
}

fn shipping(size: u32, parcels: u32, destination: Destination) -> Result<shipping::Input, Error> {
    let quantity = |line_id: u32| 1 + line_id % 7;
    let line =
        |line_id: u32| Ok(shipping::Line { line_id, sku: sku(line_id)?, quantity: quantity(line_id), amount: 1999 });
    let parcel = |number: u32| {
        let items = (1..=size).filter(|line_id| line_id % parcels.max(1) == number);
        Ok(shipping::Parcel {
            warehouse_id: name(WarehouseId::parse, &format!("WH-{number}"))?,
            country: if number == 0 { "US" } else { "DE" }.to_owned(),
            region: None,
            zip: Some("10115".to_owned()),
            items: items.map(|line_id| shipping::Item { line_id, quantity: quantity(line_id) }).collect(),
        })
    };
    Ok(shipping::Input {
        context: context(),
        currency: currency()?,
        destination,
        delivery_preference: size.is_multiple_of(2).then(|| "express".to_owned()),
        requested_delivery_date: None,
        lines: (1..=size).map(line).collect::<Result<_, Error>>()?,
        parcels: (0..parcels).map(parcel).collect::<Result<_, Error>>()?,
    })
}

fn notifications() -> Result<Vec<Sample>, Error> {
    let mut samples = Vec::new();
    for &kind in EventKind::ALL {
        samples.push(Sample::new(format!("{} of one line", kind.name()), &notification(kind, 1)?)?);
    }
    for size in SIZES {
        let kind = EventKind::ALL[0];
        samples.push(Sample::new(format!("{} of {size} lines", kind.name()), &notification(kind, size)?)?);
    }
    Ok(samples)
}

fn notification(kind: EventKind, size: u32) -> Result<notification::Input, Error> {
    let order_id = OrderId::new(Uuid::from_u128(u128::from(size)));
    let line = |line_id: u32| {
        let title = line_id.is_multiple_of(2).then(|| "Blaue Tasse ☕ <b>".to_owned());
        Ok(notification::Line { line_id, sku: sku(line_id)?, title, quantity: 1 + line_id % 7 })
    };
    let shipment = |number: u32| notification::Shipment {
        shipment_id: ShipmentId::derived(order_id, number),
        status: "in_transit".to_owned(),
        tracking_number: number.is_multiple_of(2).then(|| "1Z-✓".to_owned()),
    };
    let reason = Some("the customer's wish: \"none\"".to_owned());
    Ok(notification::Input {
        context: context(),
        event: notification::Event { name: kind.name().to_owned(), at: NOW, version: 2, reason },
        order: notification::Order {
            order_id,
            external_id: None,
            status: "processing".to_owned(),
            currency: currency()?,
            total: 1999,
            country: "US".to_owned(),
            estimated_delivery: Some(NOW.plus_seconds(86_400).date()),
            lines: (1..=size).map(line).collect::<Result<_, Error>>()?,
            shipments: (1..=2).map(shipment).collect(),
        },
    })
}
