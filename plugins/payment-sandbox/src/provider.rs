//! The provider's requests and answers.

use orderwright_sdk::v0_3::payment::{Body, Credential, Declined, Entry, Header, Request, Response, Safety, Step};
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::{failed, failed_for_now};

/// How the provider is reached.
pub struct Provider {
    base: String,
    secret: String,
    calls: bool,
}

/// A payment as the provider knows it.
#[derive(Debug, Clone, Deserialize)]
pub struct Intent {
    pub id: String,
    pub status: Status,
    pub amount: i64,
    #[serde(default)]
    pub amount_received: i64,
    #[serde(default)]
    pub amount_refunded: i64,
    pub next_action: Option<NextAction>,
    pub last_error: Option<LastError>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Processing,
    RequiresAction,
    RequiresCapture,
    Succeeded,
    Canceled,
    Failed,
}

#[derive(Debug, Clone, Deserialize)]
pub struct NextAction {
    pub redirect_to_url: Redirect,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Redirect {
    pub url: String,
    pub expires_at: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct LastError {
    pub code: String,
    pub message: String,
}

/// A refund as the provider knows it.
#[derive(Debug, Deserialize)]
pub struct Refund {
    pub id: String,
    pub amount: i64,
}

/// Several payments, newest first.
#[derive(Debug, Deserialize)]
pub struct Intents {
    pub data: Vec<Intent>,
}

#[derive(Debug, Deserialize)]
struct Refused {
    error: Error,
}

/// Why the provider did not do what was asked.
#[derive(Debug, Deserialize)]
pub struct Error {
    pub code: String,
    pub message: String,
    pub payment_intent: Option<Intent>,
}

impl Provider {
    pub fn new(config: &Config) -> Self {
        Self {
            base: config.base_url.trim_end_matches('/').to_owned(),
            secret: config.secret.clone(),
            calls: config.callback_secret.is_some(),
        }
    }

    /// Whether the provider calls by itself.
    pub const fn calls(&self) -> bool {
        self.calls
    }

    /// A request that moves money; the host adds the idempotency key.
    pub fn post(&self, path: &str, body: &impl Serialize) -> Step {
        match serde_json::to_vec(body) {
            Ok(body) => self.request("POST", path, body, Safety::Idempotent),
            Err(error) => failed(format!("the request cannot be written: {error}")),
        }
    }

    /// A request that only asks.
    pub fn get(&self, path: &str) -> Step {
        self.request("GET", path, Vec::new(), Safety::Safe)
    }

    fn request(&self, method: &str, path: &str, body: Vec<u8>, safety: Safety) -> Step {
        let header = |name: &str, value: &str| Header { name: name.into(), value: value.into() };
        let mut headers = vec![header("accept", "application/json")];
        if !body.is_empty() {
            headers.push(header("content-type", "application/json"));
        }
        Step::Request(Request {
            method: method.into(),
            url: format!("{}{path}", self.base),
            headers,
            body,
            safety,
            credential: Some(Credential::Bearer(self.secret.clone())),
            fill: None,
        })
    }
}

/// A path segment or query value with everything escaped that could be more than that.
pub fn escape(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// What the provider answered to the last request.
pub enum Answer<T> {
    /// It did what was asked.
    Is(T),
    /// It does not know the object.
    Missing,
    /// It refused because of the payment's state, which it shows.
    State(Error, Intent),
    /// The operation ends here.
    Ends(Step),
}

/// Reads the entry that follows a request.
pub fn answer<T: for<'de> Deserialize<'de>>(entry: &Entry) -> Answer<T> {
    match entry {
        Entry::Response(response) => read(response),
        Entry::TransportError(error) => Answer::Ends(failed_for_now(format!("no answer came: {}", error.message))),
        _ => Answer::Ends(failed("the transcript does not fit the steps that were asked for")),
    }
}

fn read<T: for<'de> Deserialize<'de>>(response: &Response) -> Answer<T> {
    let Body::Inline(body) = &response.body else {
        return Answer::Ends(failed(format!(
            "the answer with status {} is too large to be the provider's",
            response.status
        )));
    };
    match response.status {
        200..=299 => match serde_json::from_slice(body) {
            Ok(answer) => Answer::Is(answer),
            Err(error) => Answer::Ends(failed_for_now(format!("the provider's answer cannot be read: {error}"))),
        },
        404 => Answer::Missing,
        status => refused(status, serde_json::from_slice(body).ok()),
    }
}

fn refused<T>(status: u16, refused: Option<Refused>) -> Answer<T> {
    let Some(Refused { mut error }) = refused else {
        let message = format!("the provider answered with status {status}");
        return Answer::Ends(if is_temporary(status, "") { failed_for_now(message) } else { failed(message) });
    };
    let message = format!("{} ({status}, {})", error.message, error.code);
    match error.payment_intent.take() {
        _ if status == 402 => Answer::Ends(Step::Declined(Declined { code: error.code, message: error.message })),
        Some(intent) if error.code == "payment_intent_unexpected_state" => Answer::State(error, intent),
        _ if is_temporary(status, &error.code) => Answer::Ends(failed_for_now(message)),
        _ => Answer::Ends(failed(message)),
    }
}

/// Whether the same request may be answered otherwise later.
fn is_temporary(status: u16, code: &str) -> bool {
    matches!(status, 408 | 429 | 500..=599) || (status == 409 && code == "idempotency_in_progress")
}
