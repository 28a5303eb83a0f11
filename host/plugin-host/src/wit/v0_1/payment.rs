//! The world `payment`.

use domain::hooks::payment as hook;
use domain::time::Timestamp;

use super::{RECORD_BYTES, exchange};
use crate::limiter::State;
use crate::wit::speak::{Unreadable, adapter};

mod world {
    wasmtime::component::bindgen!({
        path: "../../wit/0.1.0",
        world: "orderwright:policy/payment",
        with: {
            "orderwright:policy/types@0.1.0": crate::wit::v0_1::types,
            "orderwright:policy/log@0.1.0": crate::wit::v0_1::log,
            "orderwright:policy/exchange@0.1.0": crate::wit::v0_1::exchanged,
        },
        exports: { default: async },
    });
}

pub use world::PaymentPre;
use world::exports::orderwright::policy::payment_adapter as wit;

adapter!(PaymentPre<State>, orderwright_policy_payment_adapter, exchange::descriptor);

fn weight(input: &hook::Input) -> usize {
    let operation = match &input.operation {
        hook::Operation::Callback(callback) => exchange::callback_weight(callback),
        _ => 4 * RECORD_BYTES,
    };
    exchange::weight(input) + operation
}

/// To the guest.
fn operation(operation: &hook::Operation) -> wit::Operation {
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
        hook::Operation::Callback(c) => wit::Operation::Callback(exchange::callback(c)),
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

/// From the guest.
fn step(step: wit::Step) -> Result<hook::Step, Unreadable> {
    Ok(exchange::step!(step, wit, {
        wit::Step::ActionRequired(action) => hook::Step::ActionRequired {
            url: action.url,
            until: Timestamp::from_micros(action.until),
            poll_at: Timestamp::from_micros(action.poll_at),
        },
        wit::Step::Done(outcome) => hook::Step::Done(hook::Outcome::Settled(hook::Settled {
            reference: outcome.reference,
            state: state(outcome.state),
            amount: outcome.amount,
        })),
    }))
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
