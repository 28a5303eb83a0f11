//! The order domain: pure types and rules. Nothing here waits, reads a clock, draws a random number or does I/O.
//!
//! The serde forms in this crate are the stored forms of the order document, the event payloads and the recorded
//! decisions. The REST and WIT forms belong to their own boundaries.

pub mod bytes;
pub mod command;
pub mod credit;
pub mod event;
pub mod hooks;
pub mod ids;
pub mod ledger;
pub mod money;
pub mod native;
pub mod order;
pub mod placement;
pub mod status;
pub mod time;
pub mod transition;
