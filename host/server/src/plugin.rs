//! `orderwright plugin`: what authors do with plugins on their own machine (`new`, `build`, `test`, `check`), and what
//! merchants do with them through the REST API of a running server.

mod build;
mod check;
mod language;
mod local;
mod logs;
mod new;
mod report;
mod test;

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Subcommand;
use domain::hooks::Hook;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::remote::client::{Answer, Client, Error};
use crate::remote::stop::Stop;
use crate::remote::target;

/// How often a server is asked how far it is.
const PAUSE: Duration = Duration::from_millis(200);

/// Write plugins, upload them, bind them to hooks, and see what they would decide.
#[derive(clap::Args)]
#[command(after_help = "\
    A first plugin, from nothing to deciding:\n  \
    orderwright plugin new --lang rust --hook routing my-routing      a project that is complete\n  \
    orderwright plugin build my-routing                               makes my-routing/plugin.wasm\n  \
    orderwright plugin test my-routing                                asks it what is in my-routing/tests\n  \
    orderwright plugin push my-routing/plugin.wasm --name my-routing  checked, compiled, tried; decides nothing yet\n  \
    orderwright plugin backtest my-routing --from 2026-03-01          what it would have changed on real orders\n  \
    orderwright plugin push my-routing/plugin.wasm --name my-routing --activate\n  \
    orderwright plugin rollback routing                               back to what decided before")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write a new project: source, contract, tests and build
    New(new::Args),
    /// Build a project's component with the tools of its language
    Build(build::Args),
    /// Ask a component what the cases of its project ask, and compare the answers
    Test(test::Args),
    /// Say what an upload would say of a component
    Check(check::Args),
    /// Upload a component as a plugin's next version
    Push(Push),
    /// List the plugins and what decides each hook
    List(Common),
    /// Ask a version with an input, without any effect
    Run(Run),
    /// Decide past orders again with a version, and report what would have changed
    Backtest(Backtest),
    /// Make a recorded decision again, and compare the answers byte for byte
    Replay(Replay),
    /// Show what a plugin wrote, and follow what it writes
    Logs(logs::Logs),
    /// Let a hook's candidate decide everything
    Promote(OfHook),
    /// Bind again what was bound to a hook before
    Rollback(OfHook),
    /// End an adapter's binding
    Unbind(OfHook),
}

