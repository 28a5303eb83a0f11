//! From the syntax tree to the index's own queries.

use std::cell::Cell;
use std::ops::Bound;

use tantivy::Term;
use tantivy::query::{
    BooleanQuery, ConstScoreQuery, DisjunctionMaxQuery, EmptyQuery, Occur, PhraseQuery, Query as IndexQuery,
    RangeQuery, RegexQuery, TermQuery,
};
use tantivy::schema::{Field, IndexRecordOption};

use super::steady::Steady;
use super::{SearchOptions, Sort};
use crate::document::{key_term, scoped};
use crate::query::{Amount, Bounds, Clause, Keyword, Matcher, PREFIX_CHARS_MIN, Period, Value};
use crate::schema::Fields;
use crate::{Error, Query, analysis};

/// A plain word also finds longer words from this length on.
const WORD_PREFIX_CHARS_MIN: usize = 3;
/// How many terms the beginnings in a query may match together, counted in each segment. It bounds what a search can
/// cost (a term takes about 0.3 µs); a beginning that matches more is refused instead of silently losing hits.
const PREFIX_TERMS_MAX: usize = 100_000;

/// The weights of relevance. Whole numbers, so that sums are exact and the same in every segment and at every time.
mod weight {
    pub(super) const FILTER: f32 = 0.0;
    pub(super) const WORD_BEGINNING: f32 = 1.0;
    pub(super) const WORD: f32 = 2.0;
    pub(super) const PHRASE: f32 = 4.0;
    pub(super) const WHOLE_ID: f32 = 8.0;
}

type Boxed = Box<dyn IndexQuery>;

/// Compiles a query and a search's filters. The tenant is the first condition of the outermost conjunction, whatever
/// the query says.
pub(super) fn compile(
    searcher: &tantivy::Searcher,
    fields: &Fields,
    tenant: &str,
    query: &Query,
    options: &SearchOptions,
) -> Result<BooleanQuery, Error> {
    let is_ranked = options.sort == Sort::Relevance;
    let compiler = Compiler { searcher, fields, tenant, is_ranked, terms_left: Cell::new(PREFIX_TERMS_MAX) };
    let of_tenant = filter(Box::new(term_query(Term::from_field_text(fields.tenant, tenant))));
    let mut conditions = vec![(Occur::Must, of_tenant)];
    for Clause { negated, matcher } in query.clauses() {
        let wanted = compiler.matcher(matcher)?;
        conditions.push(if *negated {
            (Occur::MustNot, Box::new(Steady(wanted)) as Boxed)
        } else {
            (Occur::Must, wanted)
        });
    }
    if !options.statuses.is_empty() {
        let statuses = options.statuses.iter().map(|status| compiler.equals(fields.status, status)).collect();
        conditions.push((Occur::Must, filter(any_of(statuses))));
    }
    if options.from.is_some() || options.to.is_some() {
        let from = options.from.map_or(Bound::Unbounded, Bound::Included);
        let to = options.to.map_or(Bound::Unbounded, Bound::Excluded);
        conditions.push((Occur::Must, filter(range(fields.placed_at, from, to))));
    }
    Ok(BooleanQuery::new(conditions))
}

struct Compiler<'a> {
    searcher: &'a tantivy::Searcher,
    fields: &'a Fields,
    tenant: &'a str,
    is_ranked: bool,
    terms_left: Cell<usize>,
}

