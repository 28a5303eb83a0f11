//! The store against real SQLite files, each test in a directory of its own.

#![expect(clippy::unwrap_used, reason = "a test that unwraps none has failed")]

/// Which database this binary is about.
const IS_POSTGRES: bool = false;

#[path = "support/sample.rs"]
mod sample;
#[path = "support/world.rs"]
mod world;

#[path = "suite/audit.rs"]
mod audit;
#[path = "suite/callbacks.rs"]
mod callbacks;
#[path = "suite/calls.rs"]
mod calls;
#[path = "suite/commit.rs"]
mod commit;
#[path = "suite/embedded.rs"]
mod embedded;
#[path = "suite/faults.rs"]
mod faults;
#[path = "suite/messages.rs"]
mod messages;
#[path = "suite/reads.rs"]
mod reads;
#[path = "suite/runner.rs"]
mod runner;
#[path = "suite/stock.rs"]
mod stock;
#[path = "suite/upgrade.rs"]
mod upgrade;
