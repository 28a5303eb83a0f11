//! Operations at the payment provider: the adapter says the next step, the host performs it.
//!
//! A request is journalled durably before it is sent, and its response in the same commit as whatever follows from it:
//! the next request, or the event, and where the event makes the next task, that task's first request too. So nothing is
//! acted upon that a crash could forget. A request that was journalled but has no response may or may not have arrived:
//! it is sent again with the same key if its safety class allows it.

mod credentials;
mod fill;
mod http;
pub(crate) mod journal;
mod steps;

pub(crate) use credentials::{Token, TokenKey};
pub(crate) use http::Sender;

use std::sync::Arc;

use domain::command::{self, Command, TaskResult};
use domain::event::Event;
use domain::hooks::exchange::{Entry, Safety};
use domain::hooks::payment::{Operation, Settled, State, Step};
use domain::hooks::{FailurePolicy, Hook, MAIN};
use domain::ids::{OrderId, TenantId};
use domain::order::{Order, Task, TaskKind};
use domain::status::OrderStatus;
use domain::time::Timestamp;
use store::{Changeset, StoredOrder};

use crate::command::Updated;
use crate::policies::Binding;
use crate::{App, Error, clock};
use journal::Run;

/// After so many failures of the adapter itself an operator must look: trying again changes nothing.
const ADAPTER_FAILURES_MAX: u32 = 8;

/// An adapter that asks for more steps than this is going round in circles.
const STEPS_MAX: usize = 100;

/// The name under which the runner appears in the audit trail.
const ACTOR: &str = "payment";

/// What became of a task for now.
pub(crate) enum Progress {
    /// The order has changed to this, and a request of its next task may be ready to go.
    Moved(Box<StoredOrder>, Option<Begun>),
    /// Nothing more can be done before this moment.
    Later(Timestamp),
    /// Somebody else changed the order, or works on it.
    Conflict,
}

/// An operation whose first request is in the journal, not yet sent: the commit that made its task has begun it.
pub(crate) struct Begun(Box<(Run, Arc<Binding>)>);

/// What a step asks of the runner.
enum Next {
    /// Ask the adapter again.
    Again,
    /// The operation is over.
    Resolve(TaskResult),
    /// Tell the order something, and come back.
    Report(TaskResult, Timestamp),
    /// Come back.
    Later(Timestamp),
}

impl App {
    /// Carries a payment task as far as it goes now.
    ///
    /// A task that is `fresh` was made by the commit just before: nothing can be in its journal yet but what that commit
    /// has `begun`.
    pub(crate) async fn drive(
        &self,
        stored: &StoredOrder,
        task: &Task,
        fresh: bool,
        begun: Option<Begun>,
    ) -> Result<Progress, Error> {
        if let Some(Begun(begun)) = begun.filter(|begun| begun.is_of(task)) {
            let (mut run, binding) = *begun;
            if let Some(request) = run.unanswered() {
                self.send_journalled(&mut run, &binding, stored, &request).await?;
            }
            return self.go_on(run, &binding, stored, task).await;
        }
        let tenant = stored.order.tenant_id;
        let bindings = self.bindings(tenant).await?;
        let Some(binding) = bindings.adapter(Hook::Payment, MAIN).cloned() else {
            tracing::warn!(%tenant, order_id = %stored.order.order_id, "no payment adapter is bound: the payment waits");
            return Ok(Progress::Later(clock::now().plus_seconds(60)));
        };
        let (order_id, task_id) = (stored.order.order_id, task.task_id);
        let record = if fresh { None } else { self.operation(tenant, order_id, task_id).await? };
        let now = clock::now();
        let mut run = match record {
            Some(record) => Run::resume(record)?,
            None if is_pointless(stored, task) => return self.resolve_unbegun(stored, task).await,
            None => Run::begin(&stored.order, task, &binding, now)?,
        };
        if let Some(at) = run.operation.next_at.filter(|at| *at > now) {
            return Ok(Progress::Later(at));
        }
        let binding = self.pinned(tenant, binding, &run).await?;
        run.wake(now);
        self.go_on(run, &binding, stored, task).await
    }

    async fn go_on(
        &self,
        mut run: Run,
        binding: &Binding,
        stored: &StoredOrder,
        task: &Task,
    ) -> Result<Progress, Error> {
        for _ in 0..STEPS_MAX {
            let next = match run.unanswered() {
                Some(request) => self.resend(&mut run, binding, stored, request).await?,
                None => self.step(&mut run, binding, stored).await?,
            };
            match next {
                Some(Next::Again) => {}
                Some(Next::Resolve(result)) => return self.resolve(run, stored, task, result).await,
                Some(Next::Report(result, at)) => return self.report(run, stored, task, result, at).await,
                Some(Next::Later(at)) => return self.save_and_wait(run, stored, at).await,
                None => return Ok(Progress::Conflict),
            }
        }
        let message = format!("the payment adapter asked for more than {STEPS_MAX} steps");
        self.resolve(run, stored, task, TaskResult::Unknown { message }).await
    }

