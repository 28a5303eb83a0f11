//! `orderwright import orders` and `orderwright export`: orders from files and into files, as NDJSON or CSV.
//!
//! Both speak to a running server as any client does. Both can be stopped at any time and run again: an import places
//! nothing twice, an export goes on where it stopped.

mod columns;
pub mod export;
mod read;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::ValueEnum;
use serde_json::json;

use crate::remote::client::{self, Client};
use crate::remote::place::{self, Fate};
use crate::remote::stop::Stop;
use crate::remote::target;

/// How many refusals are named before the rest is counted.
const NAMED_MAX: usize = 20;

/// How orders stand in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One JSON document a line
    Ndjson,
    /// A line of the file for each line of an order, under named columns
    Csv,
}

impl Format {
    /// What the file's name says where nothing else does.
    fn of(given: Option<Self>, file: &Path) -> Self {
        let is_csv = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        given.unwrap_or(if is_csv { Self::Csv } else { Self::Ndjson })
    }
}

/// Place the orders of a file.
///
/// The orders are placed through the REST API of a running server, each as if it came alone. An import can be stopped with
/// Ctrl-C and started again, also with a file in which refused orders were put right: what is there already is left alone.
#[derive(Debug, clap::Args)]
#[command(after_help = columns::HELP)]
pub struct Args {
    /// The file; one that ends in .csv is CSV, any other NDJSON
    file: PathBuf,
    #[command(flatten)]
    server: target::ServerArgs,
    /// What the file holds, whatever its name
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// How many requests are under way at a time
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=512))]
    connections: u16,
    /// Read the file, and ask no server
    #[arg(long)]
    dry_run: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// What came of an import.
#[derive(Default)]
struct Report {
    orders: usize,
    placed: usize,
    already_there: usize,
    /// By the line of the file.
    refused: BTreeMap<u64, String>,
    dry_run: bool,
    stopped: bool,
}

impl Report {
    fn left_over(&self) -> usize {
        if self.dry_run { 0 } else { self.orders.saturating_sub(self.placed + self.already_there + self.refused.len()) }
    }

    fn is_complete(&self) -> bool {
        self.refused.is_empty() && !self.stopped && self.left_over() == 0
    }

    fn text(&self) -> String {
        let mut lines = vec![format!("read            {} orders", self.orders)];
        if !self.dry_run {
            lines.push(format!("placed          {}", self.placed));
            lines.push(format!("already there   {}", self.already_there));
        }
        lines.push(format!("refused         {}", self.refused.len()));
        lines.extend(self.refused.iter().take(NAMED_MAX).map(|(line, reason)| format!("  line {line}: {reason}")));
        if self.refused.len() > NAMED_MAX {
            lines.push(format!("  and {} more; --json names them all", self.refused.len() - NAMED_MAX));
        }
        if self.left_over() > 0 {
            lines.push(format!("not placed yet  {}", self.left_over()));
        }
        if self.stopped {
            lines.push("\nStopped. Run the same command again to go on: nothing will be there twice.".to_owned());
        }
        lines.join("\n")
    }

    fn json(&self) -> String {
        let refused: Vec<_> = self.refused.iter().map(|(line, why)| json!({"line": line, "reason": why})).collect();
        let report = json!({
            "dry_run": self.dry_run, "orders": self.orders, "placed": self.placed, "already_there": self.already_there,
            "refused": refused, "not_placed_yet": self.left_over(), "stopped": self.stopped, "complete": self.is_complete(),
        });
        format!("{report:#}")
    }
}

/// Runs the import. The exit code is a failure where an order of the file is not on the server in the end.
///
/// # Errors
/// Where the file cannot be read or the server cannot be reached.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let bytes = std::fs::read(&args.file).with_context(|| format!("reading {}", args.file.display()))?;
    let read = read::read(&bytes, Format::of(args.format, &args.file))
        .with_context(|| format!("reading {}", args.file.display()))?;
    let orders = read.orders.len() + read.refused.len();
    let mut report = Report { orders, refused: read.refused, dry_run: args.dry_run, ..Report::default() };
    if !args.dry_run {
        let target = args.server.find()?;
        let stop = Stop::on_ctrl_c().context("listening for Ctrl-C")?;
        let client = Client::new(&target, stop)?;
        let tell = |order: &read::Order, fate| match fate {
            Fate::Placed(_) => report.placed += 1,
            Fate::There(_) | Fate::Duplicate => report.already_there += 1,
            Fate::Refused(reason) => _ = report.refused.insert(order.line, reason),
        };
        match place::place(&client, &read.orders, usize::from(args.connections), tell).await {
            Err(client::Error::Stopped) => report.stopped = true,
            result => result.with_context(|| {
                let placed = report.placed;
                format!("{}: {placed} orders were placed before this; run the same command again to go on", target.url)
            })?,
        }
    }
    let text = if args.json { report.json() } else { report.text() };
    // A reader that has gone away is no reason to fail: the orders are placed.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
    Ok(if report.is_complete() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
