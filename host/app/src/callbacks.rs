//! What providers tell by themselves: a call at an address that only they know, understood by the adapter, kept once per
//! event, and set against what is known.
//!
//! Taking a call in changes no order: its notices are kept durably and answered for at once. `settle` then does with each
//! what it means, as often as it takes, so that neither order, repetition nor delay of the calls matters.

pub mod address;
mod payments;
mod settle;

use domain::hooks::exchange::{Callback, Entry, Input, Step};
use domain::hooks::payment::{News, Notice, Operation, Outcome, Settled, State};
use domain::hooks::{Context, Hook, Question};
use domain::ids::TenantId;
use plugin_host::{CallContext, Failure};
use serde::Serialize;
use store::{CallbackEvent, CallbackState};

use crate::policies::Binding;
use crate::{App, Error, clock};

/// An adapter that takes more steps to understand a call is going round in circles.
const STEPS_MAX: usize = 10;

/// The longest body of a call, in bytes: as large as what stands in a transcript at most.
pub const BODY_BYTES_MAX: usize = 64 << 10;

/// The most headers of a call that an adapter sees.
pub const HEADERS_MAX: usize = 50;

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// How many events it told of.
    pub events: usize,
    /// Of these, how many were not told before.
    pub new: usize,
}

/// Why a call is not taken in.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Nobody has this address, or what was bound there is not any more.
    #[error("there is no such address")]
    NotFound,
    /// No signature on it was right.
    #[error("no signature of the call was found right")]
    Forged,
    /// The adapter makes nothing of it.
    #[error("the adapter does not understand the call: {0}")]
    NotUnderstood(String),
    /// It may be understood later.
    #[error("the call cannot be understood just now: {0}")]
    Later(String),
    /// Something else.
    #[error(transparent)]
    Error(#[from] Error),
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Self {
        Self::Error(error.into())
    }
}

impl App {
    /// Takes in a call at an address. What it tells is durable before this answers.
    ///
    /// # Errors
    /// [`Refusal`]; nothing is kept.
    pub async fn called(&self, token: &str, call: Callback) -> Result<Taken, Refusal> {
        let (tenant, slot) = self.called_at(token).await?.ok_or(Refusal::NotFound)?;
        let bindings = self.bindings(tenant).await?;
        let binding = slot.binding().and_then(|name| bindings.adapter(slot.hook(), name));
        let binding = binding.cloned().ok_or(Refusal::NotFound)?;
        let notices = match slot.hook() {
            Hook::Payment => self.payment_notices(tenant, &binding, &call).await?,
            // What these tell is not listened to.
            _ => return Err(Refusal::NotFound),
        };
        let sealed = self.keyring().seal(&call);
        let mut new = 0;
        for notice in &notices {
            let event = CallbackEvent {
                tenant,
                hook: slot.to_string(),
                event_id: notice.event_id.clone(),
                received_at: clock::now(),
                notice: serde_json::to_string(notice).map_err(Error::from)?,
                sealed_call: Some(sealed.clone()),
                order_id: None,
                state: CallbackState::New,
                told: None,
                attempts: 0,
                next_at: Some(clock::now()),
            };
            new += usize::from(self.store().put_callback_event(&event).await?);
        }
        metrics::counter!("orderwright_callback_events_total", "hook" => slot.hook().name()).increment(new as u64);
        fail::fail_point!("callbacks.kept");
        self.callbacks().notify_one();
        Ok(Taken { events: notices.len(), new })
    }

    async fn payment_notices(
        &self,
        tenant: TenantId,
        binding: &Binding,
        call: &Callback,
    ) -> Result<Vec<Notice>, Refusal> {
        match self.understood(tenant, binding, Operation::Callback(call.clone())).await? {
            Outcome::Notices { notices } => Ok(notices),
            Outcome::Settled(settled) => Ok(vec![untold(settled, call)]),
            Outcome::Listed(_) => Err(Refusal::NotUnderstood("it answers with a list".to_owned())),
        }
    }

    /// Asks the adapter what a call means. It counts only where a signature on it was found right.
    async fn understood<O, D>(&self, tenant: TenantId, binding: &Binding, operation: O) -> Result<D, Refusal>
    where
        O: Clone,
        D: Serialize + Send + 'static,
        Input<O>: Question<Answer = Step<D>>,
    {
        let context = Context { now: clock::now(), config: binding.config.clone() };
        let mut input = Input { context, operation, transcript: Vec::new() };
        let (mut was_right, mut was_wrong) = (false, false);
        for _ in 0..STEPS_MAX {
            let call = binding.plugin.call(CallContext::order(tenant), &input).await;
            let entry = match call.result {
                Ok(Step::VerifyHmac { secret, signed, given }) => {
                    let valid = self.verified(tenant, binding, &secret, (&signed, &given)).await;
                    (was_right, was_wrong) = (was_right || valid, was_wrong || !valid);
                    Entry::Verified { valid }
                }
                // Nothing that came with a call is a blob.
                Ok(Step::Extract { .. }) => Entry::Extracted { value: None },
                Ok(Step::Done(_)) if !was_right => return Err(Refusal::Forged),
                Ok(Step::Done(outcome)) => return Ok(outcome),
                Ok(Step::Failed { retryable: true, message }) if !was_wrong => return Err(Refusal::Later(message)),
                Ok(Step::Declined { message, .. } | Step::Failed { message, .. }) => {
                    return Err(if was_wrong { Refusal::Forged } else { Refusal::NotUnderstood(message) });
                }
                Ok(Step::Request(_) | Step::Wait { .. } | Step::ActionRequired { .. }) => {
                    let why = "it asks for what no call can be answered with";
                    return Err(Refusal::NotUnderstood(why.to_owned()));
                }
                Err(failure @ Failure::Busy) => return Err(Refusal::Later(failure.to_string())),
                Err(failure) => {
                    tracing::warn!(%tenant, plugin = binding.name, %failure, "an adapter failed at a callback");
                    return Err(Refusal::NotUnderstood(failure.to_string()));
                }
            };
            input.transcript.push(entry);
        }
        Err(Refusal::NotUnderstood(format!("it asks for more than {STEPS_MAX} steps")))
    }
}

/// What an adapter of the revision 0.1 says of a call: it has no name for the event, so that the call itself is one, and no
/// id of ours.
fn untold(settled: Settled, call: &Callback) -> Notice {
    let news = match settled.state {
        State::Authorized => News::Authorized { amount: settled.amount },
        State::Captured => News::Captured { amount: settled.amount },
        State::Voided => News::Voided,
        State::Refunded => News::Refunded { amount: settled.amount },
        State::NotFound => News::Other,
    };
    Notice {
        event_id: plugin_host::digest(&call.body.0),
        at: clock::now(),
        ours: Some(settled.reference.clone()),
        reference: settled.reference,
        news,
    }
}
