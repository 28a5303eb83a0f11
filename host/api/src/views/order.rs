//! An order as the API shows it.

use domain::hooks::Destination;
use domain::ids::{CustomerId, ExternalId, OrderId, RefundId, SellerId, ShipmentId, Sku, WarehouseId};
use domain::money::Currency;
use domain::order::{
    AppliedDiscount, Hold, HoldSource, Line, LineStatus, Order, Payment, Personal, PersonalAddress, Refund, Shipment,
    TrackingNews,
};
use domain::status::{OrderStatus, PaymentStatus, ShipmentStatus};
use domain::time::Date;
use serde::Serialize;
use utoipa::ToSchema;

use super::{AnyJson, Money, Time};

/// An order: where it stands, what it comes to, how it ships and how it is paid.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Order)]
pub struct OrderView {
    #[schema(value_type = String, example = "ord_01jqxk3v9y8m2n4p6r8t0w2x4z")]
    order_id: OrderId,
    /// The number of the order's events, and its `ETag`.
    version: u64,
    /// `placed`, `payment_pending`, `payment_failed`, `payment_confirmed`, `processing`, `partially_shipped`, `shipped`,
    /// `out_for_delivery`, `delivered`, `returned` or `cancelled`; more may come.
    status: &'static str,
    placed_at: Time,
    /// The day on which all of it should have arrived.
    #[schema(value_type = Option<String>, format = Date)]
    estimated_delivery: Option<Date>,
    /// The merchant's own number.
    #[schema(value_type = Option<String>)]
    external_id: Option<ExternalId>,
    /// ISO 4217, of every amount.
    #[schema(value_type = String, example = "USD")]
    currency: Currency,
    /// Prices times quantities.
    subtotal: Money,
    /// Taken off, on lines and on the whole order.
    discount: Money,
    /// What was taken off, and why; left out where nothing was.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    discounts: Vec<DiscountView>,
    shipping_cost: Money,
    /// All tax, also where the prices contain it.
    tax: Money,
    /// What the customer pays.
    total: Money,
    items: Vec<LineView>,
    shipments: Vec<ShipmentView>,
    /// Null where there is nothing to pay.
    payment: Option<PaymentView>,
    /// Why it is parked; empty where it is not.
    holds: Vec<HoldView>,
}

/// A line of an order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderLine)]
struct LineView {
    /// From 1, in the order of the request.
    line_id: u32,
    #[schema(value_type = String)]
    sku_id: Sku,
    quantity: u32,
    /// Of one unit.
    price: Money,
    /// Taken off the whole line: its own discounts, and its share of the order's. Left out where nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    discount: Option<Money>,
    /// Of the whole line.
    tax: Money,
    /// `active` or `cancelled`.
    status: &'static str,
    /// How many of the units were cancelled. Left out where none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    cancelled_quantity: Option<u32>,
    /// What the customer need not pay after all, or gets back, for units of the line. Left out where nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    credited: Option<Money>,
    /// The shipment that has the line; null where it is split over several, which `shipments` lists.
    #[schema(value_type = Option<String>)]
    shipment_id: Option<ShipmentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    seller_id: Option<SellerId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tax_code: Option<String>,
}

/// Something that was taken off.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderDiscount)]
struct DiscountView {
    /// What the customer reads.
    #[schema(example = "Spring sale")]
    name: String,
    amount: Money,
    /// The line that it is on; null for the whole order.
    line_id: Option<u32>,
    /// The code that gave it.
    code: Option<String>,
}

impl DiscountView {
    fn new(order: &Order, applied: &AppliedDiscount) -> Self {
        let AppliedDiscount { line_id, discount } = applied;
        Self {
            name: discount.name.clone(),
            amount: Money::new(order.currency, discount.amount),
            line_id: *line_id,
            code: discount.code.clone(),
        }
    }
}

