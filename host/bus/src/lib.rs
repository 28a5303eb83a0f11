//! The event bus: the envelope in which events leave the platform, and following the log that is the truth.
//!
//! Embedded, the log is the store's own; every consumer keeps its position with its effect, so that delivery is at least
//! once and nothing is skipped.

pub mod envelope;
pub mod follow;

pub use envelope::Envelope;
pub use follow::{Consumer, Log, follow};
