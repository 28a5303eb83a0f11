//! The order document: everything that is known about an order now, personal data sealed.

use serde::{Deserialize, Serialize};

use crate::hooks::Destination;
use crate::hooks::pricing::Discount;
use crate::hooks::tax::Charge;
use crate::ids::{
    CustomerId, ExternalId, OrderId, PaymentId, RefundId, SealKeyId, SellerId, ShipmentId, Sku, TenantId, WarehouseId,
};
use crate::money::Currency;
use crate::status::{OrderStatus, PaymentStatus, ShipmentStatus};
use crate::time::{Date, Timestamp};

/// An order. Amounts are minor units of `currency`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its id.
    pub order_id: OrderId,
    /// The merchant.
    pub tenant_id: TenantId,
    /// The number of its events.
    pub version: u64,
    /// Where it stands.
    pub status: OrderStatus,
    /// When it was accepted.
    pub placed_at: Timestamp,
    /// When the last event happened.
    pub updated_at: Timestamp,
    /// The day on which all of it should have arrived.
    pub estimated_delivery: Option<Date>,
    /// The merchant's own number.
    pub external_id: Option<ExternalId>,
    /// The merchant's name for the customer.
    pub customer_id: Option<CustomerId>,
    /// The currency of every amount.
    pub currency: Currency,
    /// Whether prices contain the tax.
    pub prices_include_tax: bool,
    /// What was ordered.
    pub lines: Vec<Line>,
    /// What was taken off, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub discounts: Vec<AppliedDiscount>,
    /// What it comes to.
    pub amounts: Amounts,
    /// The tax on shipping.
    pub shipping_tax: Charge,
    /// How it ships.
    pub shipments: Vec<Shipment>,
    /// How it is paid; the last one is the current one.
    pub payments: Vec<Payment>,
    /// Why it is parked.
    pub holds: Vec<Hold>,
    /// What is still to happen.
    pub tasks: Vec<Task>,
    /// How many tasks, holds and refunds were ever made: the numbers of the next ones.
    pub counters: Counters,
    /// Where it goes, without names and streets.
    pub destination: Destination,
    /// Where the bill goes, without names and streets.
    pub billing: Option<Destination>,
    /// Names, e-mail address, phone number and streets, sealed.
    pub personal: Option<Sealed>,
    /// `standard`, `express` and the like.
    pub delivery_preference: Option<String>,
    /// The day the customer asked for.
    pub requested_delivery_date: Option<Date>,
    /// As given at placement.
    pub discount_codes: Vec<String>,
    /// The customer's exemption certificate.
    pub tax_exemption: Option<String>,
    /// The merchant's own JSON object, as text.
    pub metadata: Option<String>,
    /// How long a declined payment may be tried again, in seconds; fixed at placement.
    pub payment_retry_seconds: u32,
    /// Why it was cancelled, once it is.
    pub cancel_reason: Option<String>,
    /// What the customer need not pay after all, or gets back.
    #[serde(default, skip_serializing_if = "Credits::is_nothing")]
    pub credits: Credits,
    /// Whether parts give back something of the shipping cost; fixed at placement.
    #[serde(default, skip_serializing_if = "ShippingRefund::is_default")]
    pub shipping_refund: ShippingRefund,
}

/// A line of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// From 1, in the order of the request.
    pub line_id: u32,
    /// What.
    pub sku: Sku,
    /// How many.
    pub quantity: u32,
    /// Of one unit.
    pub price: i64,
    /// For people.
    pub title: Option<String>,
    /// Whose warehouses ship it.
    pub seller_id: Option<SellerId>,
    /// The merchant's tax class.
    pub tax_code: Option<String>,
    /// Taken off price times quantity, in minor units: its own discounts and its share of the order's.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub discount: i64,
    /// What it carries.
    pub tax: Charge,
    /// Whether it is still wanted.
    pub status: LineStatus,
    /// How many of its units were cancelled.
    #[serde(default, skip_serializing_if = "is_none")]
    pub cancelled: u32,
    /// For how many of its units the money was given up or back: cancelled, refunded or returned ones.
    #[serde(default, skip_serializing_if = "is_none")]
    pub credited_units: u32,
    /// How much that was, in minor units.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub credited: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
const fn is_zero(amount: &i64) -> bool {
    *amount == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
const fn is_none(units: &u32) -> bool {
    *units == 0
}

/// What the customer need not pay after all, or gets back. Amounts are minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credits {
    /// For what was cancelled before it shipped.
    pub cancelled: i64,
    /// For everything else.
    pub refunded: i64,
    /// Of both, what was given for shipping.
    pub shipping: i64,
}

