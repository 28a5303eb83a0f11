//! Plugins, bindings, dry runs and back-tests as the API shows them.

use std::collections::BTreeMap;

use app::again::Replay;
use app::backtest::{Change, Job, Measures, Progress, Report};
use app::hooks::Bound;
use app::plugins::Version;
use domain::hooks::PersonalFields;
use domain::ids::{BacktestId, DecisionId, OrderId, PluginId};
use serde::Serialize;
use utoipa::ToSchema;

use super::{AnyJson, Money, Time};

/// A version of a plugin.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PluginVersion)]
pub struct VersionView {
    #[schema(value_type = String)]
    plugin_id: PluginId,
    name: String,
    /// From 1 in the order of uploads.
    #[schema(example = "3")]
    version: String,
    /// Such as `routing` or `payment`.
    hook: &'static str,
    /// `compiling`, then `ready` or `refused`.
    status: &'static str,
    /// SHA-256 of the component, in hexadecimal.
    digest: String,
    /// The revision of `orderwright:policy` that it was built against.
    wit_version: String,
    /// The interfaces that it imports.
    imports: Vec<String>,
    /// The personal fields that it asks for.
    #[schema(value_type = Vec<String>)]
    fields: PersonalFields,
    /// In bytes.
    size: usize,
    /// What was tried.
    checks: Vec<String>,
    /// Why it is refused; empty where it is not.
    reasons: Vec<String>,
    created_at: Time,
}

impl From<Version> for VersionView {
    fn from(version: Version) -> Self {
        Self {
            plugin_id: version.plugin_id,
            name: version.plugin,
            version: version.version,
            hook: version.hook.name(),
            status: version.status.name(),
            digest: version.digest,
            wit_version: version.report.wit_version,
            imports: version.report.imports,
            fields: version.report.fields,
            size: version.report.size,
            checks: version.report.checks,
            reasons: version.report.reasons,
            created_at: Time(version.created_at),
        }
    }
}

/// What decides a hook.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Hook)]
pub struct HookView {
    hook: &'static str,
    /// The name of an adapter's binding, such as `main`; null for a policy.
    binding: Option<String>,
    /// The plugin's name, or `native` for the built-in default.
    plugin: String,
    /// Null for the built-in default.
    version: Option<String>,
    digest: Option<String>,
    config: AnyJson,
    /// The hosts that an adapter may speak to.
    hosts: Vec<String>,
    /// The secrets that an adapter may use beside those that its configuration names.
    secrets: Vec<String>,
    /// The personal fields that it may have, where it asks for them.
    #[schema(value_type = Vec<String>)]
    fields: PersonalFields,
    /// `fallback`, `hold` or `reject`.
    on_failure: &'static str,
    /// A version that decides beside it or in its place.
    candidate: Option<CandidateView>,
    /// Where the other side of an adapter calls; null in lists, and for a policy.
    callback: Option<CallbackView>,
    /// Counts the changes; also the `ETag`.
    revision: u64,
    /// Who bound it.
    actor: String,
    updated_at: Option<Time>,
}

impl From<Bound> for HookView {
    fn from(bound: Bound) -> Self {
        Self {
            hook: bound.hook().name(),
            binding: bound.slot.binding().map(str::to_owned),
            version: bound.digest.is_some().then_some(bound.version),
            plugin: bound.plugin,
            digest: bound.digest,
            config: AnyJson::new(&bound.config),
            hosts: bound.hosts,
            secrets: bound.secrets,
            fields: bound.fields,
            on_failure: bound.on_failure.name(),
            candidate: bound.candidate.map(CandidateView::from),
            callback: None,
            revision: bound.revision,
            actor: bound.actor,
            updated_at: bound.updated_at.map(Time),
        }
    }
}

impl HookView {
    /// With where its other side calls.
    pub fn reached_at(self, callback: CallbackView) -> Self {
        Self { callback: Some(callback), ..self }
    }

    /// With how the candidate's answers compare.
    pub fn compared(mut self, compared: Option<app::Compared>) -> Self {
        if let (Some(candidate), Some(compared)) = (&mut self.candidate, compared) {
            candidate.compared =
                Some(ComparedView { pairs: compared.pairs, differing: compared.differing, failed: compared.failed });
        }
        self
    }
}

/// Where a provider or carrier calls.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Callback)]
pub struct CallbackView {
    /// Whoever knows it can call, so it is told to nobody else.
    url: String,
    /// Until when the address before it is good; null where there is none.
    earlier_until: Option<Time>,
}

