//! The event bus: following the log that is the truth.
//!
//! Embedded, the log is the store's own; every consumer keeps its position with its effect, so that delivery is at least
//! once and nothing is skipped.

pub mod follow;

pub use follow::{Consumer, Log, follow};
