//! A payment intent and everything that may happen to it. Pure: the clock and the ledger belong to the caller.
//!
//! Each operation either changes the intent and says what to post to the ledger, or refuses and changes nothing.
//! For every intent, whatever happened to it, the postings add up:
//! captured = `amount_received`, refunded = `amount_refunded`, authorised − captured − voided = `amount_capturable`.

use crate::ids::IntentId;
use crate::method::Method;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use thiserror::Error;

#[cfg(test)]
mod tests;

/// Where a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The outcome is not known yet; it lands by itself.
    Processing,
    /// The customer must confirm first.
    RequiresAction,
    /// Authorised, and not all of it captured or voided.
    RequiresCapture,
    /// Captured.
    Succeeded,
    /// Given up by the merchant with nothing charged.
    Canceled,
    /// Declined, refused or expired with nothing charged.
    Failed,
}

impl Status {
    /// The name used in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Processing => "processing",
            Self::RequiresAction => "requires_action",
            Self::RequiresCapture => "requires_capture",
            Self::Succeeded => "succeeded",
            Self::Canceled => "canceled",
            Self::Failed => "failed",
        }
    }
}

/// When the money is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaptureMethod {
    /// By a capture request.
    Manual,
    /// Together with the authorisation.
    Automatic,
}

/// Why no money moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decline {
    /// The bank declined.
    CardDeclined,
    /// The account has too little money.
    InsufficientFunds,
    /// The customer refused at the confirmation page.
    AuthenticationFailed,
    /// The customer did not answer in time.
    ConfirmationExpired,
}

impl Decline {
    /// The stable code of the API.
    pub fn code(self) -> &'static str {
        match self {
            Self::CardDeclined => "card_declined",
            Self::InsufficientFunds => "insufficient_funds",
            Self::AuthenticationFailed => "authentication_failed",
            Self::ConfirmationExpired => "confirmation_expired",
        }
    }

    /// A sentence for people.
    pub fn message(self) -> &'static str {
        match self {
            Self::CardDeclined => "The payment method was declined.",
            Self::InsufficientFunds => "The payment method has insufficient funds.",
            Self::AuthenticationFailed => "The customer refused the payment.",
            Self::ConfirmationExpired => "The customer did not confirm the payment in time.",
        }
    }
}

/// The kinds of ledger entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Money was set aside.
    Authorize,
    /// Money that had been set aside was taken.
    Capture,
    /// Money that had been set aside was released.
    Void,
    /// Money that had been taken was given back.
    Refund,
    /// Money that had been given back did not arrive, and is the merchant's again.
    RefundFailed,
    /// Money was asked for and refused: nothing moved.
    Decline,
}

/// A movement of money (or a decline) to be written to the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posting {
    /// What happened.
    pub kind: Kind,
    /// In the currency's minor unit.
    pub amount: u64,
}

/// What an operation did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    /// What to write to the ledger, in order.
    pub postings: Vec<Posting>,
    /// Set when the operation was executed and declined.
    pub declined: Option<Decline>,
}

impl Change {
    fn posted(postings: impl IntoIterator<Item = (Kind, u64)>) -> Self {
        let postings = postings
            .into_iter()
            .filter(|(_, amount)| *amount > 0)
            .map(|(kind, amount)| Posting { kind, amount })
            .collect();
        Self { postings, declined: None }
    }

    fn declined(decline: Decline, amount: u64) -> Self {
        Self { declined: Some(decline), ..Self::posted([(Kind::Decline, amount)]) }
    }
}

/// Why an operation was refused without being executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The intent is in a status that does not allow it.
    #[error("a payment intent with status {} cannot be {verb}", .status.name())]
    UnexpectedState {
        /// The present status.
        status: Status,
        /// The participle of what was asked.
        verb: &'static str,
    },
    /// More was asked to be captured than is authorised.
    #[error("{asked} is more than the {capturable} that can still be captured")]
    OverCapture {
        /// Minor units asked for.
        asked: u64,
        /// Minor units left.
        capturable: u64,
    },
    /// More was asked to be refunded than is captured.
    #[error("{asked} is more than the {refundable} that can still be refunded")]
    OverRefund {
        /// Minor units asked for.
        asked: u64,
        /// Minor units left.
        refundable: u64,
    },
    /// Everything captured was refunded already.
    #[error("everything captured was refunded already")]
    AlreadyRefunded,
}

