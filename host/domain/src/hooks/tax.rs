//! The tax hook: how much tax each line and the shipping carry.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Context, Destination, LawBroken, broken};
use crate::ids::Sku;
use crate::money::Currency;

/// What the tax policy is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Clock (the tax date) and configuration.
    pub context: Context,
    /// The currency of every amount.
    pub currency: Currency,
    /// Whether the amounts already contain the tax.
    pub prices_include_tax: bool,
    /// Where the goods go.
    pub destination: Destination,
    /// The customer's exemption certificate, if any.
    pub exemption: Option<String>,
    /// The lines, after discounts.
    pub lines: Vec<Line>,
    /// What shipping costs, in minor units.
    pub shipping: i64,
}

/// A line to be taxed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Number within the order, from 1.
    pub line_id: u32,
    /// What is ordered.
    pub sku: Sku,
    /// The merchant's tax class, such as `general` or `food`.
    pub tax_code: Option<String>,
    /// Units.
    pub quantity: u32,
    /// Price times quantity less discounts, in minor units.
    pub amount: i64,
}

/// The policy's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// One entry per line.
    pub lines: Vec<LineTax>,
    /// The tax on shipping.
    pub shipping: Charge,
}

/// The tax of one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineTax {
    /// The line.
    pub line_id: u32,
    /// What it carries.
    pub charge: Charge,
}

/// An amount of tax with the rate it came from, as invoices show it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// Minor units.
    pub amount: i64,
    /// Millionths: 19 % is 190,000.
    pub rate_ppm: u32,
    /// What the law calls it, such as `VAT` or `TX sales tax`.
    pub name: String,
}

/// Checks the laws: each line once, no tax negative or above its base, names of at most 100 printable characters.
///
/// # Errors
/// The first law broken, naming the line.
pub fn validate(input: &Input, answer: Answer) -> Result<Answer, LawBroken> {
    let bases: BTreeMap<u32, i64> = input.lines.iter().map(|l| (l.line_id, l.amount)).collect();
    let mut seen = std::collections::BTreeSet::new();
    for tax in &answer.lines {
        let Some(&base) = bases.get(&tax.line_id) else {
            return broken(format!("line {} is not in the order", tax.line_id));
        };
        if !seen.insert(tax.line_id) {
            return broken(format!("line {} is taxed twice", tax.line_id));
        }
        check(&tax.charge, base).map_err(|why| LawBroken(format!("line {}: {why}", tax.line_id)))?;
    }
    if let Some(missing) = input.lines.iter().find(|l| !seen.contains(&l.line_id)) {
        return broken(format!("line {} has no tax entry", missing.line_id));
    }
    check(&answer.shipping, input.shipping).map_err(|why| LawBroken(format!("shipping: {why}")))?;
    Ok(answer)
}

fn check(charge: &Charge, base: i64) -> Result<(), String> {
    if charge.amount < 0 {
        return Err(format!("tax {} is negative", charge.amount));
    }
    if charge.amount > base {
        return Err(format!("tax {} is more than the amount taxed, {base}", charge.amount));
    }
    // A charge of zero may go without a name.
    if charge.name.is_empty() {
        return Ok(());
    }
    crate::ids::printable(&charge.name, 100).map_err(|why| format!("the tax name {why}"))
}
