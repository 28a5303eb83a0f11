//! Sets what was told against what is known, as often as it takes.

use std::time::Duration;

use domain::command::{self, Command};
use domain::hooks::exchange::Callback;
use domain::hooks::payment::Notice;
use domain::ids::{OrderId, PaymentId, RefundId};
use domain::order::Task;
use domain::time::Timestamp;
use store::{CallbackEvent, CallbackState, Changeset, OrderChange, StoredOrder};
use uuid::Uuid;

use super::payments::{self, Meaning, Subject};
use crate::command::Updated;
use crate::effects::journal::{self, Run};
use crate::{App, Error, clock};

/// The name under which it appears in the audit trail.
const ACTOR: &str = "payment callback";
/// How often it is looked for what is due, beside being told.
const INTERVAL: Duration = Duration::from_millis(500);
/// How many are looked at in one go.
const BATCH: u32 = 200;
/// How often an order that moves on meanwhile is looked at again at once.
const TRIES: u32 = 20;
/// What cannot be set against anything may be early: our own answer is seldom more than seconds away, and hours where a
/// provider was down. The wait doubles from here on.
const EARLY_FIRST_MS: i64 = 250;
/// The longest wait between two looks.
const EARLY_LONGEST_MS: i64 = 3_600_000;
/// After so many looks, more than a day in all, nothing will come of it.
const LOOKS_MAX: u32 = 40;
/// How long it is remembered that an event was told.
const KEPT_SECONDS: i64 = 90 * 86_400;

