//! What a plugin wrote, and what its calls took, as the API shows it.

use std::collections::BTreeMap;

use app::observed::{Line, Metrics, Took};
use domain::ids::{DecisionId, OrderId};
use serde::Serialize;
use utoipa::ToSchema;

use super::Time;

/// A page of what a plugin wrote.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PluginLogs)]
pub struct LinesView {
    /// The lines.
    pub data: Vec<LineView>,
    /// Where the next page begins; null on the last so far.
    pub next_cursor: Option<String>,
    /// Give it as `after` for what is written later.
    pub follow: String,
}

/// A line that a plugin wrote, or why its call failed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PluginLogLine)]
pub struct LineView {
    /// When the call was made.
    time: Time,
    hook: &'static str,
    version: String,
    /// `active`, `canary` or `shadow`.
    role: &'static str,
    #[schema(value_type = String)]
    order_id: OrderId,
    #[schema(value_type = String)]
    decision_id: DecisionId,
    /// `debug`, `info`, `warn` or `error`.
    level: &'static str,
    message: String,
    /// `plugin`, or `host` for its word for why a call failed.
    source: &'static str,
}

impl From<Line> for LineView {
    fn from(line: Line) -> Self {
        Self {
            time: Time(line.call.at),
            hook: line.call.hook.name(),
            version: line.call.version.clone(),
            role: line.call.role.name(),
            order_id: line.call.order_id,
            decision_id: line.call.decision_id,
            level: line.level.name(),
            message: line.message,
            source: if line.is_hosts { "host" } else { "plugin" },
        }
    }
}

/// What the calls of a plugin took in a span of time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PluginMetrics)]
pub struct MetricsView {
    from: Time,
    to: Time,
    /// The length of the pieces that the span is cut into.
    bucket_seconds: u64,
    /// Where there were more calls than could be looked through: since when all of them are counted.
    since: Option<Time>,
    /// By version, the oldest first.
    data: Vec<VersionMetrics>,
}

/// What the calls of one version took.
#[derive(Debug, Serialize, ToSchema)]
pub struct VersionMetrics {
    version: String,
    /// All calls together.
    total: TookView,
    /// By piece of the span; pieces without calls are left out.
    buckets: Vec<BucketView>,
}

/// The calls of a piece of time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MetricsBucket)]
pub struct BucketView {
    /// When it begins.
    time: Time,
    #[serde(flatten)]
    took: TookView,
}

/// What some calls took.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CallMetrics)]
pub struct TookView {
    calls: u64,
    /// How many failed, by code.
    failures: BTreeMap<String, u64>,
    /// Instructions used by all of them.
    fuel: u64,
    /// Half of the calls were over within this time.
    duration_us_p50: u64,
    /// 99 of a hundred calls were over within this time.
    duration_us_p99: u64,
}

impl From<&Took> for TookView {
    fn from(took: &Took) -> Self {
        Self {
            calls: took.calls,
            failures: took.failures.clone(),
            fuel: took.fuel,
            duration_us_p50: took.percentile_us(50).unwrap_or(0),
            duration_us_p99: took.percentile_us(99).unwrap_or(0),
        }
    }
}

impl From<Metrics> for MetricsView {
    fn from(metrics: Metrics) -> Self {
        let bucket =
            |(piece, took): (&usize, &Took)| BucketView { time: Time(metrics.begins(*piece)), took: took.into() };
        let version = |(version, pieces): &(String, BTreeMap<usize, Took>)| VersionMetrics {
            version: version.clone(),
            total: (&Metrics::total(pieces)).into(),
            buckets: pieces.iter().map(bucket).collect(),
        };
        Self {
            from: Time(metrics.made.start),
            to: Time(metrics.made.end),
            bucket_seconds: metrics.piece.as_secs(),
            since: metrics.since.map(Time),
            data: metrics.versions.iter().map(version).collect(),
        }
    }
}