#[derive(clap::Args)]
struct Common {
    #[command(flatten)]
    server: target::ServerArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
struct Push {
    /// The component
    file: PathBuf,
    /// The plugin's name; a known one gets its next version
    #[arg(long)]
    name: String,
    /// Bind it to its hook once it is ready
    #[arg(long)]
    activate: bool,
    /// With --activate: its configuration, a JSON object [default: that of the plugin's present binding]
    #[arg(long, requires = "activate")]
    config: Option<String>,
    /// Let it decide beside the plugin's bound version, without any effect
    #[arg(long, conflicts_with = "activate")]
    shadow: bool,
    /// Let it decide this share of the orders in place of the plugin's bound version, in percent
    #[arg(long, value_name = "PERCENT", conflicts_with_all = ["activate", "shadow"], value_parser = clap::value_parser!(u8).range(1..=100))]
    canary: Option<u8>,
    /// With --activate: what happens when it fails: fallback, hold or reject
    #[arg(long, requires = "activate")]
    on_failure: Option<String>,
    /// With --activate: a host that an adapter may speak to, `host:port`; may be repeated
    #[arg(long = "host", value_name = "HOST", requires = "activate")]
    hosts: Vec<String>,
    /// With --activate: a secret that an adapter may use beside those that its configuration names; may be repeated
    #[arg(long = "secret", value_name = "NAME", requires = "activate")]
    secrets: Vec<String>,
    /// With --activate, of an adapter: the name to bind it under
    #[arg(long, value_name = "NAME", default_value = "main")]
    binding: String,
    /// The personal fields that it may have, such as `zip,email_domain`, or `all` that it asks for, or `none`
    /// [default: those of the plugin's present binding]
    #[arg(long, value_name = "FIELDS")]
    allow: Option<String>,
    #[command(flatten)]
    common: Common,
}

#[derive(clap::Args)]
struct Run {
    /// The plugin's name or id, with @VERSION for another than the newest; or a component's file, `….wasm`, which is asked
    /// here, without a server
    plugin: String,
    /// A file with the hook's input, as decisions record it; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    #[command(flatten)]
    common: Common,
}

#[derive(clap::Args)]
struct Backtest {
    /// The plugin's name or id, with @VERSION for another than the newest
    plugin: String,
    /// Orders placed then or later: a time, or a day in UTC
    #[arg(long)]
    from: Option<String>,
    /// Orders placed before this time, or on this day in UTC or earlier
    #[arg(long)]
    to: Option<String>,
    /// The most decisions, the newest first
    #[arg(long, default_value_t = 10_000)]
    limit: u32,
    /// A configuration in place of the one that was in force then, a JSON object
    #[arg(long)]
    config: Option<String>,
    #[command(flatten)]
    common: Common,
}

#[derive(clap::Args)]
struct Replay {
    /// The decision's id, `dec_…`
    decision: String,
    #[command(flatten)]
    common: Common,
}

#[derive(clap::Args)]
struct OfHook {
    /// Such as routing or payment/main
    hook: String,
    #[command(flatten)]
    common: Common,
}

/// Runs a command. The exit code is a failure where a plugin is refused or a replay differs.
///
/// # Errors
/// Where the server cannot be reached or refuses.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::New(args) => new::run(&args),
        Command::Build(args) => build::run(&args),
        Command::Test(args) => test::run(&args).await,
        Command::Check(args) => check::run(&args).await,
        Command::Push(args) => push(args).await,
        Command::List(common) => list(&common).await,
        Command::Run(args) => ask(args).await,
        Command::Backtest(args) => backtest(args).await,
        Command::Replay(args) => replay(args).await,
        Command::Logs(args) => logs::run(args).await,
        Command::Promote(args) => change(args, "promote", "decides everything now").await,
        Command::Unbind(args) => unbind(args).await,
        Command::Rollback(args) => change(args, "rollback", "decides again").await,
    }
}

impl Common {
    fn client(&self) -> anyhow::Result<(Client, Stop)> {
        let target = self.server.find()?;
        let stop = Stop::on_ctrl_c().context("listening for Ctrl-C")?;
        Ok((Client::new(&target, stop.clone())?, stop))
    }

    fn print(&self, text: &str, value: &Value) {
        print(self.json, text, value);
    }
}

fn print(json: bool, text: &str, value: &Value) {
    let text = if json { value.to_string() } else { text.to_owned() };
    // A reader that has gone away is no reason to fail.
    let _ = writeln!(std::io::stdout().lock(), "{}", text.trim_end());
}

fn object(option: &str, text: &str) -> anyhow::Result<Value> {
    let value: Value = serde_json::from_str(text).with_context(|| format!("{option} is not JSON"))?;
    if value.is_object() { Ok(value) } else { bail!("{option} must be a JSON object") }
}

