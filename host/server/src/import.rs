//! `orderwright import`: orders from files of other systems, placed through the REST API like anybody else's.
//!
//! The file is read and judged first ([`sheet`], [`mapping`]: pure), then the server is asked what it has, the stock is
//! raised by what is missing, and the rest is placed. Each step can be repeated without doubling anything.

mod country;
mod mapping;
mod place;
mod report;
mod sheet;
mod stock;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;

use mapping::Mapped;
use report::Report;

use crate::remote::client::{self, Client};
use crate::remote::stop::Stop;
use crate::remote::target;

/// Import the "Online Retail" data set of the UCI Machine Learning Repository.
///
/// The orders are placed through the REST API of a running server. An import can be stopped with Ctrl-C and started
/// again at any time: what is there already is recognised and left alone.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
    One order for each invoice: its number becomes external_id, its date stands in metadata, prices are GBP with tax\n\
    included, shipping costs nothing, payment is pm_ok. Stock that the orders need and that is missing is booked in\n\
    first. Cancellations (numbers that begin with C) are listed for later, stock adjustments (negative quantities)\n\
    refused. It can be stopped with Ctrl-C and run again: nothing will be there twice.\n\n\
    Examples:\n  \
    orderwright import online-retail sales.csv               into the server that `orderwright dev` started here\n  \
    orderwright import online-retail sales.csv --dry-run     only say what would happen\n  \
    orderwright import online-retail sales.csv --url https://orders.example.com --key ow_…\n\n\
    Exit status: 0 when every sale of the file is on the server, 1 when some are not, 2 for a wrong command line.")]
pub struct Args {
    /// The CSV file: InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, CustomerID, Country
    file: PathBuf,
    #[command(flatten)]
    server: target::ServerArgs,
    /// Where the missing stock is booked in [default: the first warehouse, or a new WH-IMPORT where there is none]
    #[arg(long, value_name = "ID")]
    warehouse: Option<String>,
    /// How many requests are under way at a time
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=512))]
    connections: u16,
    /// Read and judge the file, and ask no server
    #[arg(long)]
    dry_run: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the import. The exit code is a failure where a sale of the file is not on the server in the end.
///
/// # Errors
/// Where the file cannot be read or the server cannot be reached.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let file = std::fs::File::open(&args.file).with_context(|| format!("opening {}", args.file.display()))?;
    let sheet = sheet::read(file).with_context(|| format!("reading {}", args.file.display()))?;
    let mapped = mapping::map(&sheet);
    let mut report = Report::new(&sheet, &mapped, args.dry_run);
    if !args.dry_run {
        upload(&args, &mapped, &mut report).await?;
    }
    let text = if args.json { report.json() } else { report.text() };
    // A reader that has gone away is no reason to fail: the orders are placed.
    let _ = writeln!(std::io::stdout().lock(), "{}", text.trim_end());
    Ok(if report.is_complete() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn upload(args: &Args, mapped: &Mapped, report: &mut Report) -> anyhow::Result<()> {
    let target = args.server.find()?;
    let stop = Stop::on_ctrl_c().context("listening for Ctrl-C")?;
    let client = Client::new(&target, stop.clone())?;
    let connections = usize::from(args.connections);
    let result = steps(args, mapped, &client, connections, report).await;
    match result {
        Err(client::Error::Stopped) => {
            report.stopped = true;
            Ok(())
        }
        result => result.with_context(|| {
            format!(
                "{}: {} orders were placed before this; run the same command again to go on, nothing will be there twice",
                target.url, report.placed
            )
        }),
    }
}

async fn steps(
    args: &Args,
    mapped: &Mapped,
    client: &Client,
    connections: usize,
    report: &mut Report,
) -> Result<(), client::Error> {
    let missing = place::look_up(client, &mapped.orders, connections, report).await?;
    if missing.is_empty() {
        return Ok(());
    }
    let warehouse = stock::warehouse(client, args.warehouse.as_deref()).await?;
    report.stock = stock::raise(client, &warehouse, &missing, connections).await?;
    place::place(client, &missing, connections, report).await
}
