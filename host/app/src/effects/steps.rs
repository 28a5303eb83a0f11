//! Asking the adapter, and performing the step that it answers.

use backon::{BackoffBuilder, ExponentialBuilder};
use domain::bytes::Bytes;
use domain::command::TaskResult;
use domain::hooks::exchange::{Body, Entry, Request};
use domain::hooks::payment::{Input, Operation, Outcome, Query, Step};
use domain::hooks::{Context, Hook};
use domain::ids::TenantId;
use domain::order::{Order, TaskKind};
use domain::time::Timestamp;
use plugin_host::{CallContext, Failure};
use ring::hmac;
use std::time::Duration;
use store::StoredOrder;

use super::journal::Run;
use super::{Asked, Next, learnt, may_resend, on_adapter_failure};
use crate::policies::{Binding, record};
use crate::{App, Error, clock};

/// The first wait before an operation is tried again.
const BACKOFF_FIRST: Duration = Duration::from_millis(500);
/// The longest: an undo goes on without end, and an hour of outage should not cost much more than that.
const BACKOFF_LONGEST: Duration = Duration::from_secs(300);

fn retry_at(attempts: u32) -> Timestamp {
    let builder = ExponentialBuilder::new().with_min_delay(BACKOFF_FIRST).with_max_delay(BACKOFF_LONGEST);
    let steps = builder.without_max_times().with_jitter().build();
    let delay = steps.take(attempts.clamp(1, 30) as usize).last().unwrap_or(BACKOFF_LONGEST);
    clock::now().plus_millis(i64::try_from(delay.as_millis()).unwrap_or(i64::MAX))
}

impl App {
    /// Asks the adapter for the next step and performs it. None where another node has taken the operation over.
    pub(super) async fn step(
        &self,
        run: &mut Run,
        binding: &Binding,
        stored: &StoredOrder,
    ) -> Result<Option<Next>, Error> {
        let next = match self.ask(run, binding, &stored.order).await {
            Ok(Step::Request(request)) => {
                // What is needed to send it is asked for before it counts as sent.
                self.descriptor(stored.order.tenant_id, binding).await?;
                run.request(&request);
                if !self.save(run, stored).await? {
                    return Ok(None);
                }
                self.send_journalled(run, binding, stored, &request).await?;
                Next::Again
            }
            Ok(step) => self.follow(run, binding, stored, step).await?,
            // Its merchant's policies have taken what there is in a second: no fault of the adapter's.
            Err(Failure::Busy) => {
                run.restart(clock::now());
                Next::Later(retry_at(run.operation.attempts))
            }
            Err(failure) => {
                run.asked.failures += 1;
                run.operation.last_error = Some(failure.to_string());
                tracing::warn!(order_id = %stored.order.order_id, code = failure.code(), %failure, "payment adapter failed");
                match on_adapter_failure(binding.on_failure, failure.to_string(), run.asked.failures) {
                    Some(result) => Next::Resolve(result),
                    None => {
                        run.restart(clock::now());
                        Next::Later(retry_at(run.operation.attempts))
                    }
                }
            }
        };
        Ok(Some(next))
    }

    /// Sends a request that the last commit has journalled.
    pub(super) async fn send_journalled(
        &self,
        run: &mut Run,
        binding: &Binding,
        stored: &StoredOrder,
        request: &Request,
    ) -> Result<(), Error> {
        fail::fail_point!("effects.request_journalled");
        self.perform(run, binding, stored, request).await
    }

    /// A request was journalled and nobody knows whether it was sent.
    pub(super) async fn resend(
        &self,
        run: &mut Run,
        binding: &Binding,
        stored: &StoredOrder,
        request: Request,
    ) -> Result<Option<Next>, Error> {
        if !may_resend(request.safety) {
            let message = format!("{} {} may have been sent, and must not be sent twice", request.method, request.url);
            return Ok(Some(Next::Resolve(TaskResult::Unknown { message })));
        }
        // Taking the operation over is itself journalled, so that of two nodes only one goes on.
        run.request(&request);
        if !self.save(run, stored).await? {
            return Ok(None);
        }
        self.perform(run, binding, stored, &request).await?;
        // That it could not be sent now says nothing of the first time.
        run.may_have_arrived();
        Ok(Some(Next::Again))
    }