async fn push(args: Push) -> anyhow::Result<ExitCode> {
    let config = args.config.as_deref().map(|text| object("--config", text)).transpose()?;
    let wasm = std::fs::read(&args.file).with_context(|| format!("{} cannot be read", args.file.display()))?;
    let (client, _stop) = args.common.client()?;
    let answer = client.upload(&["plugins"], &[("name", &args.name)], &wasm).await?;
    if answer.code() == "component_refused" {
        return Ok(refused(args.common.json, &answer.body));
    }
    let mut version = answer.success("the upload")?;
    let spinner = progress(args.common.json, "compiling");
    while version["status"] == "compiling" {
        tokio::time::sleep(PAUSE).await;
        spinner.tick();
        let segments = ["plugins", text(&version, "plugin_id"), "versions", text(&version, "version")];
        version = client.get(&segments, &[]).await?.success("the version")?;
    }
    spinner.finish_and_clear();
    if version["status"] == "refused" {
        return Ok(refused(args.common.json, &version));
    }
    let (name, number, hook) = (text(&version, "name"), text(&version, "version"), text(&version, "hook"));
    let mut told = format!("{name} {number} is ready for the hook {hook}\n");
    for check in version["checks"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        told.push_str(&format!("  {check}\n"));
    }
    let mut answer = json!({"plugin": version});
    if args.activate {
        let bound = activate(&client, &version, config, &args).await?;
        told.push_str(&format!("It decides now (revision {} of the hook's binding).\n", bound["revision"]));
        answer["hook"] = bound;
    } else if args.shadow || args.canary.is_some() {
        answer["hook"] = try_out(&client, &version, &args).await?;
        told.push_str(&match args.canary {
            Some(percent) => {
                format!("It decides {percent} % of the orders now; `orderwright plugin promote {hook}` gives it all.\n")
            }
            None => {
                "It decides beside what is bound now; `orderwright plugin list` shows how they compare.\n".to_owned()
            }
        });
    } else {
        told.push_str(&format!(
            "It decides nothing yet. See what it would change with `orderwright plugin backtest {name}`, and push it again \
             with --activate.\n"
        ));
    }
    args.common.print(&told, &answer);
    Ok(ExitCode::SUCCESS)
}

/// Binds a version; what is not given stays as the plugin's present binding has it.
async fn activate(client: &Client, version: &Value, config: Option<Value>, args: &Push) -> anyhow::Result<Value> {
    let hook = text(version, "hook");
    let segments: &[&str] = if is_adapter(hook) { &["hooks", hook, &args.binding] } else { &["hooks", hook] };
    let now = client.get(segments, &[]).await?;
    // Under a name that nobody has used yet there is nothing, at revision 0.
    let now = if now.code() == "not_found" { json!({"revision": 0}) } else { now.success("the hook")? };
    let is_ours = now["plugin"] == version["name"];
    let kept = |name: &str| is_ours.then(|| now[name].clone());
    let mut body = json!({"plugin": version["plugin_id"], "version": version["version"]});
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body[name] = value;
        }
    };
    set("config", config.or_else(|| kept("config")));
    set("on_failure", args.on_failure.clone().map(Value::from).or_else(|| kept("on_failure")));
    let hosts = (!args.hosts.is_empty()).then(|| json!(args.hosts));
    set("hosts", hosts.or_else(|| kept("hosts")));
    let secrets = (!args.secrets.is_empty()).then(|| json!(args.secrets));
    set("secrets", secrets.or_else(|| kept("secrets")));
    set("fields", args.allow.as_deref().map(|allow| allowed(allow, version)));
    let tag = format!("\"{}\"", now["revision"]);
    bound(client.replace(segments, &tag, &body).await?)
}

fn is_adapter(hook: &str) -> bool {
    Hook::ALL.into_iter().any(|known| known.is_adapter() && known.name() == hook)
}

/// The personal fields of `--allow`.
fn allowed(allow: &str, version: &Value) -> Value {
    match allow {
        "all" => version["fields"].clone(),
        "none" => json!([]),
        names => names.split([',', ' ']).filter(|name| !name.is_empty()).collect::<Vec<_>>().into(),
    }
}

/// A binding that was made; where it was not for want of a grant, how it is given.
fn bound(answer: Answer) -> anyhow::Result<Value> {
    if answer.code() == "approval_required" {
        let names = |name: &str| {
            let fields = answer.body[name].as_array().into_iter().flatten().filter_map(Value::as_str);
            let names = fields.collect::<Vec<_>>().join(",");
            if names.is_empty() { "nothing".to_owned() } else { names }
        };
        bail!(
            "this version asks for more than the plugin may have.\n  it asks for  {}\n  it may have  {}\n  new          {}\n\
             Grant it with `--allow all`, or only some of it, such as `--allow {}`; without the rest it must do.",
            names("asked"),
            names("granted"),
            names("missing"),
            names("missing")
        );
    }
    Ok(answer.success("binding the hook")?)
}

