//! What may be done with a shipment, and what may be said of its way.

use super::{Refusal, allowed, room};
use crate::event::{Event, ShipmentUnits};
use crate::ids::ShipmentId;
use crate::order::{Order, Part, Shipment, TrackingNews};
use crate::status::{EventKind, ShipmentStatus};

/// The most shipments that an order may be divided into; see [`super::PAYMENTS_MAX`].
pub const SHIPMENTS_MAX: usize = 200;
/// The longest name of a carrier, in characters.
pub const CARRIER_CHARS_MAX: usize = 100;
/// The longest tracking number, in characters.
pub const TRACKING_NUMBER_CHARS_MAX: usize = 100;
/// The longest note about a shipment's way, in characters.
pub const NOTE_CHARS_MAX: usize = super::REASON_CHARS_MAX;

/// What is done with a shipment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Its units are packed.
    Pack,
    /// Its units are put into two shipments.
    Split {
        /// What goes into the new one: some of it, and not all.
        items: Vec<Part>,
    },
    /// It is handed to the carrier. Who buys a label does so before, and says here what came of it.
    Ship(TrackingNews),
    /// Its units are not sent after all.
    Cancel {
        /// For people.
        reason: String,
    },
    /// Somebody says how far it has come.
    Track(Report),
}

/// How far a shipment has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Where it stands; none where that has not changed.
    pub status: Option<Progress>,
    /// What else is known.
    pub news: TrackingNews,
}

/// What can become of a shipment on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The carrier moves it.
    InTransit,
    /// The last courier has it.
    OutForDelivery,
    /// It has arrived.
    Delivered,
    /// Something went wrong.
    Exception,
}

impl Progress {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::InTransit, Self::OutForDelivery, Self::Delivered, Self::Exception];

    /// The status that it leads to.
    #[must_use]
    pub const fn status(self) -> ShipmentStatus {
        match self {
            Self::InTransit => ShipmentStatus::InTransit,
            Self::OutForDelivery => ShipmentStatus::OutForDelivery,
            Self::Delivered => ShipmentStatus::Delivered,
            Self::Exception => ShipmentStatus::Exception,
        }
    }

    const fn event(self, shipment_id: ShipmentId, news: TrackingNews) -> Event {
        match self {
            Self::InTransit => Event::ShipmentInTransit { shipment_id, news },
            Self::OutForDelivery => Event::ShipmentOutForDelivery { shipment_id, news },
            Self::Delivered => Event::ShipmentDelivered { shipment_id, news },
            Self::Exception => Event::ShipmentException { shipment_id, news },
        }
    }
}

impl std::str::FromStr for Progress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|p| p.status().name() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|p| p.status().name()).collect();
            format!("must be one of {}", names.join(", "))
        })
    }
}

pub(super) fn act(order: &Order, shipment_id: ShipmentId, action: &Action) -> Result<Vec<Event>, Refusal> {
    let shipment = order.shipment(shipment_id).ok_or(Refusal::NoShipment)?;
    match action {
        Action::Pack => {
            allowed(order, EventKind::ShipmentPacked, ShipmentStatus::Packed.name())?;
            may_become(shipment, ShipmentStatus::Packed)?;
            Ok(vec![Event::ShipmentPacked { shipment_id }])
        }
        Action::Split { items } => split(order, shipment, items),
        Action::Ship(news) => {
            allowed(order, EventKind::ShipmentShipped, ShipmentStatus::Shipped.name())?;
            may_become(shipment, ShipmentStatus::Shipped)?;
            if order.is_held() {
                return Err(Refusal::OnHold);
            }
            Ok(vec![Event::ShipmentShipped { shipment_id, news: brief(news) }])
        }
        Action::Cancel { reason } => {
            allowed(order, EventKind::ItemsCancelled, ShipmentStatus::Cancelled.name())?;
            may_become(shipment, ShipmentStatus::Cancelled)?;
            let all = shipment.items.iter().map(|i| Part { line_id: i.line_id, quantity: i.quantity });
            let from = all.map(|part| ShipmentUnits { shipment_id, part }).collect();
            super::credits::cancel_units(order, from, reason)
        }
        Action::Track(report) => track(shipment, report),
    }
}

/// What a carrier says is a fact: it may come late, twice or in the wrong order, and is then no news.
pub(super) fn tracked(order: &Order, shipment_id: ShipmentId, report: &Report) -> Vec<Event> {
    let known = order.shipment(shipment_id);
    known.and_then(|shipment| track(shipment, report).ok()).unwrap_or_default()
}

fn may_become(shipment: &Shipment, to: ShipmentStatus) -> Result<(), Refusal> {
    let from = shipment.status;
    if from.may_become(to) { Ok(()) } else { Err(Refusal::IllegalShipment { from, to: to.name() }) }
}

fn split(order: &Order, shipment: &Shipment, items: &[Part]) -> Result<Vec<Event>, Refusal> {
    allowed(order, EventKind::ShipmentSplit, "split")?;
    if shipment.status != ShipmentStatus::Pending {
        return Err(Refusal::IllegalShipment { from: shipment.status, to: "split" });
    }
    room(order, order.shipments.len(), SHIPMENTS_MAX, "split once more")?;
    super::enough(items, |line_id| shipment.units_of(line_id))?;
    let all: u64 = shipment.items.iter().map(|i| u64::from(i.quantity)).sum();
    if items.iter().map(|part| u64::from(part.quantity)).sum::<u64>() == all {
        return Err(Refusal::NothingLeft);
    }
    let into = ShipmentId::derived(order.order_id, order.shipments.len() as u32 + 1);
    Ok(vec![Event::ShipmentSplit { shipment_id: shipment.shipment_id, into, items: items.to_vec() }])
}

fn track(shipment: &Shipment, report: &Report) -> Result<Vec<Event>, Refusal> {
    let (shipment_id, news) = (shipment.shipment_id, brief(&report.news));
    let moves = report.status.filter(|progress| progress.status() != shipment.status);
    if let Some(progress) = moves {
        may_become(shipment, progress.status())?;
        return Ok(vec![progress.event(shipment_id, news)]);
    }
    if !shipment.status.has_left() {
        return Err(Refusal::IllegalShipment { from: shipment.status, to: "tracked" });
    }
    let known = shipment.tracking.as_deref().map(|tracking| tracking.news.clone()).unwrap_or_default();
    if news.adds_nothing_to(&known) {
        return Ok(Vec::new());
    }
    Ok(vec![Event::ShipmentUpdated { shipment_id, news }])
}

/// News of bounded length, on one line: a carrier's adapter may have written it.
fn brief(news: &TrackingNews) -> TrackingNews {
    let short = |text: &Option<String>, chars_max| {
        text.as_deref().map(|text| super::brief(text, chars_max)).filter(|text| !text.is_empty())
    };
    TrackingNews {
        carrier: short(&news.carrier, CARRIER_CHARS_MAX),
        tracking_number: short(&news.tracking_number, TRACKING_NUMBER_CHARS_MAX),
        estimated_delivery: news.estimated_delivery,
        note: short(&news.note, NOTE_CHARS_MAX),
    }
}
