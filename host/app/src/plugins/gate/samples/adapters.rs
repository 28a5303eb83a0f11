//! How an adapter begins each kind of operation. What follows depends on another side, of which there is none here.

use domain::bytes::Bytes;
use domain::hooks::exchange::{self, Callback};
use domain::hooks::{Destination, carrier, channel, payment};
use domain::ids::{MessageId, OrderId, PaymentId, RefundId, ShipmentId, WarehouseId};
use serde::Serialize;
use uuid::Uuid;

use super::super::Sample;
use super::{NOW, context, currency, destinations, home, name, sku};
use crate::Error;

pub(super) fn payments() -> Result<Vec<Sample>, Error> {
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
    let operations = [
        ("an authorisation", payment::Operation::Authorize(authorize)),
        ("a capture", payment::Operation::Capture(moved.clone())),
        ("a void", payment::Operation::Void(moved)),
        ("a refund", payment::Operation::Refund(refund)),
        ("a payment", payment::Operation::Query(payment::Query { payment_id, reference: None })),
        ("a known payment", payment::Operation::Query(payment::Query { payment_id, reference: Some(reference) })),
        ("a list", payment::Operation::List { since: NOW }),
        ("a callback that is no JSON", payment::Operation::Callback(callback())),
    ];
    all(operations)
}

pub(super) fn carriers() -> Result<Vec<Sample>, Error> {
    let shipment_id = ShipmentId::derived(OrderId::new(Uuid::from_u128(1)), 1);
    let item = |number: u32| {
        Ok::<_, Error>(carrier::Item { sku: sku(number)?, title: Some("Tasse ☕ <b>".to_owned()), quantity: number })
    };
    let parcel = |destination: Destination, size: u32| {
        Ok::<_, Error>(carrier::Parcel {
            shipment_id,
            origin: carrier::Origin {
                warehouse_id: name(WarehouseId::parse, "WH-Ü")?,
                name: "Lager \"Süd\"".to_owned(),
                country: "DE".to_owned(),
                region: None,
                zip: Some("10115".to_owned()),
            },
            destination,
            delivery_preference: Some("express".to_owned()),
            items: (1..=size).map(item).collect::<Result<_, Error>>()?,
            value: 1999,
            currency: currency()?,
        })
    };
    let reference = "ref-✓-1".to_owned();
    let label =
        carrier::LabelReference { shipment_id, reference: reference.clone(), tracking_number: "1Z-✓".to_owned() };
    let order = carrier::LabelOrder { parcel: parcel(home(), 1)?, service: Some("express".to_owned()) };
    let large = carrier::LabelOrder { parcel: parcel(home(), 1000)?, service: None };
    let mut operations = vec![
        ("a label", carrier::Operation::BuyLabel(order)),
        ("a label for 1000 lines", carrier::Operation::BuyLabel(large)),
        ("a label that is not used", carrier::Operation::CancelLabel(label.clone())),
        ("a parcel under way", carrier::Operation::Track(label)),
        ("a shipment", carrier::Operation::Query(carrier::Query { shipment_id, reference: None })),
        ("a known label", carrier::Operation::Query(carrier::Query { shipment_id, reference: Some(reference) })),
        ("a list", carrier::Operation::List { since: NOW }),
        ("a callback that is no JSON", carrier::Operation::Callback(callback())),
    ];
    for destination in destinations() {
        operations.push(("rates to some country", carrier::Operation::Rates(parcel(destination, 1)?)));
    }
    all(operations)
}

pub(super) fn channels() -> Result<Vec<Sample>, Error> {
    let message_id = MessageId::new(Uuid::from_u128(1));
    let message = |subject: Option<&str>, text: &str, html: Option<&str>| channel::Message {
        message_id,
        address: html.is_none().then(|| "ops@example.com".to_owned()),
        subject: subject.map(str::to_owned),
        text: text.to_owned(),
        html: html.map(str::to_owned),
    };
    let long = "Guten Tag, {{name}} ☕\r\n\"quoted\" ".repeat(500);
    let reference = Some("ref-✓-1".to_owned());
    all([
        ("a short message", channel::Operation::Send(message(None, "Hi", None))),
        ("a message of all parts", channel::Operation::Send(message(Some("Re: ☕"), "Hi {{name}}", Some("<p>Hi</p>")))),
        ("a long message", channel::Operation::Send(message(Some("Long"), &long, None))),
        ("a message's state", channel::Operation::Query(channel::Query { message_id, reference: None })),
        ("a known message's state", channel::Operation::Query(channel::Query { message_id, reference })),
        ("a list", channel::Operation::List { since: NOW }),
        ("a callback that is no JSON", channel::Operation::Callback(callback())),
    ])
}

fn callback() -> Callback {
    Callback { headers: Vec::new(), body: Bytes(b"{\"id\": 1".to_vec()) }
}

fn all<O: Serialize>(operations: impl IntoIterator<Item = (&'static str, O)>) -> Result<Vec<Sample>, Error> {
    let sample = |(what, operation)| {
        Sample::new(what, &exchange::Input { context: context(), operation, transcript: Vec::new() })
    };
    operations.into_iter().map(sample).collect()
}