/// Makes a version the candidate beside what is bound.
async fn try_out(client: &Client, version: &Value, args: &Push) -> anyhow::Result<Value> {
    let hook = text(version, "hook");
    let now = client.get(&["hooks", hook], &[]).await?.success("the hook")?;
    if now["plugin"] != version["name"] {
        bail!(
            "{} decides {hook}, not {}: only another version of what is bound can be tried beside it. Bind it with --activate",
            text(&now, "plugin"),
            text(version, "name")
        );
    }
    let mut body = json!({"plugin": now["plugin"], "version": now["version"]});
    for name in ["config", "hosts", "on_failure"] {
        body[name] = now[name].clone();
    }
    let mode = if args.canary.is_some() { "canary" } else { "shadow" };
    body["candidate"] = json!({"version": version["version"], "mode": mode});
    if let Some(percent) = args.canary {
        body["candidate"]["percent"] = percent.into();
    }
    let tag = format!("\"{}\"", now["revision"]);
    if let Some(allow) = &args.allow {
        body["fields"] = allowed(allow, version);
    }
    bound(client.replace(&["hooks", hook], &tag, &body).await?)
}

fn refused(json: bool, body: &Value) -> ExitCode {
    let mut told = "The component is refused:\n".to_owned();
    for reason in body["reasons"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        told.push_str(&format!("  - {reason}\n"));
    }
    print(json, &told, body);
    ExitCode::FAILURE
}

async fn list(common: &Common) -> anyhow::Result<ExitCode> {
    let (client, _stop) = common.client()?;
    let plugins = client.get(&["plugins"], &[]).await?.success("the plugins")?;
    let mut hooks = client.get(&["hooks"], &[]).await?.success("the hooks")?;
    for hook in hooks["data"].as_array_mut().into_iter().flatten().filter(|hook| hook["candidate"].is_object()) {
        *hook = client.get(&["hooks", text(hook, "hook")], &[]).await?.success("the hook")?;
    }
    common.print(&report::list(&plugins, &hooks), &json!({"plugins": plugins["data"], "hooks": hooks["data"]}));
    Ok(ExitCode::SUCCESS)
}

/// Finds a version by `NAME`, `NAME@VERSION` or with the plugin's id in place of its name.
async fn find(client: &Client, plugin: &str) -> anyhow::Result<(String, String)> {
    let (name, number) = plugin.split_once('@').map_or((plugin, None), |(name, number)| (name, Some(number)));
    let plugins = client.get(&["plugins"], &[]).await?.success("the plugins")?;
    let all = plugins["data"].as_array().cloned().unwrap_or_default();
    let known = all.iter().find(|known| known["name"] == name || known["plugin_id"] == name);
    let names = || all.iter().map(|known| text(known, "name")).collect::<Vec<_>>().join(", ");
    let known = known.with_context(|| format!("there is no plugin {name}; there are: {}", names()))?;
    Ok((text(known, "plugin_id").to_owned(), number.unwrap_or(text(known, "version")).to_owned()))
}

async fn ask(args: Run) -> anyhow::Result<ExitCode> {
    let read = if args.input.as_os_str() == "-" {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(&args.input)
    };
    let input = read.with_context(|| format!("{} cannot be read", args.input.display()))?;
    let input = object("the input", &input)?;
    if args.plugin.ends_with(".wasm") {
        let plugin = local::load(&local::host()?, Path::new(&args.plugin), args.common.json).await?;
        return Ok(show_run(&args.common, &local::ask(&plugin, &input.to_string()).await?));
    }
    let (client, _stop) = args.common.client()?;
    let (plugin, version) = find(&client, &args.plugin).await?;
    let answer = client.ask(&["plugins", &plugin, "versions", &version, "run"], &json!({"input": input})).await?;
    Ok(show_run(&args.common, &answer.success("the run")?))
}

