//! The load tool: places, reads and searches orders at speed, and prints every figure beside its limit from the same run.
//!
//! `load bench` runs everything that RESULTS.md shows; `load place` is one run with chosen numbers.

#![expect(
    clippy::float_arithmetic,
    reason = "rates, ratios and microseconds are for people; no money is computed here"
)]

mod bench;
mod cpu;
mod http;
mod machine;
mod place;
mod raw;
mod report;
mod run;
mod server;
mod shop;
mod traffic;

use std::process::ExitCode;

use clap::Parser;

/// Measure an Orderwright server under load.
#[derive(Parser)]
#[command(name = "load", max_term_width = 110)]
enum Command {
    /// Run every scenario on a server of its own, and write the results down
    Bench(bench::Args),
    /// Place orders, in a closed loop or at a rate
    Place(place::Args),
}

/// One thread is enough to drive the server, and leaves it the rest of the machine.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let done = match Command::parse() {
        Command::Bench(args) => bench::run(args).await,
        Command::Place(args) => place::run(args).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "load: {error:#}");
            ExitCode::FAILURE
        }
    }
}
