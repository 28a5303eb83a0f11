//! What a plugin's calls took, as charts and as a table.

use app::observed::{Metrics, Took};
use domain::ids::TenantId;
use domain::time::Timestamp;

use crate::Api;
use crate::console::chart::{Axis, Chart, Series, colour};
use crate::console::text;
use crate::html::PageProblem;

/// The spans that one can choose from: name, words, seconds.
const SPANS: [(&str, &str, i64); 4] = [
    ("hour", "last hour", 3600),
    ("day", "last 24 hours", 24 * 3600),
    ("week", "last 7 days", 7 * 24 * 3600),
    ("month", "last 30 days", 30 * 24 * 3600),
];
const SPAN_DEFAULT: usize = 1;
/// Spans beyond this are labelled by days.
const HOURS_LABELLED_SECONDS: i64 = 24 * 3600;

/// The figures on a plugin's page.
pub struct Figures {
    pub spans: Vec<(&'static str, &'static str, bool)>,
    pub charts: Vec<Chart>,
    pub totals: Vec<Total>,
    /// Where there were more calls than could be looked through: since when all of them are counted.
    pub since: Option<String>,
}

/// All calls of a version in the span.
pub struct Total {
    pub version: String,
    pub calls: String,
    pub failed: String,
    /// By code.
    pub failures: String,
    pub fuel: String,
    pub p50: String,
    pub p99: String,
}

/// The figures of the span of this name, or the usual one.
pub async fn figures(api: &Api, tenant: TenantId, name: &str, span: &str) -> Result<Figures, PageProblem> {
    let chosen = SPANS.iter().position(|(known, ..)| *known == span).unwrap_or(SPAN_DEFAULT);
    let seconds = SPANS[chosen].2;
    let now = app::clock::now();
    let metrics = api.app.metrics(tenant, name, now.plus_seconds(-seconds)..now).await?;
    Ok(Figures {
        spans: SPANS.iter().enumerate().map(|(n, (name, words, _))| (*name, *words, n == chosen)).collect(),
        charts: charts(&metrics, seconds),
        totals: metrics.versions.iter().map(|(version, pieces)| Total::new(version, &Metrics::total(pieces))).collect(),
        since: metrics.since.map(text::time),
    })
}

fn charts(metrics: &Metrics, seconds: i64) -> Vec<Chart> {
    let axis = axis(metrics, seconds);
    let pieces = axis.times.len();
    let of_versions = |value: fn(&Took) -> u64| -> Vec<Series> {
        let series = |(n, (version, taken)): (usize, &(String, std::collections::BTreeMap<usize, Took>))| Series {
            name: format!("version {version}"),
            colour: colour(n),
            values: (0..pieces).map(|piece| taken.get(&piece).map(value)).collect(),
        };
        metrics.versions.iter().enumerate().map(series).collect()
    };
    let all: Vec<Option<Took>> = (0..pieces)
        .map(|piece| {
            metrics.versions.iter().filter_map(|(_, taken)| taken.get(&piece)).cloned().reduce(|a, b| a.and(&b))
        })
        .collect();
    let codes: std::collections::BTreeSet<&String> =
        all.iter().flatten().flat_map(|took| took.failures.keys()).collect();
    let failures = codes.iter().enumerate().map(|(n, code)| Series {
        name: text::words(code),
        colour: colour(n + 3),
        values: all
            .iter()
            .map(|took| took.as_ref().map(|took| took.failures.get(*code).copied().unwrap_or(0)))
            .collect(),
    });
    let percentile = |name: &str, n, percent| Series {
        name: name.to_owned(),
        colour: colour(n),
        values: all.iter().map(|took| took.as_ref().and_then(|took| took.percentile_us(percent))).collect(),
    };
    let latency = vec![percentile("p50", 0, 50), percentile("p99", 3, 99)];
    vec![
        Chart::stacked("calls", "Calls", &axis, of_versions(|took| took.calls), text::count),
        Chart::stacked("failures", "Failures", &axis, failures.collect(), text::count),
        Chart::lines("fuel", "Fuel a call", &axis, of_versions(|took| took.fuel / took.calls.max(1)), text::count),
        Chart::lines("latency", "Time a call took, in µs", &axis, latency, text::duration),
    ]
}

fn axis(metrics: &Metrics, seconds: i64) -> Axis {
    let begins: Vec<Timestamp> = (0..metrics.pieces()).map(|piece| metrics.begins(piece)).collect();
    let part = |moment: &Timestamp, from: usize, to: usize| {
        let text = text::time(*moment);
        text.get(from..to).unwrap_or(&text).to_owned()
    };
    let label = |moment: &Timestamp| {
        if seconds <= HOURS_LABELLED_SECONDS { part(moment, 11, 16) } else { part(moment, 5, 10) }
    };
    Axis {
        times: begins.iter().map(|moment| part(moment, 5, 16)).collect(),
        labels: begins.iter().map(label).collect(),
    }
}

impl Total {
    fn new(version: &str, took: &Took) -> Self {
        let codes: Vec<String> = took
            .failures
            .iter()
            .map(|(code, calls)| format!("{} {}", text::count(*calls), text::words(code)))
            .collect();
        let duration = |percent| took.percentile_us(percent).map(text::duration).unwrap_or_default();
        Self {
            version: version.to_owned(),
            calls: text::count(took.calls),
            failed: text::count(took.failed()),
            failures: codes.join(", "),
            fuel: text::count(took.fuel / took.calls.max(1)),
            p50: duration(50),
            p99: duration(99),
        }
    }
}
