//! What the ledger file keeps besides payment intents.

use crate::ids::{IntentId, RefundId};
use crate::intent::Kind;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One line of the ledger. Lines are only ever added; their sequence starts at 1 and has no gaps, and their times
/// never go back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The position, from 1.
    pub sequence: u64,
    /// When it was written.
    pub at: Timestamp,
    /// What happened.
    pub kind: Kind,
    /// Whose money.
    pub payment_intent: IntentId,
    /// The merchant's own identifier of the order or payment.
    pub reference: String,
    /// Minor units, more than zero.
    pub amount: u64,
    /// ISO 4217, upper case.
    pub currency: String,
    /// The refund that this line belongs to.
    pub refund: Option<RefundId>,
}

/// Money given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// `re_…`.
    pub id: RefundId,
    /// What was refunded.
    pub payment_intent: IntentId,
    /// Minor units.
    pub amount: u64,
    /// ISO 4217, upper case.
    pub currency: String,
    /// The merchant's own identifier of the order or payment.
    pub reference: String,
    /// The merchant's own identifier of the refund, where it gave one.
    #[serde(default)]
    pub merchant_reference: Option<String>,
    /// When.
    pub created: Timestamp,
}

/// An answer that will be given again to the same idempotency key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// The HTTP status.
    pub status: u16,
    /// The body, byte for byte.
    pub body: String,
}

/// What is known of an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// A digest of the operation and its parameters.
    pub fingerprint: String,
    /// After this the key may be used anew.
    pub expires_at: Timestamp,
    /// How many requests were failed on purpose with nothing executed.
    pub failures: u32,
    /// Set once the operation was executed.
    pub answer: Option<Saved>,
}
