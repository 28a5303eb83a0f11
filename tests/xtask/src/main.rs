//! The project's own commands, behind `cargo xtask`: set-up, policies, tests, long runs and benchmarks.
//!
//! - `command`: running programs, with an environment that the outer cargo has not coloured;
//! - `workspace`: where things are;
//! - `wasm`: a compiler for the policies, found or prepared;
//! - `policies`: the guests, built and put beside the binary that loads them;
//! - `packages`: what the tests need from the system;
//! - `suites`: everything that `cargo xtask test` runs, and in which order;
//! - `launch`: commands that build a release and hand over to it;
//! - `costs`: the benchmark of the plugin host, whose results stand beside those of the load tool.

mod command;
mod costs;
mod launch;
mod packages;
mod policies;
mod suites;
mod wasm;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::suites::Suite;
use crate::workspace::Workspace;

/// Set up, run, test and measure Orderwright.
///
/// On a fresh Debian machine with rustup's stable toolchain and a C compiler, `cargo xtask dev` starts a working
/// platform, and `cargo xtask test` installs what the tests need and runs them all.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the policies and the host (release), then start `orderwright dev` with its data in ./data
    #[command(after_help = DEV_EXAMPLES)]
    Dev(Passed),
    /// Build the policies only, as Wasm components
    ///
    /// Without --out they are put where both builds of the host look for them: `policies` in the debug and
    /// in the release folder of the target directory.
    Policies(PoliciesArgs),
    /// Install what the tests need (as root), then run every suite and print how long each took
    #[command(after_help = TEST_EXAMPLES)]
    Test(TestArgs),
    /// Run the crash and fault suites for long: many more rounds, generous time limits
    Soak(SoakArgs),
    /// Build a release, measure it and write tests/load/RESULTS.md
    #[command(after_help = BENCH_EXAMPLES)]
    Bench(BenchArgs),
}

const DEV_EXAMPLES: &str = "\
Examples:
  cargo xtask dev                              console and API on http://127.0.0.1:8080/
  cargo xtask dev -- --listen 127.0.0.1:9000   everything after -- goes to `orderwright dev`
  cargo xtask dev -- --data /tmp/elsewhere     an own data directory instead of ./data";

const TEST_EXAMPLES: &str = "\
Examples:
  cargo xtask test                             everything, as CI does it
  cargo xtask test --only fmt,clippy           some suites, and what they need built
  cargo xtask test reservation                 the tests whose name contains `reservation`
  cargo xtask test --only e2e --scale 20       twenty times the fuzz cases and kill rounds";

const BENCH_EXAMPLES: &str = "\
Examples:
  cargo xtask bench                            the server under load: everything after -- goes to `load bench`
  cargo xtask bench costs                      what plugins cost: compile, load, call, a thousand merchants
  cargo xtask bench costs -- --typescript T.wasm --python P.wasm
                                               beside routing policies in other languages";

#[derive(Args)]
struct BenchArgs {
    /// What is measured
    #[arg(value_enum, default_value_t)]
    what: Bench,
    #[command(flatten)]
    passed: Passed,
}

#[derive(Clone, Copy, Default, clap::ValueEnum)]
enum Bench {
    /// The server under load
    #[default]
    Load,
    /// The cost of plugins
    Costs,
}

#[derive(Args)]
struct Passed {
    /// Passed on as they are
    #[arg(last = true, value_name = "ARGS")]
    args: Vec<String>,
}

#[derive(Args)]
struct PoliciesArgs {
    /// Put the components into this directory instead
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Build from nothing, even if nothing changed
    #[arg(long)]
    force: bool,
}

#[derive(Args)]
struct TestArgs {
    /// Multiply fuzz cases, kill rounds and other long runs by N
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    scale: u32,
    /// Run these suites only, and what they need (several: comma-separated)
    #[arg(long, value_name = "SUITE", value_enum, value_delimiter = ',')]
    only: Vec<Suite>,
    /// Run the tests whose name contains this
    filter: Option<String>,
}

#[derive(Args)]
struct SoakArgs {
    /// Multiply fuzz cases and kill rounds by N
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    scale: u32,
    /// Run the tests whose name contains this
    filter: Option<String>,
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::find()?;
    match cli.command {
        Command::Dev(passed) => launch::dev(&workspace, &passed.args)?,
        Command::Policies(args) => {
            let built = policies::build(&workspace, args.force)?;
            match args.out {
                Some(dir) => built.place(&dir)?,
                None => {
                    built.place(&workspace.policies_dir("debug"))?;
                    built.place(&workspace.policies_dir("release"))?;
                }
            }
        }
        Command::Test(args) => {
            let options = suites::Options { scale: args.scale, only: args.only, filter: args.filter };
            return suites::test(&workspace, &options);
        }
        Command::Soak(args) => return suites::soak(&workspace, args.scale, args.filter),
        Command::Bench(BenchArgs { what: Bench::Load, passed }) => launch::bench(&workspace, &passed.args)?,
        Command::Bench(BenchArgs { what: Bench::Costs, passed }) => costs::bench(&workspace, &passed.args)?,
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_follows_two_dashes_is_passed_on() {
        let cli = Cli::parse_from(["cargo xtask", "dev", "--", "--listen", "127.0.0.1:0"]);
        assert!(matches!(cli.command, Command::Dev(Passed { args }) if args == ["--listen", "127.0.0.1:0"]));
    }

    #[test]
    fn a_scale_of_nothing_is_refused() {
        assert!(Cli::try_parse_from(["cargo xtask", "test", "--scale", "0"]).is_err());
    }
}
