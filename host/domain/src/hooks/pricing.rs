//! The pricing hook: what is taken off the prices.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Context, Destination, LawBroken, broken};
use crate::ids::{CustomerId, SellerId, Sku};
use crate::money::Currency;

/// The most discounts on one line.
pub const LINE_DISCOUNTS_MAX: usize = 10;
/// The most discounts on the whole order.
pub const ORDER_DISCOUNTS_MAX: usize = 20;

/// What the pricing policy is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Clock and configuration.
    pub context: Context,
    /// The currency of every amount.
    pub currency: Currency,
    /// Whether the prices already contain the tax.
    pub prices_include_tax: bool,
    /// Where the goods go.
    pub destination: Destination,
    /// The merchant's name for the customer.
    pub customer_id: Option<CustomerId>,
    /// As the customer entered them.
    pub discount_codes: Vec<String>,
    /// The lines.
    pub lines: Vec<Line>,
}

/// A line to be priced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Number within the order, from 1.
    pub line_id: u32,
    /// What is ordered.
    pub sku: Sku,
    /// Units.
    pub quantity: u32,
    /// Of one unit, in minor units.
    pub price: i64,
    /// Whose goods these are; none means the merchant's own.
    pub seller_id: Option<SellerId>,
}

/// The policy's answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// On single lines.
    pub lines: Vec<LineDiscount>,
    /// On the whole order.
    pub order: Vec<Discount>,
}

/// A discount on one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineDiscount {
    /// The line.
    pub line_id: u32,
    /// What is taken off.
    pub discount: Discount,
}

/// Something that is taken off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discount {
    /// Minor units.
    pub amount: i64,
    /// What the customer reads.
    pub name: String,
    /// The code that gave it.
    pub code: Option<String>,
}

/// What a line costs before discounts, in minor units.
fn cost(line: &Line) -> i128 {
    i128::from(line.price) * i128::from(line.quantity)
}

/// Checks the laws: no discount is negative, a line's are at most what it costs, all are at most what the goods cost.
///
/// # Errors
/// The first law broken, naming the line.
pub fn validate(input: &Input, answer: Answer) -> Result<Answer, LawBroken> {
    let costs: BTreeMap<u32, i128> = input.lines.iter().map(|line| (line.line_id, cost(line))).collect();
    let mut taken: BTreeMap<u32, (usize, i128)> = BTreeMap::new();
    for LineDiscount { line_id, discount } in &answer.lines {
        let Some(cost) = costs.get(line_id) else {
            return broken(format!("line {line_id} is not in the order"));
        };
        check(input, discount).map_err(|why| LawBroken(format!("line {line_id}: {why}")))?;
        let (count, sum) = taken.entry(*line_id).or_default();
        *count += 1;
        *sum += i128::from(discount.amount);
        if *count > LINE_DISCOUNTS_MAX {
            return broken(format!("line {line_id} has more than {LINE_DISCOUNTS_MAX} discounts"));
        }
        if *sum > *cost {
            return broken(format!("line {line_id} costs {cost}, but {sum} are taken off"));
        }
    }
    if answer.order.len() > ORDER_DISCOUNTS_MAX {
        return broken(format!("the order has more than {ORDER_DISCOUNTS_MAX} discounts"));
    }
    answer.order.iter().try_for_each(|discount| check(input, discount)).map_err(LawBroken)?;
    let cost = costs.values().sum::<i128>();
    let off = taken.values().map(|(_, sum)| sum).sum::<i128>()
        + answer.order.iter().map(|discount| i128::from(discount.amount)).sum::<i128>();
    if off > cost {
        return broken(format!("the goods cost {cost}, but {off} are taken off"));
    }
    Ok(answer)
}

fn check(input: &Input, discount: &Discount) -> Result<(), String> {
    if discount.amount < 0 {
        return Err(format!("discount {} is negative", discount.amount));
    }
    crate::ids::printable(&discount.name, 100).map_err(|why| format!("the discount's name {why}"))?;
    match &discount.code {
        Some(code) if !input.discount_codes.contains(code) => Err(format!("the code {code:?} was not entered")),
        _ => Ok(()),
    }
}
