//! Speaks to the sandbox payment provider (`host/sandbox-provider`), whose API is Stripe-like.
//!
//! ```json
//! { "base_url": "http://127.0.0.1:8090" }
//! ```
//! The provider's key is the host's secret named `api_key`, unless the configuration gives another name as `secret`.
//!
//! Every operation is a walk through its transcript: the last entry says what came of the last step, and with what the
//! provider said before it is known what to do next. A request whose answer did not come ends the walk as `failed` and
//! retryable: the host begins again with the same idempotency key, and the provider answers as it did the first time.

mod authorize;
mod config;
mod movement;
mod provider;
mod query;
mod time;

use orderwright_sdk::Context;
use orderwright_sdk::payment::{Descriptor, Entry, Failed, Operation, Step};

use config::Config;
use provider::Provider;

#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: orderwright_sdk::bump::Bump = orderwright_sdk::bump::Bump::new();

orderwright_sdk::export_payment!(describe, step);

/// A day less a minute for clocks that differ: the provider remembers keys for a day.
const IDEMPOTENCY_TTL_SECONDS: u32 = 24 * 60 * 60 - 60;
/// The provider's late method lands after 15 seconds; nothing else takes as long.
const SETTLE_AFTER_SECONDS: u32 = 30;

fn describe() -> Descriptor {
    Descriptor {
        idempotency_header: "Idempotency-Key".into(),
        idempotency_ttl_seconds: IDEMPOTENCY_TTL_SECONDS,
        settle_after_seconds: SETTLE_AFTER_SECONDS,
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
        Operation::List(_) => failed("this adapter has no list of entries to offer"),
        Operation::Callback(_) => failed("the sandbox provider makes no callbacks"),
    }
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
