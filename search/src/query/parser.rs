//! Makes sense of the lexer's tokens.

use super::lexer::{Kind, Lexer, Raw, Token};
use super::{
    Amount, Bounds, CLAUSES_MAX, Clause, Error, Fault, Keyword, Matcher, PREFIX_CHARS_MIN, Period, QUERY_CHARS_MAX,
    Query, Value,
};
use crate::analysis;

const DATE_EXPECTED: &str = "a date such as 2026-03, a range such as 2026-03..2026-05, or >=2026-03-01";
const AMOUNT_EXPECTED: &str = "an amount such as 29.99, a range such as 10..20, or >100";
const VALUE_EXPECTED: &str = "a value directly after the colon, several parted by commas, or * for any";

pub(super) fn parse(text: &str) -> Result<Query, Error> {
    if let Some((offset, _)) = text.char_indices().nth(QUERY_CHARS_MAX) {
        return Err(Error { offset, length: text.len() - offset, fault: Fault::TooLong });
    }
    let mut lexer = Lexer::new(text);
    let mut clauses = Vec::new();
    let mut parts = 0;
    let mut is_something_skipped = false;
    while let Some(token) = lexer.next()? {
        let (negated, offset) = (token.negated, token.offset);
        let Some((matcher, weight)) = matcher(token)? else {
            is_something_skipped = true;
            continue;
        };
        parts += weight;
        if parts > CLAUSES_MAX {
            return Err(Error { offset, length: text.len() - offset, fault: Fault::TooManyClauses });
        }
        clauses.push(Clause { negated, matcher });
    }
    // Punctuation among words is left out, but alone it must not turn into the query for everything.
    if is_something_skipped && clauses.is_empty() {
        let (offset, length) = (text.len() - text.trim_start().len(), text.trim().len());
        return Err(Error { offset, length, fault: Fault::NothingToFind });
    }
    Ok(Query { clauses })
}

/// The meaning of a token and the number of values in it; none for a word without letter or digit.
fn matcher(token: Token<'_>) -> Result<Option<(Matcher, usize)>, Error> {
    Ok(Some(match token.kind {
        Kind::Word(word) if analysis::words(word).is_empty() => return Ok(None),
        Kind::Word(word) => (Matcher::Word(word.to_owned()), 1),
        Kind::Phrase(phrase) => (Matcher::Phrase(filled(phrase)?.text), 1),
        Kind::Field(name, values) => {
            let count = values.len();
            (field(name, token.offset, values)?, count)
        }
    }))
}

fn field(name: &str, offset: usize, values: Vec<Raw>) -> Result<Matcher, Error> {
    let at_name = |fault| Error { offset, length: name.len(), fault };
    let missing = |at: usize, expected| Error {
        offset: at,
        length: 0,
        fault: Fault::MissingValue { field: name.to_owned(), expected },
    };
    let present = |expected| match values.iter().find(|value| !value.quoted && value.text.is_empty()) {
        Some(empty) => Err(missing(empty.offset, expected)),
        None if values.is_empty() => Err(missing(offset + name.len() + 1, expected)),
        None => Ok(()),
    };
    if name.eq_ignore_ascii_case("placed") {
        present(DATE_EXPECTED)?;
        return Ok(Matcher::Placed(spans(&values, Fault::BadDate, Period::parse, |from, to| {
            from.start_micros() < to.end_micros()
        })?));
    }
    if name.eq_ignore_ascii_case("total") {
        present(AMOUNT_EXPECTED)?;
        return Ok(Matcher::Total(spans(&values, Fault::BadAmount, Amount::parse, |from, to| from <= to)?));
    }
    let keyword = Keyword::from_name(name).ok_or_else(|| at_name(Fault::UnknownField(name.to_owned())))?;
    present(VALUE_EXPECTED)?;
    let values = values.into_iter().map(|raw| value(keyword, raw)).collect::<Result<_, _>>()?;
    Ok(Matcher::Keyword(keyword, values))
}

fn value(keyword: Keyword, raw: Raw) -> Result<Value, Error> {
    if raw.quoted {
        return Ok(Value::Exact(filled(raw)?.text));
    }
    let Some(prefix) = raw.text.strip_suffix('*') else {
        return Ok(Value::Exact(raw.text));
    };
    let fault = match keyword {
        _ if prefix.is_empty() => return Ok(Value::Any),
        // Every order has an id, and ids begin with the time: their beginnings say nothing and match masses.
        Keyword::Order => Fault::OrderPrefix,
        _ if analysis::fold(prefix).chars().count() < PREFIX_CHARS_MIN => Fault::ShortPrefix,
        _ => return Ok(Value::Prefix(prefix.to_owned())),
    };
    Err(Error { offset: raw.offset, length: raw.length, fault })
}

fn filled(raw: Raw) -> Result<Raw, Error> {
    if analysis::fold(&raw.text).is_empty() {
        return Err(Error { offset: raw.offset, length: raw.length, fault: Fault::EmptyQuotes });
    }
    Ok(raw)
}

/// Reads the spans of an ordered field; `in_order` says whether a range contains anything.
fn spans<T: Copy>(
    values: &[Raw],
    bad: Fault,
    operand: impl Fn(&str) -> Option<T>,
    in_order: impl Fn(T, T) -> bool,
) -> Result<Vec<Bounds<T>>, Error> {
    values
        .iter()
        .map(|raw| {
            let at_value = |fault| Error { offset: raw.offset, length: raw.length, fault };
            match span(&raw.text, &operand) {
                Some(Bounds::Between(from, to)) if !in_order(from, to) => Err(at_value(Fault::ReversedRange)),
                Some(bounds) => Ok(bounds),
                None => Err(at_value(bad.clone())),
            }
        })
        .collect()
}

fn span<T>(text: &str, operand: impl Fn(&str) -> Option<T>) -> Option<Bounds<T>> {
    if let Some((from, to)) = text.split_once("..") {
        return Some(match (from, to) {
            ("", to) => Bounds::AtMost(operand(to)?),
            (from, "") => Bounds::AtLeast(operand(from)?),
            (from, to) => Bounds::Between(operand(from)?, operand(to)?),
        });
    }
    let after = |sign| text.strip_prefix(sign);
    if let Some(rest) = after(">=") {
        operand(rest).map(Bounds::AtLeast)
    } else if let Some(rest) = after("<=") {
        operand(rest).map(Bounds::AtMost)
    } else if let Some(rest) = after(">") {
        operand(rest).map(Bounds::MoreThan)
    } else if let Some(rest) = after("<") {
        operand(rest).map(Bounds::LessThan)
    } else {
        operand(after("=").unwrap_or(text)).map(Bounds::Exactly)
    }
}

#[cfg(test)]
mod tests;
