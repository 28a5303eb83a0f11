//! `orderwright export`: orders into a file, page by page, so that it can be stopped and gone on with.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Format;
use crate::remote::client::{Client, Error};
use crate::remote::stop::Stop;
use crate::remote::{progress, target};

/// Orders of a page: as many as the server gives.
const PAGE: &str = "200";

/// Write orders into a file, newest first.
///
/// NDJSON has each order as the server shows it; CSV a row for each line of an order. The file holds what customers told
/// of themselves: only you may read it. Stopped, by Ctrl-C or otherwise, the same command goes on where it was.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:\n  \
orderwright export orders.ndjson                              all orders of the server that `orderwright dev` started here\n  \
orderwright export march.csv --from 2026-03-01 --to 2026-03-31\n  \
orderwright export - --status shipped | jq .total             to the standard output")]
pub struct Args {
    /// The file; one that ends in .csv is CSV, any other NDJSON; - is the standard output
    file: PathBuf,
    #[command(flatten)]
    server: target::ServerArgs,
    /// What to write, whatever the file's name
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Only orders with this status
    #[arg(long)]
    status: Option<String>,
    /// Only orders of this customer
    #[arg(long, value_name = "ID")]
    customer: Option<String>,
    /// Only orders placed then or later: a time, or a day in UTC
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only orders placed before this time, or on this day in UTC or earlier
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Replace the file where there is one
    #[arg(long)]
    force: bool,
}

/// What is asked for, and how far it has come: kept beside the unfinished file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    query: Vec<(String, String)>,
    csv: bool,
    /// Where the next page begins.
    cursor: Option<String>,
    /// Of the unfinished file, written so far.
    bytes: u64,
    orders: u64,
}

/// A page of orders, each with exactly its digits.
#[derive(Deserialize)]
struct Page {
    data: Vec<Box<RawValue>>,
    next_cursor: Option<String>,
}

/// Where the orders go.
enum Output {
    Standard,
    /// The unfinished file.
    File(File, Paths),
}

/// The file, and what stands in its place until it is finished.
#[derive(Debug, Clone)]
struct Paths {
    file: PathBuf,
    part: PathBuf,
    state: PathBuf,
}

/// Runs the export.
///
/// # Errors
/// Where the file cannot be written or the server cannot be asked.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let format = Format::of(args.format, &args.file);
    let mut state = State { query: query(&args), csv: format == Format::Csv, cursor: None, bytes: 0, orders: 0 };
    let mut output = open(&args, &mut state)?;
    let target = args.server.find()?;
    let client = Client::new(&target, Stop::on_ctrl_c().context("listening for Ctrl-C")?)?;
    let written = write_all(&client, &mut output, &mut state).await;
    let mut told = io::stderr().lock();
    match written {
        Ok(()) => {
            if let Output::File(file, paths) = output {
                finish(&file, &paths)?;
                let _ = writeln!(told, "{} orders in {}", state.orders, paths.file.display());
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(error) if error.downcast_ref::<Error>().is_some_and(|error| matches!(error, Error::Stopped)) => {
            let _ = writeln!(told, "Stopped after {} orders. Run the same command again to go on.", state.orders);
            Ok(ExitCode::FAILURE)
        }
        // Whoever reads has seen enough.
        Err(error) if error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe) => {
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => Err(error.context(format!("{}: after {} orders", target.url, state.orders))),
    }
}

fn query(args: &Args) -> Vec<(String, String)> {
    let given = [
        ("status", &args.status),
        ("customer_id", &args.customer),
        ("placed_from", &args.from),
        ("placed_to", &args.to),
    ];
    given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?))).collect()
}

