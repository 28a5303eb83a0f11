//! Back-tests: what a version *would have decided* on the merchant's real history, before it decides anything.
//!
//! Every recorded input of the hook in a span of time is decided again, in parallel, and compared with what was decided
//! then. The job lives in the memory of the node that was asked: a restart forgets it, and it is cheap to ask again.

mod compare;
// What a policy's author measures a route by and what a report measures it by are the same.
#[expect(clippy::float_arithmetic, reason = "distances, no money")]
#[path = "../../../plugins/sdk/src/geo.rs"]
mod geo;

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::hooks::PersonalField;
use domain::ids::{BacktestId, TenantId};
use domain::time::Timestamp;
use futures::{StreamExt, stream};
use plugin_host::Plugin;
use store::Decision;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::again::{Refusal, ask_patiently};
use crate::plugins::{Status, Version};
use crate::{App, Error};

pub(crate) use compare::in_words;
pub use compare::{Change, Measures, Report};

/// How many decisions are read at once.
const PAGE: u32 = 500;
/// The most decisions of one back-test.
pub const LIMIT_MAX: u32 = 1_000_000;
/// How many finished and running back-tests are remembered.
const JOBS: usize = 1000;

/// What is to be decided again.
#[derive(Debug, Clone)]
pub struct Span {
    /// When the orders were placed.
    pub placed: Range<Timestamp>,
    /// The most decisions, the newest first.
    pub limit: u32,
    /// A JSON object in place of the configuration that was in force then.
    pub config: Option<String>,
}

/// A back-test.
#[derive(Debug)]
pub struct Job {
    /// Its id.
    pub id: BacktestId,
    /// Whose.
    pub tenant: TenantId,
    /// What is tested.
    pub version: Version,
    /// On what.
    pub span: Span,
    /// How many decisions have been made again.
    done: AtomicU64,
    cancel: CancellationToken,
    ended: Mutex<Option<Result<Arc<Report>, String>>>,
    finished: CancellationToken,
}

/// How far a back-test has come.
#[derive(Debug, Clone)]
pub enum Progress {
    /// It is under way.
    Running {
        /// Decisions made again so far.
        done: u64,
    },
    /// It is over.
    Finished(Arc<Report>),
    /// Somebody ended it.
    Cancelled {
        /// Decisions made again until then.
        done: u64,
    },
    /// It could not go on.
    Failed {
        /// Decisions made again until then.
        done: u64,
        /// Why.
        why: String,
    },
}

impl Job {
    /// How far it has come.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let done = self.done.load(Ordering::Relaxed);
        match ended {
            None => Progress::Running { done },
            Some(Ok(report)) => Progress::Finished(report),
            Some(Err(_)) if self.cancel.is_cancelled() => Progress::Cancelled { done },
            Some(Err(why)) => Progress::Failed { done, why },
        }
    }

    /// Ends it early.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    /// Waits for its end, at most so long.
    pub async fn wait(&self, at_most: Duration) {
        let _late = tokio::time::timeout(at_most, self.finished.cancelled()).await;
    }
}

/// The back-tests of this node.
#[derive(Debug)]
pub(crate) struct Jobs(quick_cache::sync::Cache<BacktestId, Arc<Job>>);

impl Jobs {
    pub fn new() -> Self {
        Self(quick_cache::sync::Cache::new(JOBS))
    }
}

impl App {
    /// Starts a back-test of a version.
    ///
    /// # Errors
    /// [`Refusal::NotReady`], or where the component cannot be loaded.
    pub async fn backtest(&self, tenant: TenantId, version: Version, span: Span) -> Result<Arc<Job>, Refusal> {
        if version.status != Status::Ready {
            return Err(Refusal::NotReady(version.status));
        }
        let plugin = self.plugin(tenant, version.hook, &version.digest).await?;
        let job = Arc::new(Job {
            id: BacktestId::new(Uuid::now_v7()),
            tenant,
            version,
            span,
            done: AtomicU64::new(0),
            cancel: self.runner().stop().child_token(),
            ended: Mutex::default(),
            finished: CancellationToken::new(),
        });
        self.backtests().0.insert(job.id, Arc::clone(&job));
        let (app, running) = (self.clone(), Arc::clone(&job));
        tokio::spawn(async move {
            let _finished = running.finished.clone().drop_guard();
            let ended = tokio::select! {
                report = app.decide_again(&running, &plugin) => report.map(Arc::new).map_err(|error| error.to_string()),
                () = running.cancel.cancelled() => Err("cancelled".to_owned()),
            };
            *running.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(ended);
        });
        Ok(job)
    }

    /// A back-test of a merchant, by its id.
    #[must_use]
    pub fn backtest_of(&self, tenant: TenantId, id: BacktestId) -> Option<Arc<Job>> {
        self.backtests().0.get(&id).filter(|job| job.tenant == tenant)
    }

    async fn decide_again(&self, job: &Job, plugin: &Arc<Plugin>) -> Result<Report, Error> {
        let began = Instant::now();
        let mut report = Report::new(job.version.hook);
        let mut below = None;
        let mut left = job.span.limit;
        // As many at once as a merchant may have; what else the merchant's policies decide meanwhile takes its turn.
        let at_once = std::thread::available_parallelism().map_or(2, usize::from) * 2;
        while left > 0 {
            let (placed, page) = (job.span.placed.clone(), left.min(PAGE));
            let recorded = self.store().recorded_decisions(job.tenant, job.version.hook, placed, below, page).await?;
            let Some(last) = recorded.last() else { break };
            below = Some((last.order_id, last.decision_id));
            left = left.saturating_sub(u32::try_from(recorded.len()).unwrap_or(u32::MAX));
            let is_last = recorded.len() < page as usize;
            let again = |decision: Decision| {
                let (plugin, tenant, config) = (Arc::clone(plugin), job.tenant, job.span.config.clone());
                tokio::spawn(async move { again(&plugin, tenant, decision, config).await })
            };
            let mut decided = stream::iter(recorded).map(again).buffer_unordered(at_once);
            while let Some(decided) = decided.next().await {
                let (decision, call) = decided??;
                report.add(&decision, &call)?;
                job.done.fetch_add(1, Ordering::Relaxed);
            }
            if is_last {
                break;
            }
        }
        report.finish(began.elapsed());
        Ok(report)
    }
}

async fn again(
    plugin: &Plugin,
    tenant: TenantId,
    decision: Decision,
    config: Option<String>,
) -> Result<(Decision, plugin_host::Call<()>), Error> {
    let input: Arc<str> = match config {
        None => Arc::clone(&decision.input),
        Some(config) => {
            let mut input: serde_json::Value = serde_json::from_str(&decision.input)?;
            input["context"]["config"] = config.into();
            serde_json::to_string(&input)?.into()
        }
    };
    // What was recorded for another component may be more than this one asks for.
    let input: Arc<str> = if decision.digest.as_deref() == Some(plugin.digest()) {
        input
    } else {
        let visible = plugin.may_have(PersonalField::ALL.into_iter().collect());
        plugin_host::withheld(decision.hook, &input, visible).map_err(Error::internal)?.into()
    };
    let call = ask_patiently(plugin, tenant, &input).await?;
    Ok((decision, call))
}
