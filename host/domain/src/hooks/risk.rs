//! The risk hook: whether an order is accepted, parked for a person, or refused.

use serde::{Deserialize, Serialize};

use super::{Context, Destination, LawBroken, broken};
use crate::ids::{CustomerId, OrderId, Sku};
use crate::money::Currency;

/// What the risk policy is asked. It sees no name, no full e-mail address and no street.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Clock and configuration.
    pub context: Context,
    /// The id that the order will have.
    pub order_id: OrderId,
    /// The currency of every amount.
    pub currency: Currency,
    /// What the customer pays in all, in minor units.
    pub total: i64,
    /// The lines.
    pub lines: Vec<Line>,
    /// Where the goods go.
    pub destination: Destination,
    /// Where the bill goes, ISO 3166 alpha-2.
    pub billing_country: Option<String>,
    /// The merchant's name for the customer.
    pub customer_id: Option<CustomerId>,
    /// What follows the @ of the customer's address.
    pub email_domain: Option<String>,
    /// The method chosen.
    pub payment_method_id: String,
}

/// A line as the risk policy sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Number within the order, from 1.
    pub line_id: u32,
    /// What is ordered.
    pub sku: Sku,
    /// Units.
    pub quantity: u32,
    /// Price of one unit, in minor units.
    pub price: i64,
}

/// The policy's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// What is to happen.
    pub verdict: Verdict,
    /// 0 (no risk) to 1000.
    pub score: u16,
    /// Why, for people.
    pub reasons: Vec<String>,
}

/// What is to happen to the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Go on.
    Accept,
    /// Place it, but authorise nothing until a person releases it.
    Review,
    /// Refuse it.
    Reject,
}

/// Checks the laws: score within 0 to 1000, at most 20 reasons of 200 characters.
///
/// # Errors
/// The first law broken.
pub fn validate(_input: &Input, answer: Answer) -> Result<Answer, LawBroken> {
    if answer.score > 1000 {
        return broken(format!("score {} is above 1000", answer.score));
    }
    if answer.reasons.len() > 20 {
        return broken("more than 20 reasons");
    }
    if answer.reasons.iter().any(|r| crate::ids::printable(r, 200).is_err()) {
        return broken("a reason is empty, longer than 200 characters or has control characters");
    }
    Ok(answer)
}
