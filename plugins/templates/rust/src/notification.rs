//! Tells customers what has happened: a text for each event, sent by the binding that the configuration names.
//!
//! `{order}` is the order's number here, and `{{name}}` becomes the customer's name when the message is sent. An event
//! without a text leads to no message.
//!
//! ```json
//! { "channel": "email", "texts": {"order.cancelled": {"subject": "Sorry", "text": "Dear {{name}}, {order} is cancelled."}} }
//! ```

use std::collections::BTreeMap;

use orderwright_sdk::notification::{Answer, Input, Message, Recipient};
use serde::Deserialize;

#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: orderwright_sdk::bump::Bump = orderwright_sdk::bump::Bump::new();

orderwright_sdk::export_notification!(announce);

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    channel: String,
    texts: BTreeMap<String, Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    subject: String,
    text: String,
}

impl Default for Config {
    fn default() -> Self {
        let placed =
            Text { subject: "Your order".into(), text: "Dear {{name}}, thank you for your order {order}.".into() };
        Self { channel: "email".into(), texts: BTreeMap::from([("order.placed".into(), placed)]) }
    }
}

fn announce(input: Input) -> Result<Answer, String> {
    let config: Config = orderwright_sdk::config::read(&input.context)?;
    let Some(text) = config.texts.get(&input.event.name) else { return Ok(Answer { messages: Vec::new() }) };
    let number = input.order.external_id.as_ref().unwrap_or(&input.order.order_id);
    let message = Message {
        channel: config.channel,
        to: Recipient::Customer,
        subject: Some(text.subject.replace("{order}", number)),
        text: text.text.replace("{order}", number),
        html: None,
    };
    Ok(Answer { messages: vec![message] })
}
