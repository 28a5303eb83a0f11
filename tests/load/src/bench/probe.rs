//! An open loop at half of the greatest rate, and beside it probes: how soon an order can be found, and is paid.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::task::JoinSet;

use super::Bench;
use crate::http::{Call, Connection, Target};
use crate::run;
use crate::traffic::{Basket, Orders, Traffic as _};

/// Between two probes.
const EVERY: Duration = Duration::from_millis(100);
/// Between two questions of a probe.
const ASK: Duration = Duration::from_millis(5);

/// What the probes saw, in microseconds after the 201.
struct Seen {
    searchable: Histogram<u64>,
    confirmed: Histogram<u64>,
}

pub async fn half_load(bench: &mut Bench) -> anyhow::Result<()> {
    let rate = bench.best_rate * 0.5;
    let name = "open loop at half of the greatest rate";
    bench.step(name);
    let (target, pid) = bench.server()?;
    let orders = Arc::new(Orders::new("o50", Basket::Assortment { lines: 3 }));
    let duration = bench.plan.open;
    let (run, seen) = tokio::join!(
        run::open(&target, &orders, 256, rate.max(1.0), duration, Some(pid)),
        probes(&target, duration, bench.plan.probe_max)
    );
    bench.report.run(name, &run);
    bench.remember(&orders);
    let ms = |histogram: &Histogram<u64>, quantile| histogram.value_at_quantile(quantile) as f64 / 1000.0;
    let report = &mut bench.report;
    let due = (rate * duration.as_secs_f64()).floor();
    report.figure("open loop: orders placed", run.done() as f64, "orders", Some((due, "orders due")), "all");
    report.figure("open loop: latency p99 from the due moment", run.ms(0.99), "ms", None, "");
    report.figure("placed → searchable at half load, p50", ms(&seen.searchable, 0.5), "ms", None, "");
    report.figure("placed → searchable at half load, p99", ms(&seen.searchable, 0.99), "ms", None, "< 500 ms");
    report.figure("placed → payment_confirmed at half load, p50", ms(&seen.confirmed, 0.5), "ms", None, "");
    report.figure("placed → payment_confirmed at half load, p99", ms(&seen.confirmed, 0.99), "ms", None, "bounded");
    report.note(format!("{} probes were placed beside the open loop", seen.searchable.len()));
    bench.drain().await?;
    Ok(())
}

async fn probes(target: &Target, duration: Duration, give_up: Duration) -> Seen {
    let histogram = || Histogram::new_with_bounds(1, 60_000_000, 3).expect("the bounds are in order");
    let seen = Arc::new(Mutex::new(Seen { searchable: histogram(), confirmed: histogram() }));
    let orders = Arc::new(Orders::new("probe", Basket::Assortment { lines: 3 }));
    let mut tasks = JoinSet::new();
    let mut tick = tokio::time::interval(EVERY);
    let begun = Instant::now();
    let mut number = 0;
    while begun.elapsed() < duration {
        tick.tick().await;
        let (target, orders, seen) = (target.clone(), orders.clone(), seen.clone());
        number += 1;
        tasks.spawn(async move {
            // A probe that could not even be placed is the open loop's to report.
            if let Some((searchable, confirmed)) = probe(&target, &orders, number, give_up).await {
                let mut seen = seen.lock().expect("nothing panics while it holds this");
                seen.searchable.saturating_record(micros(searchable));
                seen.confirmed.saturating_record(micros(confirmed));
            }
        });
    }
    while tasks.join_next().await.is_some() {}
    std::mem::replace(
        &mut *seen.lock().expect("nothing panics while it holds this"),
        Seen { searchable: histogram(), confirmed: histogram() },
    )
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Places an order and asks until it is found and until it is paid.
async fn probe(target: &Target, orders: &Orders, number: u64, give_up: Duration) -> Option<(Duration, Duration)> {
    let mut connection = Connection::open(target).await.ok()?;
    let mut call = Call::default();
    orders.write(number, &mut call);
    let answer = connection.send(target, &call).await.ok()?;
    let id = (answer.status == 201).then(|| answer.text("order_id").map(str::to_owned))??;
    let placed = Instant::now();
    let search = Call::get(format!("/api/v1/search/orders?q=external:{}&limit=1", orders.external_id(number)));
    let read = Call::get(format!("/api/v1/orders/{id}"));
    let (mut searchable, mut confirmed) = (None, None);
    while placed.elapsed() < give_up && (searchable.is_none() || confirmed.is_none()) {
        if searchable.is_none() && connection.send(target, &search).await.ok()?.text("order_id").is_some() {
            searchable = Some(placed.elapsed());
        }
        let is_confirmed = confirmed.is_none()
            && connection.send(target, &read).await.ok()?.text("status") == Some("payment_confirmed");
        if is_confirmed {
            confirmed = Some(placed.elapsed());
        }
        tokio::time::sleep(ASK).await;
    }
    Some((searchable.unwrap_or(give_up), confirmed.unwrap_or(give_up)))
}
