//! Real components in a real host, compiled by a real compiler process.

mod bounds;
mod cache;
mod harness;
mod reference;
mod refusals;
