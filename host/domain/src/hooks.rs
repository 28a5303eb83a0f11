//! What policies and adapters are asked and what they may answer.
//!
//! An answer is untrusted input: `validate` turns it into something the domain acts on, or says what law it broke.
//! These types are also the recorded form of a decision's input and output (as JSON), which makes a decision
//! re-executable. Amounts are minor units of the stated currency; latitudes and longitudes are millionths of a degree.

pub mod payment;
pub mod risk;
pub mod routing;
pub mod tax;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// The decisions that a merchant can take over with a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hook {
    /// Which warehouse ships which line.
    Routing,
    /// How much tax is due.
    Tax,
    /// Whether the order may be placed at all.
    Risk,
    /// How the payment provider is spoken to.
    Payment,
}

impl Hook {
    /// Every hook, in the order in which a placement asks them.
    pub const ALL: [Self; 4] = [Self::Routing, Self::Tax, Self::Risk, Self::Payment];

    /// The name in URLs, WIT worlds and records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Routing => "routing",
            Self::Tax => "tax",
            Self::Risk => "risk",
            Self::Payment => "payment",
        }
    }
}

/// What happens when a policy fails or answers nonsense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailurePolicy {
    /// The built-in native default decides.
    Fallback,
    /// The native default decides for now, and the order is parked for a person.
    Hold,
    /// The request is refused.
    Reject,
}

impl FailurePolicy {
    /// Every policy.
    pub const ALL: [Self; 3] = [Self::Fallback, Self::Hold, Self::Reject];

    /// The name in requests and records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fallback => "fallback",
            Self::Hold => "hold",
            Self::Reject => "reject",
        }
    }
}

/// What every call is told about its surroundings. The clock is frozen at the moment of the decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// The moment of the decision.
    pub now: Timestamp,
    /// The binding's configuration: a JSON object that the plugin's author defined.
    pub config: String,
}

/// Where an order goes, without anything that names a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// ISO 3166 alpha-2.
    pub country: String,
    /// State, province or region code, as given.
    pub region: Option<String>,
    /// City, as given.
    pub city: Option<String>,
    /// Postal code, as given.
    pub zip: Option<String>,
}

/// A law that an answer broke. The text goes into the decision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LawBroken(pub String);

pub(crate) fn broken<T>(why: impl Into<String>) -> Result<T, LawBroken> {
    Err(LawBroken(why.into()))
}
