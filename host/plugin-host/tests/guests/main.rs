//! Real components in a real host, compiled by a real compiler process.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail by panicking, as the tests do")]

mod bounds;
mod cache;
mod fuzz;
mod harness;
mod reference;
mod refusals;
mod wasi;
mod worlds;
