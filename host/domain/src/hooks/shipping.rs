//! The shipping hook: what shipping costs and when the goods arrive.

use serde::{Deserialize, Serialize};

use super::{Context, Destination, LawBroken, broken};
use crate::ids::{Sku, WarehouseId};
use crate::money::{AMOUNT_MAX, Currency};
use crate::time::Date;

/// The most ways to deliver that an answer may offer.
pub const OPTIONS_MAX: usize = 20;
/// No promise reaches further.
const DAYS_MAX: i64 = 366;

/// What the shipping policy is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Clock and configuration.
    pub context: Context,
    /// The currency of every amount.
    pub currency: Currency,
    /// Where the goods go.
    pub destination: Destination,
    /// The customer's wish, `standard` or `express` and the like.
    pub delivery_preference: Option<String>,
    /// The day the customer asked for.
    pub requested_delivery_date: Option<Date>,
    /// The lines.
    pub lines: Vec<Line>,
    /// What will be sent from where, by the best plan known.
    pub parcels: Vec<Parcel>,
}

/// A line to be delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Number within the order, from 1.
    pub line_id: u32,
    /// What is ordered.
    pub sku: Sku,
    /// Units.
    pub quantity: u32,
    /// Price times quantity less discounts, in minor units.
    pub amount: i64,
}

/// All that one warehouse sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    /// From where.
    pub warehouse_id: WarehouseId,
    /// ISO 3166 alpha-2.
    pub country: String,
    /// State or region code.
    pub region: Option<String>,
    /// Postal code.
    pub zip: Option<String>,
    /// What is in it.
    pub items: Vec<Item>,
}

/// A part of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The line.
    pub line_id: u32,
    /// Units.
    pub quantity: u32,
}

/// The policy's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Best first: an order is charged the first.
    pub options: Vec<Offer>,
}

/// A way to deliver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// What it is called.
    pub service: String,
    /// Minor units.
    pub cost: i64,
    /// The day on which all of it has arrived.
    pub arrives: Option<Date>,
}

/// Checks the laws: one to twenty options with a name, no negative cost, no day in the past or beyond a year.
///
/// # Errors
/// The first law broken, naming the option.
pub fn validate(input: &Input, answer: Answer) -> Result<Answer, LawBroken> {
    if answer.options.is_empty() || answer.options.len() > OPTIONS_MAX {
        return broken(format!("{} options are offered, 1 to {OPTIONS_MAX} are allowed", answer.options.len()));
    }
    let today = input.context.now.date();
    let latest = input.context.now.plus_seconds(DAYS_MAX * 86_400).date();
    for (index, offer) in answer.options.iter().enumerate() {
        let broken = |why: String| broken(format!("option {}: {why}", index + 1));
        if let Err(why) = crate::ids::printable(&offer.service, 100) {
            return broken(format!("the service {why}"));
        }
        if !(0..=AMOUNT_MAX).contains(&offer.cost) {
            return broken(format!("a cost of {} is negative or larger than can be computed with", offer.cost));
        }
        if let Some(day) = offer.arrives.filter(|day| *day < today || *day > latest) {
            return broken(format!("it arrives on {day}, which is not between {today} and {latest}"));
        }
    }
    Ok(answer)
}
