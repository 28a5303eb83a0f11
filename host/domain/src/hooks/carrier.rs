//! The carrier hook: an adapter that speaks to a carrier.

use serde::{Deserialize, Serialize};

use super::exchange::{self, Callback};
use super::{Destination, LawBroken, broken};
use crate::bytes::Bytes;
use crate::ids::{ShipmentId, Sku, WarehouseId};
use crate::money::{AMOUNT_MAX, Currency};
use crate::time::{Date, Timestamp};

/// The most offers of one answer.
pub const OFFERS_MAX: usize = 50;
/// The most labels or tracking events of one answer.
pub const ENTRIES_MAX: usize = 1000;
/// A document that is larger stays in a blob (DESIGN: 64 kB).
pub const INLINE_BYTES_MAX: usize = 64 << 10;

/// What the adapter is asked.
pub type Input = exchange::Input<Operation>;

/// What it answers.
pub type Step = exchange::Step<Outcome>;

/// What the host wants done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Operation {
    /// What would it cost?
    Rates(Parcel),
    /// Buy a label.
    BuyLabel(LabelOrder),
    /// Give a label back that was not used.
    CancelLabel(LabelReference),
    /// Where is it?
    Track(LabelReference),
    /// Was the label bought?
    Query(Query),
    /// List the labels bought, for reconciliation.
    List {
        /// From this moment on.
        since: Timestamp,
    },
    /// Understand a call from the carrier.
    Callback(Callback),
}

/// Something to be carried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    /// Our shipment; also the reference to give to the carrier.
    pub shipment_id: ShipmentId,
    /// Where it is picked up.
    pub origin: Origin,
    /// Where it goes, without anything that names a person.
    pub destination: Destination,
    /// The customer's wish.
    pub delivery_preference: Option<String>,
    /// What is in it.
    pub items: Vec<Item>,
    /// What the goods are worth, in minor units.
    pub value: i64,
    /// The currency of the value.
    pub currency: Currency,
}

/// A warehouse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The merchant's name for it.
    pub warehouse_id: WarehouseId,
    /// For people.
    pub name: String,
    /// ISO 3166 alpha-2.
    pub country: String,
    /// State or region code.
    pub region: Option<String>,
    /// Postal code.
    pub zip: Option<String>,
}

/// Something in a parcel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// What.
    pub sku: Sku,
    /// For people.
    pub title: Option<String>,
    /// Units.
    pub quantity: u32,
}

/// A label to buy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelOrder {
    /// For what.
    pub parcel: Parcel,
    /// One of the services offered; none leaves the choice to the adapter.
    pub service: Option<String>,
}

/// A label that was bought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelReference {
    /// Our shipment.
    pub shipment_id: ShipmentId,
    /// The carrier's name for the label.
    pub reference: String,
    /// The carrier's number of the parcel.
    pub tracking_number: String,
}

/// A question about a label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// Our shipment.
    pub shipment_id: ShipmentId,
    /// The carrier's name for the label, where it is known.
    pub reference: Option<String>,
}

/// How an operation ended that succeeded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Ways to have it carried.
    Offers {
        /// Best first.
        offers: Vec<Offer>,
    },
    /// A label.
    Label(Label),
    /// The label was given back.
    Cancelled,
    /// Where parcels are.
    Tracking {
        /// In any order.
        events: Vec<Tracking>,
    },
    /// Labels bought.
    Labels {
        /// In any order.
        labels: Vec<Label>,
    },
    /// The carrier knows nothing of it (which never means that it was not done).
    NotFound,
}

/// A way to have it carried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The carrier's name for it.
    pub service: String,
    /// Minor units.
    pub cost: i64,
    /// Of the cost.
    pub currency: Currency,
    /// The day promised.
    pub arrives: Option<Date>,
}

/// A label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// Our shipment.
    pub shipment_id: ShipmentId,
    /// The carrier's name for it.
    pub reference: String,
    /// The carrier's number of the parcel.
    pub tracking_number: String,
    /// Minor units, where the carrier says.
    pub cost: Option<i64>,
    /// The day promised.
    pub arrives: Option<Date>,
    /// What is printed.
    pub document: Option<Document>,
}

/// What is printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Such as `application/pdf`.
    pub media_type: String,
    /// Where it is.
    pub content: Content,
}

/// Where a document is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "content", rename_all = "snake_case")]
pub enum Content {
    /// Here.
    Inline {
        /// At most 64 kB.
        bytes: Bytes,
    },
    /// In a blob of this operation.
    Blob {
        /// From `Body::Blob`.
        handle: u32,
        /// RFC 6901, to base64 text; none means the whole blob.
        pointer: Option<String>,
    },
}

