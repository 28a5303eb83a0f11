//! A text for each event: what a shop usually tells its customers, or what the merchant configures.
//!
//! ```json
//! { "shop": "Mugs & More", "channel": "email",
//!   "texts": { "order.placed": {"subject": "Thank you", "text": "Dear {{name}},\nwe have your order {order}: {total}."},
//!              "order.hold_placed": {"to": "ops@example.com", "text": "{order} needs somebody: {reason}"},
//!              "order.payment_captured": null } }
//! ```
//! `{order}`, `{total}`, `{status}`, `{reason}`, `{shop}`, `{delivery}` and `{items}` are filled in here, `{{name}}` when
//! the message is sent. An event whose text is null, or that has none, leads to no message.

use std::collections::BTreeMap;

use orderwright_sdk::notification::{Answer, Input, Message, Recipient};
use serde::Deserialize;

#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: orderwright_sdk::bump::Bump = orderwright_sdk::bump::Bump::new();

orderwright_sdk::export_notification!(announce);

/// What the merchant sets.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The shop's name.
    pub shop: String,
    /// The binding that sends messages where a text names none.
    pub channel: String,
    /// By event; each replaces the usual one.
    pub texts: BTreeMap<String, Option<Text>>,
}

impl Default for Config {
    fn default() -> Self {
        Self { shop: "our shop".into(), channel: "email".into(), texts: BTreeMap::new() }
    }
}

/// A message to come.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// One line.
    pub subject: Option<String>,
    /// With places.
    pub text: String,
    /// Somebody of the merchant's in place of the customer.
    pub to: Option<String>,
    /// The binding that sends it.
    pub channel: Option<String>,
}

/// What a shop usually tells: event, subject and text.
const USUAL: [(&str, &str, &str); 4] = [
    (
        "order.placed",
        "Your order {order}",
        "Dear {{name}},\n\nthank you for your order {order} at {shop}:\n{items}\nTotal: {total}\n",
    ),
    ("order.payment_declined", "Your payment", "Dear {{name}},\n\nthe payment for your order {order} was declined.\n"),
    ("order.cancelled", "Your order {order} is cancelled", "Dear {{name}},\n\nyour order {order} is cancelled.\n"),
    ("order.payment_refunded", "Your refund", "Dear {{name}},\n\nwe have refunded your order {order}.\n"),
];

fn announce(input: Input) -> Result<Answer, String> {
    let config: Config = orderwright_sdk::config::read(&input.context)?;
    Ok(Answer { messages: decide(&config, &input).into_iter().collect() })
}

/// The decision as a plain function.
pub fn decide(config: &Config, input: &Input) -> Option<Message> {
    let text = match config.texts.get(&input.event.name) {
        Some(text) => text.clone()?,
        None => {
            let (_, subject, text) = USUAL.iter().find(|(event, ..)| *event == input.event.name)?;
            Text { subject: Some((*subject).into()), text: (*text).into(), to: None, channel: None }
        }
    };
    let fill =
        |template: &str, longest: usize| -> String { filled(template, config, input).chars().take(longest).collect() };
    let one_line = |template: &String| fill(template, 200).replace(char::is_control, " ");
    Some(Message {
        channel: text.channel.unwrap_or_else(|| config.channel.clone()),
        to: text.to.map_or(Recipient::Customer, Recipient::Address),
        subject: text.subject.as_ref().map(one_line).filter(|subject| !subject.is_empty()),
        text: Some(fill(&text.text, 20_000)).filter(|text| !text.is_empty())?,
        html: None,
    })
}

fn filled(template: &str, config: &Config, input: &Input) -> String {
    let order = &input.order;
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        if rest.starts_with("{{") {
            // For the host.
            text.push_str("{{");
            rest = &rest[2..];
            continue;
        }
        let Some((place, after)) = rest[1..].split_once('}') else { break };
        rest = after;
        match place {
            "order" => text.push_str(order.external_id.as_ref().unwrap_or(&order.order_id)),
            "total" => text.push_str(&amount(order.total, &order.currency)),
            "status" => text.push_str(&order.status),
            "reason" => text.push_str(input.event.reason.as_deref().unwrap_or("no reason given")),
            "shop" => text.push_str(&config.shop),
            "delivery" => text.push_str(order.estimated_delivery.as_deref().unwrap_or("soon")),
            "items" => {
                for line in &order.lines {
                    let title = line.title.as_ref().unwrap_or(&line.sku);
                    text.push_str(&format!("{} x {title}\n", line.quantity));
                }
            }
            other => {
                text.push('{');
                text.push_str(other);
                text.push('}');
            }
        }
    }
    text.push_str(rest);
    text
}

/// Minor units in words. Currencies have two digits but for a few.
fn amount(minor: i64, currency: &str) -> String {
    let digits = match currency {
        "JPY" | "KRW" | "VND" | "CLP" | "ISK" | "PYG" | "UGX" | "XAF" | "XOF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    };
    let unit = 10_i64.pow(digits);
    match digits {
        0 => format!("{minor} {currency}"),
        _ => format!("{}.{:0width$} {currency}", minor / unit, minor % unit, width = digits as usize),
    }
}

#[cfg(test)]
mod tests;
