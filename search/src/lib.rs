//! The search index over orders: schema, document mapping, query language, indexer and searcher.
//!
//! The index is a derived thing. It holds nothing that the database does not, it may be thrown away at any time, and it
//! says how far into the log it has come, so that its feeder knows where to go on. See `README.md` for the schema and
//! for the query language as users see it.
//!
//! Everything here blocks: a search for up to some milliseconds, a commit for longer. Async callers wrap the calls in
//! `spawn_blocking`. [`Indexer`] and [`Searcher`] are cheap handles that may be cloned and sent between threads.
//!
//! Invariants: every search is filtered by tenant at its outermost level, and every indexed term carries its tenant too,
//! so one merchant's words neither match nor slow another's; a newer version of an order is never replaced by an older
//! one; personal data is indexed, never stored.

mod analysis;
pub mod document;
mod error;
pub mod indexer;
pub mod query;
mod schema;
pub mod searcher;

pub use document::{OrderDocument, OrderKey};
pub use error::Error;
pub use indexer::{Applied, Index, Indexer, Opened};
pub use query::Query;
pub use schema::SCHEMA_VERSION;
pub use searcher::{Cursor, Hit, Page, SearchOptions, Searcher, Sort};