/// Something that happened to a parcel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tracking {
    /// The carrier's number of the parcel.
    pub tracking_number: String,
    /// The carrier's name for this event, by which a repetition is known.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// Where the parcel is.
    pub status: Status,
    /// For people.
    pub text: String,
    /// The day promised now.
    pub arrives: Option<Date>,
}

/// Where a parcel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The carrier has it.
    InTransit,
    /// On the last way.
    OutForDelivery,
    /// Arrived.
    Delivered,
    /// Something is wrong that somebody has to look at.
    Exception,
    /// It goes back to where it came from.
    Returning,
}

/// Checks the laws that do not need the order: those of every adapter, and an outcome that fits the operation.
///
/// # Errors
/// The first law broken.
pub fn validate(input: &Input, step: Step) -> Result<Step, LawBroken> {
    exchange::validate(input, step, validate_outcome)
}

fn validate_outcome(operation: &Operation, outcome: &Outcome) -> Result<(), LawBroken> {
    match (operation, outcome) {
        (Operation::Rates(_), Outcome::Offers { offers }) => {
            check_count(offers.len(), OFFERS_MAX, "offers")?;
            offers.iter().try_for_each(check_offer)
        }
        (Operation::BuyLabel(order), Outcome::Label(label)) => check_label_of(order.parcel.shipment_id, label),
        (Operation::Query(query), Outcome::Label(label)) => check_label_of(query.shipment_id, label),
        (Operation::CancelLabel(_), Outcome::Cancelled) | (Operation::Query(_), Outcome::NotFound) => Ok(()),
        (Operation::Track(label), Outcome::Tracking { events }) => {
            check_count(events.len(), ENTRIES_MAX, "tracking events")?;
            if let Some(other) = events.iter().find(|event| event.tracking_number != label.tracking_number) {
                return broken(format!("asked about {}, told of {}", label.tracking_number, other.tracking_number));
            }
            events.iter().try_for_each(check_tracking)
        }
        (Operation::Callback(_), Outcome::Tracking { events }) => {
            check_count(events.len(), ENTRIES_MAX, "tracking events")?;
            events.iter().try_for_each(check_tracking)
        }
        (Operation::List { .. }, Outcome::Labels { labels }) => {
            check_count(labels.len(), ENTRIES_MAX, "labels")?;
            labels.iter().try_for_each(check_label)
        }
        _ => broken("the outcome is none of this operation"),
    }
}

fn check_count(has: usize, most: usize, what: &str) -> Result<(), LawBroken> {
    if has > most { broken(format!("{has} {what}, at most {most} are allowed")) } else { Ok(()) }
}

fn check_offer(offer: &Offer) -> Result<(), LawBroken> {
    crate::ids::printable(&offer.service, 100).map_err(|why| LawBroken(format!("an offer's service {why}")))?;
    check_cost(offer.cost)
}

fn check_cost(cost: i64) -> Result<(), LawBroken> {
    if (0..=AMOUNT_MAX).contains(&cost) { Ok(()) } else { broken(format!("a cost of {cost} cannot be")) }
}

fn check_label_of(shipment_id: ShipmentId, label: &Label) -> Result<(), LawBroken> {
    if label.shipment_id != shipment_id {
        return broken(format!("the label is for {}, asked was {shipment_id}", label.shipment_id));
    }
    check_label(label)
}

fn check_label(label: &Label) -> Result<(), LawBroken> {
    exchange::validate_reference(&label.reference)?;
    check_tracking_number(&label.tracking_number)?;
    label.cost.map_or(Ok(()), check_cost)?;
    let Some(document) = &label.document else { return Ok(()) };
    crate::ids::printable(&document.media_type, 100).map_err(|why| LawBroken(format!("the media type {why}")))?;
    match &document.content {
        Content::Inline { bytes } if bytes.0.len() > INLINE_BYTES_MAX => {
            broken(format!("a document of more than {INLINE_BYTES_MAX} bytes belongs into a blob"))
        }
        _ => Ok(()),
    }
}

fn check_tracking(event: &Tracking) -> Result<(), LawBroken> {
    check_tracking_number(&event.tracking_number)?;
    crate::ids::printable(&event.id, 200).map_err(|why| LawBroken(format!("a tracking event's id {why}")))?;
    crate::ids::printable(&event.text, 200).map_err(|why| LawBroken(format!("a tracking event's text {why}")))
}

fn check_tracking_number(number: &str) -> Result<(), LawBroken> {
    crate::ids::printable(number, 100).map_err(|why| LawBroken(format!("the tracking number {why}")))
}
