//! The notification hook: what is told to whom when something has happened to an order.

use serde::{Deserialize, Serialize};

use super::{Context, LawBroken, broken};
use crate::ids::{ExternalId, OrderId, ShipmentId, Sku};
use crate::money::Currency;
use crate::time::{Date, Timestamp};

/// The most messages that one event may lead to.
pub const MESSAGES_MAX: usize = 10;
/// The longest text of a message, in characters.
pub const TEXT_CHARS_MAX: usize = 20_000;
/// The longest HTML of a message, in characters.
pub const HTML_CHARS_MAX: usize = 100_000;

/// What the notification policy is asked. It sees nothing that names a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Clock and configuration.
    pub context: Context,
    /// What has happened.
    pub event: Event,
    /// The order after it.
    pub order: Order,
}

/// Something that has happened to an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Such as `order.placed`.
    pub name: String,
    /// When.
    pub at: Timestamp,
    /// The order's version that it made.
    pub version: u64,
    /// Why, where somebody gave a reason.
    pub reason: Option<String>,
}

/// An order as a notification policy sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its id.
    pub order_id: OrderId,
    /// The merchant's own number.
    pub external_id: Option<ExternalId>,
    /// Such as `payment_confirmed`.
    pub status: String,
    /// The currency of the total.
    pub currency: Currency,
    /// What the customer pays, in minor units.
    pub total: i64,
    /// Where it goes, ISO 3166 alpha-2.
    pub country: String,
    /// The day promised.
    pub estimated_delivery: Option<Date>,
    /// Its lines.
    pub lines: Vec<Line>,
    /// Its shipments.
    pub shipments: Vec<Shipment>,
}

/// A line of the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Number within the order, from 1.
    pub line_id: u32,
    /// What is ordered.
    pub sku: Sku,
    /// For people.
    pub title: Option<String>,
    /// Units.
    pub quantity: u32,
}

/// A shipment of the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shipment {
    /// Its id.
    pub shipment_id: ShipmentId,
    /// Such as `in_transit`.
    pub status: String,
    /// The carrier's number.
    pub tracking_number: Option<String>,
}

/// The policy's answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// What to send.
    pub messages: Vec<Message>,
}

/// A message to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The merchant's binding that sends it, such as `email` for `channel/email`.
    pub channel: String,
    /// Who gets it.
    pub to: Recipient,
    /// One line.
    pub subject: Option<String>,
    /// The text, with places for what the policy may not see.
    pub text: String,
    /// The same as HTML.
    pub html: Option<String>,
}

/// Who gets a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipient {
    /// The order's customer.
    Customer,
    /// Somebody of the merchant's.
    Address(String),
}

/// Checks the laws: at most ten messages, each with a channel, a recipient and a text within its bounds.
///
/// # Errors
/// The first law broken, naming the message.
pub fn validate(_input: &Input, answer: Answer) -> Result<Answer, LawBroken> {
    if answer.messages.len() > MESSAGES_MAX {
        return broken(format!("{} messages, at most {MESSAGES_MAX} are allowed", answer.messages.len()));
    }
    for (index, message) in answer.messages.iter().enumerate() {
        check(message).map_err(|why| LawBroken(format!("message {}: {why}", index + 1)))?;
    }
    Ok(answer)
}

fn check(message: &Message) -> Result<(), String> {
    super::binding_name(&message.channel).map_err(|why| format!("the channel {why}"))?;
    if let Recipient::Address(address) = &message.to {
        crate::ids::printable(address, 255).map_err(|why| format!("the address {why}"))?;
    }
    if let Some(subject) = &message.subject {
        crate::ids::printable(subject, 200).map_err(|why| format!("the subject {why}"))?;
    }
    let long = |text: &str, most: usize| text.chars().count() > most;
    if message.text.is_empty() || long(&message.text, TEXT_CHARS_MAX) {
        return Err(format!("the text must have 1 to {TEXT_CHARS_MAX} characters"));
    }
    match &message.html {
        Some(html) if long(html, HTML_CHARS_MAX) => {
            Err(format!("the HTML must have at most {HTML_CHARS_MAX} characters"))
        }
        _ => Ok(()),
    }
}
