//! The interface over HTTP with the real application on a store of its own: no policies are bound, so the built-in
//! defaults decide, and no provider is there, so a payment stays pending.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

mod bodies;
mod console;
mod coverage;
mod harness;
mod keys;
mod lists;
mod orders;
mod plugin_pages;
mod refusals;
mod stock;
