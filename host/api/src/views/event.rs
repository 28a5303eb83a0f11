//! An event as the API shows it: what changed, without the order's inner bookkeeping.

use domain::event::{Credit, Event};
use domain::ids::{EventId, OrderId, PaymentId, RefundId, ShipmentId};
use domain::money::Currency;
use domain::order::{Part, TrackingNews};
use domain::time::Date;
use serde::Serialize;
use utoipa::ToSchema;

use super::order::{OrderView, hold_source};
use super::{Money, Time};

/// Something that happened to an order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub struct EventView {
    /// Stable over redelivery.
    #[schema(value_type = String)]
    pub event_id: EventId,
    #[schema(value_type = String)]
    pub order_id: OrderId,
    /// Its number within the order, from 1 without gaps.
    pub version: u64,
    /// Such as `order.placed`; more may come.
    #[schema(example = "order.placed")]
    pub r#type: String,
    /// The order's status before; null for the first event.
    pub from: Option<&'static str>,
    /// The order's status after.
    pub to: &'static str,
    /// The name of the API key, or of the part of the system, that did it.
    pub actor: String,
    /// Why, where somebody said so.
    pub reason: Option<String>,
    pub time: Time,
    pub payload: Payload,
    /// In `GET /events`: go on after this event by giving it as `after`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// What an event changed. Which members there are depends on its type.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = EventPayload)]
pub struct Payload {
    /// Of `order.placed`: the order as it was placed.
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<Box<OrderView>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    payment_id: Option<PaymentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_method_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    refund_id: Option<RefundId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<Money>,
    /// The provider's name for the payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    /// The provider's name for a dispute.
    #[serde(skip_serializing_if = "Option::is_none")]
    dispute_id: Option<String>,
    /// Of a dispute that is over: whether the merchant keeps the money.
    #[serde(skip_serializing_if = "Option::is_none")]
    won: Option<bool>,
    /// Where the customer confirms.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// Until when the customer may confirm, or the merchant answer a dispute.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Time>,
    /// The provider's code of a decline.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// Until when another payment may be tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_until: Option<Time>,
    /// What parked the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    shipment_id: Option<ShipmentId>,
    /// Of a shipment that was divided: the new one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    new_shipment_id: Option<ShipmentId>,
    /// The units that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Vec<UnitsView>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    carrier: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tracking_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    estimated_delivery: Option<Date>,
    /// What was said of a shipment's way.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// Units of a line.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LineUnits)]
struct UnitsView {
    line_id: u32,
    quantity: u32,
}

fn units(items: &[Credit]) -> Vec<UnitsView> {
    items.iter().map(|item| UnitsView { line_id: item.line_id, quantity: item.quantity }).collect()
}

impl From<Part> for UnitsView {
    fn from(Part { line_id, quantity }: Part) -> Self {
        Self { line_id, quantity }
    }
}

impl Payload {
    /// What an event changed. The currency is the order's; without it amounts are left out.
    #[must_use]
    pub fn new(event: Event, currency: Option<Currency>) -> Self {
        let money = |minor| currency.map(|currency| Money::new(currency, minor));
        let sent = |shipment_id, news: TrackingNews| Self {
            shipment_id: Some(shipment_id),
            carrier: news.carrier,
            tracking_number: news.tracking_number,
            estimated_delivery: news.estimated_delivery,
            note: news.note,
            ..Self::default()
        };
        let of = |payment_id| Self { payment_id: Some(payment_id), ..Self::default() };
        match event {
            Event::Placed(order) => Self { order: Some(Box::new(OrderView::new(&order))), ..Self::default() },
            Event::PaymentNotRequired {} | Event::HoldReleased {} => Self::default(),
            Event::PaymentAttempted { payment_id, payment_method_id } => {
                Self { payment_method_id: Some(payment_method_id), ..of(payment_id) }
            }
            Event::PaymentActionRequired { payment_id, url, until } => {
                Self { url: Some(url), expires_at: Some(Time(until)), ..of(payment_id) }
            }
            Event::PaymentAuthorized { payment_id, reference, amount } => {
                Self { reference: Some(reference), amount: money(amount), ..of(payment_id) }
            }
            Event::PaymentDeclined { payment_id, code, message, retry_until } => Self {
                code: Some(code),
                message: Some(message),
                retry_until: Some(Time(retry_until)),
                ..of(payment_id)
            },
            Event::PaymentCaptured { payment_id, amount } => Self { amount: money(amount), ..of(payment_id) },
            Event::PaymentAbandoned { payment_id } | Event::PaymentVoided { payment_id } => of(payment_id),
            Event::PaymentRefunded { payment_id, refund_id, amount } => {
                Self { refund_id: Some(refund_id), amount: money(amount), ..of(payment_id) }
            }
            Event::PaymentRefundFailed { payment_id, refund_id, code, message } => {
                Self { refund_id: Some(refund_id), code: Some(code), message: Some(message), ..of(payment_id) }
            }
            Event::PaymentDisputed { payment_id, dispute_id, amount, reason, respond_by } => Self {
                dispute_id: Some(dispute_id),
                amount: money(amount),
                reason: Some(reason),
                expires_at: respond_by.map(Time),
                ..of(payment_id)
            },
            Event::PaymentDisputeClosed { payment_id, dispute_id, won } => {
                Self { dispute_id: Some(dispute_id), won: Some(won), ..of(payment_id) }
            }
            Event::RefundRequested { amount, items, reason, .. } => Self {
                amount: money(amount),
                items: (!items.is_empty()).then(|| units(&items)),
                reason: Some(reason),
                ..Self::default()
            },
            Event::ItemsCancelled { items, shipping, reason, .. } => Self {
                amount: money(items.iter().map(|item| item.amount).sum::<i64>() + shipping),
                items: Some(units(&items)),
                reason: Some(reason),
                ..Self::default()
            },
            Event::PaymentUnknown { payment_id, message } => Self { message: Some(message), ..of(payment_id) },
            Event::HoldPlaced { source, reason } => {
                Self { source: Some(hold_source(source)), reason: Some(reason), ..Self::default() }
            }
            Event::ShipmentPacked { shipment_id } => Self { shipment_id: Some(shipment_id), ..Self::default() },
            Event::ShipmentSplit { shipment_id, into, items } => Self {
                shipment_id: Some(shipment_id),
                new_shipment_id: Some(into),
                items: Some(items.into_iter().map(UnitsView::from).collect()),
                ..Self::default()
            },
            Event::ShipmentShipped { shipment_id, news }
            | Event::ShipmentInTransit { shipment_id, news }
            | Event::ShipmentOutForDelivery { shipment_id, news }
            | Event::ShipmentDelivered { shipment_id, news }
            | Event::ShipmentException { shipment_id, news }
            | Event::ShipmentUpdated { shipment_id, news } => sent(shipment_id, news),
            Event::Cancelled { reason } => Self { reason: Some(reason), ..Self::default() },
        }
    }
}

/// Whether an event carries an amount, for which its order's currency has to be known.
#[must_use]
pub const fn has_amount(event: &Event) -> bool {
    matches!(
        event,
        Event::PaymentAuthorized { .. }
            | Event::PaymentCaptured { .. }
            | Event::PaymentRefunded { .. }
            | Event::PaymentDisputed { .. }
            | Event::RefundRequested { .. }
            | Event::ItemsCancelled { .. }
    )
}
