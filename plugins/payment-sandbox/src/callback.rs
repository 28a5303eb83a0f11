//! What the provider tells by itself: one signed event a call.

use orderwright_sdk::v0_3::payment::{
    Callback, ClosedDispute, Declined, Dispute, Entry, News, Notice, Outcome, Step, VerifyHmac,
};
use serde::Deserialize;

use crate::config::Config;
use crate::{failed, time};

/// How far the time of a signature may be off, in microseconds: an old call that somebody has recorded is not taken.
const TOLERANCE: i64 = 300_000_000;

#[derive(Deserialize)]
struct Event {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    created: String,
    data: Data,
}

/// What an event is about. Which members there are depends on its type.
#[derive(Deserialize)]
struct Data {
    payment_intent: String,
    reference: String,
    amount: i64,
    refund: Option<String>,
    refund_reference: Option<String>,
    dispute: Option<String>,
    reason: Option<String>,
    won: Option<bool>,
    error: Option<Error>,
}

#[derive(Deserialize)]
struct Error {
    code: String,
    message: String,
}

/// Has the signature compared, and says what the event means.
pub fn step(config: &Config, now: i64, callback: &Callback, transcript: &[Entry]) -> Step {
    let Some(secret) = &config.callback_secret else {
        return failed("the configuration names no callback_secret");
    };
    match transcript {
        [] => verify(secret, now, callback),
        [Entry::Verified(true)] => match notice(&callback.body) {
            Ok(notice) => Step::Done(Outcome::Notices(notice.into_iter().collect())),
            Err(why) => failed(why),
        },
        _ => failed("the signature is not the provider's"),
    }
}

fn verify(secret: &str, now: i64, callback: &Callback) -> Step {
    let header = callback.headers.iter().find(|header| header.name == "sandbox-signature");
    let parts = header.and_then(|header| header.value.strip_prefix("t=")?.split_once(",v1="));
    let Some((seconds, signature)) = parts else { return failed("there is no signature of the provider's") };
    let is_fresh = seconds.parse::<i64>().is_ok_and(|at| (now - at.saturating_mul(1_000_000)).abs() <= TOLERANCE);
    let Some(given) = bytes(signature).filter(|_| is_fresh) else {
        return failed("the signature is malformed, or too old");
    };
    let signed = [seconds.as_bytes(), b".", &callback.body].concat();
    Step::VerifyHmac(VerifyHmac { secret: secret.to_owned(), signed, given })
}

/// What an event says; none where it says nothing that matters.
fn notice(body: &[u8]) -> Result<Option<Notice>, String> {
    let event: Event = serde_json::from_slice(body).map_err(|error| format!("the event cannot be read: {error}"))?;
    let at =
        time::parse(&event.created).ok_or_else(|| format!("the event's time {:?} cannot be read", event.created))?;
    let data = event.data;
    let no = |data: &Data| {
        let error = data.error.as_ref();
        Declined {
            code: error.map_or_else(|| "failed".to_owned(), |error| error.code.clone()),
            message: error.map_or_else(|| "the provider gives no reason".to_owned(), |error| error.message.clone()),
        }
    };
    let news = match event.kind.as_str() {
        "payment_intent.authorized" => News::Authorized(data.amount),
        "payment_intent.captured" => News::Captured(data.amount),
        "payment_intent.canceled" => News::Voided,
        "payment_intent.declined" => News::Declined(no(&data)),
        "payment_intent.expired" => News::Expired,
        "refund.succeeded" => News::Refunded(data.amount),
        "refund.failed" => News::RefundFailed(no(&data)),
        "dispute.created" => News::Disputed(Dispute {
            dispute_id: data.dispute.clone().unwrap_or_default(),
            amount: data.amount,
            reason: data.reason.clone().unwrap_or_default(),
            respond_by: None,
        }),
        "dispute.closed" => News::DisputeClosed(ClosedDispute {
            dispute_id: data.dispute.clone().unwrap_or_default(),
            won: data.won.unwrap_or(false),
        }),
        _ => return Ok(None),
    };
    let is_about_refund = matches!(news, News::Refunded(_) | News::RefundFailed(_));
    let (reference, ours) = match (is_about_refund, data.refund) {
        (true, Some(refund)) => (refund, data.refund_reference),
        _ => (data.payment_intent, Some(data.reference)),
    };
    Ok(Some(Notice { event_id: event.id, at, reference, ours, news }))
}

/// The bytes that hexadecimal digits stand for.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    if text.len() % 2 == 1 { None } else { digits.map(byte).collect() }
}
