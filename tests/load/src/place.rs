//! `load place`: one run with chosen numbers.

use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use serde_json::json;

use crate::http::Target;
use crate::run::{self, Run};
use crate::server::{Server, Source};
use crate::shop::{Keeper, PLENTY};
use crate::traffic::{Basket, Orders};

/// Place orders, as fast as the answers come or at a rate.
#[derive(clap::Args)]
pub struct Args {
    /// How many connections
    #[arg(long, value_name = "N", default_value_t = 64)]
    connections: usize,
    /// For how long, in seconds
    #[arg(long, value_name = "S", default_value_t = 10.0)]
    duration: f64,
    /// Orders due in a second, whether or not the server keeps up [default: as fast as the answers come]
    #[arg(long, value_name = "R")]
    rate: Option<f64>,
    /// Lines of an order, each of one of 10,000 SKUs
    #[arg(long, value_name = "N", default_value_t = 3)]
    lines: u32,
    /// One line of one and the same SKU instead
    #[arg(long)]
    hot: bool,
    /// Nothing is to be paid, so that no payment saga follows
    #[arg(long)]
    free: bool,
    /// A running server on this machine, http://ADDRESS:PORT [default: one of its own]
    #[arg(long, requires = "key")]
    url: Option<String>,
    /// The key to it
    #[arg(long, requires = "url")]
    key: Option<String>,
    #[command(flatten)]
    source: Source,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs it and prints how it went.
pub async fn run(args: Args) -> anyhow::Result<()> {
    if args.connections == 0 || args.duration <= 0.0 || args.rate.is_some_and(|rate| rate <= 0.0) {
        bail!("connections, duration and rate must be above zero");
    }
    let directory = tempfile::tempdir()?;
    let server = match &args.url {
        Some(_) => None,
        None => Some(Server::start(&args.source, &directory.path().join("data")).await?),
    };
    let target = match (&server, &args.url, &args.key) {
        (Some(server), ..) => server.target.clone(),
        (None, Some(url), Some(key)) => Target::new(url, key)?,
        (None, ..) => bail!("a URL needs a key"),
    };
    let mut keeper = Keeper::new(&target).await?;
    let basket = if args.hot {
        keeper.stock("LOAD-HOT", 1, PLENTY).await?;
        Basket::One { sku: "LOAD-HOT".into() }
    } else {
        keeper.assortment().await?;
        Basket::Assortment { lines: args.lines.clamp(1, 1000) }
    };
    // Another name in every run: the same server may have seen the one before.
    let mut orders = Orders::new(format!("p{:x}", jiff::Timestamp::now().as_microsecond()), basket);
    if args.free {
        orders = orders.free_of_charge();
    }
    let (orders, pid) = (Arc::new(orders), server.as_ref().map(|server| server.pid));
    let duration = Duration::from_secs_f64(args.duration);
    let run = match args.rate {
        Some(rate) => run::open(&target, &orders, args.connections, rate, duration, pid).await,
        None => run::closed(&target, &orders, args.connections, duration, pid).await,
    };
    print(&args, &run);
    if let Some(server) = server {
        server.stop().await?;
    }
    Ok(())
}

fn print(args: &Args, run: &Run) {
    use std::io::Write as _;
    let statuses: serde_json::Map<String, serde_json::Value> =
        run.statuses.iter().map(|(status, count)| (status.to_string(), (*count).into())).collect();
    let summary = json!({
        "orders_per_second": run.rate(), "placed": run.done(), "failed": run.failed(), "statuses": statuses,
        "p50_ms": run.ms(0.5), "p99_ms": run.ms(0.99), "max_ms": run.ms(1.0),
        "server_cpu_us_per_order": run.us_each(run.cpu.server),
        "provider_cpu_us_per_order": run.us_each(run.cpu.children),
        "client_cpu_us_per_order": run.us_each(run.cpu.client), "refusal": run.refusal,
    });
    let mut out = std::io::stdout().lock();
    let _ = if args.json {
        writeln!(out, "{summary}")
    } else {
        writeln!(
            out,
            "{:.0} orders/s ({} placed, {} not)\nlatency p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms\n\
             CPU an order: server {:.0} µs, payment provider {:.0} µs, this tool {:.0} µs\nanswers: {}{}",
            run.rate(),
            run.done(),
            run.failed(),
            run.ms(0.5),
            run.ms(0.99),
            run.ms(1.0),
            run.us_each(run.cpu.server),
            run.us_each(run.cpu.children),
            run.us_each(run.cpu.client),
            serde_json::Value::Object(statuses),
            run.refusal.as_ref().map(|refusal| format!("\nfirst refusal: {refusal}")).unwrap_or_default(),
        )
    };
}
