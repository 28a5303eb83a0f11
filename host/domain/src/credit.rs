//! What units of a line are worth when they are given up or back (DESIGN, invariant 3): k of n units of a line come to
//! the line's share, rounded, minus what was given for its units before; so all of them together come to the whole, to
//! the cent. Shipping is allocated to the lines by largest remainder, ties by line.

use crate::event::Credit;
use crate::money;
use crate::order::{Line, Order, Part, ShippingRefund};
use crate::placement::line_cost;

/// Units with the money for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credited {
    /// Line by line, their tax and discount included.
    pub items: Vec<Credit>,
    /// For shipping, in minor units.
    pub shipping: i64,
}

impl Credited {
    /// All of it, in minor units.
    #[must_use]
    pub fn amount(&self) -> i64 {
        self.items.iter().map(|item| item.amount).sum::<i64>() + self.shipping
    }
}

impl Order {
    /// What the customer pays for a line, in minor units: its tax as far as it comes on top, its discounts taken off.
    #[must_use]
    pub fn line_total(&self, line: &Line) -> i64 {
        let tax = if self.prices_include_tax { 0 } else { line.tax.amount };
        line_cost(line) - line.discount + tax
    }

    /// What the customer pays for shipping, in minor units.
    #[must_use]
    pub fn shipping_total(&self) -> i64 {
        let tax = if self.prices_include_tax { 0 } else { self.shipping_tax.amount };
        self.amounts.shipping_cost + tax
    }

    /// What all of it still comes to, in minor units: in the end exactly this is paid and not given back.
    #[must_use]
    pub fn due(&self) -> i64 {
        if self.status == crate::status::OrderStatus::Cancelled {
            return 0;
        }
        (self.amounts.total - self.credits.cancelled - self.credits.refunded).max(0)
    }

    /// What these units are worth. Units whose money was given before are worth nothing more.
    #[must_use]
    pub fn credit_for(&self, parts: &[Part]) -> Credited {
        let mut items: Vec<Credit> = Vec::with_capacity(parts.len());
        for part in parts {
            match items.iter_mut().find(|item| item.line_id == part.line_id) {
                Some(same) => same.quantity += part.quantity,
                None => items.push(Credit { line_id: part.line_id, quantity: part.quantity, amount: 0 }),
            }
        }
        let after = |line: &Line| {
            let added = items.iter().find(|item| item.line_id == line.line_id).map_or(0, |item| item.quantity);
            line.credited_units.saturating_add(added).min(line.quantity)
        };
        let shipping = self.shipping_credit(&after);
        let amounts: Vec<i64> = items
            .iter()
            .map(|item| {
                let line = self.lines.iter().find(|line| line.line_id == item.line_id);
                line.map_or(0, |line| share(self.line_total(line), after(line), line.quantity) - line.credited)
            })
            .collect();
        for (item, amount) in items.iter_mut().zip(amounts) {
            item.amount = amount;
        }
        Credited { items, shipping }
    }

    /// What shipping gives when so many units of each line are given up or back.
    fn shipping_credit(&self, after: &dyn Fn(&Line) -> u32) -> i64 {
        let total = self.shipping_total();
        match self.shipping_refund {
            ShippingRefund::Never => 0,
            ShippingRefund::WithLast if self.lines.iter().all(|line| after(line) == line.quantity) => {
                total - self.credits.shipping
            }
            ShippingRefund::WithLast => 0,
            ShippingRefund::Shared => {
                let weights: Vec<i64> = self.lines.iter().map(|line| self.line_total(line)).collect();
                let shares = money::allocate(total, &weights);
                let given = |units: &dyn Fn(&Line) -> u32| -> i64 {
                    let lines = self.lines.iter().zip(&shares);
                    lines.map(|(line, part)| share(*part, units(line), line.quantity)).sum()
                };
                given(after) - given(&|line| line.credited_units)
            }
        }
    }
}

/// `units` of `of` of an amount from zero up, rounded half up.
fn share(amount: i64, units: u32, of: u32) -> i64 {
    let (amount, units, of) = (i128::from(amount), i128::from(units), i128::from(of.max(1)));
    i64::try_from((2 * amount * units + of) / (2 * of)).expect("a share is not larger than the whole")
}
