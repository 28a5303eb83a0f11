//! What adapters of every world share: the interface `exchange`.

use domain::bytes::Bytes;
use domain::hooks::exchange as hook;

use super::{RECORD_BYTES, exchanged as wit};

/// Roughly how many bytes the question takes but for its operation.
pub fn weight<O>(input: &hook::Input<O>) -> usize {
    input.context.config.len() + input.transcript.iter().map(entry_weight).sum::<usize>()
}

fn entry_weight(entry: &hook::Entry) -> usize {
    RECORD_BYTES
        + match entry {
            hook::Entry::Response(response) => headers_weight(&response.headers) + body_weight(&response.body),
            hook::Entry::TransportError { message, .. } => message.len(),
            hook::Entry::Callback(callback) => callback_weight(callback),
            hook::Entry::Extracted { value } => value.as_ref().map_or(0, |v| v.0.len()),
            hook::Entry::Waited | hook::Entry::Verified { .. } => 0,
        }
}

/// The same, of a callback.
pub fn callback_weight(callback: &hook::Callback) -> usize {
    headers_weight(&callback.headers) + callback.body.0.len()
}

fn headers_weight(headers: &[hook::Header]) -> usize {
    headers.iter().map(|h| RECORD_BYTES + h.name.len() + h.value.len()).sum()
}

fn body_weight(body: &hook::Body) -> usize {
    match body {
        hook::Body::Inline { bytes } => bytes.0.len(),
        hook::Body::Blob { .. } => 0,
    }
}

/// From the guest.
pub fn descriptor(descriptor: wit::Descriptor) -> hook::Descriptor {
    hook::Descriptor {
        idempotency_header: descriptor.idempotency_header,
        idempotency_ttl_seconds: descriptor.idempotency_ttl_seconds,
        settle_after_seconds: descriptor.settle_after_seconds,
        payments: None,
    }
}

/// To the guest.
pub fn callback(callback: &hook::Callback) -> wit::Callback {
    wit::Callback { headers: headers(&callback.headers), body: callback.body.0.clone() }
}

fn headers(headers: &[hook::Header]) -> Vec<wit::Header> {
    headers.iter().map(|h| wit::Header { name: h.name.clone(), value: h.value.clone() }).collect()
}

/// To the guest.
pub fn transcript(transcript: &[hook::Entry]) -> Vec<wit::Entry> {
    transcript.iter().map(entry).collect()
}

fn entry(entry: &hook::Entry) -> wit::Entry {
    match entry {
        hook::Entry::Response(response) => wit::Entry::Response(wit::Response {
            status: response.status,
            headers: headers(&response.headers),
            body: match &response.body {
                hook::Body::Inline { bytes } => wit::Body::Inline(bytes.0.clone()),
                hook::Body::Blob { handle, size } => wit::Body::Blob(wit::Blob { handle: *handle, size: *size }),
            },
        }),
        hook::Entry::TransportError { message, sent } => {
            wit::Entry::TransportError(wit::TransportError { message: message.clone(), sent: *sent })
        }
        hook::Entry::Waited => wit::Entry::Waited,
        hook::Entry::Callback(c) => wit::Entry::Callback(callback(c)),
        hook::Entry::Verified { valid } => wit::Entry::Verified(*valid),
        hook::Entry::Extracted { value } => wit::Entry::Extracted(value.as_ref().map(|v| v.0.clone())),
    }
}

/// From the guest.
pub fn request(request: wit::Request) -> hook::Request {
    hook::Request {
        method: request.method,
        url: request.url,
        headers: request.headers.into_iter().map(|h| hook::Header { name: h.name, value: h.value }).collect(),
        body: Bytes(request.body),
        safety: match request.safety {
            wit::Safety::Safe => hook::Safety::Safe,
            wit::Safety::Idempotent => hook::Safety::Idempotent,
            wit::Safety::Unsafe => hook::Safety::Unsafe,
        },
        credential: request.credential.map(|credential| match credential {
            wit::Credential::Bearer(secret) => hook::Credential::Bearer { secret },
            wit::Credential::Basic(basic) => hook::Credential::Basic { user: basic.user, secret: basic.secret },
            wit::Credential::Header(key) => hook::Credential::Header { name: key.name, secret: key.secret },
            wit::Credential::Oauth2(client) => hook::Credential::Oauth2 {
                token_url: client.token_url,
                client_id: client.client_id,
                secret: client.secret,
                scope: client.scope,
            },
            wit::Credential::Hmac(signature) => hook::Credential::Hmac {
                header: signature.header,
                prefix: signature.prefix,
                secret: signature.secret,
                signed: Bytes(signature.signed),
                encoding: match signature.encoding {
                    wit::Encoding::Hex => hook::Encoding::Hex,
                    wit::Encoding::Base64 => hook::Encoding::Base64,
                },
            },
        }),
        fill: request.fill.map(|escape| match escape {
            wit::Escape::Json => hook::Escape::Json,
            wit::Escape::Xml => hook::Escape::Xml,
            wit::Escape::Form => hook::Escape::Form,
        }),
    }
}

/// The steps that all adapters have; an adapter's own are given besides.
macro_rules! step {
    ($step:expr, $wit:ident, { $($own:tt)* }) => {
        match $step {
            $wit::Step::Request(request) => hook::Step::Request(crate::wit::v0_1::exchange::request(request)),
            $wit::Step::Wait(wait) => hook::Step::Wait {
                until: domain::time::Timestamp::from_micros(wait.until),
                callback: wait.callback,
            },
            $wit::Step::VerifyHmac(verify) => hook::Step::VerifyHmac {
                secret: verify.secret,
                signed: domain::bytes::Bytes(verify.signed),
                given: domain::bytes::Bytes(verify.given),
            },
            $wit::Step::Extract(extract) => hook::Step::Extract {
                handle: extract.handle,
                pointer: extract.pointer,
                base64: extract.base64,
            },
            $wit::Step::Declined(no) => hook::Step::Declined { code: no.code, message: no.message },
            $wit::Step::Failed(failed) => hook::Step::Failed { retryable: failed.retryable, message: failed.message },
            $($own)*
        }
    };
}

pub(in crate::wit) use step;
