//! Capture, void and refund: one request each, whose answer is final.

use orderwright_sdk::v0_3::payment::{Entry, Move, Refund, State, Step};
use serde_json::json;

use crate::provider::{self, Answer, Intent, Intents, Provider, Status, answer, escape};
use crate::{failed, failed_for_now, query, settled};

const UNKNOWN: &str = "the provider does not know the payment";

/// Takes an authorised amount.
pub fn capture(provider: &Provider, capture: &Move, transcript: &[Entry]) -> Step {
    let Some(last) = transcript.last() else {
        let path = format!("/v1/payment_intents/{}/capture", escape(&capture.reference));
        return provider.post(&path, &json!({"amount_to_capture": capture.amount}));
    };
    let done = |intent: Intent| {
        // The provider tells the sum of all captures; of this one it is at most what was asked.
        let amount = intent.amount_received.min(capture.amount);
        settled(intent.id, State::Captured, amount)
    };
    match answer(last) {
        Answer::Is(intent) => done(intent),
        Answer::State(_, intent) if intent.amount_received == capture.amount => done(intent),
        Answer::State(error, _) => failed(error.message),
        Answer::Missing => failed(UNKNOWN),
        Answer::Ends(step) => step,
    }
}

/// Gives up an authorisation. Where its name is not known yet, it is looked for by our reference first.
pub fn void(provider: &Provider, void: &Move, transcript: &[Entry]) -> Step {
    let cancel = |id: &str| provider.post(&format!("/v1/payment_intents/{}/cancel", escape(id)), &json!({}));
    let done = |reference: String| settled(reference, State::Voided, void.amount);
    let last = match transcript {
        [] if void.reference.is_empty() => return query::by_reference(provider, &void.payment_id),
        [] => return cancel(&void.reference),
        [found] if void.reference.is_empty() => match answer::<Intents>(found) {
            Answer::Is(intents) => {
                return match query::foremost(intents) {
                    Some(intent) if is_over(intent.status) => done(intent.id),
                    Some(intent) => cancel(&intent.id),
                    None => failed_for_now(UNKNOWN),
                };
            }
            Answer::Missing => return failed_for_now(UNKNOWN),
            Answer::State(error, _) => return failed(error.message),
            Answer::Ends(step) => return step,
        },
        [.., last] => last,
    };
    match answer::<Intent>(last) {
        Answer::Is(intent) => done(intent.id),
        // Declined, refused by the customer or given up before: nothing is held, which is all that was wanted.
        Answer::State(_, intent) if is_over(intent.status) => done(intent.id),
        Answer::State(error, _) => failed(error.message),
        Answer::Missing => failed(UNKNOWN),
        Answer::Ends(step) => step,
    }
}

fn is_over(status: Status) -> bool {
    matches!(status, Status::Canceled | Status::Failed)
}

/// Gives captured money back.
pub fn refund(provider: &Provider, refund: &Refund, transcript: &[Entry]) -> Step {
    let Some(last) = transcript.last() else {
        let body = json!({
            "payment_intent": refund.payment.reference,
            "amount": refund.payment.amount,
            "reference": refund.refund_id,
        });
        return provider.post("/v1/refunds", &body);
    };
    match answer::<provider::Refund>(last) {
        Answer::Is(made) => settled(made.id, State::Refunded, made.amount),
        Answer::State(error, _) => failed(error.message),
        Answer::Missing => failed(UNKNOWN),
        Answer::Ends(step) => step,
    }
}
