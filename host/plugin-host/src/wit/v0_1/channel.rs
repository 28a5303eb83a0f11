//! The world `channel`.

use domain::hooks::channel as hook;
use domain::time::Timestamp;

use super::{RECORD_BYTES, exchange};
use crate::limiter::State;
use crate::wit::speak::{Unreadable, adapter};

mod world {
    wasmtime::component::bindgen!({
        path: "../../wit/0.1.0",
        world: "orderwright:policy/channel",
        with: {
            "orderwright:policy/types@0.1.0": crate::wit::v0_1::types,
            "orderwright:policy/log@0.1.0": crate::wit::v0_1::log,
            "orderwright:policy/exchange@0.1.0": crate::wit::v0_1::exchanged,
        },
        exports: { default: async },
    });
}

pub use world::ChannelPre;
use world::exports::orderwright::policy::channel_adapter as wit;

adapter!(ChannelPre<State>, orderwright_policy_channel_adapter, exchange::descriptor);

fn weight(input: &hook::Input) -> usize {
    let operation = match &input.operation {
        hook::Operation::Send(m) => 4 * RECORD_BYTES + m.text.len() + m.html.as_ref().map_or(0, String::len),
        hook::Operation::Callback(callback) => exchange::callback_weight(callback),
        hook::Operation::Query(_) | hook::Operation::List { .. } => 2 * RECORD_BYTES,
    };
    exchange::weight(input) + operation
}

/// To the guest.
fn operation(operation: &hook::Operation) -> wit::Operation {
    match operation {
        hook::Operation::Send(message) => wit::Operation::Send(wit::Message {
            message_id: message.message_id.to_string(),
            address: message.address.clone(),
            subject: message.subject.clone(),
            text: message.text.clone(),
            html: message.html.clone(),
        }),
        hook::Operation::Query(query) => wit::Operation::Query(wit::Query {
            message_id: query.message_id.to_string(),
            reference: query.reference.clone(),
        }),
        hook::Operation::List { since } => wit::Operation::List(since.micros()),
        hook::Operation::Callback(callback) => wit::Operation::Callback(exchange::callback(callback)),
    }
}

/// From the guest.
fn step(step: wit::Step) -> Result<hook::Step, Unreadable> {
    Ok(exchange::step!(step, wit, {
        wit::Step::Done(wit::Outcome::Receipt(given)) => hook::Step::Done(hook::Outcome::Receipt(receipt(given)?)),
        wit::Step::Done(wit::Outcome::Receipts(given)) => {
            let receipts = given.into_iter().map(receipt).collect::<Result<_, _>>()?;
            hook::Step::Done(hook::Outcome::Receipts { receipts })
        }
    }))
}

fn receipt(receipt: wit::Receipt) -> Result<hook::Receipt, Unreadable> {
    let unreadable = |why| Unreadable(format!("the receipt of {:?}: {why}", receipt.message_id));
    Ok(hook::Receipt {
        message_id: receipt.message_id.parse().map_err(unreadable)?,
        reference: receipt.reference,
        state: match receipt.state {
            wit::State::Accepted => hook::State::Accepted,
            wit::State::Delivered => hook::State::Delivered,
            wit::State::Bounced => hook::State::Bounced,
            wit::State::NotFound => hook::State::NotFound,
        },
        at: Timestamp::from_micros(receipt.at),
    })
}
