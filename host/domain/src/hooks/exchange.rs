//! What every adapter has in common: an adapter is handed an operation and the transcript so far and answers the next
//! step; the host performs it, appends the result to the transcript, and asks again. So every run can be replayed.

use serde::{Deserialize, Serialize};

use super::{Context, LawBroken, broken};
use crate::bytes::Bytes;
use crate::time::Timestamp;

/// What an adapter says about the other side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Descriptor {
    /// The header that carries the idempotency key.
    pub idempotency_header: String,
    /// How long the other side remembers a key, in seconds.
    pub idempotency_ttl_seconds: u32,
    /// How long an unknown outcome may take to settle, in seconds.
    pub settle_after_seconds: u32,
    /// Of a payment provider: what it can do; none where the adapter cannot say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payments: Option<super::payment::Capabilities>,
}

/// A call from the other side, raw.
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
pub struct Input<O> {
    /// Clock and configuration.
    pub context: Context,
    /// What is to be done.
    pub operation: O,
    /// What happened so far, oldest first; empty at the start.
    pub transcript: Vec<Entry>,
}

/// One thing that happened: the result of the step that the adapter asked for at this place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum Entry {
    /// The other side answered.
    Response(Response),
    /// No answer came. Whether the other side acted is unknown unless `sent` is false.
    TransportError {
        /// What went wrong, for people.
        message: String,
        /// False only where no byte can have reached the other side.
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
pub enum Step<D> {
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
        /// When to ask the other side again.
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
    Done(D),
    /// The other side said no, for good.
    Declined {
        /// The other side's code, such as `insufficient_funds`.
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
    /// Where the body names personal values that the host fills in: how they are escaped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fill: Option<Escape>,
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
    /// The secret alone, in a header of its own.
    Header {
        /// The header.
        name: String,
        /// Names the secret.
        secret: String,
    },
    /// An access token by OAuth 2 client credentials (RFC 6749, 4.4).
    Oauth2 {
        /// Where it is asked for.
        token_url: String,
        /// Who asks.
        client_id: String,
        /// Names the client's secret.
        secret: String,
        /// What for.
        scope: Option<String>,
    },
    /// HMAC-SHA256 over bytes that the guest names.
    Hmac {
        /// The header that carries it.
        header: String,
        /// Stands before it.
        prefix: String,
        /// Names the secret.
        secret: String,
        /// What is signed.
        signed: Bytes,
        /// How the signature is written.
        encoding: Encoding,
    },
}

/// How a signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Lower-case hexadecimal.
    Hex,
    /// Base 64 with padding.
    Base64,
}

/// How a personal value is written into a request's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Escape {
    /// Inside of a JSON string.
    Json,
    /// Inside of an XML text or attribute.
    Xml,
    /// Inside of an `application/x-www-form-urlencoded` value.
    Form,
}

/// The longest URL that a customer is sent to, in characters.
pub const URL_CHARS_MAX: usize = 2000;

/// The longest reference of the other side, in bytes.
pub const REFERENCE_BYTES_MAX: usize = 255;

/// Headers that are the host's alone.
const HOST_HEADERS: [&str; 5] = ["authorization", "host", "content-length", "transfer-encoding", "connection"];

/// Checks what holds for every adapter: methods, headers, moments. `done` judges the outcome of its own.
///
/// # Errors
/// The first law broken.
pub fn validate<O, D>(
    input: &Input<O>,
    mut step: Step<D>,
    done: impl FnOnce(&O, &D) -> Result<(), LawBroken>,
) -> Result<Step<D>, LawBroken> {
    match &mut step {
        Step::Request(request) => validate_request(request)?,
        Step::Done(outcome) => done(&input.operation, outcome)?,
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

fn validate_request(request: &Request) -> Result<(), LawBroken> {
    if !["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&request.method.as_str()) {
        return broken(format!("method {:?} is not allowed", request.method));
    }
    if request.headers.len() > 50 {
        return broken("more than 50 headers");
    }
    let names = request.headers.iter().map(|h| &h.name).chain(match &request.credential {
        Some(Credential::Header { name, .. } | Credential::Hmac { header: name, .. }) => Some(name),
        _ => None,
    });
    for name in names {
        if HOST_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
            return broken(format!("header {name:?} is the host's"));
        }
    }
    Ok(())
}

/// Checks the other side's name for something.
///
/// # Errors
/// Where it is empty, too long, or has control characters.
pub fn validate_reference(reference: &str) -> Result<(), LawBroken> {
    if reference.len() > REFERENCE_BYTES_MAX || crate::ids::printable(reference, REFERENCE_BYTES_MAX).is_err() {
        return broken("the other side's reference must have 1 to 255 bytes without control characters");
    }
    Ok(())
}

/// Checks what an adapter says about the other side.
///
/// # Errors
/// Where the header is none that a request can carry.
pub fn validate_descriptor(descriptor: Descriptor) -> Result<Descriptor, LawBroken> {
    let name = &descriptor.idempotency_header;
    let token = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if name.is_empty() || name.len() > 100 || !name.bytes().all(token) {
        return broken("the idempotency header must be a name of 1 to 100 letters, digits, `-` or `_`");
    }
    if HOST_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
        return broken(format!("header {name:?} is the host's"));
    }
    Ok(descriptor)
}
