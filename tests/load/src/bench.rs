//! `load bench`: every scenario, one after the other, on a server of its own.

mod flash;
mod isolation;
mod placement;
mod plan;
mod probe;
mod reading;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::http::{Call, Target};
use crate::report::Report;
use crate::run::{self, Run};
use crate::server::{Server, Source};
use crate::shop::Keeper;
use crate::traffic::{Orders, Traffic};
use plan::Plan;

/// Run every scenario on a server of its own.
///
/// At most eight minutes, or ninety seconds with --quick, which is for a look and not for a comparison. The machine should
/// have nothing else to do.
#[derive(clap::Args)]
pub struct Args {
    /// Shorter runs
    #[arg(long)]
    quick: bool,
    /// Where the results are written as Markdown [default: tests/load/RESULTS.md, and with --quick nowhere]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print JSON instead of Markdown
    #[arg(long)]
    json: bool,
    /// Where the data is kept meanwhile: on the disk that is to be measured [default: beside the server]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// A routing policy that never ends [default: fixtures/ among the server's policies]
    #[arg(long, value_name = "FILE")]
    loop_policy: Option<PathBuf>,
    /// A component that takes long to compile, such as one of Python [default: one that is made, of 18 MB]
    #[arg(long, value_name = "FILE")]
    upload: Option<PathBuf>,
    #[command(flatten)]
    source: Source,
}

/// A bench under way.
struct Bench {
    plan: Plan,
    source: Source,
    loop_policy: PathBuf,
    upload: Option<PathBuf>,
    directory: PathBuf,
    server: Option<Server>,
    begun: Instant,
    report: Report,
    /// Orders a second that the server placed at most.
    best_rate: f64,
    /// Orders a second until they were paid; nothing where that did not come to an end.
    confirmed_rate: Option<f64>,
    /// Ids of orders that can be read.
    ids: Vec<String>,
    /// How long payments may still be waited for.
    drains_left: Duration,
    /// When the last scenario began: what was placed before is not waited for.
    since: jiff::Timestamp,
}

/// Runs it, prints the results, and fails where something was lost or too much.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let out = args.out.clone().or_else(|| (!args.quick).then(|| PathBuf::from("tests/load/RESULTS.md")));
    // Better now than after eight minutes.
    if let Some(folder) = out.as_deref().and_then(Path::parent)
        && !folder.as_os_str().is_empty()
        && !folder.is_dir()
    {
        bail!(
            "there is no folder {}: run it in the root of the repository, or name a file with --out",
            folder.display()
        );
    }
    // The system's temporary directory may lie in memory, where an fsync costs nothing.
    let beside = args.source.server.parent().map_or_else(|| PathBuf::from("."), Path::to_owned);
    let parent = args.dir.clone().unwrap_or(beside);
    std::fs::create_dir_all(&parent).with_context(|| format!("making {}", parent.display()))?;
    let directory = tempfile::Builder::new().prefix("orderwright-load-").tempdir_in(&parent)?;
    let loop_policy =
        args.loop_policy.clone().unwrap_or_else(|| args.source.policy("fixtures/fixture_loop_forever.wasm"));
    let plan = if args.quick { Plan::quick() } else { Plan::full() };
    let mut bench = Bench {
        drains_left: plan.drains_max,
        plan,
        source: args.source.clone(),
        loop_policy,
        upload: args.upload.clone(),
        directory: directory.path().to_owned(),
        server: None,
        begun: Instant::now(),
        report: Report::new(args.quick),
        best_rate: 0.0,
        confirmed_rate: None,
        ids: Vec::new(),
        since: jiff::Timestamp::now(),
    };
    if let Err(error) = bench.scenarios().await {
        let log = std::fs::read_to_string(bench.data().with_extension("log")).unwrap_or_default();
        let last: Vec<&str> = log.lines().rev().take(5).collect();
        let last: Vec<&str> = last.into_iter().rev().collect();
        return Err(
            error.context(format!("the last lines of the server's log:\n{}\nthe bench broke off", last.join("\n")))
        );
    }
    bench.report.took(bench.begun.elapsed());
    let markdown = bench.report.markdown();
    if let Some(out) = &out {
        std::fs::write(out, format!("{markdown}{}", other_results(out)))
            .with_context(|| format!("writing {}", out.display()))?;
    }
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout().lock(), "{}", if args.json { bench.report.json() } else { markdown });
    match bench.report.faults() {
        [] => Ok(()),
        faults => bail!("{}", faults.join("; ")),
    }
}

