//! `orderwright plugin logs`: what a plugin wrote, and what it writes.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::Value;

use super::{Common, find, text};
use crate::remote::client::{Client, Error};

/// How often a server is asked for what was written since.
const PAUSE: Duration = Duration::from_millis(500);

/// Whose lines are shown.
#[derive(clap::Args)]
pub struct Logs {
    /// The plugin's name or id, with @VERSION for the lines of one version alone
    plugin: String,
    /// Go on with what is written from now on, until Ctrl-C
    #[arg(short, long)]
    follow: bool,
    /// Only lines of this level or a graver one: debug, info, warn or error
    #[arg(long)]
    level: Option<String>,
    /// How many of the newest lines are shown first
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u8).range(1..=200))]
    limit: u8,
    /// Lines are printed as JSON, an object each
    #[command(flatten)]
    common: Common,
}

/// Prints the newest lines, oldest first, and with `--follow` what comes after them.
///
/// # Errors
/// Where the server cannot be reached or refuses.
pub async fn run(args: Logs) -> anyhow::Result<ExitCode> {
    let (client, stop) = args.common.client()?;
    let (plugin, _) = find(&client, &args.plugin).await?;
    let limit = args.limit.to_string();
    let mut narrowed: Vec<(&str, &str)> = Vec::new();
    narrowed.extend(args.level.as_deref().map(|level| ("level", level)));
    narrowed.extend(args.plugin.split_once('@').map(|(_, version)| ("version", version)));
    let first: Vec<_> = narrowed.iter().copied().chain([("limit", limit.as_str())]).collect();
    let page = lines(&client, &plugin, &first).await?;
    let mut newest: Vec<Value> = page["data"].as_array().cloned().unwrap_or_default();
    newest.reverse();
    if newest.is_empty() && !args.follow && !args.common.json {
        args.common.print("It has written nothing about an order yet.", &Value::Null);
    }
    show(&args.common, &newest)?;
    if args.follow {
        tokio::select! {
            biased;
            () = stop.requested() => {}
            followed = follow(&args.common, &client, &plugin, &narrowed, page) => followed?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints what is written after a page, until the server refuses.
async fn follow(
    common: &Common,
    client: &Client,
    plugin: &str,
    narrowed: &[(&str, &str)],
    first: Value,
) -> anyhow::Result<()> {
    let mut place = text(&first, "follow").to_owned();
    loop {
        let later: Vec<_> = narrowed.iter().copied().chain([("after", place.as_str())]).collect();
        let page = lines(client, plugin, &later).await?;
        show(common, page["data"].as_array().map(Vec::as_slice).unwrap_or_default())?;
        place = text(&page, "follow").to_owned();
        // A full page has more behind it.
        if page["next_cursor"].is_null() {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

async fn lines(client: &Client, plugin: &str, query: &[(&str, &str)]) -> Result<Value, Error> {
    client.get(&["plugins", plugin, "logs"], query).await?.success("the log")
}

fn show(common: &Common, lines: &[Value]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for line in lines {
        if common.json {
            writeln!(out, "{line}")?;
            continue;
        }
        let [time, level, version, order, message] =
            ["time", "level", "version", "order_id", "message"].map(|field| text(line, field));
        let role = if line["role"] == "active" { String::new() } else { format!(" {}", text(line, "role")) };
        let second = time.get(..23).unwrap_or(time);
        writeln!(out, "{second} {level:<5} v{version}{role} {order} {message}")?;
    }
    out.flush()
}