impl Compiler<'_> {
    fn matcher(&self, matcher: &Matcher) -> Result<Boxed, Error> {
        Ok(match matcher {
            Matcher::Word(word) => self.word(word)?,
            Matcher::Phrase(phrase) => {
                let mut ways = self.whole_ids(phrase);
                ways.extend(self.phrase(self.fields.text, phrase).map(|query| scored(query, weight::PHRASE)));
                best_of(ways)
            }
            Matcher::Keyword(keyword, values) => {
                let values = values.iter().map(|value| self.value(*keyword, value)).collect::<Result<_, _>>()?;
                filter(any_of(values))
            }
            Matcher::Placed(spans) => {
                let field = self.fields.placed_at;
                filter(any_of(spans.iter().map(|span| placed(field, *span)).collect()))
            }
            Matcher::Total(spans) => {
                let field = self.fields.total;
                filter(any_of(spans.iter().map(|span| total(field, *span)).collect()))
            }
        })
    }

    /// A word of the text, the beginning of one, or a whole id.
    fn word(&self, typed: &str) -> Result<Boxed, Error> {
        let mut ways = self.whole_ids(typed);
        let words = analysis::words(typed);
        if let [word] = words.as_slice() {
            let chars_min = if typed.ends_with('*') { PREFIX_CHARS_MIN } else { WORD_PREFIX_CHARS_MIN };
            // Numbers are looked for whole: `100` is not meant to find 1001, and numbers have a mass of continuations.
            let is_number = word.chars().all(char::is_numeric);
            let longer = if word.chars().count() >= chars_min && !is_number {
                self.begins_with(self.fields.text, word)?
            } else {
                None
            };
            // The words that begin so include the word itself: only its rank can need it again.
            if longer.is_none() || self.is_ranked {
                ways.push(scored(self.equals(self.fields.text, word), weight::WORD));
            }
            ways.extend(longer.map(|query| scored(query, weight::WORD_BEGINNING)));
        } else if let Some(phrase) = self.phrase(self.fields.text, typed) {
            // `o'brien` or `jean-luc`: its parts stand side by side.
            ways.push(scored(phrase, weight::WORD));
        }
        Ok(best_of(ways))
    }

    /// The ways in which a text can be a whole id, address or number.
    fn whole_ids(&self, typed: &str) -> Vec<Boxed> {
        let fields = self.fields;
        let ids = [fields.sku, fields.external, fields.customer, fields.email];
        let mut ways: Vec<Boxed> = ids.into_iter().map(|field| self.equals(field, typed)).collect();
        ways.push(self.order(typed));
        if let Some(digits) = analysis::phone_digits(typed) {
            ways.push(self.equals(fields.phone, &digits));
        }
        ways.into_iter().map(|way| scored(way, weight::WHOLE_ID)).collect()
    }

    fn value(&self, keyword: Keyword, value: &Value) -> Result<Boxed, Error> {
        let fields = self.fields;
        let Some(field) = fields.keyword(keyword) else {
            return Ok(match value {
                Value::Exact(id) => self.order(id),
                // Every order has an id, so the tenant's condition alone decides.
                Value::Prefix(_) | Value::Any => {
                    Box::new(term_query(Term::from_field_text(fields.tenant, self.tenant)))
                }
            });
        };
        let mut ways = Vec::new();
        match value {
            Value::Exact(text) => {
                ways.push(self.equals(field, text));
                if keyword == Keyword::Customer {
                    ways.extend(self.phrase(fields.name, text));
                }
            }
            Value::Prefix(text) => {
                let is_word = keyword == Keyword::Customer && analysis::words(text) == [analysis::fold(text)];
                for field in [Some(field), is_word.then_some(fields.name)].into_iter().flatten() {
                    ways.push(match self.begins_with(field, text)? {
                        Some(query) => query,
                        None => self.equals(field, text),
                    });
                }
            }
            Value::Any => ways.push(self.equals(fields.has, keyword.name())),
        }
        Ok(any_of(ways))
    }

    /// An order's id is compared as it is; ids are in lower case, so a shouted one is lowered as well.
    fn order(&self, id: &str) -> Boxed {
        let term = |id: &str| Term::from_field_text(self.fields.key, &key_term(self.tenant, id));
        let mut ways: Vec<Boxed> = vec![Box::new(term_query(term(id)))];
        let lower = id.to_lowercase();
        if lower != id {
            ways.push(Box::new(term_query(term(&lower))));
        }
        any_of(ways)
    }

    fn equals(&self, field: Field, text: &str) -> Boxed {
        match analysis::fold(text) {
            folded if folded.is_empty() => Box::new(EmptyQuery),
            folded => Box::new(term_query(self.term(field, &folded))),
        }
    }

    /// The words of a text side by side; none if it has no word.
    fn phrase(&self, field: Field, text: &str) -> Option<Boxed> {
        let terms: Vec<Term> = analysis::words(text).iter().map(|word| self.term(field, word)).collect();
        match terms.as_slice() {
            [] => None,
            [term] => Some(Box::new(term_query(term.clone()))),
            _ => Some(Box::new(PhraseQuery::new(terms))),
        }
    }

    /// The values that begin with a text, itself included; none if there is no longer one.
    fn begins_with(&self, field: Field, text: &str) -> Result<Option<Boxed>, Error> {
        let folded = analysis::fold(text);
        let prefix = scoped(self.tenant, &folded);
        // The last byte of UTF-8 is never 0xff, so the next sibling exists.
        let mut end = prefix.clone().into_bytes();
        if let Some(last) = end.last_mut() {
            *last = last.saturating_add(1);
        }
        let mut is_any_longer = false;
        for segment in self.searcher.segment_readers() {
            let index = segment.inverted_index(field)?;
            let terms = index.terms().range().ge(prefix.as_bytes()).lt(&end).into_stream();
            let mut terms = terms.map_err(tantivy::TantivyError::from)?;
            while terms.advance() {
                let Some(left) = self.terms_left.get().checked_sub(1) else {
                    return Err(Error::TooBroad { prefix: folded });
                };
                self.terms_left.set(left);
                is_any_longer |= terms.key() != prefix.as_bytes();
            }
        }
        if !is_any_longer {
            return Ok(None);
        }
        let pattern = format!("{}(?s:.*)", escaped(&prefix));
        Ok(Some(Box::new(RegexQuery::from_pattern(&pattern, field)?)))
    }

    fn term(&self, field: Field, folded: &str) -> Term {
        Term::from_field_text(field, &scoped(self.tenant, folded))
    }
}

