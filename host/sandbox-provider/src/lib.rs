#![doc = include_str!("../README.md")]
//!
//! # Code map
//! - `method` names the faults, `intent` is the pure state machine of a payment: no clock, no files.
//! - `command` and `idempotency` execute a request inside a transaction; `store` is the ledger file and its one
//!   writing thread. Invariant: an intent, its ledger entries and the answer saved under the idempotency key are
//!   written in one durable transaction, and an answer leaves after it.
//! - `webhook` is what the provider tells by itself: events are written with the movement that they tell of.
//! - `api` is HTTP (`params` reads, `view` and `problem` write JSON), `listener` lets a handler break its connection
//!   off, `server` starts and stops.

mod api;
mod command;
mod config;
mod idempotency;
mod ids;
mod intent;
mod listener;
mod method;
mod params;
mod problem;
mod provider;
mod records;
mod server;
mod store;
mod view;
mod webhook;

pub use config::{API_KEY_DEFAULT, API_KEY_PREFIX, Args, CALLBACK_SECRET_DEFAULT, Config};
pub use method::Method;
pub use server::{Error, Server, run};
pub use store::{Error as StoreError, FILE_NAME as LEDGER_FILE_NAME};
pub use webhook::signature;
