//! The query language: text to a syntax tree and back. Nothing here knows the index.
//!
//! ```
//! # use search::Query;
//! let query = Query::parse("ann mug status:shipped total:>100 -gift")?;
//! assert_eq!(query.to_string(), "ann mug status:shipped total:>100 -gift");
//! let error = Query::parse("mug colour:blue").unwrap_err();
//! assert_eq!((error.offset, error.length), (4, 6));
//! # Ok::<(), search::query::Error>(())
//! ```

mod amount;
mod ast;
mod error;
mod lexer;
mod parser;
mod period;

pub use amount::Amount;
pub use ast::{Bounds, Clause, Keyword, Matcher, Query, Value};
pub use error::{Error, Fault};
pub use period::Period;

/// Longer queries are refused; people type a line, not a page.
pub const QUERY_CHARS_MAX: usize = 1_000;
/// Each word and each value is looked up in the index, so their number bounds the work of a search.
pub const CLAUSES_MAX: usize = 64;
/// Before a `*`; shorter beginnings match too much to be of use.
pub const PREFIX_CHARS_MIN: usize = 2;