/// The customer's part of a payment that must be confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// The secret in the URL.
    pub token: String,
    /// After this the payment has failed.
    pub expires_at: Timestamp,
}

/// What a merchant asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewIntent {
    /// Minor units, more than zero.
    pub amount: u64,
    /// ISO 4217, upper case.
    pub currency: String,
    /// Which also says the fault to play.
    pub payment_method: Method,
    /// When the money is taken.
    pub capture_method: CaptureMethod,
    /// The merchant's own identifier of the order or payment.
    pub reference: String,
    /// Kept and given back, never read.
    pub metadata: BTreeMap<String, String>,
}

/// What a new intent needs from outside.
#[derive(Debug, Clone)]
pub struct Opening {
    /// The new identifier.
    pub id: IntentId,
    /// The time of the request.
    pub now: Timestamp,
    /// When a `pm_late` authorisation lands.
    pub lands_at: Timestamp,
    /// For `pm_action`.
    pub confirmation: Confirmation,
}

/// A payment intent as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// `pi_…`.
    pub id: IntentId,
    /// Minor units asked for.
    pub amount: u64,
    /// ISO 4217, upper case.
    pub currency: String,
    /// Which also says the fault to play.
    pub payment_method: Method,
    /// When the money is taken.
    pub capture_method: CaptureMethod,
    /// Where the payment stands.
    pub status: Status,
    /// Authorised and neither captured nor voided.
    pub amount_capturable: u64,
    /// Captured in all.
    pub amount_received: u64,
    /// Refunded in all, never more than was received.
    pub amount_refunded: u64,
    /// The merchant's own identifier of the order or payment.
    pub reference: String,
    /// Kept and given back, never read.
    pub metadata: BTreeMap<String, String>,
    /// When the intent was opened.
    pub created: Timestamp,
    /// When a processing payment lands.
    pub lands_at: Option<Timestamp>,
    /// Set for payments that the customer has to confirm.
    pub confirmation: Option<Confirmation>,
    /// The last decline.
    pub last_error: Option<Decline>,
}

impl Intent {
    /// Opens an intent and, if the method allows it, authorises (and with automatic capture takes) the money.
    pub fn open(new: NewIntent, opening: Opening) -> (Self, Change) {
        let method = new.payment_method;
        let mut intent = Self {
            id: opening.id,
            amount: new.amount,
            currency: new.currency,
            payment_method: method,
            capture_method: new.capture_method,
            status: Status::Processing,
            amount_capturable: 0,
            amount_received: 0,
            amount_refunded: 0,
            reference: new.reference,
            metadata: new.metadata,
            created: opening.now,
            lands_at: None,
            confirmation: None,
            last_error: None,
        };
        let change = match (method, intent.capture_method) {
            (Method::Declined, _) => intent.fail(Decline::CardDeclined),
            (Method::InsufficientFunds, _) => intent.fail(Decline::InsufficientFunds),
            // With automatic capture there is one step, and it is declined as a whole.
            (Method::CaptureDeclined, CaptureMethod::Automatic) => intent.fail(Decline::CardDeclined),
            (Method::Late | Method::Callback, _) => {
                intent.lands_at = Some(opening.lands_at);
                Change::default()
            }
            (Method::Action, _) => {
                intent.status = Status::RequiresAction;
                intent.confirmation = Some(opening.confirmation);
                Change::default()
            }
            _ => intent.authorize(),
        };
        (intent, change)
    }

    /// When the intent changes by itself, if it does.
    pub fn due_at(&self) -> Option<Timestamp> {
        match self.status {
            Status::Processing => self.lands_at,
            Status::RequiresAction => self.confirmation.as_ref().map(|it| it.expires_at),
            _ => None,
        }
    }

