//! From a priced basket and a routing plan to a placed order.

use crate::hooks::routing::{self, Plan};
use crate::hooks::{Destination, pricing, tax};
use crate::ids::{CustomerId, ExternalId, OrderId, PaymentId, ShipmentId, Sku, TenantId, WarehouseId};
use crate::money::{self, AMOUNT_MAX, Currency};
use crate::order::{
    Amounts, AppliedDiscount, Counters, Credits, Hold, HoldSource, Line, Order, Payment, Sealed, Shipment,
    ShipmentItem, ShippingRefund, Task, TaskKind,
};
use crate::status::{OrderStatus, PaymentStatus, ShipmentStatus};
use crate::time::{Date, Timestamp};
use crate::{event::Event, transition};

/// An order that lacks only the choice of warehouses. Whatever plan the locked stock allows, the rest is decided.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Allocated before the first decision, so that a canary's bucket can depend on it.
    pub order_id: OrderId,
    /// The merchant.
    pub tenant_id: TenantId,
    /// The moment of the decision.
    pub placed_at: Timestamp,
    /// The merchant's own number.
    pub external_id: Option<ExternalId>,
    /// The customer.
    pub customer_id: Option<CustomerId>,
    /// The currency of every amount.
    pub currency: Currency,
    /// Whether prices contain the tax.
    pub prices_include_tax: bool,
    /// The basket with its taxes.
    pub lines: Vec<Line>,
    /// What is taken off, and why.
    pub discounts: Vec<AppliedDiscount>,
    /// What it comes to.
    pub amounts: Amounts,
    /// The tax on shipping.
    pub shipping_tax: tax::Charge,
    /// What the customer pays with.
    pub payment_method_id: String,
    /// Reasons to park it from the start.
    pub holds: Vec<(HoldSource, String)>,
    /// Where it goes.
    pub destination: Destination,
    /// Where the bill goes.
    pub billing: Option<Destination>,
    /// Personal data.
    pub personal: Option<Sealed>,
    /// Delivery wish.
    pub delivery_preference: Option<String>,
    /// The day asked for.
    pub requested_delivery_date: Option<Date>,
    /// The day promised.
    pub estimated_delivery: Option<Date>,
    /// As given.
    pub discount_codes: Vec<String>,
    /// As given.
    pub tax_exemption: Option<String>,
    /// As given, a JSON object.
    pub metadata: Option<String>,
    /// How long a declined payment may be tried again, in seconds.
    pub payment_retry_seconds: u32,
    /// Whether parts give back something of the shipping cost.
    pub shipping_refund: ShippingRefund,
    /// What the routing policy was asked; the native allocator works on the same warehouses.
    pub routing: std::sync::Arc<routing::Input>,
}

/// Why a basket cannot be priced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the order's total is larger than can be computed with")]
pub struct TotalTooLarge;

/// What a line costs before discounts and tax, in minor units; at most [`AMOUNT_MAX`] once its basket was added up.
#[must_use]
pub fn line_cost(line: &Line) -> i64 {
    line.price.saturating_mul(i64::from(line.quantity))
}

/// Takes the pricing policy's discounts off the lines. Each discount on the whole order is shared out in proportion to
/// what the lines still cost, by largest remainder, ties by line (DESIGN, invariant 3).
///
/// The basket was added up before, and the answer keeps the hook's laws: so no line comes to less than nothing.
#[must_use]
pub fn discount(lines: &mut [Line], answer: pricing::Answer) -> Vec<AppliedDiscount> {
    let mut applied = Vec::with_capacity(answer.lines.len() + answer.order.len());
    for pricing::LineDiscount { line_id, discount } in answer.lines {
        if let Some(line) = lines.iter_mut().find(|line| line.line_id == line_id) {
            line.discount += discount.amount;
            applied.push(AppliedDiscount { line_id: Some(line_id), discount });
        }
    }
    for discount in answer.order {
        let left: Vec<i64> = lines.iter().map(|line| line_cost(line) - line.discount).collect();
        for (line, share) in lines.iter_mut().zip(money::allocate(discount.amount, &left)) {
            line.discount += share;
        }
        applied.push(AppliedDiscount { line_id: None, discount });
    }
    applied
}

/// Adds up a basket exactly.
///
/// # Errors
/// [`TotalTooLarge`] beyond [`AMOUNT_MAX`] minor units.
pub fn add_up(
    lines: &[Line],
    shipping_cost: i64,
    shipping_tax: i64,
    prices_include_tax: bool,
) -> Result<Amounts, TotalTooLarge> {
    let sum = |values: &mut dyn Iterator<Item = i128>| values.sum::<i128>();
    let subtotal = sum(&mut lines.iter().map(|l| i128::from(l.price) * i128::from(l.quantity)));
    let tax = sum(&mut lines.iter().map(|l| i128::from(l.tax.amount))) + i128::from(shipping_tax);
    let discount = sum(&mut lines.iter().map(|l| i128::from(l.discount)));
    let added_tax = if prices_include_tax { 0 } else { tax };
    let total = subtotal - discount + i128::from(shipping_cost) + added_tax;
    let small = |value: i128| i64::try_from(value).ok().filter(|v| *v <= AMOUNT_MAX).ok_or(TotalTooLarge);
    Ok(Amounts {
        subtotal: small(subtotal)?,
        discount: small(discount)?,
        shipping_cost,
        tax: small(tax)?,
        total: small(total)?,
    })
}

