//! The world `payment`.

use domain::bytes::Bytes;
use domain::hooks::payment as hook;
use domain::time::Timestamp;

use super::RECORD_BYTES;

mod world {
    wasmtime::component::bindgen!({
        path: "../../wit/0.1.0",
        world: "orderwright:policy/payment",
        with: {
            "orderwright:policy/types@0.1.0": crate::wit::v0_1::types,
            "orderwright:policy/log@0.1.0": crate::wit::v0_1::log,
        },
        exports: { default: async },
    });
}

pub use world::PaymentPre;
pub use world::exports::orderwright::policy::payment_adapter as wit;

/// Roughly how many bytes the input takes.
pub fn weight(input: &hook::Input) -> usize {
    let operation = match &input.operation {
        hook::Operation::Callback(callback) => callback_weight(callback),
        _ => 4 * RECORD_BYTES,
    };
    input.context.config.len() + operation + input.transcript.iter().map(entry_weight).sum::<usize>()
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

fn callback_weight(callback: &hook::Callback) -> usize {
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
    }
}

/// To the guest.
pub fn context(input: &hook::Input) -> super::types::Context {
    super::context(&input.context)
}

/// To the guest.
pub fn operation(operation: &hook::Operation) -> wit::Operation {
    match operation {
        hook::Operation::Authorize(a) => wit::Operation::Authorize(wit::Authorize {
            payment_id: a.payment_id.to_string(),
            order_id: a.order_id.to_string(),
            amount: a.amount,
            currency: a.currency.code().into(),
            payment_method_id: a.payment_method_id.clone(),
        }),
        hook::Operation::Capture(m) => wit::Operation::Capture(movement(m)),
        hook::Operation::Void(m) => wit::Operation::Void(movement(m)),
        hook::Operation::Refund(r) => {
            wit::Operation::Refund(wit::Refund { refund_id: r.refund_id.to_string(), payment: movement(&r.payment) })
        }
        hook::Operation::Query(q) => {
            wit::Operation::Query(wit::Query { payment_id: q.payment_id.to_string(), reference: q.reference.clone() })
        }
        hook::Operation::List { since } => wit::Operation::List(since.micros()),
        hook::Operation::Callback(c) => wit::Operation::Callback(callback(c)),
    }
}

fn movement(m: &hook::Move) -> wit::Move {
    wit::Move {
        payment_id: m.payment_id.to_string(),
        reference: m.reference.clone(),
        amount: m.amount,
        currency: m.currency.code().into(),
    }
}

fn callback(callback: &hook::Callback) -> wit::Callback {
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
pub fn step(step: wit::Step) -> hook::Step {
    match step {
        wit::Step::Request(r) => hook::Step::Request(request(r)),
        wit::Step::Wait(w) => hook::Step::Wait { until: Timestamp::from_micros(w.until), callback: w.callback },
        wit::Step::ActionRequired(a) => hook::Step::ActionRequired {
            url: a.url,
            until: Timestamp::from_micros(a.until),
            poll_at: Timestamp::from_micros(a.poll_at),
        },
        wit::Step::VerifyHmac(v) => {
            hook::Step::VerifyHmac { secret: v.secret, signed: Bytes(v.signed), given: Bytes(v.given) }
        }
        wit::Step::Extract(e) => hook::Step::Extract { handle: e.handle, pointer: e.pointer, base64: e.base64 },
        wit::Step::Done(o) => {
            hook::Step::Done(hook::Outcome { reference: o.reference, state: state(o.state), amount: o.amount })
        }
        wit::Step::Declined(d) => hook::Step::Declined { code: d.code, message: d.message },
        wit::Step::Failed(f) => hook::Step::Failed { retryable: f.retryable, message: f.message },
    }
}

fn request(request: wit::Request) -> hook::Request {
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
        }),
    }
}

fn state(state: wit::State) -> hook::State {
    match state {
        wit::State::Authorized => hook::State::Authorized,
        wit::State::Captured => hook::State::Captured,
        wit::State::Voided => hook::State::Voided,
        wit::State::Refunded => hook::State::Refunded,
        wit::State::NotFound => hook::State::NotFound,
    }
}
