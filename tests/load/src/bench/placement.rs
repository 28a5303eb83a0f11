//! Placing orders as fast as the server takes them, and what was on the disk when it was killed.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::{Bench, database};
use crate::http::Call;
use crate::raw::{self, Rows};
use crate::run::{self, Run};
use crate::server::{Server, Stopped};
use crate::shop::Keeper;
use crate::traffic::{Basket, Orders};

/// How many clients the greatest rate takes: the more wait, the more orders share one commit.
const GREATEST: usize = 600;

/// How often the loop with totals of zero runs, each with raw after it.
const FREE_PAIRS: usize = 3;

/// Of the orders that are counted on both sides of a ratio.
const LINES: u32 = 3;

fn orders(name: &str) -> Orders {
    Orders::new(name, Basket::Assortment { lines: LINES })
}

/// Closed loops on a server that lives on: without a payment, and with the saga until its end. Raw writes into a new
/// database: what is compared with it comes first.
pub async fn placements(bench: &mut Bench) -> anyhow::Result<()> {
    let warm = Arc::new(orders("warm"));
    bench.closed("warm-up, 64 connections", &warm, 64, bench.plan.warm_up).await?;
    bench.remember(&warm);
    bench.drain().await?;

    // What a machine can do swings by a tenth from one minute to the next: each run has its limit taken right after it,
    // and the pair with the median ratio counts.
    let mut pairs = Vec::new();
    for turn in 1..=FREE_PAIRS {
        let traffic = format!("free{turn}");
        let free = Arc::new(orders(&traffic).free_of_charge());
        let name = format!("closed loop, 600 connections, totals of zero ({turn})");
        let run = bench.closed(&name, &free, GREATEST, bench.plan.free).await?;
        indexed(bench).await?;
        let what = format!("600 connections, totals of zero, all rows ({turn})");
        let raw = limit(bench, &database(&bench.data())?, &traffic, Rows::Placement, &what).await?;
        pairs.push((run, raw));
    }
    pairs.sort_by(|(run, raw), (other, other_raw)| (run.rate() / raw).total_cmp(&(other.rate() / other_raw)));
    let ratios: Vec<_> = pairs.iter().map(|(run, raw)| format!("{:.3}", run.rate() / raw)).collect();
    bench.report.note(format!("totals of zero: the ratios of the {FREE_PAIRS} pairs, sorted: {}", ratios.join(", ")));
    let (run, raw) = &pairs[FREE_PAIRS / 2];
    bench.report.figure(
        "placing, totals of zero (no saga), 600 connections, median of three pairs",
        run.rate(),
        "orders/s",
        Some((*raw, "raw, all its rows")),
        "≥ 0.3, later ≥ 0.5",
    );
    bench.report.figure("CPU an order, totals of zero", run.us_each(run.cpu.server), "µs", None, "≤ 200 µs");

    let paid = Arc::new(orders("c64"));
    let run = bench.closed("closed loop, 64 connections", &paid, 64, bench.plan.closed).await?;
    bench.remember(&paid);
    confirmed(bench, &run).await
}

/// How long the saga and the index took to follow the run with 64 connections.
async fn confirmed(bench: &mut Bench, run: &Run) -> anyhow::Result<()> {
    let indexing = Instant::now();
    let (waited, finished) = bench.drain().await?;
    bench.confirmed_rate = finished.then(|| run.done() as f64 / (run.elapsed + waited).as_secs_f64());
    if !finished {
        bench.report.note(format!(
            "of the {} orders of the run with 64 connections some were not paid {:.0} s after its end: the saga is \
             slower than placement",
            run.done(),
            waited.as_secs_f64()
        ));
    }
    indexed(bench).await?;
    bench.report.figure(
        "after the closed loop with 64 connections: until all is paid",
        waited.as_secs_f64(),
        "s",
        None,
        "bounded",
    );
    bench.report.figure(
        "after the closed loop with 64 connections: until the index has it all",
        indexing.elapsed().as_secs_f64(),
        "s",
        None,
        "bounded",
    );
    Ok(())
}