/// What leaves one warehouse together.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Shipment)]
struct ShipmentView {
    #[schema(value_type = String)]
    shipment_id: ShipmentId,
    #[schema(value_type = String)]
    warehouse: WarehouseId,
    /// `pending`, `packed`, `shipped`, `in_transit`, `out_for_delivery`, `delivered`, `exception` or `cancelled`.
    status: &'static str,
    items: Vec<ShipmentItemView>,
    /// Who carries it, once that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    carrier: Option<String>,
    /// The carrier's number, once it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    tracking_number: Option<String>,
    /// The day on which it should arrive, once it is on its way.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    estimated_delivery: Option<Date>,
    /// What was last said of its way; of an `exception`, what went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shipped_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered_at: Option<Time>,
}

/// A part of a line in a shipment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShipmentItem)]
struct ShipmentItemView {
    line_id: u32,
    #[schema(value_type = String)]
    sku_id: Sku,
    quantity: u32,
}

/// How an order is paid. The amounts cover every attempt that was not voided; the rest is the current one's.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Payment)]
struct PaymentView {
    /// `pending`, `requires_action`, `authorized`, `partially_captured`, `captured`, `partially_refunded`, `refunded`,
    /// `voided`, `failed` or `unknown`.
    status: &'static str,
    authorized: Money,
    captured: Money,
    refunded: Money,
    /// What the customer must do.
    next_action: Option<NextActionView>,
    /// Until when another payment may be tried after a decline.
    retry_until: Option<Time>,
    payment_method_id: String,
    /// Why the provider declined it.
    #[serde(skip_serializing_if = "Option::is_none")]
    decline_code: Option<String>,
    /// What was or is being given back, of every attempt. Left out where nothing was.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    refunds: Vec<RefundView>,
}

/// Money that was or is being given back.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Refund)]
struct RefundView {
    #[schema(value_type = String)]
    refund_id: RefundId,
    amount: Money,
    /// `pending` or `refunded`.
    status: &'static str,
}

impl RefundView {
    fn new(order: &Order, refund: &Refund) -> Self {
        let status = if refund.done { "refunded" } else { "pending" };
        Self { refund_id: refund.refund_id, amount: Money::new(order.currency, refund.amount), status }
    }
}

/// Where the customer confirms a payment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NextAction)]
struct NextActionView {
    /// `redirect`.
    r#type: &'static str,
    url: String,
    expires_at: Time,
}

/// Why an order is parked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Hold)]
struct HoldView {
    hold_id: u32,
    /// `manual`, `risk`, `policy_failure`, `payment_unknown` or `dispute`.
    source: &'static str,
    reason: String,
    since: Time,
}

impl OrderView {
    /// The order's core, without personal data.
    #[must_use]
    pub fn new(order: &Order) -> Self {
        let money = |minor| Money::new(order.currency, minor);
        Self {
            order_id: order.order_id,
            version: order.version,
            status: order.status.name(),
            placed_at: Time(order.placed_at),
            estimated_delivery: order.estimated_delivery,
            external_id: order.external_id.clone(),
            currency: order.currency,
            subtotal: money(order.amounts.subtotal),
            discount: money(order.amounts.discount),
            discounts: order.discounts.iter().map(|discount| DiscountView::new(order, discount)).collect(),
            shipping_cost: money(order.amounts.shipping_cost),
            tax: money(order.amounts.tax),
            total: money(order.amounts.total),
            items: order.lines.iter().map(|line| LineView::new(order, line)).collect(),
            shipments: order.shipments.iter().map(ShipmentView::new).collect(),
            payment: order.payment().map(|payment| PaymentView::new(order, payment)),
            holds: order.holds.iter().map(HoldView::new).collect(),
        }
    }
}

