//! Runs merchants' WebAssembly components. The only crate that knows wasmtime.
//!
//! - [`Host`] owns the engine, the pool and the limits; [`Host::load`] checks, compiles (in a process of its own) and
//!   links a component, and gives a [`Plugin`].
//! - [`Plugin`] answers one hook. Every call gets a fresh instance, which is thrown away, and comes back as a [`Call`]:
//!   the answer, or the [`Failure`] that the binding's failure policy handles, with what a decision records.
//! - [`compile_main`] is the compiler process: the binary that embeds the host runs itself with a hidden subcommand.
//!
//! Architecture invariants: a guest imports nothing but its log and a closed WASI; everything that it controls is
//! bounded by a constant of [`limits`]; an answer leaves this crate only as a domain type that its hook's laws accept.

mod cache;
mod call;
mod check;
mod compile;
mod digest;
mod engine;
mod host;
mod lane;
mod limiter;
pub mod limits;
mod load;
mod log;
mod plugin;
mod ticker;
mod turns;
mod wasi;
mod wit;

pub use call::{Call, CallContext, Failure, Work};
pub use check::{Inspection, Refusal, inspect, with_fields};
pub use compile::compile_main;
pub use digest::digest;
pub use host::{Config, Host};
pub use load::Error;
pub use log::{Level, LogLine};
pub use plugin::Plugin;
pub use plugin::again::{BadInput, withheld};
