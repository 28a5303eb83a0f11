//! The world `carrier`.

use domain::bytes::Bytes;
use domain::hooks::carrier as hook;
use domain::time::Timestamp;

use super::{RECORD_BYTES, exchange};
use crate::limiter::State;
use crate::wit::speak::{Unreadable, adapter};

mod world {
    wasmtime::component::bindgen!({
        path: "../../wit/0.1.0",
        world: "orderwright:policy/carrier",
        with: {
            "orderwright:policy/types@0.1.0": crate::wit::v0_1::types,
            "orderwright:policy/log@0.1.0": crate::wit::v0_1::log,
            "orderwright:policy/exchange@0.1.0": crate::wit::v0_1::exchanged,
        },
        exports: { default: async },
    });
}

pub use world::CarrierPre;
use world::exports::orderwright::policy::carrier_adapter as wit;

adapter!(CarrierPre<State>, orderwright_policy_carrier_adapter, exchange::descriptor);

fn weight(input: &hook::Input) -> usize {
    let parcel = |parcel: &hook::Parcel| (8 + 2 * parcel.items.len()) * RECORD_BYTES;
    let operation = match &input.operation {
        hook::Operation::Rates(p) => parcel(p),
        hook::Operation::BuyLabel(order) => parcel(&order.parcel),
        hook::Operation::Callback(callback) => exchange::callback_weight(callback),
        _ => 4 * RECORD_BYTES,
    };
    exchange::weight(input) + operation
}

/// To the guest.
fn operation(operation: &hook::Operation) -> wit::Operation {
    match operation {
        hook::Operation::Rates(p) => wit::Operation::Rates(parcel(p)),
        hook::Operation::BuyLabel(order) => {
            wit::Operation::BuyLabel(wit::LabelOrder { parcel: parcel(&order.parcel), service: order.service.clone() })
        }
        hook::Operation::CancelLabel(label) => wit::Operation::CancelLabel(reference(label)),
        hook::Operation::Track(label) => wit::Operation::Track(reference(label)),
        hook::Operation::Query(query) => wit::Operation::Query(wit::Query {
            shipment_id: query.shipment_id.to_string(),
            reference: query.reference.clone(),
        }),
        hook::Operation::List { since } => wit::Operation::List(since.micros()),
        hook::Operation::Callback(callback) => wit::Operation::Callback(exchange::callback(callback)),
    }
}

fn parcel(parcel: &hook::Parcel) -> wit::Parcel {
    let item = |item: &hook::Item| wit::Item {
        sku: item.sku.as_str().into(),
        title: item.title.clone(),
        quantity: item.quantity,
    };
    wit::Parcel {
        shipment_id: parcel.shipment_id.to_string(),
        origin: wit::Origin {
            warehouse_id: parcel.origin.warehouse_id.as_str().into(),
            name: parcel.origin.name.clone(),
            country: parcel.origin.country.clone(),
            region: parcel.origin.region.clone(),
            zip: parcel.origin.zip.clone(),
        },
        destination: super::destination(&parcel.destination),
        delivery_preference: parcel.delivery_preference.clone(),
        items: parcel.items.iter().map(item).collect(),
        value: parcel.value,
        currency: parcel.currency.code().into(),
    }
}

fn reference(label: &hook::LabelReference) -> wit::LabelReference {
    wit::LabelReference {
        shipment_id: label.shipment_id.to_string(),
        reference: label.reference.clone(),
        tracking_number: label.tracking_number.clone(),
    }
}

/// From the guest.
fn step(step: wit::Step) -> Result<hook::Step, Unreadable> {
    Ok(exchange::step!(step, wit, { wit::Step::Done(given) => hook::Step::Done(outcome(given)?), }))
}

fn outcome(outcome: wit::Outcome) -> Result<hook::Outcome, Unreadable> {
    Ok(match outcome {
        wit::Outcome::Offers(offers) => {
            hook::Outcome::Offers { offers: offers.into_iter().map(offer).collect::<Result<_, _>>()? }
        }
        wit::Outcome::Label(given) => hook::Outcome::Label(label(given)?),
        wit::Outcome::Cancelled => hook::Outcome::Cancelled,
        wit::Outcome::Tracking(events) => {
            hook::Outcome::Tracking { events: events.into_iter().map(tracking).collect::<Result<_, _>>()? }
        }
        wit::Outcome::Labels(labels) => {
            hook::Outcome::Labels { labels: labels.into_iter().map(label).collect::<Result<_, _>>()? }
        }
        wit::Outcome::NotFound => hook::Outcome::NotFound,
    })
}

fn offer(offer: wit::Offer) -> Result<hook::Offer, Unreadable> {
    let unreadable = |why| Unreadable(format!("the currency {:?}: {why}", offer.currency));
    Ok(hook::Offer {
        service: offer.service,
        cost: offer.cost,
        currency: offer.currency.parse().map_err(unreadable)?,
        arrives: super::date(offer.arrives, "the day of arrival")?,
    })
}

fn label(label: wit::Label) -> Result<hook::Label, Unreadable> {
    let unreadable = |why| Unreadable(format!("the shipment {:?}: {why}", label.shipment_id));
    Ok(hook::Label {
        shipment_id: label.shipment_id.parse().map_err(unreadable)?,
        reference: label.reference,
        tracking_number: label.tracking_number,
        cost: label.cost,
        arrives: super::date(label.arrives, "the day of arrival")?,
        document: label.document.map(|document| hook::Document {
            media_type: document.media_type,
            content: match document.content {
                wit::Content::Inline(bytes) => hook::Content::Inline { bytes: Bytes(bytes) },
                wit::Content::Blob(part) => hook::Content::Blob { handle: part.handle, pointer: part.pointer },
            },
        }),
    })
}

fn tracking(event: wit::Tracking) -> Result<hook::Tracking, Unreadable> {
    Ok(hook::Tracking {
        tracking_number: event.tracking_number,
        id: event.id,
        at: Timestamp::from_micros(event.at),
        status: match event.status {
            wit::Status::InTransit => hook::Status::InTransit,
            wit::Status::OutForDelivery => hook::Status::OutForDelivery,
            wit::Status::Delivered => hook::Status::Delivered,
            wit::Status::Exception => hook::Status::Exception,
            wit::Status::Returning => hook::Status::Returning,
        },
        text: event.text,
        arrives: super::date(event.arrives, "the day of arrival")?,
    })
}