impl LineView {
    fn new(order: &Order, line: &Line) -> Self {
        let over = order.status == OrderStatus::Cancelled;
        let counted = order.shipments.iter().filter(|s| over || s.status != ShipmentStatus::Cancelled);
        let mut holding = counted.filter(|s| s.units_of(line.line_id) > 0);
        let (first, second) = (holding.next(), holding.next());
        Self {
            line_id: line.line_id,
            sku_id: line.sku.clone(),
            quantity: line.quantity,
            discount: (line.discount != 0).then(|| Money::new(order.currency, line.discount)),
            price: Money::new(order.currency, line.price),
            tax: Money::new(order.currency, line.tax.amount),
            status: line_status(line.status),
            cancelled_quantity: (line.cancelled != 0).then_some(line.cancelled),
            credited: (line.credited != 0).then(|| Money::new(order.currency, line.credited)),
            shipment_id: first.filter(|_| second.is_none()).map(|shipment| shipment.shipment_id),
            title: line.title.clone(),
            seller_id: line.seller_id.clone(),
            tax_code: line.tax_code.clone(),
        }
    }
}

impl ShipmentView {
    fn new(shipment: &Shipment) -> Self {
        let items = shipment.items.iter();
        let tracking = shipment.tracking.as_deref().cloned().unwrap_or_default();
        let TrackingNews { carrier, tracking_number, estimated_delivery, note } = tracking.news;
        Self {
            carrier,
            tracking_number,
            estimated_delivery,
            note,
            shipped_at: tracking.shipped_at.map(Time),
            delivered_at: tracking.delivered_at.map(Time),
            shipment_id: shipment.shipment_id,
            warehouse: shipment.warehouse_id.clone(),
            status: shipment.status.name(),
            items: items
                .map(|item| ShipmentItemView {
                    line_id: item.line_id,
                    sku_id: item.sku.clone(),
                    quantity: item.quantity,
                })
                .collect(),
        }
    }
}

impl PaymentView {
    fn new(order: &Order, current: &Payment) -> Self {
        let sum = |amount: fn(&Payment) -> i64| {
            let counted = order
                .payments
                .iter()
                .filter(|p| p.payment_id == current.payment_id || p.status != PaymentStatus::Voided);
            Money::new(order.currency, counted.map(amount).sum())
        };
        let next_action = current.next_action.as_ref().filter(|_| current.status == PaymentStatus::RequiresAction);
        Self {
            status: current.status.name(),
            authorized: sum(|p| p.authorized),
            captured: sum(|p| p.captured),
            refunded: sum(|p| p.refunded),
            next_action: next_action.map(|action| NextActionView {
                r#type: "redirect",
                url: action.url.clone(),
                expires_at: Time(action.until),
            }),
            retry_until: current.retry_until.map(Time),
            payment_method_id: current.payment_method_id.clone(),
            decline_code: current.decline_code.clone(),
            refunds: order.payments.iter().flat_map(|p| &p.refunds).map(|r| RefundView::new(order, r)).collect(),
        }
    }
}

impl HoldView {
    fn new(hold: &Hold) -> Self {
        let source = hold_source(hold.source);
        Self { hold_id: hold.hold_id, source, reason: hold.reason.clone(), since: Time(hold.since) }
    }
}

/// The name of a line's status.
#[must_use]
pub const fn line_status(status: LineStatus) -> &'static str {
    match status {
        LineStatus::Active => "active",
        LineStatus::Cancelled => "cancelled",
    }
}

/// The name of what parked an order.
#[must_use]
pub const fn hold_source(source: HoldSource) -> &'static str {
    match source {
        HoldSource::Manual => "manual",
        HoldSource::Risk => "risk",
        HoldSource::PolicyFailure => "policy_failure",
        HoldSource::PaymentUnknown => "payment_unknown",
        HoldSource::Dispute => "dispute",
    }
}

/// An order with everything that is known about it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderDetails)]
pub struct DetailsView {
    #[serde(flatten)]
    order: OrderView,
    updated_at: Time,
    customer: CustomerView,
    shipping_address: AddressView,
    /// Null where none was given.
    billing_address: Option<AddressView>,
    /// Whether names, streets, e-mail address and phone number were erased.
    personal_data_erased: bool,
    prices_include_tax: bool,
    discount_codes: Vec<String>,
    tax_exemption: Option<String>,
    delivery_preference: Option<String>,
    #[schema(value_type = Option<String>, format = Date)]
    requested_delivery_date: Option<Date>,
    /// The merchant's own JSON object, as it was given.
    metadata: Option<AnyJson>,
    cancel_reason: Option<String>,
}