/// What became of an event for now.
enum Told {
    /// It is over.
    Settled(Option<OrderId>, &'static str),
    /// It may be early.
    Early(Option<OrderId>, &'static str),
    /// It is about nothing of ours.
    Unmatched(&'static str),
}

impl App {
    /// Settles what was told, until told to stop.
    pub(crate) async fn settle_callbacks(&self) {
        let stop = self.runner().stop().clone();
        while !stop.is_cancelled() {
            let found = match self.settle_due().await {
                Ok(found) => found,
                Err(error) => {
                    tracing::warn!(%error, "callbacks could not be settled; it tries again");
                    0
                }
            };
            if found < BATCH as usize {
                tokio::select! {
                    () = self.callbacks().notified() => {}
                    () = tokio::time::sleep(INTERVAL) => {}
                    () = stop.cancelled() => return,
                }
            }
        }
    }

    /// Forgets events that are old and settled.
    pub(crate) async fn forget_callbacks(&self, now: Timestamp) -> Result<(), Error> {
        self.store().expire_callback_events(now.plus_seconds(-KEPT_SECONDS)).await?;
        Ok(())
    }

    async fn settle_due(&self) -> Result<usize, Error> {
        let due = self.store().due_callback_events(clock::now(), BATCH).await?;
        let found = due.len();
        for mut event in due {
            match self.settle(&event).await {
                Ok(told) => judge(&mut event, told),
                Err(error) => {
                    tracing::warn!(tenant = %event.tenant, event = event.event_id, %error, "a callback was not settled");
                    judge(&mut event, Told::Early(None, "it could not be settled"));
                }
            }
            self.store().judge_callback_event(&event).await?;
        }
        Ok(found)
    }

    async fn settle(&self, event: &CallbackEvent) -> Result<Told, Error> {
        let notice: Notice = serde_json::from_str(&event.notice)?;
        let Some(ours) = &notice.ours else { return Ok(Told::Unmatched("it names none of our payments")) };
        let Some(part) = part_of(ours) else { return Ok(Told::Unmatched("what it names is no id of ours")) };
        let Some(order_id) = self.store().order_of_part(event.tenant, part).await? else {
            return Ok(Told::Early(None, "there is no such payment"));
        };
        for _ in 0..TRIES {
            let Some(stored) = self.store().order(event.tenant, order_id).await? else {
                return Ok(Told::Early(None, "there is no such payment"));
            };
            let Some(subject) = Subject::find(&stored.order, ours) else {
                return Ok(Told::Early(None, "there is no such payment"));
            };
            if let Some(told) = self.settle_with(event, &notice, &stored, subject).await? {
                return Ok(told);
            }
        }
        Ok(Told::Early(Some(order_id), "the order changes faster than it can be told"))
    }

    /// None where the order has moved on meanwhile.
    async fn settle_with(
        &self,
        event: &CallbackEvent,
        notice: &Notice,
        stored: &StoredOrder,
        subject: Subject,
    ) -> Result<Option<Told>, Error> {
        let order_id = stored.order.order_id;
        let waiting = stored.order.tasks.iter().filter(|task| task.kind.payment_id() == Some(subject.payment_id()));
        for task in waiting {
            let Some(record) = self.operation(event.tenant, order_id, task.task_id).await? else { continue };
            let run = Run::resume(record)?;
            if run.asked.awaits_callback && run.operation.state == journal::WAITING {
                let woken = self.wake(event, stored, run).await?;
                return Ok(woken.then_some(Told::Settled(Some(order_id), "it ended the wait of an operation")));
            }
        }
        let command = match payments::meaning(&stored.order, subject, notice) {
            Meaning::Ends(task_id, result) => Command::Resolved { task_id, result },
            Meaning::Fact(fact) => Command::Told { payment_id: subject.payment_id(), fact },
            Meaning::Known => return Ok(Some(Told::Settled(Some(order_id), "it changed nothing"))),
            Meaning::Early => return Ok(Some(Told::Early(Some(order_id), "what it follows from is not known yet"))),
        };
        self.tell_order(stored, &command).await
    }

    /// Lets an operation that waits go on with the call in its transcript. False where it went on meanwhile.
    async fn wake(&self, event: &CallbackEvent, stored: &StoredOrder, mut run: Run) -> Result<bool, Error> {
        let call: Option<Callback> = event.sealed_call.as_deref().and_then(|sealed| self.keyring().open_sealed(sealed));
        let call = call.ok_or_else(|| Error::Internal("a call was sealed by another instance".to_owned()))?;
        let now = clock::now();
        run.called(call, now);
        let mut changeset = run.into_changeset(event.tenant);
        changeset.order = OrderChange::Defer {
            order_id: stored.order.order_id,
            expected_version: stored.order.version,
            wake_at: Some(now),
            lease: None,
        };
        match self.commit(changeset).await {
            Ok(store::Outcome::Committed(_)) => Ok(true),
            // The end of its wait has come at the same moment: that has the same number in the journal.
            Ok(store::Outcome::VersionConflict) | Err(store::Error::Refused { .. }) => Ok(false),
            Ok(other) => Err(Error::Internal(format!("unexpected outcome of a wake: {other:?}"))),
            Err(error) => Err(error.into()),
        }
    }

    async fn tell_order(&self, stored: &StoredOrder, command: &Command) -> Result<Option<Told>, Error> {
        let (tenant, order_id) = (stored.order.tenant_id, stored.order.order_id);
        let (after, events) = command::execute(&stored.order, command, clock::now()).map_err(Error::internal)?;
        if events.is_empty() {
            return Ok(Some(Told::Settled(Some(order_id), "it changed nothing")));
        }
        let mut changeset = Changeset::new(tenant, ACTOR);
        if let Command::Resolved { task_id, .. } = command
            && is_over(&after.tasks, *task_id)
            && let Some(record) = self.operation(tenant, order_id, *task_id).await?
        {
            changeset.operations.push(store::Operation { state: journal::DONE.to_owned(), ..record.operation });
        }
        match self.commit_update(changeset, stored, after, events).await? {
            Updated::Committed(after) => {
                let is_due = after.order.wake_at().is_some_and(|at| at <= clock::now());
                if is_due && self.lease_for_new_task().is_some() {
                    self.hand_over(*after, stored.order.counters.tasks, None);
                }
                Ok(Some(Told::Settled(Some(order_id), "the order took it in")))
            }
            Updated::SameKey(_) | Updated::Conflict => Ok(None),
        }
    }
}

fn is_over(tasks: &[Task], task_id: u32) -> bool {
    tasks.iter().all(|task| task.task_id != task_id)
}

/// The bytes of an id of ours.
fn part_of(ours: &str) -> Option<Uuid> {
    let payment = ours.parse::<PaymentId>().map(PaymentId::uuid).ok();
    payment.or_else(|| ours.parse::<RefundId>().map(RefundId::uuid).ok())
}

fn judge(event: &mut CallbackEvent, told: Told) {
    let (state, order_id, why, goes_on) = match told {
        Told::Settled(order_id, why) => (CallbackState::Settled, order_id, why, false),
        Told::Unmatched(why) => (CallbackState::Unmatched, None, why, false),
        Told::Early(order_id, why) if event.attempts >= LOOKS_MAX => (CallbackState::Unmatched, order_id, why, false),
        Told::Early(order_id, why) => (CallbackState::New, order_id, why, true),
    };
    let wait = EARLY_FIRST_MS.saturating_mul(1 << event.attempts.min(20)).min(EARLY_LONGEST_MS);
    event.next_at = goes_on.then(|| clock::now().plus_millis(wait));
    event.attempts += 1;
    event.state = state;
    event.order_id = order_id;
    event.told = Some(why.to_owned());
}

#[cfg(test)]
mod tests {
    use domain::ids::TenantId;

    use super::*;

    #[test]
    fn what_is_early_is_looked_at_ever_less_often_and_given_up_after_a_day() {
        let mut event = CallbackEvent {
            tenant: TenantId::new(Uuid::from_u128(1)),
            hook: "payment/main".to_owned(),
            event_id: "evt".to_owned(),
            received_at: clock::now(),
            notice: "{}".to_owned(),
            sealed_call: None,
            order_id: None,
            state: CallbackState::New,
            told: None,
            attempts: 0,
            next_at: None,
        };
        let mut waited = 0;
        while event.state == CallbackState::New {
            let before = clock::now();
            judge(&mut event, Told::Early(None, "early"));
            waited += event.next_at.map_or(0, |at| at.micros() - before.micros());
        }
        assert_eq!((event.state, event.next_at), (CallbackState::Unmatched, None));
        assert!(waited > 86_400 * 1_000_000 && waited < 3 * 86_400 * 1_000_000, "{waited}");
    }
}
