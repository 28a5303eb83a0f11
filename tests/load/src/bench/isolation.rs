//! What one merchant feels of another's policy that never ends.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use super::Bench;
use crate::http::Target;
use crate::run::{self, Run};
use crate::shop::{Keeper, PLENTY};
use crate::traffic::{Basket, Orders};

/// How many of merchant B's clients keep placing.
const LOOPING_CLIENTS: usize = 8;
/// Merchant A's load, of the greatest rate.
const LOAD: f64 = 0.4;
/// The p99 of one run of some seconds swings by half from run to run: runs alone and beside the loop take turns, and the
/// median of the pairs' ratios counts.
const PAIRS: usize = 5;

pub async fn isolation(bench: &mut Bench) -> anyhow::Result<()> {
    if !bench.loop_policy.is_file() {
        let note = format!("isolation was left out: there is no {}", bench.loop_policy.display());
        bench.report.note(note);
        return Ok(());
    }
    bench.step("preparing a second merchant with a policy that never ends");
    let server = bench.server.take().context("the server runs")?;
    let (stopped, _) = server.stop().await?;
    let created = stopped.admin(&["tenant", "create", "looper"]).await?;
    let text = |name: &str| created[name].as_str().map(str::to_owned).with_context(|| format!("a tenant has a {name}"));
    let (tenant, key) = (text("tenant")?, text("api_key")?);
    let policy = bench.loop_policy.to_string_lossy().into_owned();
    let bind = ["hook", "bind", &tenant, "routing", &policy, "--name", "loop-forever", "--on-failure", "fallback"];
    stopped.admin(&bind).await?;
    let server = stopped.start().await?;
    let other = server.target.with_key(&key);
    bench.server = Some(server);
    Keeper::new(&other).await?.stock_of_a_new_merchant("LOAD-B", PLENTY).await?;

    let mut ratios = Vec::new();
    let mut alone = Vec::new();
    let mut looping = Vec::new();
    for pair in 1..=PAIRS {
        let quiet = at_load(bench, pair, None).await?.ms(0.99);
        let beside = at_load(bench, pair, Some(&other)).await?.ms(0.99);
        ratios.push(beside / quiet);
        alone.push(quiet);
        looping.push(beside);
    }
    let limit = Some((median(&mut alone), "A alone, median"));
    let name = "p99 of merchant A while merchant B's policy loops, median";
    bench.report.figure(name, median(&mut looping), "ms", limit, "");
    let name = "the same: ratios of the pairs of runs, median";
    bench.report.figure(name, median(&mut ratios), "times", None, "≤ 2");
    bench.report.note(format!(
        "the isolation ratios of the {PAIRS} pairs, sorted: {}",
        ratios.iter().map(|ratio| format!("{ratio:.2}")).collect::<Vec<_>>().join(", ")
    ));
    Ok(())
}

/// Sorts them.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

async fn at_load(bench: &mut Bench, pair: usize, other: Option<&Target>) -> anyhow::Result<Run> {
    let (beside, prefix) = if other.is_some() { ("while B's policy loops", "ib") } else { ("alone", "iq") };
    let name = &format!("merchant A at 40 % load, {beside} ({pair})");
    bench.step(name);
    let (target, pid) = bench.server()?;
    let rate = (bench.best_rate * LOAD).max(1.0);
    let duration = bench.plan.isolation;
    let orders = Arc::new(Orders::new(format!("{prefix}{pair}"), Basket::Assortment { lines: 3 }));
    let looping = async {
        let other = other?;
        let orders = Arc::new(Orders::new(format!("loop{pair}"), Basket::One { sku: "LOAD-B".into() }));
        Some(run::closed(other, &orders, LOOPING_CLIENTS, duration, None).await)
    };
    // A start has cold caches: what is compared begins when both are warm.
    let warm = Arc::new(Orders::new(format!("{prefix}{pair}w"), Basket::Assortment { lines: 3 }));
    run::open(&target, &warm, 64, rate, Duration::from_secs(1), None).await;
    let (run, looped) = tokio::join!(run::open(&target, &orders, 256, rate, duration, Some(pid)), looping);
    bench.report.run(name, &run);
    if let Some(looped) = looped {
        bench.report.note(format!(
            "merchant B placed {} orders meanwhile, {:.0} a second, every one of them after its policy was cut off; \
             {} got another answer",
            looped.done(),
            looped.rate(),
            looped.failed()
        ));
    }
    bench.drain().await?;
    Ok(run)
}
