//! Authorising, with what may come between the request and its outcome.

use orderwright_sdk::v0_3::payment::{ActionRequired, Authorize, Declined, Entry, State, Step, Wait};
use serde_json::json;

use crate::provider::{Answer, Intent, Provider, Status, answer, escape};
use crate::{failed, failed_for_now, settled, time};

const SECOND: i64 = 1_000_000;

/// Asks for the amount, and waits until the provider has made up its mind.
pub fn step(provider: &Provider, now: i64, authorize: &Authorize, transcript: &[Entry]) -> Step {
    let Some(last) = transcript.last() else {
        return provider.post(
            "/v1/payment_intents",
            &json!({
                "amount": authorize.amount,
                "currency": authorize.currency,
                "payment_method": authorize.payment_method_id,
                "capture_method": "manual",
                "reference": authorize.payment_id,
                "metadata": {"order_id": authorize.order_id},
            }),
        );
    };
    if matches!(last, Entry::Waited | Entry::Callback(_)) {
        return ask_again(provider, transcript);
    }
    match answer::<Intent>(last) {
        // That it was captured since says that it was authorised.
        Answer::Is(i) if matches!(i.status, Status::RequiresCapture | Status::Succeeded) => {
            settled(i.id, State::Authorized, i.amount)
        }
        Answer::Is(intent) => undecided(provider, now, intent, waits(transcript)),
        Answer::Missing => failed_for_now("the provider does not know the payment that it has opened"),
        Answer::State(error, _) => failed(error.message),
        Answer::Ends(step) => step,
    }
}

/// What follows from a payment that is not authorised.
pub fn undecided(provider: &Provider, now: i64, intent: Intent, waits: usize) -> Step {
    match intent.status {
        Status::Processing => wait(provider, now, waits),
        Status::RequiresAction => action(provider, now, intent, waits),
        Status::Canceled => declined("canceled", "the payment was canceled"),
        Status::Failed => match intent.last_error {
            Some(error) => declined(&error.code, &error.message),
            None => declined("failed", "the payment failed"),
        },
        Status::RequiresCapture | Status::Succeeded => failed("the payment is authorised already"),
    }
}

fn action(provider: &Provider, now: i64, intent: Intent, waits: usize) -> Step {
    let Some(action) = intent.next_action.map(|action| action.redirect_to_url) else {
        // The moment between the customer's answer and its effect.
        return wait(provider, now, waits);
    };
    let Some(until) = time::parse(&action.expires_at) else {
        return failed(format!("the provider's time {:?} cannot be read", action.expires_at));
    };
    Step::ActionRequired(ActionRequired { url: action.url, until, poll_at: now + pause(waits) })
}

/// Where the provider calls, the call ends the wait; asking is then only for a call that was lost.
fn wait(provider: &Provider, now: i64, waits: usize) -> Step {
    let pause = if provider.calls() { 60 * SECOND } else { pause(waits) };
    Step::Wait(Wait { until: now + pause, callback: true })
}

/// Quickly while somebody may be looking, slowly after a minute.
fn pause(waits: usize) -> i64 {
    if waits < 20 { 3 * SECOND } else { 15 * SECOND }
}

/// How often was waited so far.
pub fn waits(transcript: &[Entry]) -> usize {
    transcript.iter().filter(|entry| matches!(entry, Entry::Waited | Entry::Callback(_))).count()
}

/// Asks for the payment that the last answer was about.
pub fn ask_again(provider: &Provider, transcript: &[Entry]) -> Step {
    let known = transcript.iter().rev().find_map(|entry| match answer::<Intent>(entry) {
        Answer::Is(intent) => Some(intent.id),
        _ => None,
    });
    match known {
        Some(id) => provider.get(&format!("/v1/payment_intents/{}", escape(&id))),
        None => failed("the transcript waits, but no answer said what for"),
    }
}

fn declined(code: &str, message: &str) -> Step {
    Step::Declined(Declined { code: code.into(), message: message.into() })
}
