//! The world `payment`.

use domain::hooks::exchange::Descriptor;
use domain::hooks::payment as hook;
use domain::time::Timestamp;

use super::exchange;
use crate::limiter::State;
use crate::wit::RECORD_BYTES;
use crate::wit::speak::{Unreadable, adapter};

mod world {
    wasmtime::component::bindgen!({
        path: "../../wit/0.3.0",
        world: "orderwright:policy/payment",
        with: {
            "orderwright:policy/types@0.3.0": crate::wit::v0_1::types,
            "orderwright:policy/log@0.3.0": crate::wit::v0_1::log,
            "orderwright:policy/exchange@0.3.0": crate::wit::v0_1::exchanged,
        },
        exports: { default: async },
    });
}

pub use world::PaymentPre;
use world::exports::orderwright::policy::payment_adapter as wit;

adapter!(PaymentPre<State>, orderwright_policy_payment_adapter, descriptor);

fn weight(input: &hook::Input) -> usize {
    let operation = match &input.operation {
        hook::Operation::Callback(callback) => exchange::callback_weight(callback),
        _ => 4 * RECORD_BYTES,
    };
    exchange::weight(input) + operation
}

/// From the guest.
fn descriptor(said: wit::Description) -> Descriptor {
    let capabilities = hook::Capabilities {
        multi_capture: said.capabilities.multi_capture,
        partial_refund: said.capabilities.partial_refund,
        authorization_lifetime_seconds: said.capabilities.authorization_lifetime_seconds,
    };
    Descriptor { payments: Some(capabilities), ..exchange::descriptor(said.descriptor) }
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
        wit::Step::Done(done) => hook::Step::Done(outcome(done)?),
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

fn outcome(outcome: wit::Outcome) -> Result<hook::Outcome, Unreadable> {
    Ok(match outcome {
        wit::Outcome::Settled(settled) => hook::Outcome::Settled(hook::Settled {
            reference: settled.reference,
            state: state(settled.state),
            amount: settled.amount,
        }),
        wit::Outcome::Listed(listing) => hook::Outcome::Listed(hook::Listing {
            entries: listing.entries.into_iter().map(entry).collect::<Result<_, _>>()?,
            next: listing.next.map(Timestamp::from_micros),
        }),
        wit::Outcome::Notices(notices) => hook::Outcome::Notices { notices: notices.into_iter().map(notice).collect() },
    })
}

fn entry(entry: wit::LedgerEntry) -> Result<hook::LedgerEntry, Unreadable> {
    let currency = entry.currency.parse();
    Ok(hook::LedgerEntry {
        reference: entry.reference,
        ours: entry.ours,
        kind: match entry.kind {
            wit::Movement::Authorization => hook::Movement::Authorization,
            wit::Movement::Capture => hook::Movement::Capture,
            wit::Movement::Void => hook::Movement::Void,
            wit::Movement::Refund => hook::Movement::Refund,
            wit::Movement::Dispute => hook::Movement::Dispute,
        },
        amount: entry.amount,
        currency: currency.map_err(|_| Unreadable(format!("{:?} is no currency", entry.currency)))?,
        standing: match entry.standing {
            wit::Standing::Pending => hook::Standing::Pending,
            wit::Standing::Done => hook::Standing::Done,
            wit::Standing::Failed => hook::Standing::Failed,
        },
        at: Timestamp::from_micros(entry.at),
    })
}

fn notice(notice: wit::Notice) -> hook::Notice {
    hook::Notice {
        event_id: notice.event_id,
        at: Timestamp::from_micros(notice.at),
        reference: notice.reference,
        ours: notice.ours,
        news: news(notice.news),
    }
}

fn news(news: wit::News) -> hook::News {
    match news {
        wit::News::Authorized(amount) => hook::News::Authorized { amount },
        wit::News::Captured(amount) => hook::News::Captured { amount },
        wit::News::Voided => hook::News::Voided,
        wit::News::Refunded(amount) => hook::News::Refunded { amount },
        wit::News::Declined(no) => hook::News::Declined { code: no.code, message: no.message },
        wit::News::RefundFailed(no) => hook::News::RefundFailed { code: no.code, message: no.message },
        wit::News::Expired => hook::News::Expired,
        wit::News::Disputed(dispute) => hook::News::Disputed {
            dispute_id: dispute.dispute_id,
            amount: dispute.amount,
            reason: dispute.reason,
            respond_by: dispute.respond_by.map(Timestamp::from_micros),
        },
        wit::News::DisputeClosed(closed) => {
            hook::News::DisputeClosed { dispute_id: closed.dispute_id, won: closed.won }
        }
        wit::News::Other => hook::News::Other,
    }
}
