//! Speaks to the sandbox payment provider (`host/sandbox-provider`), whose API is Stripe-like.
//!
//! ```json
//! { "base_url": "http://127.0.0.1:8090" }
//! ```
//! The provider's key is the host's secret named `api_key`, unless the configuration gives another name as `secret`. With
//! `callback_secret`, the name of the secret that the provider signs its events with, it need not be asked how late
//! authorisations end: it calls.
//!
//! Every operation is a walk through its transcript: the last entry says what came of the last step, and with what the
//! provider said before it is known what to do next. A request whose answer did not come ends the walk as `failed` and
//! retryable: the host begins again with the same idempotency key, and the provider answers as it did the first time.

mod authorize;
mod callback;
mod config;
mod listing;
mod movement;
mod provider;
mod query;
mod time;

use orderwright_sdk::Context;
use orderwright_sdk::v0_3::payment::{
    Capabilities, Description, Descriptor, Entry, Failed, Operation, Outcome, Settled, State, Step,
};

use config::Config;
use provider::Provider;

#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: orderwright_sdk::bump::Bump = orderwright_sdk::bump::Bump::new();

orderwright_sdk::export_payment_v0_3!(describe, step);

/// A day less a minute for clocks that differ: the provider remembers keys for a day.
const IDEMPOTENCY_TTL_SECONDS: u32 = 24 * 60 * 60 - 60;
/// The provider's late method lands after 15 seconds; nothing else takes as long.
const SETTLE_AFTER_SECONDS: u32 = 30;

fn describe() -> Description {
    Description {
        descriptor: Descriptor {
            idempotency_header: "Idempotency-Key".into(),
            idempotency_ttl_seconds: IDEMPOTENCY_TTL_SECONDS,
            settle_after_seconds: SETTLE_AFTER_SECONDS,
        },
        // This adapter's captures are final: what they do not take is released.
        capabilities: Capabilities { multi_capture: false, partial_refund: true, authorization_lifetime_seconds: None },
    }
}

/// The next step of an operation.
pub fn step(context: Context, operation: Operation, transcript: Vec<Entry>) -> Step {
    let config: Config = match orderwright_sdk::config::read(&context) {
        Ok(config) => config,
        Err(why) => return failed(why),
    };
    let provider = Provider::new(&config);
    match operation {
        Operation::Authorize(authorize) => authorize::step(&provider, context.now, &authorize, &transcript),
        Operation::Capture(capture) => movement::capture(&provider, &capture, &transcript),
        Operation::Void(void) => movement::void(&provider, &void, &transcript),
        Operation::Refund(refund) => movement::refund(&provider, &refund, &transcript),
        Operation::Query(query) => query::step(&provider, context.now, &query, &transcript),
        Operation::List(since) => listing::step(&provider, since, &transcript),
        Operation::Callback(callback) => callback::step(&config, context.now, &callback, &transcript),
    }
}

/// An operation about one payment has ended.
fn settled(reference: String, state: State, amount: i64) -> Step {
    Step::Done(Outcome::Settled(Settled { reference, state, amount }))
}

/// Something that trying again will not mend.
fn failed(message: impl Into<String>) -> Step {
    Step::Failed(Failed { retryable: false, message: message.into() })
}

/// Something that trying again may mend.
fn failed_for_now(message: impl Into<String>) -> Step {
    Step::Failed(Failed { retryable: true, message: message.into() })
}

#[cfg(test)]
mod tests;
