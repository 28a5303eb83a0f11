//! Promotions from a list: discount codes, prices by quantity, and discounts on large orders.
//!
//! ```json
//! { "codes": { "SPRING": {"percent": 10, "name": "Spring sale", "from": 2000}, "FIVE": {"amount": 500, "name": "Welcome"} },
//!   "quantities": [ {"sku": "MUG-1", "from": 10, "percent": 5, "name": "Ten or more"} ],
//!   "orders": [ {"from": 10000, "percent": 2, "name": "Large order"} ] }
//! ```
//! Amounts are minor units of the order's currency, percentages whole. `from` is a number of units for quantities, and
//! what the goods cost after the lines' discounts otherwise. Without `sku` a rule holds for every line. Codes are compared
//! without regard to case, each counts once, and all of them count; of the rules for a line, and of those for an order,
//! the one that gives most counts. Never more is taken off than the goods cost.

use std::collections::{BTreeMap, BTreeSet};

use orderwright_sdk::pricing::{Answer, Discount, Input, Line, LineDiscount};
use serde::Deserialize;

#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: orderwright_sdk::bump::Bump = orderwright_sdk::bump::Bump::new();

orderwright_sdk::export_pricing!(promote);

/// What the merchant sets.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// By code.
    pub codes: BTreeMap<String, Rule>,
    /// For lines of many units.
    pub quantities: Vec<Rule>,
    /// For orders of a high value.
    pub orders: Vec<Rule>,
}

/// A discount with its condition.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rule {
    /// What the customer reads.
    pub name: String,
    /// Whole percent.
    pub percent: u8,
    /// Minor units, of a line for each unit.
    pub amount: i64,
    /// The least quantity or value.
    pub from: i64,
    /// The only SKU; of quantities alone.
    pub sku: Option<String>,
}

impl Rule {
    /// What it takes off a value, for so many units.
    fn off(&self, value: i64, units: i64) -> i64 {
        // A percentage rounds down: a customer is never promised more than the rule says.
        let share = i128::from(value) * i128::from(self.percent.min(100)) / 100;
        let fixed = i128::from(self.amount.max(0)) * i128::from(units);
        i64::try_from((share + fixed).min(i128::from(value))).unwrap_or(value)
    }

    fn discount(&self, amount: i64, code: Option<String>) -> Discount {
        let name = if self.name.trim().is_empty() { "Discount" } else { self.name.trim() };
        Discount { amount, name: name.chars().filter(|c| !c.is_control()).take(100).collect(), code }
    }
}

fn promote(input: Input) -> Result<Answer, String> {
    let config: Config = orderwright_sdk::config::read(&input.context)?;
    Ok(decide(&config, &input))
}

/// The decision as a plain function.
pub fn decide(config: &Config, input: &Input) -> Answer {
    let lines: Vec<_> = input.lines.iter().filter_map(|line| of_line(config, line)).collect();
    let cost = input.lines.iter().map(value).fold(0, i64::saturating_add);
    let mut left = lines.iter().fold(cost, |left, line| left - line.discount.amount);
    let value_of_goods = left;
    let mut order = Vec::new();
    let mut take = |rule: &Rule, code: Option<String>, order: &mut Vec<Discount>| {
        let amount = rule.off(value_of_goods, 1).min(left);
        if amount > 0 && value_of_goods >= rule.from {
            left -= amount;
            order.push(rule.discount(amount, code));
        }
    };
    let mut used = BTreeSet::new();
    for entered in &input.discount_codes {
        let known = config.codes.iter().find(|(code, _)| code.eq_ignore_ascii_case(entered.trim()));
        if let Some((code, rule)) = known.filter(|(code, _)| used.insert(*code)) {
            orderwright_sdk::debug!("the code {code} was entered");
            take(rule, Some(entered.clone()), &mut order);
        }
    }
    let best = config.orders.iter().filter(|rule| value_of_goods >= rule.from);
    if let Some(rule) = best.max_by_key(|rule| rule.off(value_of_goods, 1)) {
        take(rule, None, &mut order);
    }
    order.truncate(20);
    Answer { lines, order }
}

fn value(line: &Line) -> i64 {
    line.price.saturating_mul(i64::from(line.quantity))
}

fn of_line(config: &Config, line: &Line) -> Option<LineDiscount> {
    let units = i64::from(line.quantity);
    let fits = |rule: &&Rule| units >= rule.from && rule.sku.as_ref().is_none_or(|sku| *sku == line.sku);
    let best = config.quantities.iter().filter(fits).max_by_key(|rule| rule.off(value(line), units))?;
    let amount = best.off(value(line), units);
    (amount > 0).then(|| LineDiscount { line_id: line.line_id, discount: best.discount(amount, None) })
}

#[cfg(test)]
mod tests;