fn show_run(common: &Common, ran: &Value) -> ExitCode {
    common.print(&report::ran(ran), ran);
    if ran["outcome"] == "ok" { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn backtest(args: Backtest) -> anyhow::Result<ExitCode> {
    let config = args.config.as_deref().map(|text| object("--config", text)).transpose()?;
    let (client, stop) = args.common.client()?;
    let (plugin, version) = find(&client, &args.plugin).await?;
    let mut body = json!({"limit": args.limit});
    for (name, value) in [("from", args.from.map(Value::from)), ("to", args.to.map(Value::from)), ("config", config)] {
        if let Some(value) = value {
            body[name] = value;
        }
    }
    let bar = progress(args.common.json, "deciding again");
    let mut test =
        client.ask(&["plugins", &plugin, "versions", &version, "backtest"], &body).await?.success("the back-test")?;
    let id = text(&test, "backtest_id").to_owned();
    while test["status"] == "running" {
        bar.set_message(format!("{} decisions made again", test["decisions"]));
        bar.tick();
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = stop.requested() => {
                client.delete(&["backtests", &id]).await.map(drop).or_else(stopped)?;
                bail!("the back-test was cancelled");
            }
        }
        test = client.get(&["backtests", &id], &[]).await?.success("the back-test")?;
    }
    bar.finish_and_clear();
    if test["status"] != "finished" {
        bail!("the back-test is {}: {}", text(&test, "status"), test["error"].as_str().unwrap_or("no reason given"));
    }
    args.common.print(&report::backtest(&test), &test);
    Ok(ExitCode::SUCCESS)
}

/// Ctrl-C is what asked for it.
fn stopped(error: Error) -> Result<(), Error> {
    if matches!(error, Error::Stopped) { Ok(()) } else { Err(error) }
}

async fn replay(args: Replay) -> anyhow::Result<ExitCode> {
    let (client, _stop) = args.common.client()?;
    let answer = client.ask(&["decisions", &args.decision, "replay"], &json!({})).await?.success("the replay")?;
    let is_same = answer["same"] == true;
    let told = if is_same {
        format!("{} comes out the same, byte for byte.", args.decision)
    } else {
        format!(
            "{} comes out differently.\nthen: {} {}\nnow:  {} {}",
            args.decision,
            text(&answer, "recorded_outcome"),
            answer["recorded_output"],
            text(&answer, "outcome"),
            answer["output"]
        )
    };
    args.common.print(&told, &answer);
    Ok(if is_same { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn change(args: OfHook, how: &str, what: &str) -> anyhow::Result<ExitCode> {
    let (client, _stop) = args.common.client()?;
    let segments: Vec<&str> = ["hooks"].into_iter().chain(args.hook.split('/')).chain([how]).collect();
    let bound = client.ask(&segments, &json!({})).await?.success(how)?;
    let told = format!("{} {} {what} ({}).", text(&bound, "plugin"), text(&bound, "version"), args.hook);
    args.common.print(&told, &bound);
    Ok(ExitCode::SUCCESS)
}

async fn unbind(args: OfHook) -> anyhow::Result<ExitCode> {
    let (client, _stop) = args.common.client()?;
    let segments: Vec<&str> = ["hooks"].into_iter().chain(args.hook.split('/')).collect();
    let now = client.get(&segments, &[]).await?.success("the binding")?;
    client.remove(&segments, &format!("\"{}\"", now["revision"])).await?.success("unbinding")?;
    args.common.print(&format!("Nothing is bound to {} any more.", args.hook), &json!({"hook": args.hook}));
    Ok(ExitCode::SUCCESS)
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

/// Shows that something is going on, to whoever looks.
fn progress(json: bool, what: &str) -> ProgressBar {
    if json || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {msg} {elapsed}").expect("the template is well-formed");
    let bar = ProgressBar::new_spinner().with_style(style).with_message(what.to_owned());
    bar.enable_steady_tick(PAUSE);
    bar
}
