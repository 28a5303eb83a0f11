//! Logs to standard error, metrics to a recorder.

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

/// What is shown where `ORDERWRIGHT_LOG` says nothing.
const FILTER_DEFAULT: &str = "info,tantivy=warn,sqlx=warn,hyper=warn";

/// From 100 µs to 10 s, which spans a read from memory and a payment that is waited for.
const SECONDS_BUCKETS: [f64; 16] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Sends logs to standard error: as JSON for machines, or as text for people.
pub fn init(json: bool) {
    let filter = EnvFilter::try_from_env("ORDERWRIGHT_LOG").unwrap_or_else(|_| EnvFilter::new(FILTER_DEFAULT));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let set = if json { builder.json().try_init() } else { builder.with_ansi(false).try_init() };
    // Only a second call could fail, and the first one's choice stands.
    drop(set);
}

/// Starts to record metrics.
///
/// # Errors
/// Where a recorder is installed already.
pub fn record_metrics() -> anyhow::Result<PrometheusHandle> {
    let builder =
        PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS_BUCKETS)?;
    Ok(builder.install_recorder()?)
}
