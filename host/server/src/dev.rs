//! `orderwright dev`: everything in one process on an embedded store, with a demo merchant and a sandbox provider.

mod demo;
mod provider;

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use app::merchant::RateLimit;
use app::{App, StartError};
use axum::serve::ListenerExt;
use serde_json::json;
use tokio::net::TcpListener;

use crate::{instance, telemetry};

/// How long clients may take to finish after a shutdown has begun.
const CLIENTS_DRAIN: Duration = Duration::from_secs(10);

/// The arguments of `orderwright dev`.
#[derive(clap::Args)]
pub struct Args {
    /// Where everything is kept; made where it is missing
    #[arg(long, default_value = "./data", value_name = "DIR")]
    data: PathBuf,
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDR")]
    listen: SocketAddr,
    /// Where Prometheus finds the metrics; a free port of the loopback interface where none is given
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR")]
    metrics_listen: SocketAddr,
    /// Print first one line of JSON with url, api_key and tenant, for scripts
    #[arg(long)]
    json: bool,
    /// Limit the demo merchant's requests: `100/60` allows 100 reads and 100 writes in 60 seconds
    #[arg(long, value_parser = rate_limit, value_name = "N/SECONDS")]
    rate_limit: Option<RateLimit>,
    /// Where the built policies lie, if not beside this program
    #[arg(long, value_name = "DIR")]
    policies: Option<PathBuf>,
    /// How long the demo merchant's customers may try another payment after a decline, in seconds
    #[arg(long, default_value_t = app::merchant::Settings::PAYMENT_RETRY_SECONDS, value_name = "SECONDS")]
    payment_retry_seconds: u32,
    /// How many days the records of policy calls are kept; for ever where nothing is given. Back-tests and replays need them
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..))]
    keep_decisions_days: Option<u32>,
    /// How long a payment provider may take to answer, in milliseconds
    #[arg(long, default_value_t = 10_000, value_name = "MS")]
    effect_timeout_ms: u64,
    /// Do not hand orders over in memory: the sweeper alone carries them forward
    #[arg(long, hide = true)]
    no_fast_path: bool,
    /// Do not wait for the disk; a power cut then loses orders. Only for a test that shows so
    #[arg(long, hide = true)]
    unsafe_no_sync: bool,
}

fn rate_limit(text: &str) -> Result<RateLimit, String> {
    let parsed = text.split_once('/').and_then(|(n, seconds)| n.parse().ok().zip(seconds.parse().ok()));
    match parsed {
        Some((requests, window_seconds)) if requests > 0 && window_seconds > 0 => {
            Ok(RateLimit { requests, window_seconds })
        }
        _ => Err("must be a number of requests and of seconds, such as 100/60".into()),
    }
}

/// Runs the server until it is asked to stop.
///
/// # Errors
/// Where it cannot start; each with what to do.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    telemetry::init(args.json);
    let metrics = telemetry::record_metrics()?;
    #[cfg(feature = "failpoints")]
    crate::faults::arm()?;
    let policies = instance::policies(args.policies.as_deref())?;
    let mut config = instance::config(&args.data)?;
    config.fast_path = !args.no_fast_path;
    config.decisions_kept = args.keep_decisions_days.map(|days| Duration::from_secs(u64::from(days) * 86_400));
    config.effect_timeout = Duration::from_millis(args.effect_timeout_ms);
    config.store.synchronous_full = !args.unsafe_no_sync;
    // The ports are taken first: a port in use must not leave a half-made data directory behind.
    let listener = listen(args.listen, "--listen").await?;
    let metrics_listener = listen(args.metrics_listen, "--metrics-listen").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let metrics_url = format!("http://{}/metrics", metrics_listener.local_addr()?);
    let app = start(config).await?;
    let provider = provider::start(&args.data).await?;
    let demo = demo::prepare(&app, &args, &policies, &provider, &url).await?;
    announce(&args, &demo, &url, &metrics_url, provider.url())?;
    serve(&app, url, listener, metrics_listener, metrics).await?;
    app.shut_down().await;
    provider.stop().await;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

async fn listen(address: SocketAddr, option: &str) -> anyhow::Result<TcpListener> {
    let bound = TcpListener::bind(address).await;
    bound.with_context(|| format!("cannot listen on {address}; choose another address with {option}"))
}

async fn start(config: app::Config) -> anyhow::Result<App> {
    let directory = config.directory.clone();
    match App::start(config).await {
        Err(StartError::Store(store::Error::Locked(_))) => {
            anyhow::bail!(
                "another server has {} open; stop it, or choose another directory with --data",
                directory.display()
            )
        }
        started => Ok(started?),
    }
}

async fn serve(
    app: &App,
    public_url: String,
    listener: TcpListener,
    metrics_listener: TcpListener,
    metrics: metrics_exporter_prometheus::PrometheusHandle,
) -> anyhow::Result<()> {
    let upkeep = metrics.clone();
    tokio::spawn(async move {
        let mut tick = tokio::time::interval(Duration::from_secs(5));
        loop {
            tick.tick().await;
            upkeep.run_upkeep();
        }
    });
    let page = axum::Router::new().route("/metrics", axum::routing::get(move || async move { metrics.render() }));
    tokio::spawn(async move { axum::serve(metrics_listener, page).await });
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps small packets back");
        }
    });
    let stopping = app.clone();
    let (told, mut was_told) = tokio::sync::oneshot::channel();
    let stop = async move {
        instance::stopped().await;
        tracing::info!("stopping: finishing what is under way");
        stopping.begin_shutdown();
        let _ = told.send(());
    };
    let router = api::router(app.clone(), api::Options { public_url, ..api::Options::default() });
    let serving = axum::serve(listener, router).with_graceful_shutdown(stop);
    tokio::select! {
        served = serving.into_future() => served?,
        () = async {
            let _ = (&mut was_told).await;
            tokio::time::sleep(CLIENTS_DRAIN).await;
        } => tracing::info!("clients that keep their connections are cut off"),
    }
    Ok(())
}

fn announce(args: &Args, demo: &demo::Demo, url: &str, metrics_url: &str, provider_url: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if args.json {
        let line = json!({
            "url": url, "api_key": demo.api_key, "tenant": demo.tenant, "metrics_url": metrics_url,
            "provider_url": provider_url, "provider_key": sandbox_provider::API_KEY_DEFAULT,
        });
        writeln!(out, "{line}")?;
        return Ok(out.flush()?);
    }
    let banner = include_str!("dev/banner.txt")
        .replace("{url}", url)
        .replace("{api_key}", &demo.api_key)
        .replace("{tenant}", &demo.tenant.to_string())
        .replace("{data}", &args.data.display().to_string())
        .replace("{warehouses}", &demo.warehouses)
        .replace("{stock}", &demo.stock)
        .replace("{metrics}", metrics_url)
        .replace("{provider}", provider_url);
    write!(out, "{banner}")?;
    Ok(out.flush()?)
}
