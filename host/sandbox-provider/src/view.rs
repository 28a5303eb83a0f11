//! The JSON of the API.

use crate::intent::Intent;
use crate::records::{Entry, Refund};
use jiff::Timestamp;
use serde_json::{Value, json};

/// A payment intent. `url` is where the provider is reached.
pub fn intent(intent: &Intent, url: &str) -> Value {
    let next_action = intent.confirmation.as_ref().filter(|_| intent.due_at().is_some()).map(|confirmation| {
        json!({
            "type": "redirect_to_url",
            "redirect_to_url": {
                "url": format!("{url}/confirm/{}?token={}", intent.id, confirmation.token),
                "expires_at": time(confirmation.expires_at),
            },
        })
    });
    let last_error = intent
        .last_error
        .map(|decline| json!({ "type": "card_error", "code": decline.code(), "message": decline.message() }));
    json!({
        "id": intent.id,
        "object": "payment_intent",
        "amount": intent.amount,
        "currency": intent.currency,
        "status": intent.status,
        "amount_capturable": intent.amount_capturable,
        "amount_received": intent.amount_received,
        "amount_refunded": intent.amount_refunded,
        "payment_method": intent.payment_method,
        "capture_method": intent.capture_method,
        "next_action": next_action,
        "last_error": last_error,
        "reference": intent.reference,
        "metadata": intent.metadata,
        "created": time(intent.created),
    })
}

/// A refund.
pub fn refund(refund: &Refund) -> Value {
    json!({
        "id": refund.id,
        "object": "refund",
        "payment_intent": refund.payment_intent,
        "amount": refund.amount,
        "currency": refund.currency,
        "status": "succeeded",
        "reference": refund.reference,
        "merchant_reference": refund.merchant_reference,
        "created": time(refund.created),
    })
}

/// A line of the ledger.
pub fn entry(entry: &Entry) -> Value {
    json!({
        "sequence": entry.sequence,
        "object": "ledger_entry",
        "at": time(entry.at),
        "kind": entry.kind,
        "payment_intent": entry.payment_intent,
        "refund": entry.refund,
        "reference": entry.reference,
        "amount": entry.amount,
        "currency": entry.currency,
    })
}

/// A list.
pub fn list(data: Vec<Value>, has_more: bool) -> Value {
    json!({ "object": "list", "data": data, "has_more": has_more })
}

/// A time, always with milliseconds, so that times sort as text.
fn time(at: Timestamp) -> String {
    format!("{at:.3}")
}
