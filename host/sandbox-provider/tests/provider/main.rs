//! The sandbox payment provider over HTTP: real servers on free loopback ports, each with a ledger of its own.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail by panicking, as the tests do")]

mod books;
mod confirmation;
mod faults;
mod harness;
mod idempotency;
mod payments;
mod process;
mod refusals;
