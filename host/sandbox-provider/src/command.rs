//! The four requests that move money, read and ready to be executed inside a transaction.

use crate::ids::{IntentId, RefundId, secret_token, sha256_hex};
use crate::intent::{CaptureMethod, Change, Confirmation, Intent, NewIntent, Opening, Refusal};
use crate::method::{Method, Operation};
use crate::problem::Problem;
use crate::records::{Refund, Saved};
use crate::store::{self, Book};
use crate::view;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;

/// After how long a `pm_callback` authorisation lands: after its request was answered.
const CALLBACK_LANDS: Duration = Duration::from_millis(300);

/// A request whose parameters are valid.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "operation", rename_all = "snake_case")]
pub enum Command {
    /// `POST /v1/payment_intents`.
    Open(NewIntent),
    /// `POST /v1/payment_intents/{id}/capture`.
    Capture {
        /// Whose money.
        intent: IntentId,
        /// Everything that is left where it is absent.
        amount: Option<u64>,
        /// Whether what is left over is released.
        is_last: bool,
    },
    /// `POST /v1/payment_intents/{id}/cancel`.
    Cancel {
        /// Whose money.
        intent: IntentId,
    },
    /// `POST /v1/refunds`.
    Refund {
        /// Whose money.
        intent: IntentId,
        /// Everything that is left where it is absent.
        amount: Option<u64>,
        /// The merchant's own identifier of the refund.
        #[serde(skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
    },
}

/// What a command needs from outside the ledger.
#[derive(Debug, Clone)]
pub struct Context {
    /// Where the provider is reached, without a slash at the end.
    pub url: String,
    /// After how long a `pm_late` authorisation lands.
    pub late: Duration,
    /// How long the customer has to confirm.
    pub confirmation: Duration,
    /// How long an idempotency key is remembered.
    pub idempotency: Duration,
}

/// A command that was executed: what to answer, now and to every repetition.
#[derive(Debug)]
pub struct Executed {
    /// The answer.
    pub answer: Saved,
    /// Whether the request that executed it is left without the answer.
    pub is_silent: bool,
}

/// Why a command was not executed.
#[derive(Debug)]
pub enum Error {
    /// The request is refused and nothing is remembered of it.
    Refused(Problem),
    /// The ledger failed.
    Store(store::Error),
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

impl Command {
    /// A digest of the operation and its parameters, the same for every way to write the same parameters in JSON.
    pub fn fingerprint(&self) -> String {
        let canonical = serde_json::to_vec(self).expect("a command has no map with other keys than strings");
        sha256_hex(&canonical)
    }

    /// What is asked for.
    pub fn operation(&self) -> Operation {
        match self {
            Self::Open(_) => Operation::Authorize,
            Self::Capture { .. } => Operation::Capture,
            Self::Cancel { .. } => Operation::Void,
            Self::Refund { .. } => Operation::Refund,
        }
    }

    /// The payment method that decides the fault. `None` where the intent does not exist.
    pub fn method(&self, book: &mut Book<'_>) -> Result<Option<Method>, store::Error> {
        match self {
            Self::Open(new) => Ok(Some(new.payment_method)),
            Self::Capture { intent, .. } | Self::Cancel { intent } | Self::Refund { intent, .. } => {
                Ok(book.intent(intent)?.map(|intent| intent.payment_method))
            }
        }
    }

    /// Executes the command.
    pub fn execute(self, book: &mut Book<'_>, context: &Context) -> Result<Executed, Error> {
        let operation = self.operation();
        let is_sale = matches!(&self, Self::Open(new) if new.capture_method == CaptureMethod::Automatic);
        let (intent, change, refund) = match self {
            Self::Open(new) => {
                let late = if new.payment_method == Method::Callback { CALLBACK_LANDS } else { context.late };
                let (intent, change) = Intent::open(new, opening(book.now(), late, context));
                (intent, change, None)
            }
            Self::Capture { intent, amount, is_last } => {
                let mut intent = find(book, &intent, "id")?;
                let change = intent
                    .capture(amount, is_last)
                    .map_err(|refusal| refused(refusal, "amount_to_capture", &intent, context))?;
                (intent, change, None)
            }
            Self::Cancel { intent } => {
                let mut intent = find(book, &intent, "id")?;
                let change = intent.void().map_err(|refusal| refused(refusal, "amount", &intent, context))?;
                (intent, change, None)
            }
            Self::Refund { intent, amount, reference } => {
                let mut intent = find(book, &intent, "payment_intent")?;
                let (amount, change) =
                    intent.refund(amount).map_err(|refusal| refused(refusal, "amount", &intent, context))?;
                let refund = refund_of(&intent, amount, reference, book.now());
                (intent, change, Some(refund))
            }
        };
        book.put_answered(&intent, &change, refund.as_ref())?;
        if let Some(refund) = &refund {
            book.put_refund(refund)?;
        }
        tracing::debug!(intent = %intent.id, ?operation, status = intent.status.name(), "executed");
        Ok(Executed {
            is_silent: intent.payment_method.is_silent(operation)
                || is_sale && intent.payment_method.is_silent(Operation::Capture),
            answer: answer(&intent, &change, refund.as_ref(), context),
        })
    }
}

fn opening(now: Timestamp, late: Duration, context: &Context) -> Opening {
    Opening {
        id: IntentId::generate(),
        now,
        lands_at: after(now, late),
        confirmation: Confirmation { token: secret_token(), expires_at: after(now, context.confirmation) },
    }
}

/// The end of a span that starts now. One too long for the calendar never ends.
pub fn after(now: Timestamp, span: Duration) -> Timestamp {
    now.checked_add(span).unwrap_or(Timestamp::MAX)
}

fn find(book: &mut Book<'_>, id: &IntentId, param: &'static str) -> Result<Intent, Error> {
    let found = book.intent(id)?;
    Ok(found.ok_or_else(|| Problem::missing("payment intent", id.as_str(), param))?)
}

fn refused(refusal: Refusal, amount_param: &str, intent: &Intent, context: &Context) -> Problem {
    Problem::refused(refusal, amount_param, view::intent(intent, &context.url))
}

fn refund_of(intent: &Intent, amount: u64, merchant_reference: Option<String>, now: Timestamp) -> Refund {
    Refund {
        id: RefundId::generate(),
        payment_intent: intent.id.clone(),
        amount,
        currency: intent.currency.clone(),
        reference: intent.reference.clone(),
        merchant_reference,
        created: now,
    }
}

fn answer(intent: &Intent, change: &Change, refund: Option<&Refund>, context: &Context) -> Saved {
    let view = view::intent(intent, &context.url);
    let (status, body): (u16, Value) = match (change.declined, refund) {
        (Some(decline), _) => {
            let problem = Problem::declined(decline, view);
            (problem.status().as_u16(), problem.body())
        }
        (None, Some(refund)) => (200, view::refund(refund)),
        (None, None) => (200, view),
    };
    Saved { status, body: body.to_string() }
}