impl CallbackView {
    /// With the address as the outside knows it.
    pub fn new(api: &crate::Api, address: &app::callbacks::address::Address) -> Self {
        Self { url: api.callback_url(&address.token), earlier_until: address.earlier_until.map(Time) }
    }
}

/// Something that a provider or carrier has told.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CallbackEvent)]
pub struct CallbackEventView {
    /// The other side's name for it.
    event_id: String,
    received_at: Time,
    /// `new`, then `settled`, or `unmatched` where it is about nothing that is known.
    status: &'static str,
    /// What became of it, for people.
    detail: Option<String>,
    #[schema(value_type = Option<String>)]
    order_id: Option<OrderId>,
    /// How often it was set against what is known.
    attempts: u32,
    /// What it means, as the adapter understood it.
    notice: AnyJson,
}

impl From<app::CallbackEvent> for CallbackEventView {
    fn from(event: app::CallbackEvent) -> Self {
        Self {
            event_id: event.event_id,
            received_at: Time(event.received_at),
            status: event.state.name(),
            detail: event.told,
            order_id: event.order_id,
            attempts: event.attempts,
            notice: AnyJson::new(&event.notice),
        }
    }
}

/// A version that is tried before it decides everything.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Candidate)]
pub struct CandidateView {
    version: String,
    digest: String,
    /// `shadow` or `canary`.
    mode: &'static str,
    /// Of a canary: the share of orders.
    percent: u8,
    max_failure_percent: u8,
    max_drift_percent: Option<u8>,
    since: Time,
    /// Null in lists.
    compared: Option<ComparedView>,
}

/// How a candidate's answers compare with those of what is bound.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Compared)]
pub struct ComparedView {
    /// Questions that both were asked.
    pairs: u64,
    /// Of these, how many they answered differently.
    differing: u64,
    /// In how many the candidate failed.
    failed: u64,
}

impl From<app::candidates::Candidate> for CandidateView {
    fn from(candidate: app::candidates::Candidate) -> Self {
        Self {
            version: candidate.version,
            digest: candidate.digest,
            mode: candidate.mode.name(),
            percent: candidate.percent,
            max_failure_percent: candidate.max_failure_percent,
            max_drift_percent: candidate.max_drift_percent,
            since: Time(candidate.since),
            compared: None,
        }
    }
}

/// What a dry run gave.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Run)]
pub struct RunView {
    /// `ok`, or how it failed.
    pub outcome: &'static str,
    /// Null where there was no answer.
    pub output: Option<AnyJson>,
    /// Why it failed.
    pub error: Option<String>,
    /// Instructions used.
    pub fuel: u64,
    pub duration_us: u64,
    /// What it wrote: a list of `{"level", "message"}`.
    #[schema(value_type = Vec<Object>)]
    pub logs: AnyJson,
}

impl From<app::again::Ran> for RunView {
    fn from(ran: app::again::Ran) -> Self {
        Self {
            outcome: ran.outcome,
            output: ran.output.as_deref().map(AnyJson::new),
            error: ran.error,
            fuel: ran.fuel,
            duration_us: ran.duration_us,
            logs: AnyJson::new(&ran.logs),
        }
    }
}

/// A decision that was made again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Replay)]
pub struct ReplayView {
    #[schema(value_type = String)]
    decision_id: DecisionId,
    #[schema(value_type = String)]
    order_id: OrderId,
    /// Whether outcome and output are the same, byte for byte.
    same: bool,
    /// The outcome then.
    recorded_outcome: String,
    /// The output then.
    recorded_output: Option<AnyJson>,
    #[serde(flatten)]
    now: RunView,
}

impl From<Replay> for ReplayView {
    fn from(replay: Replay) -> Self {
        Self {
            decision_id: replay.recorded.decision_id,
            order_id: replay.recorded.order_id,
            same: replay.is_same,
            recorded_outcome: replay.recorded.outcome.clone(),
            recorded_output: replay.recorded.output.as_deref().map(AnyJson::new),
            now: replay.ran.into(),
        }
    }
}

/// A back-test.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Backtest)]
pub struct BacktestView {
    #[schema(value_type = String)]
    backtest_id: BacktestId,
    #[schema(value_type = String)]
    plugin_id: PluginId,
    version: String,
    hook: &'static str,
    /// `running`, then `finished`, `cancelled` or `failed`.
    status: &'static str,
    /// Decisions made again so far.
    decisions: u64,
    /// Why it failed.
    error: Option<String>,
    /// Null until it is finished.
    report: Option<ReportView>,
}

