//! The payment hook: an adapter that speaks to a payment provider.

use serde::{Deserialize, Serialize};

use super::exchange::{self, Callback};
use super::{LawBroken, broken};
use crate::ids::{OrderId, PaymentId, RefundId};
use crate::money::{AMOUNT_MAX, Currency};
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

/// The most entries of one list.
pub const ENTRIES_MAX: usize = 1000;
/// The most notices of one callback.
pub const NOTICES_MAX: usize = 100;
/// The longest name of an event, in characters.
pub const EVENT_ID_CHARS_MAX: usize = 200;

/// What a provider can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// Whether an authorisation may be captured in several parts.
    pub multi_capture: bool,
    /// Whether a part of what was captured may be given back.
    pub partial_refund: bool,
    /// How long an authorisation lasts, in seconds; none where it does not end by itself.
    pub authorization_lifetime_seconds: Option<u32>,
}

impl Capabilities {
    /// Of an adapter that cannot say: what every provider can do, and nothing that ends unasked.
    pub const UNSAID: Self = Self { multi_capture: false, partial_refund: true, authorization_lifetime_seconds: None };
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

/// How an operation ended that succeeded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Outcome {
    /// Of everything that is about one payment. Adapters of the revision 0.1 end a callback so too.
    Settled(Settled),
    /// Of a list.
    Listed(Listing),
    /// Of a callback.
    Notices {
        /// In any order.
        notices: Vec<Notice>,
    },
}

/// How an operation left the payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// The provider's name for the payment (or refund).
    pub reference: String,
    /// Where the payment stands.
    pub state: State,
    /// Minor units that this operation moved (authorised, captured, voided, refunded).
    pub amount: i64,
}

/// A part of the provider's list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// In any order.
    pub entries: Vec<LedgerEntry>,
    /// From when on the list goes on, if it does.
    pub next: Option<Timestamp>,
}

/// One movement of money at the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// The provider's name for the payment or refund.
    pub reference: String,
    /// Our payment or refund, where the provider knows of one.
    pub ours: Option<String>,
    /// What it is.
    pub kind: Movement,
    /// Minor units.
    pub amount: i64,
    /// Of the amount.
    pub currency: Currency,
    /// How far it has come.
    pub standing: Standing,
    /// When it was made or last changed.
    pub at: Timestamp,
}

/// What a movement of money is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Movement {
    /// Set aside.
    Authorization,
    /// Taken.
    Capture,
    /// Given up.
    Void,
    /// Given back.
    Refund,
    /// Asked back by the customer's bank.
    Dispute,
}

/// How far a movement of money has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Under way.
    Pending,
    /// It has happened.
    Done,
    /// It did not happen.
    Failed,
}

/// Something that the provider tells of by itself: in any order, repeatedly, late, or before its own answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The provider's name for the event, by which a repetition is known.
    pub event_id: String,
    /// When it happened.
    pub at: Timestamp,
    /// The provider's name for the payment or refund.
    pub reference: String,
    /// Our payment or refund, as it was given to the provider.
    pub ours: Option<String>,
    /// What happened.
    #[serde(flatten)]
    pub news: News,
}

