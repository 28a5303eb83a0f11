//! What PostgreSQL is asked: opening, and the claim, read and write of a batch.
//!
//! Any number of nodes commit at once. They meet in a fixed order: idempotency keys, external ids, orders, stock, and
//! last the head of the log, each sorted; so they wait for each other, but never in a circle. A key or an external id is
//! claimed by inserting it, because rows that do not exist cannot be locked.

mod claim;
mod error;
mod open;
mod pools;
mod read;
mod table;
mod write;
mod writer;

pub(crate) use claim::keys;
pub(crate) use error::from_postgres;
pub(crate) use open::open;
pub(crate) use pools::Pools;
pub(crate) use read::levels;
pub(crate) use writer::Connection;
