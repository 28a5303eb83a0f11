//! What one merchant feels of another: of a policy that never ends, and of a component that takes long to compile.

mod upload;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use super::Bench;
use crate::http::Target;
use crate::run::{self, Run};
use crate::shop::{Keeper, PLENTY};
use crate::traffic::{Basket, Orders};
use upload::Uploader;

/// How many of merchant B's clients keep placing.
const LOOPING_CLIENTS: usize = 8;
/// Merchant A's load, of the greatest rate.
const LOAD: f64 = 0.4;
/// The p99 of one run of some seconds swings by half from run to run: runs alone and beside the noise take turns, and the
/// median of the pairs' ratios counts.
const PAIRS: usize = 5;

/// What merchant B does meanwhile.
enum Noise {
    /// It places orders, and its routing policy never ends.
    Loops(Target),
    /// It uploads a component.
    Compiles(Uploader),
}

impl Noise {
    /// As it stands in the results.
    const fn name(&self) -> &'static str {
        match self {
            Self::Loops(_) => "B's policy loops",
            Self::Compiles(_) => "B's upload compiles",
        }
    }

    /// What the orders of its runs are called.
    const fn prefix(&self) -> &'static str {
        match self {
            Self::Loops(_) => "i",
            Self::Compiles(_) => "u",
        }
    }
}

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
    let uploader = Uploader::new(&bench.source, bench.upload.as_deref(), &bench.directory, &other, key)?;

    pairs(bench, &Noise::Loops(other)).await?;
    let (size, what) = (uploader.bytes() as f64 / 1e6, uploader.what());
    bench.report.note(format!("what merchant B uploads is {what}, {size:.1} MB"));
    pairs(bench, &Noise::Compiles(uploader)).await
}

/// Runs alone and beside the noise, in turns.
async fn pairs(bench: &mut Bench, noise: &Noise) -> anyhow::Result<()> {
    let (mut ratios, mut alone, mut noisy) = (Vec::new(), Vec::new(), Vec::new());
    for pair in 1..=if bench.plan.is_quick { 1 } else { PAIRS } {
        let quiet = at_load(bench, pair, noise, false).await?.ms(0.99);
        let beside = at_load(bench, pair, noise, true).await?.ms(0.99);
        ratios.push(beside / quiet);
        alone.push(quiet);
        noisy.push(beside);
    }
    let name = noise.name();
    let limit = Some((median(&mut alone), "A alone, median"));
    let what = format!("p99 of merchant A while merchant {name}, median");
    bench.report.figure(what, median(&mut noisy), "ms", limit, "");
    let what = format!("the same while {name}: ratios of the pairs of runs, median");
    bench.report.figure(what, median(&mut ratios), "times", None, "≤ 2");
    let sorted: Vec<_> = ratios.iter().map(|ratio| format!("{ratio:.2}")).collect();
    bench.report.note(format!("while {name}, the ratios of the {} pairs, sorted: {}", ratios.len(), sorted.join(", ")));
    Ok(())
}

/// Sorts them.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

async fn at_load(bench: &mut Bench, pair: usize, noise: &Noise, is_noisy: bool) -> anyhow::Result<Run> {
    let beside = if is_noisy { format!("while {}", noise.name()) } else { format!("alone, before {}", noise.name()) };
    let prefix = format!("{}{}{pair}", noise.prefix(), if is_noisy { "b" } else { "q" });
    let name = &format!("merchant A at 40 % load, {beside} ({pair})");
    bench.step(name);
    let (target, pid) = bench.server()?;
    let rate = (bench.best_rate * LOAD).max(1.0);
    let duration = bench.plan.isolation;
    let orders = Arc::new(Orders::new(prefix.clone(), Basket::Assortment { lines: 3 }));
    // A start has cold caches: what is compared begins when both are warm.
    let warm = Arc::new(Orders::new(format!("{prefix}w"), Basket::Assortment { lines: 3 }));
    run::open(&target, &warm, 64, rate, Duration::from_secs(1), None).await;
    let measured = run::open(&target, &orders, 256, rate, duration, Some(pid));
    let run = match noise {
        Noise::Loops(other) if is_noisy => {
            let orders = Arc::new(Orders::new(format!("loop{pair}"), Basket::One { sku: "LOAD-B".into() }));
            let looping = run::closed(other, &orders, LOOPING_CLIENTS, duration, None);
            let (run, looped) = tokio::join!(measured, looping);
            bench.report.note(format!(
                "merchant B placed {} orders meanwhile, {:.0} a second, every one of them after its policy was cut off; \
                 {} got another answer",
                looped.done(),
                looped.rate(),
                looped.failed()
            ));
            run
        }
        Noise::Compiles(uploader) if is_noisy => {
            let upload = uploader.begin(pair)?;
            let run = measured.await;
            let took = upload.end().await?;
            let note =
                format!("merchant B's upload was ready after {took:.1} s, the run was over after {duration:.0?}");
            bench.report.note(note);
            run
        }
        _ => measured.await,
    };
    bench.report.run(name, &run);
    bench.drain().await?;
    Ok(run)
}