    pub(super) async fn ask(&self, run: &mut Run, binding: &Binding, order: &Order) -> Asked {
        let now = clock::now();
        let input = Input {
            context: Context { now, config: binding.config.clone() },
            operation: run.asked.operation.clone(),
            transcript: run.transcript(),
        };
        let call = binding.plugin.call(CallContext::order(order.tenant_id), &input).await;
        run.decisions.push(record(order.order_id, Hook::Payment, binding, &input, &call, now));
        call.result
    }

    async fn perform(
        &self,
        run: &mut Run,
        binding: &Binding,
        stored: &StoredOrder,
        request: &Request,
    ) -> Result<(), Error> {
        let descriptor = self.descriptor(stored.order.tenant_id, binding).await?;
        let key = (&*descriptor.idempotency_header, &*run.operation.idempotency_key);
        let (entry, large) = self.sender().send(self, binding, &stored.order, request, key).await;
        fail::fail_point!("effects.after_send");
        let entry = match (entry, large) {
            (Entry::Response(mut response), Some(bytes)) => {
                let size = bytes.0.len() as u64;
                response.body = Body::Blob { handle: run.blob(bytes), size };
                Entry::Response(response)
            }
            (entry, _) => entry,
        };
        run.entry(entry);
        Ok(())
    }

    /// Writes what is new; false where another node wrote first.
    async fn save(&self, run: &mut Run, stored: &StoredOrder) -> Result<bool, Error> {
        let changeset = run.flush(stored.order.tenant_id);
        match self.commit(changeset).await? {
            store::Outcome::Committed(_) => Ok(true),
            store::Outcome::VersionConflict => Ok(false),
            other => Err(Error::Internal(format!("unexpected outcome of a journal entry: {other:?}"))),
        }
    }

    /// Every step but a request.
    async fn follow(&self, run: &mut Run, binding: &Binding, stored: &StoredOrder, step: Step) -> Result<Next, Error> {
        let kind = stored.order.tasks.iter().find(|t| t.task_id == run.operation.task_id).map(|t| t.kind);
        Ok(match step {
            Step::Request(_) => Next::Again,
            Step::Wait { until, callback } => {
                run.asked.awaits_callback = callback;
                Next::Later(until)
            }
            Step::ActionRequired { url, until, poll_at } => {
                Next::Report(TaskResult::ActionRequired { url, until }, poll_at.max(clock::now().plus_millis(500)))
            }
            Step::VerifyHmac { secret, signed, given } => {
                let valid = self.verified(stored.order.tenant_id, binding, &secret, (&signed, &given)).await;
                run.entry(Entry::Verified { valid });
                Next::Again
            }
            Step::Extract { handle, pointer, base64 } => {
                let value = run.find_blob(handle).and_then(|blob| extract(blob, &pointer, base64));
                run.entry(Entry::Extracted { value });
                Next::Again
            }
            Step::Done(Outcome::Settled(outcome)) if matches!(run.asked.operation, Operation::Query(_)) => {
                let result = kind.and_then(|kind| learnt(run, kind, &outcome));
                self.after_query(run, binding, stored, result).await?
            }
            Step::Done(Outcome::Settled(outcome)) => {
                Next::Resolve(TaskResult::Done { reference: outcome.reference, amount: outcome.amount })
            }
            Step::Done(Outcome::Listed(_) | Outcome::Notices { .. }) => {
                let message = "the adapter ended the operation as another kind of operation ends".to_owned();
                Next::Resolve(TaskResult::Unknown { message })
            }
            Step::Declined { code, message } => Next::Resolve(TaskResult::Declined { code, message }),
            Step::Failed { retryable: true, message } => self.try_again(run, binding, stored, message).await?,
            Step::Failed { retryable: false, message } => Next::Resolve(match kind {
                Some(TaskKind::Authorize { .. }) => TaskResult::Declined { code: "provider_error".into(), message },
                _ => TaskResult::Unknown { message },
            }),
        })
    }

