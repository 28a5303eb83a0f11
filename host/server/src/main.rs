//! `orderwright`: one binary for the laptop's server, its administration, and the tools that speak to it.

mod admin;
mod dev;
#[cfg(feature = "failpoints")]
mod faults;
mod import;
mod instance;
mod orders;
mod plugin;
mod remote;
mod telemetry;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A profile of placing orders showed a sixth of the processor time in the system's allocator. What this one saves in all
/// is small: 343 to 338 µs an order without a saga, 799 to 769 with it, one short run each.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// An order platform that merchants extend with WebAssembly.
///
/// Start with `orderwright dev`: it needs nothing else and prints a URL and an API key.
#[derive(Parser)]
#[command(name = "orderwright", version, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start a server on an embedded store, with a demo merchant ready to take orders
    Dev(dev::Args),
    /// Place the orders of a file
    #[command(subcommand)]
    Import(Import),
    /// Write orders into a file
    Export(orders::export::Args),
    /// Write plugins, upload them, bind them, and see what they would decide
    Plugin(plugin::Args),
    /// Administer a data directory whose server is stopped
    Admin(admin::Args),
    /// Run the sandbox payment provider (`dev` does so by itself)
    SandboxProvider(sandbox_provider::Args),
    /// Compile one component: the platform calls this in a process of its own
    #[command(hide = true)]
    CompilePolicy {
        /// The component.
        input: PathBuf,
        /// The file to write.
        output: PathBuf,
    },
}

#[derive(Subcommand)]
enum Import {
    /// Orders as NDJSON or CSV
    Orders(orders::Args),
    /// The Online Retail data set (UCI Machine Learning Repository) as CSV
    OnlineRetail(import::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Command::CompilePolicy { input, output } = &cli.command {
        return plugin_host::compile_main(input, output);
    }
    rustls::crypto::ring::default_provider().install_default().expect("the TLS provider is installed once, here");
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    let done = runtime.block_on(run(cli.command));
    // What still hangs on a provider or a client must not keep the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    done.unwrap_or_else(|error| fail(&error))
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Dev(args) => dev::run(args).await,
        Command::Import(Import::Orders(args)) => orders::run(args).await,
        Command::Export(args) => orders::export::run(args).await,
        Command::Import(Import::OnlineRetail(args)) => import::run(args).await,
        Command::Plugin(args) => plugin::run(args).await,
        Command::Admin(args) => admin::run(args).await,
        Command::SandboxProvider(args) => {
            telemetry::init(false);
            sandbox_provider::run(args.into(), instance::stopped()).await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::CompilePolicy { .. } => Ok(ExitCode::FAILURE),
    }
}

#[expect(clippy::print_stderr, reason = "the last word of a command that failed")]
fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("orderwright: {error:#}");
    ExitCode::FAILURE
}