impl BacktestView {
    /// Whether it is still under way.
    pub fn is_running(&self) -> bool {
        self.status == "running"
    }
}

impl From<&Job> for BacktestView {
    fn from(job: &Job) -> Self {
        let (status, decisions, error, report) = match job.progress() {
            Progress::Running { done } => ("running", done, None, None),
            Progress::Finished(report) => ("finished", report.decisions, None, Some(ReportView::from(&*report))),
            Progress::Cancelled { done } => ("cancelled", done, None, None),
            Progress::Failed { done, why } => ("failed", done, Some(why), None),
        };
        Self {
            backtest_id: job.id,
            plugin_id: job.version.plugin_id,
            version: job.version.version.clone(),
            hook: job.version.hook.name(),
            status,
            decisions,
            error,
            report,
        }
    }
}

/// What a version would have changed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BacktestReport)]
pub struct ReportView {
    /// Decisions made again.
    decisions: u64,
    /// Of these, how many came out differently, in outcome or answer.
    differing: u64,
    /// What was decided then.
    before: MeasuresView,
    /// What would be decided now.
    now: MeasuresView,
    /// The orders that changed most, the most changed first.
    changed_most: Vec<ChangeView>,
    took_ms: u64,
}

impl From<&Report> for ReportView {
    fn from(report: &Report) -> Self {
        Self {
            decisions: report.decisions,
            differing: report.differing,
            before: MeasuresView::from(&report.before),
            now: MeasuresView::from(&report.now),
            changed_most: report.changed_most.iter().map(ChangeView::from).collect(),
            took_ms: u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// What one side of a back-test adds up to. What another hook than the tested one has is empty or zero.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BacktestMeasures)]
pub struct MeasuresView {
    /// Answers that kept the hook's laws.
    answers: u64,
    /// Failures, by code.
    failures: BTreeMap<String, u64>,
    /// Instructions used by all calls.
    fuel: u64,
    /// Of routing: warehouses that the best plans ship from, all orders together.
    shipments: u64,
    /// Of routing: how far these shipments travel together, in kilometres of the great circle. A destination is the middle
    /// of its country, or of its state in the United States; so is a warehouse without coordinates.
    distance_km: u64,
    /// Of routing: shipments from or to a place that is not known, which are not in the distance.
    distance_unknown: u64,
    /// Of routing: orders whose best plan ships from more than one warehouse.
    split_orders: u64,
    /// Of routing: orders without any plan.
    without_plan: u64,
    /// Of pricing, shipping and tax: what is taken off, charged or due, by currency.
    amounts: BTreeMap<String, Money>,
    /// Of notification: messages, by channel.
    messages: BTreeMap<String, u64>,
    /// Of risk: orders by `accept`, `review` and `reject`.
    verdicts: BTreeMap<&'static str, u64>,
    /// Of adapters: answers by the kind of step.
    steps: BTreeMap<String, u64>,
}

impl From<&Measures> for MeasuresView {
    fn from(measures: &Measures) -> Self {
        let amount =
            |(currency, sum): (&domain::money::Currency, &i64)| (currency.to_string(), Money::new(*currency, *sum));
        Self {
            answers: measures.answers,
            failures: measures.failures.clone(),
            fuel: measures.fuel,
            shipments: measures.shipments,
            distance_km: measures.distance_km,
            distance_unknown: measures.distance_unknown,
            split_orders: measures.split_orders,
            without_plan: measures.without_plan,
            amounts: measures.amounts.iter().map(amount).collect(),
            messages: measures.messages.clone(),
            verdicts: measures.verdicts.clone(),
            steps: measures.steps.clone(),
        }
    }
}

/// An order that would have been decided differently.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BacktestChange)]
pub struct ChangeView {
    #[schema(value_type = String)]
    order_id: OrderId,
    #[schema(value_type = String)]
    decision_id: DecisionId,
    #[schema(example = "2 of 3 units from elsewhere, 1 → 2 shipments, 410 → 3935 km")]
    what: String,
}

impl From<&Change> for ChangeView {
    fn from(change: &Change) -> Self {
        Self { order_id: change.order_id, decision_id: change.decision_id, what: change.what.clone() }
    }
}
