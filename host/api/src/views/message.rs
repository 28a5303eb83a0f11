//! A message as the API shows it.

use app::Message;
use domain::ids::MessageId;
use serde::Serialize;
use utoipa::ToSchema;

use super::Time;

/// A message about an order, as the notification policy wrote it: `{{name}}` becomes the customer's name when it is sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Message)]
pub struct MessageView {
    #[schema(value_type = String)]
    message_id: MessageId,
    /// What had happened, such as `order.placed`.
    event: String,
    /// The order's version after it.
    version: u64,
    /// The binding that sends it, such as `email`.
    channel: String,
    /// An address of the merchant's own; null is the order's customer.
    recipient: Option<String>,
    subject: Option<String>,
    text: String,
    html: Option<String>,
    /// `queued`, `sent` (the deliverer has it), `failed` (the deliverer will not have it), or `parked` (nobody knows whether
    /// it was sent: a person must look).
    status: &'static str,
    /// How often it was tried.
    attempts: u32,
    /// The deliverer's name for it.
    reference: Option<String>,
    /// What went wrong last.
    error: Option<String>,
    created_at: Time,
    updated_at: Time,
}

impl From<&Message> for MessageView {
    fn from(message: &Message) -> Self {
        Self {
            message_id: message.message_id,
            event: message.event.clone(),
            version: message.version,
            channel: message.channel.clone(),
            recipient: message.recipient.clone(),
            subject: message.subject.clone(),
            text: message.text.clone(),
            html: message.html.clone(),
            status: message.status.name(),
            attempts: message.attempts,
            reference: message.reference.clone(),
            error: message.last_error.clone(),
            created_at: Time(message.created_at),
            updated_at: Time(message.updated_at),
        }
    }
}
