//! The payment hook: a sans-I/O adapter. It is handed an operation and the transcript so far and answers the next step;
//! the host performs it, appends the result to the transcript, and asks again. So every run can be replayed.

use serde::{Deserialize, Serialize};

use super::{Context, LawBroken, broken};
use crate::bytes::Bytes;
use crate::ids::{OrderId, PaymentId, RefundId};
use crate::money::Currency;
use crate::time::Timestamp;

/// What an adapter says about its provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Descriptor {
    /// The header that carries the idempotency key.
    pub idempotency_header: String,
    /// How long the provider remembers a key, in seconds.
    pub idempotency_ttl_seconds: u32,
    /// How long an unknown outcome may take to settle, in seconds.
    pub settle_after_seconds: u32,
}

/// What the host wants done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Operation {
    /// Reserve an amount at the customer's bank.
    Authorize(Authorize),
    /// Take an authorised amount.
    Capture(Move),
    /// Give up an authorisation.
    Void(Move),
    /// Give captured money back.
    Refund(Refund),
    /// Learn the state of a payment whose outcome is unknown.
    Query(Query),
    /// List the provider's entries, for reconciliation.
    List {
        /// From this moment on.
        since: Timestamp,
    },
    /// Understand a call from the provider.
    Callback(Callback),
}

/// An authorisation to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorize {
    /// Our payment; also the reference to give to the provider.
    pub payment_id: PaymentId,
    /// The order paid.
    pub order_id: OrderId,
    /// Minor units.
    pub amount: i64,
    /// The currency.
    pub currency: Currency,
    /// The method that the customer chose.
    pub payment_method_id: String,
}

/// A capture or void of an authorisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// Our payment.
    pub payment_id: PaymentId,
    /// The provider's name for it, as `Outcome::reference` gave it.
    pub reference: String,
    /// Minor units.
    pub amount: i64,
    /// The currency.
    pub currency: Currency,
}

/// A refund to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Our refund.
    pub refund_id: RefundId,
    /// The payment and the amount to give back.
    pub payment: Move,
}

/// A question about a payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// Our payment.
    pub payment_id: PaymentId,
    /// The provider's name for it, where it is known.
    pub reference: Option<String>,
}

/// A call from the provider, raw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callback {
    /// Names in lower case.
    pub headers: Vec<Header>,
    /// The exact bytes.
    pub body: Bytes,
}

/// An HTTP header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// In lower case.
    pub name: String,
    /// As sent.
    pub value: String,
}

/// What the adapter is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Clock and configuration.
    pub context: Context,
    /// What is to be done.
    pub operation: Operation,
    /// What happened so far, oldest first; empty at the start.
    pub transcript: Vec<Entry>,
}

/// One thing that happened: the result of the step that the adapter asked for at this place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum Entry {
    /// The provider answered.
    Response(Response),
    /// No answer came. Whether the provider acted is unknown unless `sent` is false.
    TransportError {
        /// What went wrong, for people.
        message: String,
        /// False only where no byte can have reached the provider.
        sent: bool,
    },
    /// The time waited for has come.
    Waited,
    /// A callback came while waiting.
    Callback(Callback),
    /// A signature was compared.
    Verified {
        /// Whether it was right.
        valid: bool,
    },
    /// A value was looked for in a blob.
    Extracted {
        /// The value, where there was one.
        value: Option<Bytes>,
    },
}

/// An HTTP response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Names in lower case; `set-cookie` and the like are left out.
    pub headers: Vec<Header>,
    /// What came.
    pub body: Body,
}

/// A response body: inline to 64 kB, a blob beyond.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "body", rename_all = "snake_case")]
pub enum Body {
    /// The bytes.
    Inline {
        /// At most 64 kB.
        bytes: Bytes,
    },
    /// A handle for `Step::Extract`.
    Blob {
        /// Names the blob within this operation.
        handle: u32,
        /// Bytes.
        size: u64,
    },
}

/// What is to happen next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// Send this and come back with the response.
    Request(Request),
    /// Come back later, or when a callback comes.
    Wait {
        /// The moment to come back at the latest.
        until: Timestamp,
        /// Whether a callback may end the wait.
        callback: bool,
    },
    /// The customer must act at a URL; come back to ask again.
    ActionRequired {
        /// Where the customer confirms.
        url: String,
        /// When the chance ends.
        until: Timestamp,
        /// When to ask the provider again.
        poll_at: Timestamp,
    },
    /// Compare a signature: HMAC-SHA256 over `signed` with the named secret.
    VerifyHmac {
        /// Names the secret in the binding's configuration.
        secret: String,
        /// The signed bytes.
        signed: Bytes,
        /// The signature given, raw bytes.
        given: Bytes,
    },
    /// Take a value out of a blob.
    Extract {
        /// From `Body::Blob`.
        handle: u32,
        /// RFC 6901.
        pointer: String,
        /// Whether the value is base64 and wanted as bytes.
        base64: bool,
    },
    /// The operation is over and succeeded.
    Done(Outcome),
    /// The provider said no, for good.
    Declined {
        /// The provider's code, such as `insufficient_funds`.
        code: String,
        /// For people.
        message: String,
    },
    /// It did not work.
    Failed {
        /// Whether to try the operation again later, with the same idempotency key.
        retryable: bool,
        /// For people.
        message: String,
    },
}

