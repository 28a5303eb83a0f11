//! Why a query was not understood, and where.

use super::{CLAUSES_MAX, Keyword, PREFIX_CHARS_MIN, QUERY_CHARS_MAX};

/// A query that cannot be parsed. `offset` and `length` are bytes of the query and lie on character boundaries; a
/// length of zero is the place where something is missing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault} (at byte {offset})")]
pub struct Error {
    /// Where the fault begins.
    pub offset: usize,
    /// How long the faulty part is.
    pub length: usize,
    /// What is wrong, and what was expected instead.
    pub fault: Fault,
}

impl Error {
    /// The query with the faulty part underlined, two lines, for a fixed-width display.
    #[must_use]
    pub fn underlined(&self, query: &str) -> String {
        let flat: String = query.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let before = query.get(..self.offset).unwrap_or(query).chars().count();
        let part = query.get(self.offset..self.offset + self.length).unwrap_or_default().chars().count();
        format!("{flat}\n{}{}", " ".repeat(before), "^".repeat(part.max(1)))
    }
}

/// The ways in which a query can be wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// More than [`QUERY_CHARS_MAX`] characters.
    #[error("the query is too long: expected at most {QUERY_CHARS_MAX} characters")]
    TooLong,
    /// More than [`CLAUSES_MAX`] words and values.
    #[error("the query has too many parts: expected at most {CLAUSES_MAX} words and values")]
    TooManyClauses,
    /// There is text, but no letter, digit or field in it.
    #[error("nothing to search for: expected a word, a quoted phrase or a field such as status:shipped")]
    NothingToFind,
    /// A name before a colon that is no field.
    #[error("unknown field `{0}`: expected one of {names}, or quotes around the text", names = Keyword::all_names())]
    UnknownField(String),
    /// A field without a value.
    #[error("`{field}:` has no value: expected {expected}")]
    MissingValue {
        /// The field as typed.
        field: String,
        /// What may stand there.
        expected: &'static str,
    },
    /// A quote that is never closed.
    #[error("the quote is not closed: expected `\"`")]
    UnclosedQuote,
    /// Nothing between two quotes.
    #[error("the quotes are empty: expected a word between them")]
    EmptyQuotes,
    /// Something stuck to a closing quote.
    #[error("unexpected text after the closing quote: expected a space")]
    TextAfterQuote,
    /// Not a date of the calendar.
    #[error("not a date: expected 2026, 2026-03, 2026-03-14, a range such as 2026-03..2026-05, or >=2026-03-01")]
    BadDate,
    /// Not an amount.
    #[error("not an amount: expected 29.99 with at most 4 decimals, a range such as 10..20, or >100")]
    BadAmount,
    /// A range whose end lies before its beginning.
    #[error("the range ends before it begins: expected the smaller value first")]
    ReversedRange,
    /// `a*`: too much would match.
    #[error("the beginning is too short: expected at least {PREFIX_CHARS_MIN} characters before `*`")]
    ShortPrefix,
    /// `order:ord_01*`: orders are found by their whole id.
    #[error("`order:` takes no `*`: expected a whole order id")]
    OrderPrefix,
}
