//! The package store: the only place that knows a database.
//!
//! Everything durable about orders and stock, and whatever else an idempotency key stands for, changes through
//! [`Store::commit`]: a [`Changeset`] is encoded in the caller's task (`prepare`), waits in a bounded, fair queue
//! (`queue`), and is taken by the writer (`writer`) with whatever else waits into one transaction: claim, read, resolve,
//! write. `resolve` is pure and knows no database; what a batch asks of a database stands in `sqlite` and in `postgres`.
//! Reads (`reads`) and single statements go past the writer, and are written once for both (`sql`, decision 0012).
//!
//! Invariants: stock is never negative and never promised twice; an order's events are chained by hash and numbered
//! without gaps; positions are gap-free and in the order of commits; an idempotency key is used up exactly when its
//! changeset commits. [`Store::verify`] recomputes all of it.

pub mod audit;
mod backend;
mod callbacks;
pub mod chain;
pub mod changeset;
pub mod config;
mod encode;
mod error;
mod levels;
mod lock;
mod merchant;
pub mod messages;
pub mod outcome;
mod plugins;
mod postgres;
mod prepare;
mod queue;
mod reads;
pub mod records;
mod resolve;
pub mod runner;
mod sql;
mod sqlite;
mod store;
mod thread;
mod writer;

pub use audit::{Fault, Report};
pub use changeset::{
    Actor, Changeset, Decision, JournalEntry, JournalKind, KeyClaim, Lease, Operation, OrderChange, Role, SealKey,
    StockChange,
};
pub use config::Config;
pub use error::Error;
pub use messages::{Announced, Announcement, Message, MessageStatus, Noted};
pub use outcome::{Committed, Outcome, StoredKey};
pub use records::{
    ApiKey, Binding, CallCount, CallCounts, CallbackAddress, CallbackEvent, CallbackState, Compared, DailyRoot,
    DeadLetter, EventRecord, Filter, OperationRecord, PluginVersion, StockRow, StoredOrder, Tenant, Touched,
    WarehouseRow, Written,
};
pub use store::Store;