/// An HTTP request to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: String,
    /// Absolute; its host must be granted to the binding.
    pub url: String,
    /// Without credentials: those are the host's.
    pub headers: Vec<Header>,
    /// The bytes to send.
    pub body: Bytes,
    /// What happens when it is sent twice.
    pub safety: Safety,
    /// The credential to put on it.
    pub credential: Option<Credential>,
}

/// What happens when a request is sent twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Safety {
    /// Nothing: it changes nothing. Sent again at will.
    Safe,
    /// Nothing, thanks to the idempotency key. Sent again with the same key.
    Idempotent,
    /// It happens twice. Never sent again by itself.
    Unsafe,
}

/// A credential that the host puts on a request. The guest only names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "scheme", rename_all = "snake_case")]
pub enum Credential {
    /// `Authorization: Bearer <secret>`.
    Bearer {
        /// Names the secret.
        secret: String,
    },
    /// `Authorization: Basic <user:secret>`.
    Basic {
        /// The user.
        user: String,
        /// Names the secret.
        secret: String,
    },
}

/// How an operation that succeeded left the payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The provider's name for the payment (or refund).
    pub reference: String,
    /// Where the payment stands.
    pub state: State,
    /// Minor units that this operation moved (authorised, captured, voided, refunded).
    pub amount: i64,
}

/// Where a payment stands at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Authorised, not captured.
    Authorized,
    /// Captured.
    Captured,
    /// Voided: nothing is held any more.
    Voided,
    /// Given back, in whole or part.
    Refunded,
    /// The provider knows nothing of it (which never means that it was not done).
    NotFound,
}

/// The longest URL that a customer is sent to, in characters.
pub const URL_CHARS_MAX: usize = 2000;

/// Checks the laws that do not need the order: sizes, methods, an outcome that fits the operation.
///
/// # Errors
/// The first law broken.
pub fn validate(input: &Input, mut step: Step) -> Result<Step, LawBroken> {
    match &mut step {
        Step::Request(request) => {
            if !["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&request.method.as_str()) {
                return broken(format!("method {:?} is not allowed", request.method));
            }
            if request.headers.len() > 50 {
                return broken("more than 50 headers");
            }
            let owned = ["authorization", "host", "content-length", "transfer-encoding", "connection"];
            if let Some(header) = request.headers.iter().find(|h| owned.contains(&h.name.to_ascii_lowercase().as_str()))
            {
                return broken(format!("header {:?} is the host's", header.name));
            }
        }
        Step::Done(outcome) => validate_outcome(&input.operation, outcome)?,
        Step::ActionRequired { url, poll_at, .. } => {
            // The URL becomes a link for the customer: no other scheme may stand in it.
            let web = ["https://", "http://"].iter().any(|scheme| url.starts_with(scheme));
            if !web || crate::ids::printable(url, URL_CHARS_MAX).is_err() {
                return broken(format!(
                    "the customer's URL must be http or https, of at most {URL_CHARS_MAX} characters"
                ));
            }
            // An adapter that asks to be asked at once would be asked without end.
            *poll_at = (*poll_at).max(input.context.now.plus_seconds(1));
        }
        Step::Wait { until, .. } if *until <= input.context.now => {
            return broken("waits for a moment that has passed");
        }
        _ => {}
    }
    Ok(step)
}

fn validate_outcome(operation: &Operation, outcome: &Outcome) -> Result<(), LawBroken> {
    let (state, amount) = match operation {
        Operation::Authorize(a) => (State::Authorized, a.amount),
        Operation::Capture(m) => (State::Captured, m.amount),
        Operation::Void(_) => (State::Voided, outcome.amount),
        Operation::Refund(r) => (State::Refunded, r.payment.amount),
        Operation::Query(_) | Operation::List { .. } | Operation::Callback(_) => (outcome.state, outcome.amount),
    };
    if outcome.state != state {
        return broken(format!("the operation ended as {:?}, expected {state:?}", outcome.state));
    }
    if outcome.amount != amount {
        return broken(format!("moved {} minor units, asked were {amount}", outcome.amount));
    }
    if outcome.amount < 0 {
        return broken(format!("moved {} minor units, which is negative", outcome.amount));
    }
    let asks = matches!(operation, Operation::Query(_) | Operation::List { .. } | Operation::Callback(_));
    let nameless = asks && outcome.reference.is_empty();
    if !nameless && (outcome.reference.len() > 255 || crate::ids::printable(&outcome.reference, 255).is_err()) {
        return broken("the provider's reference must have 1 to 255 bytes without control characters");
    }
    Ok(())
}
