//! What happened to an order. Applying the events in order gives the document.

use serde::{Deserialize, Serialize};

use crate::ids::{PaymentId, RefundId, ShipmentId};
use crate::order::{HoldSource, Order, Part, TrackingNews};
use crate::status::EventKind;
use crate::time::Timestamp;

/// A fact about an order. The serialised form is the stored payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// The first event carries the whole document of version 1.
    #[serde(rename = "order.placed")]
    Placed(Box<Order>),
    /// The total is zero.
    #[serde(rename = "order.payment_not_required")]
    PaymentNotRequired {},
    /// Another payment was tried.
    #[serde(rename = "order.payment_attempted")]
    PaymentAttempted {
        /// The new payment.
        payment_id: PaymentId,
        /// What the customer chose.
        payment_method_id: String,
    },
    /// The customer must confirm.
    #[serde(rename = "order.payment_action_required")]
    PaymentActionRequired {
        /// Which payment.
        payment_id: PaymentId,
        /// Where.
        url: String,
        /// Until when.
        until: Timestamp,
    },
    /// Authorised.
    #[serde(rename = "order.payment_authorized")]
    PaymentAuthorized {
        /// Which payment.
        payment_id: PaymentId,
        /// The provider's name for it.
        reference: String,
        /// Minor units.
        amount: i64,
    },
    /// Declined.
    #[serde(rename = "order.payment_declined")]
    PaymentDeclined {
        /// Which payment.
        payment_id: PaymentId,
        /// The provider's code.
        code: String,
        /// For people.
        message: String,
        /// Until when another may be tried.
        retry_until: Timestamp,
    },
    /// Captured.
    #[serde(rename = "order.payment_captured")]
    PaymentCaptured {
        /// Which payment.
        payment_id: PaymentId,
        /// Minor units.
        amount: i64,
    },
    /// Given up before anything was sent: an authorisation, or a capture of one that is then voided.
    #[serde(rename = "order.payment_abandoned")]
    PaymentAbandoned {
        /// Which payment.
        payment_id: PaymentId,
    },
    /// The authorisation was given up at the provider.
    #[serde(rename = "order.payment_voided")]
    PaymentVoided {
        /// Which payment.
        payment_id: PaymentId,
    },
    /// Given back.
    #[serde(rename = "order.payment_refunded")]
    PaymentRefunded {
        /// Which payment.
        payment_id: PaymentId,
        /// Which refund.
        refund_id: RefundId,
        /// Minor units.
        amount: i64,
    },
    /// A refund that the provider had accepted did not arrive; the order is parked for an operator.
    #[serde(rename = "order.payment_refund_failed")]
    PaymentRefundFailed {
        /// Which payment.
        payment_id: PaymentId,
        /// Which refund.
        refund_id: RefundId,
        /// The provider's code.
        code: String,
        /// For people.
        message: String,
    },
    /// The customer's bank asks for captured money; the order is parked for an operator.
    #[serde(rename = "order.payment_disputed")]
    PaymentDisputed {
        /// Which payment.
        payment_id: PaymentId,
        /// The provider's name for the dispute.
        dispute_id: String,
        /// Minor units.
        amount: i64,
        /// The provider's word.
        reason: String,
        /// Until when the merchant may answer.
        respond_by: Option<Timestamp>,
    },
    /// A dispute is over.
    #[serde(rename = "order.payment_dispute_closed")]
    PaymentDisputeClosed {
        /// Which payment.
        payment_id: PaymentId,
        /// Which dispute.
        dispute_id: String,
        /// Whether the merchant keeps the money.
        won: bool,
    },
    /// Somebody gives money back.
    #[serde(rename = "order.refund_requested")]
    RefundRequested {
        /// Minor units, of which the units and the shipping are what they say.
        amount: i64,
        /// For which units; none for a plain amount.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        items: Vec<Credit>,
        /// For shipping, in minor units.
        #[serde(default, skip_serializing_if = "is_zero")]
        shipping: i64,
        /// For people.
        reason: String,
    },
    /// The outcome of an operation could not be learnt; the order is parked for an operator.
    #[serde(rename = "order.payment_unknown")]
    PaymentUnknown {
        /// Which payment.
        payment_id: PaymentId,
        /// What is known.
        message: String,
    },
    /// Parked.
    #[serde(rename = "order.hold_placed")]
    HoldPlaced {
        /// Who or what.
        source: HoldSource,
        /// For people.
        reason: String,
    },
    /// Freed of every hold.
    #[serde(rename = "order.hold_released")]
    HoldReleased {},
    /// Some units were cancelled, and something is left.
    #[serde(rename = "order.items_cancelled")]
    ItemsCancelled {
        /// Which, with what the customer need not pay for them.
        items: Vec<Credit>,
        /// From which shipments they are taken; one that would be left empty is cancelled.
        from: Vec<ShipmentUnits>,
        /// What the customer need not pay for shipping, in minor units.
        #[serde(default, skip_serializing_if = "is_zero")]
        shipping: i64,
        /// For people.
        reason: String,
    },
    /// Packed.
    #[serde(rename = "order.shipment_packed")]
    ShipmentPacked {
        /// Which.
        shipment_id: ShipmentId,
    },
    /// Divided in two.
    #[serde(rename = "order.shipment_split")]
    ShipmentSplit {
        /// Which.
        shipment_id: ShipmentId,
        /// The new one, from the same warehouse.
        into: ShipmentId,
        /// What is in the new one, and no longer in the old one.
        items: Vec<Part>,
    },
    /// Handed to the carrier.
    #[serde(rename = "order.shipment_shipped")]
    ShipmentShipped {
        /// Which.
        shipment_id: ShipmentId,
        /// What is known of its way.
        #[serde(flatten)]
        news: TrackingNews,
    },
    /// On its way.
    #[serde(rename = "order.shipment_in_transit")]
    ShipmentInTransit {
        /// Which.
        shipment_id: ShipmentId,
        /// What is new.
        #[serde(flatten)]
        news: TrackingNews,
    },
    /// With the last courier.
    #[serde(rename = "order.shipment_out_for_delivery")]
    ShipmentOutForDelivery {
        /// Which.
        shipment_id: ShipmentId,
        /// What is new.
        #[serde(flatten)]
        news: TrackingNews,
    },
    /// Arrived.
    #[serde(rename = "order.shipment_delivered")]
    ShipmentDelivered {
        /// Which.
        shipment_id: ShipmentId,
        /// What is new.
        #[serde(flatten)]
        news: TrackingNews,
    },
    /// Something went wrong on its way.
    #[serde(rename = "order.shipment_exception")]
    ShipmentException {
        /// Which.
        shipment_id: ShipmentId,
        /// What is new, and what went wrong.
        #[serde(flatten)]
        news: TrackingNews,
    },
    /// More is known of its way; it stands where it stood.
    #[serde(rename = "order.shipment_updated")]
    ShipmentUpdated {
        /// Which.
        shipment_id: ShipmentId,
        /// What is new.
        #[serde(flatten)]
        news: TrackingNews,
    },
    /// Cancelled as a whole.
    #[serde(rename = "order.cancelled")]
    Cancelled {
        /// For people.
        reason: String,
    },
}