impl Credits {
    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// Whether a customer who sends back or cancels a part gets something of the shipping cost. Who cancels a whole order
/// always gets all of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShippingRefund {
    /// Nothing of it.
    Never,
    /// All of it with the last unit.
    #[default]
    WithLast,
    /// Each unit has its share.
    Shared,
}

impl ShippingRefund {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A discount that an order was placed with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedDiscount {
    /// The line that it is on; none means the whole order.
    pub line_id: Option<u32>,
    /// What, and how much.
    #[serde(flatten)]
    pub discount: Discount,
}

/// Whether a line is still wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineStatus {
    /// Wanted.
    Active,
    /// Cancelled.
    Cancelled,
}

/// What an order comes to, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amounts {
    /// Prices times quantities.
    pub subtotal: i64,
    /// Taken off.
    pub discount: i64,
    /// For shipping.
    pub shipping_cost: i64,
    /// All tax, also where the prices contain it.
    pub tax: i64,
    /// What the customer pays.
    pub total: i64,
}

/// What leaves one warehouse together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shipment {
    /// Its id.
    pub shipment_id: ShipmentId,
    /// From where.
    pub warehouse_id: WarehouseId,
    /// Where it stands.
    pub status: ShipmentStatus,
    /// What is in it.
    pub items: Vec<ShipmentItem>,
    /// Its way, once it has left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking: Option<Box<Tracking>>,
}

/// Units of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The line.
    pub line_id: u32,
    /// How many.
    pub quantity: u32,
}

/// What is known of a shipment's way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tracking {
    /// When it was handed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipped_at: Option<Timestamp>,
    /// When it arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<Timestamp>,
    /// What was last heard.
    #[serde(flatten)]
    pub news: TrackingNews,
}

/// What was heard of a shipment's way. What is left out stays as it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackingNews {
    /// Who carries it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// The carrier's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_number: Option<String>,
    /// The day on which it should arrive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_delivery: Option<Date>,
    /// For people: what went wrong, where it lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl TrackingNews {
    /// Whether taking it in would change nothing.
    #[must_use]
    pub fn adds_nothing_to(&self, known: &Self) -> bool {
        let mut after = known.clone();
        after.take_in(self);
        after == *known
    }

    pub(crate) fn take_in(&mut self, news: &Self) {
        let Self { carrier, tracking_number, estimated_delivery, note } = news;
        self.carrier = carrier.clone().or_else(|| self.carrier.take());
        self.tracking_number = tracking_number.clone().or_else(|| self.tracking_number.take());
        self.estimated_delivery = estimated_delivery.or(self.estimated_delivery);
        self.note = note.clone().or_else(|| self.note.take());
    }
}

/// A part of a line in a shipment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShipmentItem {
    /// The line.
    pub line_id: u32,
    /// What.
    pub sku: Sku,
    /// How many.
    pub quantity: u32,
}

/// One choice of payment method, its authorisation and what followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Its id; the reference given to the provider.
    pub payment_id: PaymentId,
    /// What the customer chose.
    pub payment_method_id: String,
    /// Where it stands.
    pub status: PaymentStatus,
    /// To be paid.
    pub amount: i64,
    /// Authorised.
    pub authorized: i64,
    /// Captured.
    pub captured: i64,
    /// Given back.
    pub refunded: i64,
    /// The provider's name for it.
    pub reference: Option<String>,
    /// Where the customer confirms.
    pub next_action: Option<NextAction>,
    /// Until when another payment may be tried.
    pub retry_until: Option<Timestamp>,
    /// Why it was declined.
    pub decline_code: Option<String>,
    /// What was or is being given back.
    pub refunds: Vec<Refund>,
    /// What the customer's bank asked back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disputes: Vec<Dispute>,
}

/// Captured money that the customer's bank asked back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispute {
    /// The provider's name for it.
    pub dispute_id: String,
    /// Minor units.
    pub amount: i64,
    /// The provider's word.
    pub reason: String,
    /// Until when the merchant may answer.
    pub respond_by: Option<Timestamp>,
    /// Whether the merchant kept the money; none while it is open.
    pub won: Option<bool>,
}

/// Where a customer confirms a payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextAction {
    /// The provider's page.
    pub url: String,
    /// Until when.
    pub until: Timestamp,
}

/// A refund of a payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Its id.
    pub refund_id: RefundId,
    /// How much.
    pub amount: i64,
    /// Whether the provider has done it.
    pub done: bool,
    /// The order's version that asked for it; 0 in documents that did not say so.
    #[serde(default, skip_serializing_if = "is_early")]
    pub version: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
const fn is_early(version: &u64) -> bool {
    *version == 0
}

