//! The payment hook: an adapter that speaks to a payment provider.

use serde::{Deserialize, Serialize};

use super::exchange::{self, Callback};
use super::{LawBroken, broken};
use crate::ids::{OrderId, PaymentId, RefundId};
use crate::money::Currency;
use crate::time::Timestamp;

/// What the adapter is asked.
pub type Input = exchange::Input<Operation>;

/// What it answers.
pub type Step = exchange::Step<Outcome>;

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

/// Checks the laws that do not need the order: those of every adapter, and an outcome that fits the operation.
///
/// # Errors
/// The first law broken.
pub fn validate(input: &Input, step: Step) -> Result<Step, LawBroken> {
    exchange::validate(input, step, validate_outcome)
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
    if nameless { Ok(()) } else { exchange::validate_reference(&outcome.reference) }
}