/// Units of a line with the money for them, their tax and discount included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credit {
    /// The line.
    pub line_id: u32,
    /// How many.
    pub quantity: u32,
    /// Minor units.
    pub amount: i64,
}

/// Units of a line in a shipment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShipmentUnits {
    /// The shipment.
    pub shipment_id: ShipmentId,
    /// The units.
    #[serde(flatten)]
    pub part: Part,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
const fn is_zero(amount: &i64) -> bool {
    *amount == 0
}

impl Event {
    /// The row of the transition table that it takes.
    #[must_use]
    pub const fn kind(&self) -> EventKind {
        match self {
            Self::Placed(_) => EventKind::Placed,
            Self::PaymentNotRequired {} => EventKind::PaymentNotRequired,
            Self::PaymentAttempted { .. } => EventKind::PaymentAttempted,
            Self::PaymentActionRequired { .. } => EventKind::PaymentActionRequired,
            Self::PaymentAuthorized { .. } => EventKind::PaymentAuthorized,
            Self::PaymentDeclined { .. } => EventKind::PaymentDeclined,
            Self::PaymentCaptured { .. } => EventKind::PaymentCaptured,
            Self::PaymentAbandoned { .. } => EventKind::PaymentAbandoned,
            Self::PaymentVoided { .. } => EventKind::PaymentVoided,
            Self::PaymentRefunded { .. } => EventKind::PaymentRefunded,
            Self::PaymentRefundFailed { .. } => EventKind::PaymentRefundFailed,
            Self::PaymentDisputed { .. } => EventKind::PaymentDisputed,
            Self::PaymentDisputeClosed { .. } => EventKind::PaymentDisputeClosed,
            Self::RefundRequested { .. } => EventKind::RefundRequested,
            Self::ItemsCancelled { .. } => EventKind::ItemsCancelled,
            Self::PaymentUnknown { .. } => EventKind::PaymentUnknown,
            Self::HoldPlaced { .. } => EventKind::HoldPlaced,
            Self::HoldReleased {} => EventKind::HoldReleased,
            Self::ShipmentPacked { .. } => EventKind::ShipmentPacked,
            Self::ShipmentSplit { .. } => EventKind::ShipmentSplit,
            Self::ShipmentShipped { .. } => EventKind::ShipmentShipped,
            Self::ShipmentInTransit { .. } => EventKind::ShipmentInTransit,
            Self::ShipmentOutForDelivery { .. } => EventKind::ShipmentOutForDelivery,
            Self::ShipmentDelivered { .. } => EventKind::ShipmentDelivered,
            Self::ShipmentException { .. } => EventKind::ShipmentException,
            Self::ShipmentUpdated { .. } => EventKind::ShipmentUpdated,
            Self::Cancelled { .. } => EventKind::Cancelled,
        }
    }
}
