//! Reads request bodies: exactly, without floats, and with every fault named at once.
//!
//! A body stays the text that came. Each level is split into its parts when it is read, so that numbers are parsed as
//! what they are meant to be: money into minor units, counts into integers. Nothing here recurses deeper than the
//! shapes that are asked for, and metadata has a depth of its own.

mod number;
mod object;
mod pointer;
mod rewrite;
#[cfg(test)]
mod tests;
mod value;

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{self, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::problem::{Code, Fault, Problem};

pub use object::Object;
pub use value::Value;
pub(crate) use value::parse_date;

use pointer::Pointer;

/// More are not listed: somebody who sees a hundred faults looks at the request as a whole.
pub const FAULTS_MAX: usize = 100;
/// No object of the contract has more; a body of a megabyte could carry two hundred thousand.
const FIELDS_MAX: usize = 100;

/// A well-formed JSON document.
#[derive(Debug, Clone)]
pub struct Document(Bytes);

impl Document {
    /// Checks the grammar of the whole text.
    ///
    /// # Errors
    /// 400 `malformed_json` with line and column.
    pub fn parse(body: Bytes) -> Result<Self, Problem> {
        match serde_json::from_slice::<&RawValue>(&body) {
            Ok(_) => Ok(Self(body)),
            Err(error) => {
                let problem = Problem::new(Code::MalformedJson, format!("The body is not JSON: {error}."));
                Err(problem.with("line", error.line()).with("column", error.column()))
            }
        }
    }

    /// The document of a request without a body, for operations whose members are all optional.
    #[must_use]
    pub fn empty_object() -> Self {
        Self(Bytes::from_static(b"{}"))
    }

    fn raw(&self) -> &RawValue {
        serde_json::from_slice(&self.0).expect("a document was checked when it was made")
    }

    /// Reads the document, which must be an object.
    ///
    /// # Errors
    /// 422 `invalid_request` with every fault.
    pub fn read<T>(&self, read: impl FnOnce(&Object<'_>) -> Option<T>) -> Result<T, Problem> {
        let faults = Faults::default();
        let root = Pointer::ROOT;
        let result = Value::new(self.raw(), root, &faults).object(read);
        let errors = faults.0.into_inner();
        match result {
            Some(value) if errors.is_empty() => Ok(value),
            _ if !errors.is_empty() => Err(Problem::invalid(errors)),
            _ => Err(Problem::internal("a body was refused without a fault")),
        }
    }

    /// The document in a form that is the same for every way of writing it: keys sorted, no white space, numbers
    /// normalised so that `5`, `5.00` and `5e0` are one.
    ///
    /// # Errors
    /// 422 `invalid_request` where it is nested deeper than any body of the contract.
    pub fn canonical(&self) -> Result<String, Problem> {
        rewrite::canonical(self.raw())
            .map_err(|refused| Problem::invalid(vec![Fault { pointer: String::new(), detail: refused.to_string() }]))
    }
}

/// The faults found so far.
#[derive(Debug, Default)]
struct Faults(RefCell<Vec<Fault>>);

impl Faults {
    fn add(&self, at: Pointer<'_>, detail: impl Into<String>) {
        let mut faults = self.0.borrow_mut();
        if faults.len() < FAULTS_MAX {
            faults.push(Fault { pointer: at.to_string(), detail: detail.into() });
        }
    }
}

/// A string of JSON, decoded.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The fields of an object, in their order, and how many there were beyond the limit.
struct Fields<'a> {
    kept: Vec<(Cow<'a, str>, &'a RawValue)>,
    dropped: usize,
}

fn split_object(raw: &RawValue, limit: usize) -> Result<Fields<'_>, serde_json::Error> {
    struct FieldsVisitor(usize);
    impl<'de> Visitor<'de> for FieldsVisitor {
        type Value = Fields<'de>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
            let mut fields = Fields { kept: Vec::new(), dropped: 0 };
            while fields.kept.len() < self.0 {
                let Some((Text(name), value)) = map.next_entry::<Text<'de>, &'de RawValue>()? else {
                    return Ok(fields);
                };
                fields.kept.push((name, value));
            }
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
                fields.dropped += 1;
            }
            Ok(fields)
        }
    }
    let mut deserializer = serde_json::Deserializer::from_str(raw.get());
    de::Deserializer::deserialize_map(&mut deserializer, FieldsVisitor(limit))
}

/// The elements of an array, in their order, and how many there were beyond the limit.
struct Elements<'a> {
    kept: Vec<&'a RawValue>,
    dropped: usize,
}

fn split_array(raw: &RawValue, limit: usize) -> Result<Elements<'_>, serde_json::Error> {
    struct ElementsVisitor(usize);
    impl<'de> Visitor<'de> for ElementsVisitor {
        type Value = Elements<'de>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Elements<'de>, A::Error> {
            let mut elements = Elements { kept: Vec::new(), dropped: 0 };
            while elements.kept.len() < self.0 {
                let Some(value) = seq.next_element()? else { return Ok(elements) };
                elements.kept.push(value);
            }
            while seq.next_element::<IgnoredAny>()?.is_some() {
                elements.dropped += 1;
            }
            Ok(elements)
        }
    }
    let mut deserializer = serde_json::Deserializer::from_str(raw.get());
    de::Deserializer::deserialize_seq(&mut deserializer, ElementsVisitor(limit))
}

/// What kind of value a text is; its grammar has been checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Null,
    Boolean,
    Number,
    Text,
    Array,
    Object,
}

fn kind(raw: &RawValue) -> Kind {
    match raw.get().as_bytes().first() {
        Some(b'{') => Kind::Object,
        Some(b'[') => Kind::Array,
        Some(b'"') => Kind::Text,
        Some(b't' | b'f') => Kind::Boolean,
        Some(b'n') => Kind::Null,
        _ => Kind::Number,
    }
}
