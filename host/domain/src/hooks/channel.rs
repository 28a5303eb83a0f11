//! The channel hook: an adapter that hands messages over to somebody who delivers them.

use serde::{Deserialize, Serialize};

use super::exchange::{self, Callback};
use super::{LawBroken, broken};
use crate::ids::MessageId;
use crate::time::Timestamp;

/// The most receipts of one answer.
pub const RECEIPTS_MAX: usize = 1000;

/// What the adapter is asked.
pub type Input = exchange::Input<Operation>;

/// What it answers.
pub type Step = exchange::Step<Outcome>;

/// What the host wants done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Operation {
    /// Hand a message over.
    Send(Message),
    /// What became of a message?
    Query(Query),
    /// List the messages handed over, for reconciliation.
    List {
        /// From this moment on.
        since: Timestamp,
    },
    /// Understand a call from the deliverer.
    Callback(Callback),
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Ours; also the reference to give to the deliverer.
    pub message_id: MessageId,
    /// An address of the merchant's own; none means the customer, whose address the host fills in.
    pub address: Option<String>,
    /// One line.
    pub subject: Option<String>,
    /// The text, with places that the host fills in.
    pub text: String,
    /// The same as HTML.
    pub html: Option<String>,
}

/// A question about a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// Which.
    pub message_id: MessageId,
    /// The deliverer's name for it, where it is known.
    pub reference: Option<String>,
}

/// How an operation ended that succeeded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// About one message.
    Receipt(Receipt),
    /// About several.
    Receipts {
        /// In any order.
        receipts: Vec<Receipt>,
    },
}

/// What the deliverer says about a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Which.
    pub message_id: MessageId,
    /// The deliverer's name for it.
    pub reference: String,
    /// Where it is.
    pub state: State,
    /// Since when.
    pub at: Timestamp,
}

/// Where a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The deliverer has it.
    Accepted,
    /// Arrived.
    Delivered,
    /// It cannot be delivered.
    Bounced,
    /// The deliverer knows nothing of it (which never means that it was not sent).
    NotFound,
}

/// Checks the laws that do not need the order: those of every adapter, and an outcome that fits the operation.
///
/// # Errors
/// The first law broken.
pub fn validate(input: &Input, step: Step) -> Result<Step, LawBroken> {
    exchange::validate(input, step, validate_outcome)
}

fn validate_outcome(operation: &Operation, outcome: &Outcome) -> Result<(), LawBroken> {
    match (operation, outcome) {
        (Operation::Send(Message { message_id, .. }), Outcome::Receipt(receipt)) => {
            if receipt.state == State::NotFound {
                return broken("a message that was handed over cannot be unknown");
            }
            check_of(*message_id, receipt)
        }
        (Operation::Query(Query { message_id, .. }), Outcome::Receipt(receipt)) => check_of(*message_id, receipt),
        (Operation::List { .. } | Operation::Callback(_), Outcome::Receipts { receipts }) => {
            if receipts.len() > RECEIPTS_MAX {
                return broken(format!("{} receipts, at most {RECEIPTS_MAX} are allowed", receipts.len()));
            }
            receipts.iter().try_for_each(check)
        }
        _ => broken("the outcome is none of this operation"),
    }
}

fn check_of(message_id: MessageId, receipt: &Receipt) -> Result<(), LawBroken> {
    if receipt.message_id != message_id {
        return broken(format!("the receipt is for {}, asked was {message_id}", receipt.message_id));
    }
    check(receipt)
}

fn check(receipt: &Receipt) -> Result<(), LawBroken> {
    if receipt.state == State::NotFound && receipt.reference.is_empty() {
        return Ok(());
    }
    exchange::validate_reference(&receipt.reference)
}