/// Waits until the index has followed.
async fn indexed(bench: &Bench) -> anyhow::Result<()> {
    let begun = Instant::now();
    let (target, _) = bench.server()?;
    let mut keeper = Keeper::new(&target).await?;
    let call = Call::get("/api/v1/search/orders?q=status:payment_pending&limit=1");
    while begun.elapsed() < bench.plan.drain_max {
        let page = keeper.send(&call).await?.success().context("searching")?;
        if page["data"].as_array().is_some_and(Vec::is_empty) && page["lag_ms"] == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

/// Raw for the rows of a run: orders a second at the best size.
async fn limit(bench: &mut Bench, from: &Path, traffic: &str, rows: Rows, what: &str) -> anyhow::Result<f64> {
    bench.say(&format!("raw: {what}"));
    let captured = raw::capture(from, traffic, bench.plan.raw_orders).await?;
    let measured = raw::measure(&captured, rows, what, bench.plan.raw_sizes, &bench.directory).await?;
    let best = measured.best();
    bench.report.raw(measured);
    Ok(best)
}

/// The run with 600 connections that ends with `kill -9`; then raw, and the start afterwards.
pub async fn killed(bench: &mut Bench) -> anyhow::Result<()> {
    let name = "closed loop, 600 connections, killed at its end";
    bench.step(name);
    let server = bench.server.take().context("the server runs")?;
    let (target, pid) = (server.target.clone(), server.pid);
    let orders = Arc::new(orders("paid"));
    let (run, stopped) = run::closed_until(&target, &orders, GREATEST, bench.plan.closed, pid, server.kill()).await;
    let stopped = stopped?;
    bench.report.run(name, &run);
    bench.best_rate = run.rate();
    survivors(bench, &stopped, &orders).await?;
    let result = limits(bench, &stopped, &run).await;
    restart(bench, &stopped).await?;
    result
}

/// Every order that was acknowledged is in what the killed server left.
async fn survivors(bench: &mut Bench, stopped: &Stopped, orders: &Orders) -> anyhow::Result<()> {
    let copy = snapshot(bench, stopped)?;
    let placed = orders.take_placed();
    let ids = placed.numbers.iter().map(|number| orders.external_id(*number));
    let (asked, found) = raw::acknowledged(&copy, ids).await?;
    bench
        .report
        .note(format!("{asked} orders were acknowledged before the `kill -9`, {found} of them were found after it"));
    if found != asked {
        bench.report.fault(format!("{} acknowledged orders were lost by kill -9", asked - found));
    }
    bench.ids.extend(placed.ids);
    Ok(())
}

/// The database as the crash left it, log included, apart from the server's own.
fn snapshot(bench: &Bench, stopped: &Stopped) -> anyhow::Result<std::path::PathBuf> {
    let (from, to) = (database(&stopped.data)?, bench.directory.join("run.db"));
    for suffix in ["", "-wal"] {
        let (from, to) = (format!("{}{suffix}", from.display()), format!("{}{suffix}", to.display()));
        if std::fs::exists(&from)? {
            std::fs::copy(&from, &to).with_context(|| format!("copying {from}"))?;
        }
    }
    Ok(to)
}

/// Raw for the rows of each run, and the ratios.
async fn limits(bench: &mut Bench, stopped: &Stopped, run: &Run) -> anyhow::Result<()> {
    let copy = bench.directory.join("run.db");
    drop(database(&stopped.data)?);
    let measures = [
        ("paid", Rows::Everything, "600 connections, all rows on disk at the end"),
        ("paid", Rows::Placement, "600 connections, placement rows"),
        ("c64", Rows::Everything, "64 connections, all rows of completed sagas"),
    ];
    let mut best = Vec::new();
    for (traffic, rows, what) in measures {
        best.push(limit(bench, &copy, traffic, rows, what).await?);
    }
    let rate = run.rate();
    let report = &mut bench.report;
    report.figure(
        "placing, 3 lines, 600 connections, the saga running beside it",
        rate,
        "orders/s",
        Some((best[0], "raw, all rows on disk at the end")),
        "≥ 0.3, later ≥ 0.5",
    );
    report.figure("the same", rate, "orders/s", Some((best[1], "raw, placement rows only")), "");
    if let Some(confirmed) = bench.confirmed_rate {
        let limit = Some((best[2], "raw, all rows of completed sagas"));
        report.figure("placed and paid until confirmed, 64 connections", confirmed, "orders/s", limit, "");
    }
    report.figure("CPU an order, saga included", run.us_each(run.cpu.server), "µs", None, "");
    report.figure("CPU an order of the payment provider", run.us_each(run.cpu.children), "µs", None, "");
    Ok(())
}

/// From the start of the process to the first answer, on what the crash left.
async fn restart(bench: &mut Bench, stopped: &Stopped) -> anyhow::Result<()> {
    let killed_since = bench.since;
    bench.step("starting again after kill -9");
    let server: Server = stopped.start().await.context("starting after kill -9")?;
    let took = server.took.as_secs_f64();
    bench.server = Some(server);
    bench.report.figure("serving again after kill -9 under full load", took, "s", None, "< 2 s");
    // What the killed server was working on is leased to it for a while yet; nobody waits for that with --quick.
    if !bench.plan.is_quick {
        bench.since = killed_since;
        let (waited, finished) = bench.drain().await?;
        let end = if finished { "were paid" } else { "were not all paid" };
        bench.report.note(format!(
            "{:.1} s after that start the orders that the crash had left unpaid {end}; those that were being worked on \
             wait for the killed server's lease to end",
            waited.as_secs_f64()
        ));
    }
    Ok(())
}