/// Opens the output; goes on with what an earlier run has left, where it was asked for the same.
fn open(args: &Args, state: &mut State) -> anyhow::Result<Output> {
    if args.file == Path::new("-") {
        return Ok(Output::Standard);
    }
    if args.file.exists() && !args.force {
        bail!("{} exists; --force replaces it", args.file.display());
    }
    let beside = |ending: &str| {
        let mut name = args.file.clone().into_os_string();
        name.push(ending);
        PathBuf::from(name)
    };
    let paths = Paths { file: args.file.clone(), part: beside(".part"), state: beside(".part.json") };
    let mut options = OpenOptions::new();
    // Names and addresses are for whoever exports them.
    options.write(true).create(true).truncate(false).mode(0o600);
    let mut file = options.open(&paths.part).with_context(|| format!("opening {}", paths.part.display()))?;
    let known: Option<State> = fs::read(&paths.state).ok().and_then(|text| serde_json::from_slice(&text).ok());
    let is_same = |known: &State| (&known.query, known.csv) == (&state.query, state.csv);
    if let Some(known) = known.filter(is_same).filter(|known| file.metadata().is_ok_and(|m| m.len() >= known.bytes)) {
        *state = known;
    }
    let cut = |file: &mut File| {
        file.set_len(state.bytes)?;
        file.seek(SeekFrom::End(0))
    };
    cut(&mut file).with_context(|| format!("writing {}", paths.part.display()))?;
    Ok(Output::File(file, paths))
}

async fn write_all(client: &Client, output: &mut Output, state: &mut State) -> anyhow::Result<()> {
    let bar = progress::count("exporting orders");
    bar.set_position(state.orders);
    loop {
        let mut query: Vec<(&str, &str)> = state.query.iter().map(|(name, value)| (&**name, &**value)).collect();
        query.push(("limit", PAGE));
        query.extend(state.cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let answer = client.get(&["orders"], &query).await?;
        if !answer.status.is_success() {
            return Err(Error::Refused(answer.problem()).into());
        }
        let page: Page = serde_json::from_str(&answer.text).context("the server's answer is no page of orders")?;
        let mut text = Vec::new();
        match state.csv {
            true => write_rows(&mut text, &page.data, state.orders == 0)?,
            false => page.data.iter().for_each(|order| {
                text.extend_from_slice(order.get().as_bytes());
                text.push(b'\n');
            }),
        }
        let orders = page.data.len() as u64;
        *state = State {
            cursor: page.next_cursor,
            bytes: state.bytes + text.len() as u64,
            orders: state.orders + orders,
            ..state.clone()
        };
        output.keep(&text, state)?;
        bar.inc(orders);
        if state.cursor.is_none() {
            bar.finish_and_clear();
            return Ok(());
        }
        if client.is_stopped() {
            bar.finish_and_clear();
            return Err(Error::Stopped.into());
        }
    }
}

impl Output {
    /// Writes a page, and then how far that is.
    fn keep(&mut self, text: &[u8], state: &State) -> anyhow::Result<()> {
        match self {
            Self::Standard => io::stdout().lock().write_all(text)?,
            Self::File(file, paths) => {
                file.write_all(text).with_context(|| format!("writing {}", paths.part.display()))?;
                // Only what is on disk may be counted on after a crash.
                file.sync_data().with_context(|| format!("writing {}", paths.part.display()))?;
                let new = paths.state.with_extension("new");
                let kept = fs::write(&new, serde_json::to_vec(state)?).and_then(|()| fs::rename(&new, &paths.state));
                kept.with_context(|| format!("writing {}", paths.state.display()))?;
            }
        }
        Ok(())
    }
}

fn finish(file: &File, paths: &Paths) -> anyhow::Result<()> {
    let done = file.sync_all().and_then(|()| fs::rename(&paths.part, &paths.file));
    done.with_context(|| format!("writing {}", paths.file.display()))?;
    fs::remove_file(&paths.state).with_context(|| format!("removing {}", paths.state.display()))
}

/// The columns of an order, and the members that lead to their values.
const ORDER: [(&str, &[&str]); 24] = [
    ("order_id", &["order_id"]),
    ("external_id", &["external_id"]),
    ("status", &["status"]),
    ("placed_at", &["placed_at"]),
    ("estimated_delivery", &["estimated_delivery"]),
    ("currency", &["currency"]),
    ("subtotal", &["subtotal"]),
    ("discount", &["discount"]),
    ("shipping_cost", &["shipping_cost"]),
    ("tax", &["tax"]),
    ("total", &["total"]),
    ("payment_status", &["payment", "status"]),
    ("captured", &["payment", "captured"]),
    ("refunded", &["payment", "refunded"]),
    ("customer_id", &["customer", "id"]),
    ("customer_name", &["customer", "name"]),
    ("customer_email", &["customer", "email"]),
    ("customer_phone", &["customer", "phone"]),
    ("shipping_name", &["shipping_address", "name"]),
    ("shipping_street", &["shipping_address", "street"]),
    ("shipping_city", &["shipping_address", "city"]),
    ("shipping_region", &["shipping_address", "region"]),
    ("shipping_zip", &["shipping_address", "zip"]),
    ("shipping_country", &["shipping_address", "country"]),
];

/// The columns of a line.
const LINE: [&str; 10] = [
    "line_id",
    "sku_id",
    "title",
    "quantity",
    "price",
    "line_discount",
    "line_tax",
    "line_status",
    "shipment_id",
    "seller_id",
];

/// A row for each line of each order.
fn write_rows(into: &mut Vec<u8>, orders: &[Box<RawValue>], is_first: bool) -> anyhow::Result<()> {
    let mut rows = csv::Writer::from_writer(into);
    if is_first {
        rows.write_record(ORDER.iter().map(|column| column.0).chain(LINE))?;
    }
    for order in orders {
        let of_order: Vec<String> = ORDER.iter().map(|(_, path)| value(order, path)).collect();
        let items: Vec<&RawValue> = member(order, "items").map_or(Ok(Vec::new()), |i| serde_json::from_str(i.get()))?;
        for item in items {
            let of_line = LINE.map(|column| {
                value(item, &[column.strip_prefix("line_").filter(|_| column != "line_id").unwrap_or(column)])
            });
            rows.write_record(of_order.iter().chain(&of_line))?;
        }
    }
    rows.flush()?;
    Ok(())
}

fn member<'r>(object: &'r RawValue, name: &str) -> Option<&'r RawValue> {
    let mut members: BTreeMap<String, &RawValue> = serde_json::from_str(object.get()).ok()?;
    members.remove(name)
}

