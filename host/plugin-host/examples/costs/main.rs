//! What plugins cost, as Markdown: compile, load and call, for each language, beside a native function and a reused instance;
//! and what a thousand merchants take that each have a component of their own.
//!
//! `cargo xtask bench costs` builds and runs it, and puts what it prints into `tests/load/RESULTS.md`. Components in other
//! languages are built elsewhere and handed over.

#![expect(clippy::float_arithmetic, reason = "microseconds are for people to read")]

mod inputs;
mod languages;
mod merchants;
mod times;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Parser;
use plugin_host::limits::Limits;
use plugin_host::{Config, Host};

/// Measure what plugins cost
#[derive(Parser)]
struct Args {
    /// Where the reference policies are [default: among the built ones]
    #[arg(long, value_name = "DIR")]
    policies: Option<PathBuf>,
    /// A routing policy in TypeScript
    #[arg(long, value_name = "FILE")]
    typescript: Option<PathBuf>,
    /// A routing policy in Python
    #[arg(long, value_name = "FILE")]
    python: Option<PathBuf>,
    /// How many merchants have a component of their own
    #[arg(long, value_name = "N", default_value_t = 1000)]
    merchants: usize,
}

/// Stands above the tables.
const MEANING: &str = "\
**Compile** is the process that compiles, **load from cache** inspection, digest, authentication and linking. A **fresh** call has an \
instance of its own, as every call of the server has; a **reused** one asks the same instance again. Aims: a fresh Rust call costs at \
most 15 µs more than a reused one at p50, a fresh TypeScript call at most 300 µs where a Rust one takes 24, and a thousand Rust \
components stay below 2048 MB.";

/// One thread, as a worker of the server is one: what a call costs is not how many cores share it.
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let args = Args::parse();
    let policies = args.policies.clone().unwrap_or_else(|| build_dir().join("policies"));
    print(&format!("{}\n\n{MEANING}\n", machine()));
    let mut guests = languages::reference(&policies);
    let other = [("TypeScript, routing", &args.typescript), ("Python, routing", &args.python)];
    guests.extend(other.into_iter().filter_map(|(name, file)| Some(languages::routing(name, file.as_ref()?))));
    languages::measure(&guests).await;
    if args.merchants > 0 {
        merchants::measure(&guests[0], args.merchants).await;
    }
}

/// What it was measured on.
fn machine() -> String {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let cpuinfo = read("/proc/cpuinfo");
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!(
        "On {cores} × {}, Linux {}, one thread; load average before: {}. The question is an order of three lines that four \
         warehouses can ship.",
        model.map_or("unknown", |(_, name)| name.trim()),
        read("/proc/sys/kernel/osrelease").trim(),
        read("/proc/loadavg").split_whitespace().next().unwrap_or("unknown"),
    )
}

/// A host on a folder of compiled components.
fn host(cache: &Path) -> Host {
    let config = Config {
        cache_dir: cache.to_owned(),
        cache_key: [1; 32],
        compiler: Box::new(|| Command::new(build_dir().join("compile-policy"))),
        limits: Limits::default(),
    };
    Host::new(config).expect("the host starts")
}

/// `target/<profile>`.
fn build_dir() -> PathBuf {
    let exe = std::env::current_exe().expect("a process knows its executable");
    let dir = exe.parent().and_then(Path::parent);
    dir.expect("an example lies in a folder of the target directory").to_owned()
}

fn print(text: &str) {
    // Where nobody reads, there is nobody to tell.
    let _ = writeln!(std::io::stdout(), "{text}");
}
