//! The syntax tree of a query, and how it is written.

use std::fmt;

use super::{Amount, Error, Period, parser};

/// A parsed query: all its clauses must hold. The default has none and matches every order of the tenant.
///
/// Only the parser makes one, so that every query is within the bounds of the language and prints as text that parses
/// to the same query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    pub(super) clauses: Vec<Clause>,
}

impl Query {
    /// Reads a query as a user typed it. Blank text is the query for everything.
    ///
    /// # Errors
    /// Says where and what was expected; never panics, whatever the text.
    pub fn parse(text: &str) -> Result<Self, Error> {
        parser::parse(text)
    }

    /// The clauses, in the order typed.
    #[must_use]
    pub fn clauses(&self) -> &[Clause] {
        &self.clauses
    }
}

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// Whether the order must not match.
    pub negated: bool,
    /// What is looked for.
    pub matcher: Matcher,
}

/// What a clause looks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Matcher {
    /// A word as typed: a word, or the beginning of one, or a whole id, SKU, e-mail address or phone number.
    Word(String),
    /// Words in this order, side by side, or a whole id.
    Phrase(String),
    /// A field that has one of the values.
    Keyword(Keyword, Vec<Value>),
    /// The time of placement, in one of the spans.
    Placed(Vec<Bounds<Period>>),
    /// The total, in one of the spans.
    Total(Vec<Bounds<Amount>>),
}

/// The fields that hold names and ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Keyword {
    /// The order's status.
    Status,
    /// A line's SKU.
    Sku,
    /// The country of delivery.
    Country,
    /// The customer's id or words of the name.
    Customer,
    /// The merchant's own number of the order.
    External,
    /// The order's id.
    Order,
    /// A warehouse that a shipment leaves from.
    Warehouse,
    /// The currency's code.
    Currency,
    /// The customer's e-mail address, or its domain with the `@`.
    Email,
    /// The payment's status.
    Payment,
    /// The reason of a hold.
    Hold,
}

impl Keyword {
    /// All of them, in the order in which they are documented.
    pub const ALL: [Self; 11] = [
        Self::Status,
        Self::Sku,
        Self::Country,
        Self::Customer,
        Self::External,
        Self::Order,
        Self::Warehouse,
        Self::Currency,
        Self::Email,
        Self::Payment,
        Self::Hold,
    ];

    /// The name before the colon.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Sku => "sku",
            Self::Country => "country",
            Self::Customer => "customer",
            Self::External => "external",
            Self::Order => "order",
            Self::Warehouse => "warehouse",
            Self::Currency => "currency",
            Self::Email => "email",
            Self::Payment => "payment",
            Self::Hold => "hold",
        }
    }

    /// The field of a name as typed; the names of API.md's parameters are understood too.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        let lower = name.to_ascii_lowercase();
        let short = match lower.as_str() {
            "external_id" => "external",
            "order_id" => "order",
            "sku_id" => "sku",
            "customer_id" => "customer",
            other => other,
        };
        Self::ALL.into_iter().find(|keyword| keyword.name() == short)
    }

    pub(super) fn all_names() -> String {
        let mut names: Vec<&str> = Self::ALL.iter().map(|keyword| keyword.name()).collect();
        names.extend(["placed", "total"]);
        names.join(", ")
    }
}

/// A value of a keyword field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// The whole value.
    Exact(String),
    /// `abc*`: values that begin so.
    Prefix(String),
    /// `*`: any value at all.
    Any,
}

/// A span of an ordered field. For a period, `AtLeast` counts from its first moment and `AtMost` to its last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bounds<T> {
    /// `x` or `=x`
    Exactly(T),
    /// `>=x` or `x..`
    AtLeast(T),
    /// `>x`
    MoreThan(T),
    /// `<=x` or `..x`
    AtMost(T),
    /// `<x`
    LessThan(T),
    /// `x..y`, both included
    Between(T, T),
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, clause) in self.clauses.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            clause.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negated {
            f.write_str("-")?;
        }
        match &self.matcher {
            Matcher::Word(word) => f.write_str(word),
            Matcher::Phrase(phrase) => write_quoted(f, phrase),
            Matcher::Keyword(keyword, values) => write_values(f, keyword.name(), values),
            Matcher::Placed(spans) => write_values(f, "placed", spans),
            Matcher::Total(spans) => write_values(f, "total", spans),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(text) => {
                let needs_quotes = text.starts_with('"')
                    || text.ends_with('*')
                    || text.contains(|c: char| c.is_whitespace() || c == ',');
                if needs_quotes { write_quoted(f, text) } else { f.write_str(text) }
            }
            Self::Prefix(prefix) => write!(f, "{prefix}*"),
            Self::Any => f.write_str("*"),
        }
    }
}

impl<T: fmt::Display> fmt::Display for Bounds<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(x) => write!(f, "{x}"),
            Self::AtLeast(x) => write!(f, ">={x}"),
            Self::MoreThan(x) => write!(f, ">{x}"),
            Self::AtMost(x) => write!(f, "<={x}"),
            Self::LessThan(x) => write!(f, "<{x}"),
            Self::Between(x, y) => write!(f, "{x}..{y}"),
        }
    }
}

fn write_values<T: fmt::Display>(f: &mut fmt::Formatter<'_>, name: &str, values: &[T]) -> fmt::Result {
    write!(f, "{name}:")?;
    for (i, value) in values.iter().enumerate() {
        if i > 0 {
            f.write_str(",")?;
        }
        value.fmt(f)?;
    }
    Ok(())
}

fn write_quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    write!(f, "\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