/// A value as a cell: texts without their quotes, numbers with exactly their digits, nothing for what is not there.
fn value(object: &RawValue, path: &[&str]) -> String {
    let mut found = Some(object);
    for name in path {
        found = found.and_then(|object| member(object, name));
    }
    let text = found.map_or("null", RawValue::get);
    match text {
        "null" => String::new(),
        text => serde_json::from_str(text).unwrap_or_else(|_| text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_a_line_with_exactly_its_digits() {
        let order = r#"{"order_id":"ord_1","external_id":null,"total":100000000000.10,"customer":{"name":"Lee, \"Ann\""},
            "items":[{"line_id":1,"sku_id":"A","quantity":2,"price":0.10,"tax":0.01},{"line_id":2,"sku_id":"B","status":"active"}]}"#;
        let mut text = Vec::new();
        write_rows(&mut text, &[RawValue::from_string(order.to_owned()).unwrap()], true).unwrap();
        let mut rows = csv::Reader::from_reader(text.as_slice());
        let headers = rows.headers().unwrap().clone();
        let rows: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
        let cell =
            |row: usize, name: &str| rows[row][headers.iter().position(|known| known == name).unwrap()].to_owned();
        assert_eq!(rows.len(), 2);
        assert_eq!((cell(0, "total"), cell(1, "total")), ("100000000000.10".into(), "100000000000.10".into()));
        assert_eq!((cell(0, "customer_name"), cell(0, "external_id")), ("Lee, \"Ann\"".into(), String::new()));
        assert_eq!(
            (cell(0, "price"), cell(0, "line_tax"), cell(0, "line_id")),
            ("0.10".into(), "0.01".into(), "1".into())
        );
        assert_eq!((cell(1, "line_status"), cell(1, "line_id")), ("active".into(), "2".into()));
    }
}
