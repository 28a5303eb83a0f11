//! What policies and adapters are asked and what they may answer.
//!
//! An answer is untrusted input: `validate` turns it into something the domain acts on, or says what law it broke.
//! These types are also the recorded form of a decision's input and output (as JSON), which makes a decision
//! re-executable. Amounts are minor units of the stated currency; latitudes and longitudes are millionths of a degree.

pub mod carrier;
pub mod channel;
pub mod exchange;
pub mod notification;
pub mod payment;
mod personal;
pub mod pricing;
pub mod risk;
pub mod routing;
pub mod shipping;
mod slot;
pub mod tax;

pub use personal::{PersonalField, PersonalFields};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
pub use slot::{MAIN, Slot, binding_name};

use crate::time::Timestamp;

/// The decisions that a merchant can take over with a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hook {
    /// Which warehouse ships which line.
    Routing,
    /// What is taken off the prices.
    Pricing,
    /// What shipping costs and when the goods arrive.
    Shipping,
    /// How much tax is due.
    Tax,
    /// Whether the order may be placed at all.
    Risk,
    /// What is told to whom.
    Notification,
    /// How a payment provider is spoken to.
    Payment,
    /// How a carrier is spoken to.
    Carrier,
    /// How somebody is spoken to who delivers messages.
    Channel,
}

impl Hook {
    /// Every hook: policies in the order in which a placement asks them, then adapters.
    pub const ALL: [Self; 9] = [
        Self::Routing,
        Self::Pricing,
        Self::Shipping,
        Self::Tax,
        Self::Risk,
        Self::Notification,
        Self::Payment,
        Self::Carrier,
        Self::Channel,
    ];

    /// The name in URLs, WIT worlds and records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Routing => "routing",
            Self::Pricing => "pricing",
            Self::Shipping => "shipping",
            Self::Tax => "tax",
            Self::Risk => "risk",
            Self::Notification => "notification",
            Self::Payment => "payment",
            Self::Carrier => "carrier",
            Self::Channel => "channel",
        }
    }

    /// Whether it speaks to somebody outside (through the host) rather than deciding.
    #[must_use]
    pub const fn is_adapter(self) -> bool {
        matches!(self, Self::Payment | Self::Carrier | Self::Channel)
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

/// What a hook is asked, with what may be answered.
pub trait Question: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What comes back.
    type Answer: Serialize + Send;

    /// The hook.
    const HOOK: Hook;

    /// Clock and configuration.
    fn context(&self) -> &Context;

    /// Takes out the personal fields that are not among the given ones.
    fn withhold(&mut self, visible: PersonalFields);

    /// Checks the hook's laws.
    ///
    /// # Errors
    /// The first law broken.
    fn validate(&self, answer: Self::Answer) -> Result<Self::Answer, LawBroken>;
}

macro_rules! question {
    ($($hook:ident: $module:ident -> $answer:ident, |$question:ident, $visible:ident| $withhold:expr;)*) => {$(
        impl Question for $module::Input {
            type Answer = $module::$answer;

            const HOOK: Hook = Hook::$hook;

            fn context(&self) -> &Context {
                &self.context
            }

            fn withhold(&mut self, $visible: PersonalFields) {
                let $question = self;
                $withhold
            }

            fn validate(&self, answer: Self::Answer) -> Result<Self::Answer, LawBroken> {
                $module::validate(self, answer)
            }
        }
    )*};
}

question! {
    Routing: routing -> Answer, |asked, visible| asked.destination.withhold(visible);
    Pricing: pricing -> Answer, |asked, visible| {
        asked.destination.withhold(visible);
        keep_if(&mut asked.customer_id, visible.contains(PersonalField::CustomerId));
    };
    Shipping: shipping -> Answer, |asked, visible| asked.destination.withhold(visible);
    Tax: tax -> Answer, |asked, visible| asked.destination.withhold(visible);
    Risk: risk -> Answer, |asked, visible| {
        asked.destination.withhold(visible);
        keep_if(&mut asked.customer_id, visible.contains(PersonalField::CustomerId));
        keep_if(&mut asked.email_domain, visible.contains(PersonalField::EmailDomain));
    };
    Notification: notification -> Answer, |_asked, _visible| {};
    Payment: payment -> Step, |_asked, _visible| {};
    Carrier: carrier -> Step, |asked, visible| {
        if let carrier::Operation::Rates(parcel)
        | carrier::Operation::BuyLabel(carrier::LabelOrder { parcel, .. }) = &mut asked.operation
        {
            parcel.destination.withhold(visible);
        }
    };
    Channel: channel -> Step, |_asked, _visible| {};
}

impl Destination {
    fn withhold(&mut self, visible: PersonalFields) {
        keep_if(&mut self.city, visible.contains(PersonalField::City));
        keep_if(&mut self.zip, visible.contains(PersonalField::Zip));
    }
}

fn keep_if<T>(field: &mut Option<T>, visible: bool) {
    if !visible {
        *field = None;
    }
}

/// A law that an answer broke. The text goes into the decision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LawBroken(pub String);

pub(crate) fn broken<T>(why: impl Into<String>) -> Result<T, LawBroken> {
    Err(LawBroken(why.into()))
}
