//! What became of a payment.

use orderwright_sdk::v0_3::payment::{Entry, Query, State, Step};

use crate::authorize::{ask_again, undecided, waits};
use crate::provider::{Answer, Intent, Intents, Provider, Status, answer, escape};
use crate::{failed, settled};

/// Asks by the provider's name where it is known, by ours where not, and waits until the outcome is final.
pub fn step(provider: &Provider, now: i64, query: &Query, transcript: &[Entry]) -> Step {
    let not_found = || {
        let reference = query.reference.clone().unwrap_or_else(|| query.payment_id.clone());
        settled(reference, State::NotFound, 0)
    };
    let last = match (transcript, &query.reference) {
        ([], Some(id)) => return provider.get(&format!("/v1/payment_intents/{}", escape(id))),
        ([], None) => return by_reference(provider, &query.payment_id),
        ([found], None) => {
            return match answer::<Intents>(found) {
                Answer::Is(intents) => foremost(intents).map_or_else(not_found, |intent| one(provider, now, intent, 0)),
                Answer::Missing => not_found(),
                Answer::State(error, _) => failed(error.message),
                Answer::Ends(step) => step,
            };
        }
        ([.., last], _) => last,
    };
    if matches!(last, Entry::Waited | Entry::Callback(_)) {
        return match (&query.reference, transcript) {
            (None, [_, _]) => by_reference_again(provider, transcript),
            _ => ask_again(provider, transcript),
        };
    }
    match answer::<Intent>(last) {
        Answer::Is(intent) => one(provider, now, intent, waits(transcript)),
        Answer::Missing => not_found(),
        Answer::State(error, _) => failed(error.message),
        Answer::Ends(step) => step,
    }
}

/// Asks for the payments that carry our reference.
pub fn by_reference(provider: &Provider, reference: &str) -> Step {
    provider.get(&format!("/v1/payment_intents?reference={}", escape(reference)))
}

/// The first answer was a list: what is asked for now is the payment chosen from it.
fn by_reference_again(provider: &Provider, transcript: &[Entry]) -> Step {
    match transcript.first().map(answer::<Intents>) {
        Some(Answer::Is(intents)) => match foremost(intents) {
            Some(intent) => provider.get(&format!("/v1/payment_intents/{}", escape(&intent.id))),
            None => failed("the transcript waits for a payment that was not found"),
        },
        _ => failed("the transcript waits, but no answer said what for"),
    }
}

/// Of several, the one in which money moved or may still move.
pub fn foremost(intents: Intents) -> Option<Intent> {
    let rank = |intent: &Intent| match intent.status {
        Status::Succeeded => 0,
        Status::RequiresCapture => 1,
        Status::Processing => 2,
        Status::RequiresAction => 3,
        Status::Canceled => 4,
        Status::Failed => 5,
    };
    intents.data.into_iter().min_by_key(rank)
}

fn one(provider: &Provider, now: i64, intent: Intent, waits: usize) -> Step {
    let (state, amount) = match intent.status {
        Status::RequiresCapture => (State::Authorized, intent.amount),
        Status::Succeeded if intent.amount_refunded > 0 => (State::Refunded, intent.amount_refunded),
        Status::Succeeded => (State::Captured, intent.amount_received),
        Status::Canceled => (State::Voided, intent.amount),
        Status::Processing | Status::RequiresAction | Status::Failed => {
            return undecided(provider, now, intent, waits);
        }
    };
    settled(intent.id, state, amount)
}