    pub(crate) async fn operation(
        &self,
        tenant: TenantId,
        order_id: OrderId,
        task_id: u32,
    ) -> Result<Option<store::OperationRecord>, Error> {
        let records = self.store().operations(tenant, order_id).await?;
        Ok(records.into_iter().find(|record| record.operation.task_id == task_id))
    }

    /// The binding, with the component that began the operation even where another is bound now.
    async fn pinned(&self, tenant: TenantId, binding: Arc<Binding>, run: &Run) -> Result<Arc<Binding>, Error> {
        let digest = run.operation.digest.as_deref().unwrap_or_else(|| binding.plugin.digest());
        if binding.plugin.digest() == digest {
            return Ok(binding);
        }
        let plugin = self.plugin(tenant, Hook::Payment, digest).await?;
        Ok(Arc::new(Binding { plugin, ..(*binding).clone() }))
    }

    /// An order was cancelled before its authorisation or capture was ever sent.
    async fn resolve_unbegun(&self, stored: &StoredOrder, task: &Task) -> Result<Progress, Error> {
        let command = Command::Resolved { task_id: task.task_id, result: TaskResult::NotAttempted };
        self.tell(Changeset::new(stored.order.tenant_id, ACTOR), stored, &command).await
    }

    async fn resolve(
        &self,
        mut run: Run,
        stored: &StoredOrder,
        task: &Task,
        result: TaskResult,
    ) -> Result<Progress, Error> {
        let command = Command::Resolved { task_id: task.task_id, result };
        let events = command::decide(&stored.order, &command, clock::now()).map_err(Error::internal)?;
        let unknown = events.iter().find_map(|event| match event {
            Event::PaymentUnknown { message, .. } => Some(message.clone()),
            _ => None,
        });
        if let Some(message) = unknown {
            run.operation.last_error = Some(message);
            // When a person frees the order, the operation is tried anew with the same key.
            run.restart(clock::now());
            run.operation.state = journal::PARKED.into();
        } else {
            run.operation.state = journal::DONE.into();
        }
        fail::fail_point!("effects.before_result");
        self.tell(run.into_changeset(stored.order.tenant_id), stored, &command).await
    }

    async fn report(
        &self,
        mut run: Run,
        stored: &StoredOrder,
        task: &Task,
        result: TaskResult,
        at: Timestamp,
    ) -> Result<Progress, Error> {
        let command = Command::Resolved { task_id: task.task_id, result };
        let known = command::decide(&stored.order, &command, clock::now()).map_err(Error::internal)?.is_empty();
        if known {
            return self.save_and_wait(run, stored, at).await;
        }
        run.operation.next_at = Some(at);
        run.operation.state = journal::WAITING.into();
        self.tell(run.into_changeset(stored.order.tenant_id), stored, &command).await
    }

    /// Begins the first of the tasks that a commit is about to make, in that same commit: its request is journalled with
    /// what led to it, and only has to be sent afterwards. None where there is no such task, or the adapter does not
    /// begin with a request that may be sent again (a stop before it is sent must not leave it in doubt): then the runner
    /// does it all.
    pub(crate) async fn begin_next(
        &self,
        order: &Order,
        known_tasks: u32,
        changeset: &mut Changeset,
    ) -> Result<Option<Begun>, Error> {
        let now = clock::now();
        let is_next = |task: &&Task| task.task_id > known_tasks && task.due <= now && order.is_runnable(task);
        let Some(task) = order.tasks.iter().find(is_next).filter(|t| t.kind.payment_id().is_some()) else {
            return Ok(None);
        };
        let bindings = self.bindings(order.tenant_id).await?;
        let Some(binding) = bindings.adapter(Hook::Payment, MAIN).cloned() else { return Ok(None) };
        let mut run = Run::begin(order, task, &binding, now)?;
        let Ok(Step::Request(request)) = self.ask(&mut run, &binding, order).await else { return Ok(None) };
        if !may_resend(request.safety) {
            return Ok(None);
        }
        run.request(&request);
        run.flush_into(changeset);
        Ok(Some(Begun(Box::new((run, binding)))))
    }