impl Draft {
    /// The placed order under a plan, with the events that made it: version 1, and version 2 where nothing is to be paid.
    #[must_use]
    pub fn place(&self, plan: &Plan) -> (Order, Vec<Event>) {
        let first = self.document(plan);
        let mut events = vec![Event::Placed(Box::new(first.clone()))];
        let mut order = first;
        if order.amounts.total == 0 && !order.is_held() {
            let event = Event::PaymentNotRequired {};
            order = transition::apply(order, &event, self.placed_at);
            events.push(event);
        }
        (order, events)
    }

    fn document(&self, plan: &Plan) -> Order {
        let payable = self.amounts.total > 0;
        let held = !self.holds.is_empty();
        let payment_id = PaymentId::derived(self.order_id, 1);
        let holds = (1..)
            .zip(&self.holds)
            .map(|(hold_id, (source, reason))| Hold {
                hold_id,
                source: *source,
                reason: reason.clone(),
                since: self.placed_at,
            })
            .collect();
        let pays_now = payable && !held;
        let tasks = if pays_now {
            vec![Task { task_id: 1, kind: TaskKind::Authorize { payment_id }, due: self.placed_at }]
        } else {
            Vec::new()
        };
        let payments = if payable {
            vec![Payment::new(payment_id, &self.payment_method_id, self.amounts.total)]
        } else {
            Vec::new()
        };
        Order {
            order_id: self.order_id,
            tenant_id: self.tenant_id,
            version: 1,
            status: if pays_now { OrderStatus::PaymentPending } else { OrderStatus::Placed },
            placed_at: self.placed_at,
            updated_at: self.placed_at,
            estimated_delivery: self.estimated_delivery,
            external_id: self.external_id.clone(),
            customer_id: self.customer_id.clone(),
            currency: self.currency,
            prices_include_tax: self.prices_include_tax,
            lines: self.lines.clone(),
            discounts: self.discounts.clone(),
            amounts: self.amounts,
            shipping_tax: self.shipping_tax.clone(),
            shipments: self.shipments(plan),
            payments,
            counters: Counters { tasks: u32::from(pays_now), holds: self.holds.len() as u32, refunds: 0 },
            holds,
            tasks,
            destination: self.destination.clone(),
            billing: self.billing.clone(),
            personal: self.personal.clone(),
            delivery_preference: self.delivery_preference.clone(),
            requested_delivery_date: self.requested_delivery_date,
            discount_codes: self.discount_codes.clone(),
            tax_exemption: self.tax_exemption.clone(),
            metadata: self.metadata.clone(),
            payment_retry_seconds: self.payment_retry_seconds,
            cancel_reason: None,
            credits: Credits::default(),
            shipping_refund: self.shipping_refund,
        }
    }

    fn shipments(&self, plan: &Plan) -> Vec<Shipment> {
        let mut shipments: Vec<Shipment> = Vec::new();
        for part in &plan.allocations {
            let Some(line) = self.lines.iter().find(|l| l.line_id == part.line_id) else {
                continue;
            };
            let item = ShipmentItem { line_id: part.line_id, sku: line.sku.clone(), quantity: part.quantity };
            match shipments.iter_mut().find(|s| s.warehouse_id == part.warehouse_id) {
                Some(shipment) => shipment.add(item),
                None => shipments.push(Shipment {
                    shipment_id: ShipmentId::derived(self.order_id, shipments.len() as u32 + 1),
                    warehouse_id: part.warehouse_id.clone(),
                    status: ShipmentStatus::Pending,
                    items: vec![item],
                    tracking: None,
                }),
            }
        }
        shipments
    }

    /// What was asked for, per SKU, and what the given stock can promise to this order: the SKUs that fall short.
    ///
    /// Only warehouses of a line's own seller count.
    #[must_use]
    pub fn shortages(&self, available: &dyn Fn(&Sku, &WarehouseId) -> i64) -> Vec<Shortage> {
        let mut shortages: Vec<Shortage> = Vec::new();
        let mut groups: std::collections::BTreeMap<(&Sku, _), i64> = std::collections::BTreeMap::new();
        for line in &self.routing.lines {
            *groups.entry((&line.sku, &line.seller_id)).or_default() += i64::from(line.quantity);
        }
        for ((sku, seller), requested) in groups {
            let warehouses = self.routing.warehouses.iter().filter(|w| w.seller_id == *seller);
            let available = warehouses.map(|w| available(sku, &w.warehouse_id).max(0)).fold(0, i64::saturating_add);
            if available < requested {
                match shortages.iter_mut().find(|s| s.sku == *sku) {
                    Some(shortage) => {
                        shortage.requested += requested;
                        shortage.available = shortage.available.saturating_add(available);
                    }
                    None => shortages.push(Shortage { sku: sku.clone(), requested, available }),
                }
            }
        }
        shortages
    }
}

/// A SKU of which there is not enough.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Shortage {
    /// Which.
    pub sku: Sku,
    /// Units asked for.
    pub requested: i64,
    /// Units that could be promised.
    pub available: i64,
}

impl Shipment {
    pub(crate) fn add(&mut self, item: ShipmentItem) {
        match self.items.iter_mut().find(|i| i.line_id == item.line_id) {
            Some(same) => same.quantity += item.quantity,
            None => self.items.push(item),
        }
    }
}

impl Payment {
    /// A payment about which nothing is known yet.
    #[must_use]
    pub fn new(payment_id: PaymentId, payment_method_id: &str, amount: i64) -> Self {
        Self {
            payment_id,
            payment_method_id: payment_method_id.to_owned(),
            status: PaymentStatus::Pending,
            amount,
            authorized: 0,
            captured: 0,
            refunded: 0,
            reference: None,
            next_action: None,
            retry_until: None,
            decline_code: None,
            refunds: Vec::new(),
            disputes: Vec::new(),
        }
    }
}