/// What happened at the provider. Amounts are minor units of one movement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "news", rename_all = "snake_case")]
pub enum News {
    /// Authorised.
    Authorized {
        /// How much.
        amount: i64,
    },
    /// Captured.
    Captured {
        /// How much.
        amount: i64,
    },
    /// Nothing is held any more.
    Voided,
    /// Given back.
    Refunded {
        /// How much.
        amount: i64,
    },
    /// An authorisation or capture was refused for good.
    Declined {
        /// The provider's code.
        code: String,
        /// For people.
        message: String,
    },
    /// A refund did not arrive, be it days after it was accepted.
    RefundFailed {
        /// The provider's code.
        code: String,
        /// For people.
        message: String,
    },
    /// An authorisation ended by itself.
    Expired,
    /// The customer's bank asks the money back.
    Disputed {
        /// The provider's name for the dispute.
        dispute_id: String,
        /// How much.
        amount: i64,
        /// The provider's word.
        reason: String,
        /// Until when the merchant may answer.
        respond_by: Option<Timestamp>,
    },
    /// A dispute is over.
    DisputeClosed {
        /// Which.
        dispute_id: String,
        /// Whether the merchant keeps the money.
        won: bool,
    },
    /// Something that only ends a wait.
    Other,
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
    match (operation, outcome) {
        (Operation::List { .. }, Outcome::Listed(listing)) => validate_listing(operation, listing),
        (Operation::Callback(_), Outcome::Notices { notices }) => {
            if notices.len() > NOTICES_MAX {
                return broken(format!("{} notices, at most {NOTICES_MAX} are allowed", notices.len()));
            }
            notices.iter().try_for_each(validate_notice)
        }
        (_, Outcome::Settled(settled)) => validate_settled(operation, settled),
        _ => broken("the outcome is none of this operation"),
    }
}

fn validate_settled(operation: &Operation, settled: &Settled) -> Result<(), LawBroken> {
    let (state, amount) = match operation {
        Operation::Authorize(a) => (State::Authorized, a.amount),
        Operation::Capture(m) => (State::Captured, m.amount),
        Operation::Void(_) => (State::Voided, settled.amount),
        Operation::Refund(r) => (State::Refunded, r.payment.amount),
        Operation::Query(_) | Operation::List { .. } | Operation::Callback(_) => (settled.state, settled.amount),
    };
    if settled.state != state {
        return broken(format!("the operation ended as {:?}, expected {state:?}", settled.state));
    }
    if settled.amount != amount {
        return broken(format!("moved {} minor units, asked were {amount}", settled.amount));
    }
    validate_amount(settled.amount)?;
    let asks = matches!(operation, Operation::Query(_) | Operation::List { .. } | Operation::Callback(_));
    let nameless = asks && settled.reference.is_empty();
    if nameless { Ok(()) } else { exchange::validate_reference(&settled.reference) }
}

fn validate_amount(amount: i64) -> Result<(), LawBroken> {
    match amount {
        0..=AMOUNT_MAX => Ok(()),
        ..0 => broken(format!("moved {amount} minor units, which is negative")),
        _ => broken(format!("moved {amount} minor units, which is more than there is")),
    }
}

fn validate_listing(operation: &Operation, listing: &Listing) -> Result<(), LawBroken> {
    if listing.entries.len() > ENTRIES_MAX {
        return broken(format!("{} entries, at most {ENTRIES_MAX} are allowed", listing.entries.len()));
    }
    if let (Operation::List { since }, Some(next)) = (operation, listing.next)
        && next <= *since
    {
        return broken("the list goes on where it began");
    }
    listing.entries.iter().try_for_each(|entry| {
        validate_amount(entry.amount)?;
        entry.ours.as_deref().map_or(Ok(()), exchange::validate_reference)?;
        exchange::validate_reference(&entry.reference)
    })
}

fn validate_notice(notice: &Notice) -> Result<(), LawBroken> {
    let printable = crate::ids::printable(&notice.event_id, EVENT_ID_CHARS_MAX);
    printable.map_err(|why| LawBroken(format!("an event's name {why}")))?;
    exchange::validate_reference(&notice.reference)?;
    notice.ours.as_deref().map_or(Ok(()), exchange::validate_reference)?;
    match &notice.news {
        News::Authorized { amount } | News::Captured { amount } | News::Refunded { amount } => validate_amount(*amount),
        News::Disputed { dispute_id, amount, .. } => {
            validate_amount(*amount)?;
            exchange::validate_reference(dispute_id)
        }
        News::DisputeClosed { dispute_id, .. } => exchange::validate_reference(dispute_id),
        News::Voided | News::Declined { .. } | News::RefundFailed { .. } | News::Expired | News::Other => Ok(()),
    }
}