/// Who ordered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderCustomer)]
struct CustomerView {
    /// The merchant's name for the customer.
    #[schema(value_type = Option<String>)]
    id: Option<CustomerId>,
    name: Option<String>,
    email: Option<String>,
    phone: Option<String>,
}

/// An address of an order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderAddress)]
struct AddressView {
    name: Option<String>,
    street: Option<String>,
    city: Option<String>,
    region: Option<String>,
    zip: Option<String>,
    /// ISO 3166 alpha-2.
    country: String,
}

impl DetailsView {
    /// The order with its personal data; none where there is none or it was erased.
    #[must_use]
    pub fn new(order: &Order, personal: Option<Personal>) -> Self {
        let personal_data_erased = order.personal.is_some() && personal.is_none();
        let personal = personal.unwrap_or_default();
        Self {
            order: OrderView::new(order),
            updated_at: Time(order.updated_at),
            shipping_address: AddressView::new(&order.destination, &personal.shipping),
            billing_address: order.billing.as_ref().map(|place| AddressView::new(place, &personal.billing)),
            customer: CustomerView {
                id: order.customer_id.clone(),
                name: personal.name,
                email: personal.email,
                phone: personal.phone,
            },
            personal_data_erased,
            prices_include_tax: order.prices_include_tax,
            discount_codes: order.discount_codes.clone(),
            tax_exemption: order.tax_exemption.clone(),
            delivery_preference: order.delivery_preference.clone(),
            requested_delivery_date: order.requested_delivery_date,
            metadata: order.metadata.as_deref().map(AnyJson::new),
            cancel_reason: order.cancel_reason.clone(),
        }
    }
}

impl AddressView {
    fn new(place: &Destination, personal: &PersonalAddress) -> Self {
        Self {
            name: personal.name.clone(),
            street: personal.street.clone(),
            city: place.city.clone(),
            region: place.region.clone(),
            zip: place.zip.clone(),
            country: place.country.clone(),
        }
    }
}

/// A cancelled order and what is given back.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CancelledOrder)]
pub struct CancelledView {
    #[serde(flatten)]
    order: OrderView,
    /// What was or is being given back. An authorisation that is only given up moves no money and does not count.
    refund_amount: Money,
    /// `none`, `pending` or `refunded`.
    refund_status: &'static str,
}

impl CancelledView {
    /// The order as the cancellation left it. Of an order that is cancelled as a whole everything that is given back
    /// counts, of one that is not what this cancellation gives back.
    #[must_use]
    pub fn new(order: &Order) -> Self {
        let all = order.status == OrderStatus::Cancelled;
        let (refund_amount, refund_status) = given_back(order, |refund| all || refund.version == order.version);
        Self { order: OrderView::new(order), refund_amount, refund_status }
    }
}

/// An order and what was given back just now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RefundedOrder)]
pub struct RefundedView {
    #[serde(flatten)]
    order: OrderView,
    /// What is being given back by this.
    refund_amount: Money,
    /// `pending` or `refunded`.
    refund_status: &'static str,
}

impl RefundedView {
    /// The order as the refund left it.
    #[must_use]
    pub fn new(order: &Order) -> Self {
        let (refund_amount, refund_status) = given_back(order, |refund| refund.version == order.version);
        Self { order: OrderView::new(order), refund_amount, refund_status }
    }
}

/// How much is given back by these refunds, and how far that is.
fn given_back(order: &Order, counts: impl Fn(&Refund) -> bool) -> (Money, &'static str) {
    let all = order.payments.iter().flat_map(|payment| &payment.refunds);
    let counted: Vec<&Refund> = all.filter(|refund| counts(refund)).collect();
    let status = match counted.as_slice() {
        [] => "none",
        some if some.iter().any(|refund| !refund.done) => "pending",
        _ => "refunded",
    };
    (Money::new(order.currency, counted.iter().map(|refund| refund.amount).sum()), status)
}