    async fn tell(&self, mut changeset: Changeset, stored: &StoredOrder, command: &Command) -> Result<Progress, Error> {
        let (after, events) = command::execute(&stored.order, command, clock::now()).map_err(Error::internal)?;
        if events.is_empty() {
            // Resolved before: only the journal is still to be written.
            self.commit(changeset).await?;
            return Ok(Progress::Conflict);
        }
        let begun = match self.lease_for_new_task() {
            Some(_) => self.begin_next(&after, stored.order.counters.tasks, &mut changeset).await?,
            None => None,
        };
        match self.commit_update(changeset, stored, after, events).await? {
            Updated::Committed(after) => Ok(Progress::Moved(after, begun)),
            Updated::SameKey(_) | Updated::Conflict => Ok(Progress::Conflict),
        }
    }

    async fn save_and_wait(&self, mut run: Run, stored: &StoredOrder, at: Timestamp) -> Result<Progress, Error> {
        run.operation.next_at = Some(at);
        if run.operation.state != journal::RETRYING {
            run.operation.state = journal::WAITING.into();
        }
        self.commit(run.into_changeset(stored.order.tenant_id)).await?;
        Ok(Progress::Later(at))
    }
}

impl Begun {
    fn is_of(&self, task: &Task) -> bool {
        self.0.0.operation.task_id == task.task_id
    }
}

/// Whether a task of a cancelled order, never begun, has lost its purpose.
fn is_pointless(stored: &StoredOrder, task: &Task) -> bool {
    let forward = matches!(task.kind, TaskKind::Authorize { .. } | TaskKind::Capture { .. });
    forward && stored.order.status == OrderStatus::Cancelled
}

/// What an outcome means for a task whose operation was asked about rather than done.
fn learnt(run: &Run, kind: TaskKind, outcome: &Settled) -> Option<TaskResult> {
    let amount = run.asked.amount;
    let done = || TaskResult::Done { reference: outcome.reference.clone(), amount };
    match (kind, outcome.state) {
        (TaskKind::Authorize { .. }, State::Authorized | State::Captured)
        | (TaskKind::Capture { .. }, State::Captured)
        | (TaskKind::Void { .. }, State::Voided) => Some(done()),
        (TaskKind::Authorize { .. }, State::Voided) => Some(TaskResult::Declined {
            code: "voided".into(),
            message: "the provider gave the authorisation up".into(),
        }),
        _ => None,
    }
}

/// Whether a failed request may be sent again by itself.
const fn may_resend(safety: Safety) -> bool {
    match safety {
        Safety::Safe | Safety::Idempotent => true,
        Safety::Unsafe => false,
    }
}

/// The answer to a step that the adapter failed to give.
fn on_adapter_failure(policy: FailurePolicy, message: String, failures: u32) -> Option<TaskResult> {
    // There is no native provider to fall back to, and a payment under way cannot be refused: both mean that a person
    // must look, after a few tries.
    let give_up = failures >= ADAPTER_FAILURES_MAX || policy == FailurePolicy::Reject;
    give_up.then_some(TaskResult::Unknown { message })
}

/// The operation that a task stands for.
fn operation_of(order: &Order, task: &Task) -> Option<(Operation, i64)> {
    use domain::hooks::payment::{Authorize, Move, Refund};
    let payment_id = task.kind.payment_id()?;
    let payment = order.payments.iter().find(|p| p.payment_id == payment_id)?;
    let moved = |amount| Move {
        payment_id,
        reference: payment.reference.clone().unwrap_or_default(),
        amount,
        currency: order.currency,
    };
    Some(match task.kind {
        TaskKind::Authorize { .. } => {
            let authorize = Authorize {
                payment_id,
                order_id: order.order_id,
                amount: payment.amount,
                currency: order.currency,
                payment_method_id: payment.payment_method_id.clone(),
            };
            (Operation::Authorize(authorize), payment.amount)
        }
        TaskKind::Capture { .. } => (Operation::Capture(moved(payment.authorized)), payment.authorized),
        TaskKind::Void { .. } => (Operation::Void(moved(payment.authorized)), payment.authorized),
        TaskKind::Refund { refund_id, .. } => {
            let amount = payment.refunds.iter().find(|r| r.refund_id == refund_id)?.amount;
            (Operation::Refund(Refund { refund_id, payment: moved(amount) }), amount)
        }
        TaskKind::ExpirePayment => return None,
    })
}

/// A transcript is what the adapter sees of the journal.
type Transcript = Vec<Entry>;

/// What the adapter wants next, or the failure to say so.
type Asked = Result<Step, plugin_host::Failure>;