    /// Whether a signature is right, compared in constant time.
    pub(crate) async fn verified(
        &self,
        tenant: TenantId,
        binding: &Binding,
        secret: &str,
        (signed, given): (&Bytes, &Bytes),
    ) -> bool {
        let key = match self.secret_of(tenant, binding, secret).await {
            Ok(Some(key)) => hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()),
            Ok(None) => {
                tracing::warn!(%tenant, secret, "a signature cannot be verified: the secret is not set");
                return false;
            }
            Err(why) => {
                tracing::warn!(%tenant, secret, why, "a signature cannot be verified");
                return false;
            }
        };
        hmac::verify(&key, &signed.0, &given.0).is_ok()
    }

    /// Tries again with the same key while the provider remembers it. Afterwards sending again could do it twice: the
    /// state is asked for instead, once what may be under way has had time to settle.
    async fn try_again(
        &self,
        run: &mut Run,
        binding: &Binding,
        stored: &StoredOrder,
        message: String,
    ) -> Result<Next, Error> {
        let descriptor = self.descriptor(stored.order.tenant_id, binding).await?;
        run.operation.last_error = Some(message);
        let now = clock::now();
        let remembered = i64::from(descriptor.idempotency_ttl_seconds);
        let expired = run.operation.first_sent_at.is_some_and(|sent| sent.plus_seconds(remembered) <= now);
        if !expired || matches!(run.asked.operation, Operation::Query(_)) {
            run.restart(now);
            return Ok(Next::Later(retry_at(run.operation.attempts)));
        }
        let payment = stored.order.payments.iter().find(|p| match &run.asked.operation {
            Operation::Authorize(authorize) => p.payment_id == authorize.payment_id,
            Operation::Capture(m) | Operation::Void(m) => p.payment_id == m.payment_id,
            Operation::Refund(refund) => p.payment_id == refund.payment.payment_id,
            Operation::Query(_) | Operation::List { .. } | Operation::Callback(_) => false,
        });
        let Some(payment) = payment else {
            return Ok(Next::Resolve(TaskResult::Unknown { message: "the payment asked about is not there".into() }));
        };
        run.ask_instead(Operation::Query(Query {
            payment_id: payment.payment_id,
            reference: payment.reference.clone(),
        }));
        Ok(Next::Later(now.plus_seconds(i64::from(descriptor.settle_after_seconds))))
    }

    /// "Not found" never means "not done": after the second such answer a person must look.
    async fn after_query(
        &self,
        run: &mut Run,
        binding: &Binding,
        stored: &StoredOrder,
        result: Option<TaskResult>,
    ) -> Result<Next, Error> {
        if let Some(result) = result {
            return Ok(Next::Resolve(result));
        }
        run.asked.failures += 1;
        if run.asked.failures > 1 {
            let message = "the provider no longer remembers the request, and does not know the payment as it should be";
            return Ok(Next::Resolve(TaskResult::Unknown { message: message.into() }));
        }
        let descriptor = self.descriptor(stored.order.tenant_id, binding).await?;
        run.restart(clock::now());
        Ok(Next::Later(clock::now().plus_seconds(i64::from(descriptor.settle_after_seconds))))
    }
}

/// Takes a value out of a JSON document (RFC 6901), as text or as the bytes that its base 64 stands for.
fn extract(blob: &Bytes, pointer: &str, base64: bool) -> Option<Bytes> {
    use base64::Engine;
    let document: serde_json::Value = serde_json::from_slice(&blob.0).ok()?;
    let value = document.pointer(pointer)?;
    match (value, base64) {
        (serde_json::Value::String(text), true) => {
            base64::engine::general_purpose::STANDARD.decode(text).ok().map(Bytes)
        }
        (_, true) => None,
        (serde_json::Value::String(text), false) => Some(Bytes(text.clone().into_bytes())),
        (other, false) => Some(Bytes(other.to_string().into_bytes())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_taken_out_of_a_blob() {
        let blob = Bytes(br#"{"labels":[{"pdf":"aGk=","n":7}]}"#.to_vec());
        assert_eq!(extract(&blob, "/labels/0/pdf", true), Some(Bytes(b"hi".to_vec())));
        assert_eq!(extract(&blob, "/labels/0/n", false), Some(Bytes(b"7".to_vec())));
        assert_eq!(extract(&blob, "/labels/0/n", true), None);
        assert_eq!(extract(&blob, "/labels/1", false), None);
        assert_eq!(extract(&Bytes(b"not json".to_vec()), "", false), None);
    }

    #[test]
    fn retries_slow_down_to_a_limit() {
        let wait = |attempts| retry_at(attempts).micros() - clock::now().micros();
        assert!(wait(0) < 2_000_000);
        assert!(wait(30) > 60_000_000);
        assert!(wait(u32::MAX) <= 2 * 300_000_000);
    }
}
