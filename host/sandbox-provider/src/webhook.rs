//! What the provider tells by itself: an event for every movement of money, kept with it, and sent to the merchant's
//! endpoint, signed, until it is taken.

use std::time::Duration;

use jiff::Timestamp;
use ring::hmac;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::ids::{event_id, hex};
use crate::intent::{Intent, Kind, Posting};
use crate::records::Refund;
use crate::store::{self, Store, now_ms};

/// The header of the signature: `t=<seconds since 1970>,v1=<HMAC-SHA256 of "<t>.<body>" in hexadecimal>`.
const SIGNATURE: &str = "sandbox-signature";
/// How often it is looked for what is to be sent.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How many events are taken up in one go.
const BATCH: usize = 100;
/// How long the endpoint may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The first wait after an event was not taken; it doubles from there.
const RETRY_FIRST_MS: i64 = 500;
/// The longest wait.
const RETRY_LONGEST_MS: i64 = 60_000;
/// After so many times it is given up.
const TRIES_MAX: u32 = 30;
/// The most copies of an event that a merchant may ask for.
pub const COPIES_MAX: u64 = 20;

/// Where events are sent, and with which faults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Absolute.
    pub url: String,
    /// What they are signed with.
    pub secret: String,
    /// How often each is sent.
    pub copies: u64,
    /// How long each is kept back, in milliseconds.
    pub delay_ms: u64,
    /// Whether they are kept until they are released.
    pub hold: bool,
    /// Whether there are also events of what a request was answered with at once.
    pub all: bool,
}

/// An event that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// `evt_…`.
    pub id: String,
    /// What is sent, byte for byte.
    pub body: String,
    /// How often it was tried.
    pub tries: u32,
}

impl Event {
    /// An event about a payment; `more` is added to what is said of it.
    pub fn new(kind: &str, intent: &Intent, amount: u64, now: Timestamp, more: &Value) -> Self {
        let id = event_id();
        let mut data = json!({
            "payment_intent": intent.id,
            "reference": intent.reference,
            "amount": amount,
            "currency": intent.currency,
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            data[name] = value.clone();
        }
        let body = json!({"id": id, "object": "event", "type": kind, "created": format!("{now:.3}"), "data": data});
        Self { id, body: body.to_string(), tries: 0 }
    }

    /// The event of a movement of money.
    pub fn of(posting: &Posting, intent: &Intent, refund: Option<&Refund>, now: Timestamp) -> Self {
        let kind = match posting.kind {
            Kind::Authorize => "payment_intent.authorized",
            Kind::Capture => "payment_intent.captured",
            Kind::Void => "payment_intent.canceled",
            Kind::Refund => "refund.succeeded",
            Kind::RefundFailed => "refund.failed",
            Kind::Decline => "payment_intent.declined",
        };
        let error = intent.last_error.map(|decline| json!({"code": decline.code(), "message": decline.message()}));
        let more = match (posting.kind, refund) {
            (Kind::Refund | Kind::RefundFailed, Some(refund)) => {
                json!({"refund": refund.id, "refund_reference": refund.merchant_reference})
            }
            (Kind::Decline, _) => json!({"error": error}),
            _ => Value::Null,
        };
        Self::new(kind, intent, posting.amount, now, &more)
    }
}

/// Sends what is due, until told to stop.
pub async fn send_all(store: Store, stopping: CancellationToken) {
    // Somebody may have chosen a provider for this process before: then that one serves.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // A merchant's server is on this machine, as this provider is: there are no certificates to be known.
    let client = reqwest::Client::builder().timeout(TIMEOUT).no_proxy().tls_certs_only([]);
    let client = match client.build() {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(%error, "no events are sent");
            return;
        }
    };
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = stopping.cancelled() => return,
        }
        if let Err(error) = send_due(&store, &client).await {
            tracing::error!(%error, "events cannot be sent");
            return;
        }
    }
}

async fn send_due(store: &Store, client: &reqwest::Client) -> Result<(), store::Error> {
    let (due, endpoint) = store.read(|ledger| Ok((ledger.due_events(now_ms(), BATCH)?, ledger.endpoint()?))).await?;
    for (key, mut event) in due {
        let Some(endpoint) = &endpoint else { return Ok(()) };
        let mut is_taken = true;
        for _ in 0..endpoint.copies.max(1) {
            is_taken &= send(client, endpoint, &event).await;
        }
        event.tries += 1;
        let goes_on = !is_taken && event.tries < TRIES_MAX;
        let wait = RETRY_FIRST_MS.saturating_mul(1 << event.tries.min(16)).min(RETRY_LONGEST_MS);
        store
            .write(move |book| {
                book.remove_event(key)?;
                if goes_on { book.put_event(&event, now_ms().as_millisecond() + wait) } else { Ok(()) }
            })
            .await?;
    }
    Ok(())
}

async fn send(client: &reqwest::Client, endpoint: &Endpoint, event: &Event) -> bool {
    let seconds = now_ms().as_second();
    let signature = signature(&endpoint.secret, seconds, &event.body);
    let request = client
        .post(&endpoint.url)
        .header("content-type", "application/json")
        .header(SIGNATURE, signature)
        .body(event.body.clone());
    match request.send().await {
        Ok(answer) if answer.status().is_success() => true,
        Ok(answer) => {
            tracing::info!(event = %event.id, status = %answer.status(), "an event was not taken");
            false
        }
        Err(error) => {
            tracing::info!(event = %event.id, %error, "an event could not be sent");
            false
        }
    }
}

/// The value of the signature's header.
pub fn signature(secret: &str, seconds: i64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{seconds}.{body}").as_bytes());
    format!("t={seconds},v1={}", hex(tag.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_covers_time_and_body() {
        // printf '%s' '1700000000.{}' | openssl dgst -sha256 -hmac secret
        let expected = "t=1700000000,v1=";
        let signed = signature("secret", 1_700_000_000, "{}");
        assert!(signed.starts_with(expected) && signed.len() == expected.len() + 64, "{signed}");
        assert_ne!(signed, signature("secret", 1_700_000_001, "{}").replace("1700000001", "1700000000"));
        assert_ne!(signed, signature("secret", 1_700_000_000, "{ }"));
        assert_ne!(signed, signature("other", 1_700_000_000, "{}"));
    }
}