impl Bench {
    async fn scenarios(&mut self) -> anyhow::Result<()> {
        self.step("starting");
        let server = Server::start(&self.source, &self.data()).await?;
        let mut keeper = Keeper::new(&server.target).await?;
        self.server = Some(server);
        keeper.assortment().await.context("stocking the shop")?;
        placement::placements(self).await?;
        placement::killed(self).await?;
        if self.is_in_time("half load") {
            probe::half_load(self).await?;
        }
        if self.is_in_time("hot SKUs and sales") {
            flash::hot(self).await?;
            flash::sales(self).await?;
        }
        if self.is_in_time("reading and searching") {
            reading::reads(self).await?;
        }
        if self.is_in_time("isolation") {
            isolation::isolation(self).await?;
        }
        let server = self.server.take().context("the server runs until the end")?;
        let (_, took) = server.stop().await.context("the server does not end well")?;
        self.report.figure("orderly stop (SIGTERM)", took.as_secs_f64(), "s", None, "exit code 0");
        Ok(())
    }

    /// Whether there is time for another scenario; notes where there is none.
    fn is_in_time(&mut self, what: &str) -> bool {
        let is_in_time = self.begun.elapsed() < self.plan.late;
        if !is_in_time {
            self.report.note(format!("{what}: left out, the bench would have taken too long"));
        }
        is_in_time
    }

    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// Says what is being done: a bench is long.
    fn step(&mut self, what: &str) {
        self.since = jiff::Timestamp::now();
        self.say(what);
    }

    fn say(&self, what: &str) {
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), "[{:5.1} s] {what}", self.begun.elapsed().as_secs_f64());
    }

    fn server(&self) -> anyhow::Result<(Target, u32)> {
        let server = self.server.as_ref().context("the server runs between two scenarios")?;
        Ok((server.target.clone(), server.pid))
    }

    /// A closed loop, with its line in the report.
    async fn closed<T: Traffic>(
        &mut self,
        name: &str,
        traffic: &Arc<T>,
        connections: usize,
        duration: Duration,
    ) -> anyhow::Result<Run> {
        self.step(name);
        let (target, pid) = self.server()?;
        let run = run::closed(&target, traffic, connections, duration, Some(pid)).await;
        self.report.run(name, &run);
        Ok(run)
    }

    /// Remembers what the run placed, for reading it later.
    fn remember(&mut self, orders: &Orders) {
        self.ids.extend(orders.take_placed().ids);
    }

    /// Waits until no payment of the last scenario is under way any more; answers how long that took, and whether it
    /// came to an end.
    async fn drain(&mut self) -> anyhow::Result<(Duration, bool)> {
        self.say("waiting for the payments");
        let (target, _) = self.server()?;
        let mut keeper = Keeper::new(&target).await?;
        let begun = Instant::now();
        let limit = self.plan.drain_max.min(self.drains_left);
        let since = self.since;
        let call = Call::get(format!("/api/v1/orders?status=payment_pending&placed_from={since}&limit=1"));
        let finished = loop {
            let page = keeper.send(&call).await?.success()?;
            if page["data"].as_array().is_some_and(Vec::is_empty) {
                break true;
            }
            if begun.elapsed() > limit {
                break false;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        let took = begun.elapsed();
        self.drains_left = self.drains_left.saturating_sub(took);
        Ok((took, finished))
    }
}

/// What `cargo xtask bench costs` has written into the same file.
fn other_results(file: &Path) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.find("# Results of `cargo xtask bench costs`").map_or_else(String::new, |at| format!("\n{}", &text[at..]))
}

/// The database below a data directory.
fn database(data: &Path) -> anyhow::Result<PathBuf> {
    let mut folders = vec![data.to_owned()];
    while let Some(folder) = folders.pop() {
        let file = folder.join("orderwright.db");
        if file.is_file() {
            return Ok(file);
        }
        let entries = std::fs::read_dir(&folder)?.flatten().map(|entry| entry.path());
        folders.extend(entries.filter(|path| path.is_dir()));
    }
    bail!("there is no orderwright.db below {}", data.display())
}
