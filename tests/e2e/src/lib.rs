//! The harness of the end-to-end suites: real processes, on free ports of the loopback address, in folders of their own.
//!
//! A test starts a [`Server`], talks to it through a [`Client`] as a merchant would, and compares what it says with the
//! books of the payment provider, with the stock and with the index ([`books`]). What a test starts ends with it.
//! Everything here panics where something is not as it should be: a test has no other way to go on.

pub mod admin;
pub mod basket;
pub mod books;
pub mod browser;
pub mod client;
pub mod crowd;
pub mod exact;
pub mod full;
pub mod power;
pub mod process;
pub mod provider;
pub mod server;
pub mod shim;
pub mod shop;
pub mod torn;
pub mod wait;

pub use client::{Client, Reply};
pub use server::{Options, Server};
pub use shop::Shop;
pub use wait::eventually;

/// By how much rounds of kills are multiplied: 1 unless a long run is wanted.
#[must_use]
pub fn scale() -> usize {
    let given = std::env::var("ORDERWRIGHT_TEST_SCALE").ok();
    given.and_then(|text| text.parse().ok()).unwrap_or(1).max(1)
}

/// A name that nothing else has: an idempotency key, a SKU, an external id.
#[must_use]
pub fn unique(prefix: &str) -> String {
    format!("{prefix}-{}", uuid::Uuid::now_v7().simple())
}
