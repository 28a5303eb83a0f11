//! The payment methods, each of which names the fault it plays.

use serde::{Deserialize, Serialize};

/// What a request asks the provider to do with the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Open a payment intent.
    Authorize,
    /// Take money that was authorised.
    Capture,
    /// Give an authorisation back.
    Void,
    /// Give captured money back.
    Refund,
}

/// A payment method of the sandbox. There are no card numbers: the method says how the payment goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// Everything works.
    #[serde(rename = "pm_ok")]
    Ok,
    /// The authorisation is declined.
    #[serde(rename = "pm_declined")]
    Declined,
    /// The authorisation is declined for want of money.
    #[serde(rename = "pm_insufficient_funds")]
    InsufficientFunds,
    /// The authorisation is made, and the request that made it never gets an answer.
    #[serde(rename = "pm_timeout")]
    Timeout,
    /// The authorisation answers 500 twice for each idempotency key, then works.
    #[serde(rename = "pm_flaky")]
    Flaky,
    /// The authorisation is `processing` at first and lands later.
    #[serde(rename = "pm_late")]
    Late,
    /// The authorisation is `processing` at first and lands at once; that it did is told by an event.
    #[serde(rename = "pm_callback")]
    Callback,
    /// The customer must confirm at a URL first.
    #[serde(rename = "pm_action")]
    Action,
    /// The capture is made, and the request that made it never gets an answer.
    #[serde(rename = "pm_capture_timeout")]
    CaptureTimeout,
    /// The authorisation works, every capture is declined.
    #[serde(rename = "pm_capture_declined")]
    CaptureDeclined,
    /// A refund answers 500 twice for each idempotency key, then works.
    #[serde(rename = "pm_refund_flaky")]
    RefundFlaky,
}

/// How often a flaky operation fails before it works, for each idempotency key.
const FLAKY_FAILURES: u32 = 2;

impl Method {
    /// Every method, in the order of the documentation.
    pub const ALL: [Self; 11] = [
        Self::Ok,
        Self::Declined,
        Self::InsufficientFunds,
        Self::Timeout,
        Self::Flaky,
        Self::Late,
        Self::Callback,
        Self::Action,
        Self::CaptureTimeout,
        Self::CaptureDeclined,
        Self::RefundFlaky,
    ];

    /// The name used in requests and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "pm_ok",
            Self::Declined => "pm_declined",
            Self::InsufficientFunds => "pm_insufficient_funds",
            Self::Timeout => "pm_timeout",
            Self::Flaky => "pm_flaky",
            Self::Late => "pm_late",
            Self::Callback => "pm_callback",
            Self::Action => "pm_action",
            Self::CaptureTimeout => "pm_capture_timeout",
            Self::CaptureDeclined => "pm_capture_declined",
            Self::RefundFlaky => "pm_refund_flaky",
        }
    }

    /// The method of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }

    /// Whether the request that executes `operation` is left without an answer.
    pub fn is_silent(self, operation: Operation) -> bool {
        matches!((self, operation), (Self::Timeout, Operation::Authorize) | (Self::CaptureTimeout, Operation::Capture))
    }

    /// How many requests with one idempotency key fail before `operation` is executed.
    pub fn failures(self, operation: Operation) -> u32 {
        match (self, operation) {
            (Self::Flaky, Operation::Authorize) | (Self::RefundFlaky, Operation::Refund) => FLAKY_FAILURES,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_name_is_the_one_of_the_api() {
        for method in Method::ALL {
            assert_eq!(Method::parse(method.name()), Some(method));
            assert_eq!(serde_json::to_value(method).unwrap(), serde_json::Value::from(method.name()));
        }
        assert_eq!(Method::parse("pm_visa"), None);
    }
}