fn term_query(term: Term) -> TermQuery {
    TermQuery::new(term, IndexRecordOption::Basic)
}

fn scored(query: Boxed, score: f32) -> Boxed {
    Box::new(ConstScoreQuery::new(query, score))
}

/// A condition that says nothing about how well an order matches.
fn filter(query: Boxed) -> Boxed {
    scored(query, weight::FILTER)
}

fn any_of(mut queries: Vec<Boxed>) -> Boxed {
    if queries.len() == 1 { queries.remove(0) } else { Box::new(BooleanQuery::union(queries)) }
}

/// Matches if any does, and counts as much as the best.
fn best_of(queries: Vec<Boxed>) -> Boxed {
    Box::new(DisjunctionMaxQuery::new(queries))
}

fn range(field: Field, from: Bound<i64>, to: Bound<i64>) -> Boxed {
    let term = |value| Term::from_field_i64(field, value);
    Box::new(RangeQuery::new(from.map(term), to.map(term)))
}

fn placed(field: Field, span: Bounds<Period>) -> Boxed {
    let (from, to) = match span {
        Bounds::Exactly(at) => (Bound::Included(at.start_micros()), Bound::Excluded(at.end_micros())),
        Bounds::AtLeast(at) => (Bound::Included(at.start_micros()), Bound::Unbounded),
        Bounds::MoreThan(at) => (Bound::Included(at.end_micros()), Bound::Unbounded),
        Bounds::AtMost(at) => (Bound::Unbounded, Bound::Excluded(at.end_micros())),
        Bounds::LessThan(at) => (Bound::Unbounded, Bound::Excluded(at.start_micros())),
        Bounds::Between(from, to) => (Bound::Included(from.start_micros()), Bound::Excluded(to.end_micros())),
    };
    range(field, from, to)
}

fn total(field: Field, span: Bounds<Amount>) -> Boxed {
    let (from, to) = match span {
        Bounds::Exactly(amount) => (Bound::Included(amount), Bound::Included(amount)),
        Bounds::AtLeast(amount) => (Bound::Included(amount), Bound::Unbounded),
        Bounds::MoreThan(amount) => (Bound::Excluded(amount), Bound::Unbounded),
        Bounds::AtMost(amount) => (Bound::Unbounded, Bound::Included(amount)),
        Bounds::LessThan(amount) => (Bound::Unbounded, Bound::Excluded(amount)),
        Bounds::Between(from, to) => (Bound::Included(from), Bound::Included(to)),
    };
    range(field, from.map(Amount::scaled), to.map(Amount::scaled))
}

/// The text as a regular expression that matches just it.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for c in text.chars() {
        if c.is_ascii_punctuation() {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
