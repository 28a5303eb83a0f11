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

    let quiet = half(bench, "merchant A at 40 % load, alone", None).await?;
    let beside = half(bench, "merchant A at 40 % load, while B's policy loops", Some(&other)).await?;
    bench.report.figure(
        "p99 of merchant A while merchant B's policy loops",
        beside.ms(0.99),
        "ms",
        Some((quiet.ms(0.99), "A alone")),
        "≤ 2",
    );
    Ok(())
}

async fn half(bench: &mut Bench, name: &str, other: Option<&Target>) -> anyhow::Result<Run> {
    bench.step(name);
    let (target, pid) = bench.server()?;
    let rate = (bench.best_rate * LOAD).max(1.0);
    let duration = bench.plan.isolation;
    let prefix = if other.is_some() { "ib" } else { "iq" };
    let orders = Arc::new(Orders::new(prefix, Basket::Assortment { lines: 3 }));
    let looping = async {
        let other = other?;
        let orders = Arc::new(Orders::new("loop", Basket::One { sku: "LOAD-B".into() }));
        Some(run::closed(other, &orders, LOOPING_CLIENTS, duration, None).await)
    };
    // A start has cold caches: what is compared begins when both are warm.
    let warm = Arc::new(Orders::new(format!("{prefix}w"), Basket::Assortment { lines: 3 }));
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