    /// Lets happen what was due by `now`: a late payment lands, an unanswered confirmation expires.
    pub fn settle(&mut self, now: Timestamp) -> Option<Change> {
        if self.due_at().is_none_or(|due| due > now) {
            return None;
        }
        Some(match self.status {
            Status::Processing => self.authorize(),
            _ => Change {
                // Nobody is waiting for this answer: it shows as the intent's last error.
                declined: None,
                ..self.fail(Decline::ConfirmationExpired)
            },
        })
    }

    /// The customer confirms or refuses.
    pub fn answer(&mut self, confirmed: bool) -> Result<Change, Refusal> {
        match self.status {
            Status::RequiresAction if confirmed => Ok(self.authorize()),
            Status::RequiresAction => Ok(self.fail(Decline::AuthenticationFailed)),
            _ => Err(self.unexpected("confirmed")),
        }
    }

    /// Takes `amount` (everything that is left where it is `None`). A last capture releases what it does not take.
    pub fn capture(&mut self, amount: Option<u64>, is_last: bool) -> Result<Change, Refusal> {
        if self.status != Status::RequiresCapture {
            return Err(self.unexpected("captured"));
        }
        let capturable = self.amount_capturable;
        let asked = amount.unwrap_or(capturable);
        if asked > capturable {
            return Err(Refusal::OverCapture { asked, capturable });
        }
        if self.payment_method == Method::CaptureDeclined {
            self.last_error = Some(Decline::CardDeclined);
            return Ok(Change::declined(Decline::CardDeclined, asked));
        }
        let released = if is_last { capturable - asked } else { 0 };
        self.amount_received += asked;
        self.amount_capturable = capturable - asked - released;
        if self.amount_capturable == 0 {
            self.status = Status::Succeeded;
        }
        Ok(Change::posted([(Kind::Capture, asked), (Kind::Void, released)]))
    }

    /// Gives up what was not captured. A payment that has not landed yet then never charges anything.
    pub fn void(&mut self) -> Result<Change, Refusal> {
        match self.status {
            Status::RequiresCapture => {
                let released = std::mem::take(&mut self.amount_capturable);
                self.status = if self.amount_received > 0 { Status::Succeeded } else { Status::Canceled };
                Ok(Change::posted([(Kind::Void, released)]))
            }
            Status::Processing | Status::RequiresAction => {
                self.status = Status::Canceled;
                Ok(Change::default())
            }
            _ => Err(self.unexpected("canceled")),
        }
    }

    /// Gives `amount` back (everything that is left where it is `None`) and says how much that was.
    pub fn refund(&mut self, amount: Option<u64>) -> Result<(u64, Change), Refusal> {
        if self.amount_received == 0 {
            return Err(self.unexpected("refunded"));
        }
        let refundable = self.amount_received - self.amount_refunded;
        if refundable == 0 {
            return Err(Refusal::AlreadyRefunded);
        }
        let asked = amount.unwrap_or(refundable);
        if asked > refundable {
            return Err(Refusal::OverRefund { asked, refundable });
        }
        self.amount_refunded += asked;
        Ok((asked, Change::posted([(Kind::Refund, asked)])))
    }

    /// A refund of `amount` did not arrive.
    pub fn refund_failed(&mut self, amount: u64) -> Change {
        let failed = amount.min(self.amount_refunded);
        self.amount_refunded -= failed;
        Change::posted([(Kind::RefundFailed, failed)])
    }

    fn authorize(&mut self) -> Change {
        match self.capture_method {
            CaptureMethod::Manual => {
                self.status = Status::RequiresCapture;
                self.amount_capturable = self.amount;
                Change::posted([(Kind::Authorize, self.amount)])
            }
            CaptureMethod::Automatic => {
                self.status = Status::Succeeded;
                self.amount_received = self.amount;
                Change::posted([(Kind::Authorize, self.amount), (Kind::Capture, self.amount)])
            }
        }
    }

    fn fail(&mut self, decline: Decline) -> Change {
        self.status = Status::Failed;
        self.last_error = Some(decline);
        Change::declined(decline, self.amount)
    }

    fn unexpected(&self, verb: &'static str) -> Refusal {
        Refusal::UnexpectedState { status: self.status, verb }
    }
}