/// Why an order is parked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// From 1, within the order.
    pub hold_id: u32,
    /// Who or what parked it.
    pub source: HoldSource,
    /// For people.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// Who or what parked an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldSource {
    /// A person, through the API.
    Manual,
    /// The risk policy asked for a review.
    Risk,
    /// A policy failed, and its binding says `hold`.
    PolicyFailure,
    /// The outcome of a payment operation is unknown.
    PaymentUnknown,
    /// The customer's bank asks for captured money.
    Dispute,
}

/// Something that the order still has to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// From 1, within the order.
    pub task_id: u32,
    /// What.
    pub kind: TaskKind,
    /// Not before this.
    pub due: Timestamp,
}

/// What a task does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TaskKind {
    /// Authorise a payment.
    Authorize {
        /// Which.
        payment_id: PaymentId,
    },
    /// Capture an authorised payment.
    Capture {
        /// Which.
        payment_id: PaymentId,
    },
    /// Give up an authorisation.
    Void {
        /// Which.
        payment_id: PaymentId,
    },
    /// Give money back.
    Refund {
        /// Of which payment.
        payment_id: PaymentId,
        /// Which refund.
        refund_id: RefundId,
    },
    /// Give up waiting for another payment: release the stock and cancel.
    ExpirePayment,
}

/// Numbers already given out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Tasks.
    pub tasks: u32,
    /// Holds.
    pub holds: u32,
    /// Refunds.
    pub refunds: u32,
}

/// Personal data, encrypted under a key that is kept apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// The key that opens it.
    pub key_id: SealKeyId,
    /// Nonce and ciphertext, base 64.
    pub data: String,
}

/// Personal data in the open. It is held in memory only and sealed before it is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Personal {
    /// The customer's name.
    pub name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Phone number.
    pub phone: Option<String>,
    /// To whom it goes.
    pub shipping: PersonalAddress,
    /// To whom the bill goes.
    pub billing: PersonalAddress,
}

/// The part of an address that names a person or a door.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonalAddress {
    /// The name on it.
    pub name: Option<String>,
    /// Street and number.
    pub street: Option<String>,
}

impl Order {
    /// The payment that counts now.
    #[must_use]
    pub fn payment(&self) -> Option<&Payment> {
        self.payments.last()
    }

    /// Whether it is parked.
    #[must_use]
    pub fn is_held(&self) -> bool {
        !self.holds.is_empty()
    }

    /// Whether a task may run now. While an order is held nothing is captured; giving money back waits only for an
    /// operator who must look at an unknown payment.
    #[must_use]
    pub fn is_runnable(&self, task: &Task) -> bool {
        let parked = self.holds.iter().any(|h| h.source == HoldSource::PaymentUnknown);
        match task.kind {
            // Cancelling frees an order of every hold but the one for an unknown payment.
            TaskKind::Capture { .. } => !self.is_held(),
            // What an operator must look at is not tried again behind his back.
            TaskKind::Authorize { .. } | TaskKind::Void { .. } | TaskKind::Refund { .. } => !parked,
            TaskKind::ExpirePayment => true,
        }
    }

    /// The earliest moment at which something is to be done.
    #[must_use]
    pub fn wake_at(&self) -> Option<Timestamp> {
        self.tasks.iter().filter(|t| self.is_runnable(t)).map(|t| t.due).min()
    }

    /// A shipment of it.
    #[must_use]
    pub fn shipment(&self, shipment_id: ShipmentId) -> Option<&Shipment> {
        self.shipments.iter().find(|s| s.shipment_id == shipment_id)
    }

    /// What is reserved for it: SKU, warehouse and units, summed and sorted. Nothing once it is cancelled or shipped.
    #[must_use]
    pub fn reservations(&self) -> Vec<(Sku, WarehouseId, i64)> {
        self.units(ShipmentStatus::is_open)
    }

    /// What has left the shelves for it: SKU, warehouse and units, summed and sorted.
    #[must_use]
    pub fn taken_units(&self) -> Vec<(Sku, WarehouseId, i64)> {
        self.units(ShipmentStatus::has_left)
    }

    fn units(&self, counts: fn(ShipmentStatus) -> bool) -> Vec<(Sku, WarehouseId, i64)> {
        let mut sums = std::collections::BTreeMap::new();
        for shipment in self.shipments.iter().filter(|s| counts(s.status)) {
            for item in &shipment.items {
                *sums.entry((item.sku.clone(), shipment.warehouse_id.clone())).or_insert(0i64) +=
                    i64::from(item.quantity);
            }
        }
        sums.into_iter().map(|((sku, warehouse), units)| (sku, warehouse, units)).collect()
    }
}
