//! `orderwright admin`: what is done to a data directory while its server is stopped.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use app::hooks::Install;
use app::merchant::{Scope, Settings};
use app::{App, StartError};
use clap::Subcommand;
use domain::hooks::{FailurePolicy, Slot};
use domain::ids::TenantId;
use serde_json::json;

use crate::instance;

/// The arguments of `orderwright admin`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Manage merchants
    #[command(subcommand)]
    Tenant(Tenant),
    /// Manage what decides a merchant's hooks
    #[command(subcommand)]
    Hook(HookCommand),
    /// Recompute every hash chain, sum and signed root, and say what does not fit
    Verify {
        #[command(flatten)]
        common: Common,
    },
}

#[derive(Subcommand)]
enum Tenant {
    /// Create a merchant with a key that may do everything; the key is shown once
    Create {
        /// The merchant's name
        name: String,
        /// Currency of orders that name none
        #[arg(long, default_value = "USD")]
        currency: String,
        /// Country from which shipping counts as domestic
        #[arg(long, default_value = "US")]
        country: String,
        #[command(flatten)]
        common: Common,
    },
}

#[derive(Subcommand)]
enum HookCommand {
    /// Check and compile a component, and let it decide a hook of a merchant
    Bind {
        /// The merchant's id, `ten_…`
        tenant: TenantId,
        /// Such as routing or payment/main
        #[arg(value_parser = slot)]
        hook: Slot,
        /// The component
        file: PathBuf,
        /// The plugin's name; the file's name where none is given
        #[arg(long)]
        name: Option<String>,
        /// What happens when it fails: fallback, hold or reject
        #[arg(long, default_value = "hold", value_parser = failure_policy)]
        on_failure: FailurePolicy,
        /// Its configuration, a JSON object
        #[arg(long, default_value = "{}")]
        config: String,
        /// A host that an adapter may speak to, `host:port`; may be repeated
        #[arg(long = "host", value_name = "HOST")]
        hosts: Vec<String>,
        /// A secret that an adapter may use beside those that its configuration names; may be repeated
        #[arg(long = "secret", value_name = "NAME")]
        secrets: Vec<String>,
        #[command(flatten)]
        common: Common,
    },
}

#[derive(clap::Args)]
struct Common {
    /// The data directory
    #[arg(long, default_value = "./data", value_name = "DIR")]
    data: PathBuf,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

fn slot(text: &str) -> Result<Slot, String> {
    text.parse()
}

fn failure_policy(text: &str) -> Result<FailurePolicy, String> {
    let known = FailurePolicy::ALL.into_iter().find(|policy| policy.name() == text);
    known.ok_or_else(|| "must be fallback, hold or reject".to_owned())
}

/// Runs the command.
///
/// # Errors
/// Where the directory cannot be opened or the command is refused.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    crate::telemetry::init(false);
    match args.command {
        Command::Tenant(Tenant::Create { name, currency, country, common }) => {
            create(&name, &currency, &country, &common).await
        }
        Command::Hook(HookCommand::Bind { tenant, hook, file, name, on_failure, config, hosts, secrets, common }) => {
            let name = name.or_else(|| file.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
            let name = name.context("the file has no name; give one with --name")?;
            let config_value: serde_json::Value = serde_json::from_str(&config).context("--config is not JSON")?;
            if !config_value.is_object() {
                bail!("--config must be a JSON object");
            }
            let wasm = std::fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
            let request = Install { slot: hook.clone(), name, wasm, config, on_failure, hosts, secrets };
            with_app(&common, async |app: &App| {
                if !app.merchants().await?.iter().any(|merchant| merchant.tenant_id == tenant) {
                    bail!("there is no merchant {tenant}");
                }
                app.install(tenant, request).await.context("the component is refused")?;
                let text = format!("{} now decides {} for {tenant}", file.display(), hook);
                print(&common, &text, &json!({"tenant": tenant, "hook": hook.to_string()}))?;
                Ok(ExitCode::SUCCESS)
            })
            .await
        }
        Command::Verify { common } => verify(&common).await,
    }
}

async fn create(name: &str, currency: &str, country: &str, common: &Common) -> anyhow::Result<ExitCode> {
    let currency = currency.parse().map_err(|error| anyhow::anyhow!("--currency {error}"))?;
    domain::ids::printable(name, 100).map_err(|why| anyhow::anyhow!("the name {why}"))?;
    let settings = Settings::new(currency, country);
    with_app(common, async |app: &App| {
        let merchant = app.create_merchant(name, settings).await?;
        let key = app.create_key(merchant.tenant_id, "first key", &Scope::ALL, None).await?;
        let tenant = merchant.tenant_id;
        let text = format!("merchant {tenant}\nAPI key  {}   (shown once)", key.secret);
        print(common, &text, &json!({"tenant": tenant, "api_key": key.secret}))?;
        Ok(ExitCode::SUCCESS)
    })
    .await
}

async fn verify(common: &Common) -> anyhow::Result<ExitCode> {
    with_app(common, async |app: &App| {
        let report = app.verify().await?;
        let faults: Vec<String> = report.faults.iter().map(ToString::to_string).collect();
        let good = faults.is_empty();
        let text = if good {
            format!("{} orders and {} events fit together", report.orders, report.events)
        } else {
            faults.join("\n")
        };
        print(common, &text, &json!({"ok": good, "orders": report.orders, "events": report.events, "faults": faults}))?;
        Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    })
    .await
}

async fn with_app(
    common: &Common,
    work: impl AsyncFnOnce(&App) -> anyhow::Result<ExitCode>,
) -> anyhow::Result<ExitCode> {
    let app = match App::open(instance::config(&common.data)?).await {
        Ok(app) => app,
        Err(StartError::Store(store::Error::Locked(directory))) => {
            bail!("a server has {} open: stop it first", directory.display())
        }
        Err(error) => return Err(error.into()),
    };
    let done = work(&app).await;
    app.shut_down().await;
    done
}

fn print(common: &Common, text: &str, json: &serde_json::Value) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if common.json {
        writeln!(out, "{json}")?
    } else {
        writeln!(out, "{text}")?
    }
    Ok(())
}
