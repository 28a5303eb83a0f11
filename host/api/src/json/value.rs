//! A value being read as what it is meant to be.

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::str::FromStr;

use domain::ids::printable;
use domain::money::Currency;
use domain::time::Date;
use serde_json::value::RawValue;

use super::number::Number;
use super::{FIELDS_MAX, Faults, Kind, Object, Pointer, Text, kind, rewrite, split_array, split_object};

/// A value that is not null.
#[derive(Clone, Copy)]
pub struct Value<'v> {
    raw: &'v RawValue,
    at: Pointer<'v>,
    faults: &'v Faults,
}

/// The largest metadata, in bytes of compact text.
pub const METADATA_BYTES_MAX: usize = 16 * 1024;

impl<'v> Value<'v> {
    pub(super) fn new(raw: &'v RawValue, at: Pointer<'v>, faults: &'v Faults) -> Self {
        Self { raw, at, faults }
    }

    /// Records a fault at this place.
    pub fn fault<T>(&self, detail: impl Into<String>) -> Option<T> {
        self.faults.add(self.at, detail);
        None
    }

    fn expect(&self, expected: Kind, what: &str) -> Option<()> {
        if kind(self.raw) == expected { Some(()) } else { self.fault(format!("must be {what}")) }
    }

    /// An object; fields that `read` does not ask for are refused.
    pub fn object<T>(&self, read: impl FnOnce(&Object<'_>) -> Option<T>) -> Option<T> {
        self.expect(Kind::Object, "an object")?;
        let Ok(fields) = split_object(self.raw, FIELDS_MAX) else {
            return self.fault("has a field name that is not text");
        };
        let object = Object::new(&self.at, self.faults, fields);
        let result = read(&object);
        object.refuse_the_rest();
        result
    }

    /// An array of so many elements; none where any of them is wrong.
    pub fn array<T>(
        &self,
        count: RangeInclusive<usize>,
        mut read: impl FnMut(Value<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.expect(Kind::Array, "an array")?;
        let Ok(elements) = split_array(self.raw, *count.end()) else {
            return self.fault("has an element that is not text");
        };
        let mut values = Some(Vec::with_capacity(elements.kept.len()));
        for (index, raw) in elements.kept.iter().enumerate() {
            let value = read(Value::new(raw, Pointer::index(&self.at, index), self.faults));
            match (value, &mut values) {
                (Some(value), Some(values)) => values.push(value),
                _ => values = None,
            }
        }
        let given = elements.kept.len() + elements.dropped;
        if !count.contains(&given) {
            return self.fault(format!("must have {} to {} elements, this has {given}", count.start(), count.end()));
        }
        values
    }

    /// A text of 1 to `chars_max` characters without control characters.
    pub fn text(&self, chars_max: usize) -> Option<String> {
        let text = self.decoded()?;
        match printable(&text, chars_max) {
            Ok(()) => Some(text.into_owned()),
            Err(why) => self.fault(why),
        }
    }

    /// A text that something else understands; the error is the detail of the fault.
    pub fn parsed<T, E: ToString>(&self, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        match parse(&self.decoded()?) {
            Ok(value) => Some(value),
            Err(why) => self.fault(why.to_string()),
        }
    }

    /// A text that is the name of something.
    pub fn named<T: FromStr>(&self) -> Option<T>
    where
        T::Err: ToString,
    {
        self.parsed(str::parse)
    }

    /// `true` or `false`.
    pub fn boolean(&self) -> Option<bool> {
        self.expect(Kind::Boolean, "true or false")?;
        Some(self.raw.get() == "true")
    }

    /// A whole number; `5.0` and `5e0` are whole too.
    pub fn integer(&self, range: RangeInclusive<i64>) -> Option<i64> {
        self.expect(Kind::Number, "a whole number")?;
        let number = Number::parse(self.raw.get());
        if !number.is_integral() {
            return self.fault("must be a whole number");
        }
        self.within(number.scaled(0), range, "")
    }

    /// A number of degrees, in millionths, rounded to the nearest.
    pub fn degrees_e6(&self, degrees_max: i64) -> Option<i32> {
        self.expect(Kind::Number, "a number of degrees")?;
        let limit = degrees_max * 1_000_000;
        let millionths = Number::parse(self.raw.get()).scaled(6).filter(|value| value.abs() <= limit);
        match millionths.and_then(|value| i32::try_from(value).ok()) {
            Some(value) => Some(value),
            None => self.fault(format!("must be between -{degrees_max} and {degrees_max} degrees")),
        }
    }

    fn within(&self, value: Option<i64>, range: RangeInclusive<i64>, unit: &str) -> Option<i64> {
        match value.filter(|value| range.contains(value)) {
            Some(value) => Some(value),
            None => self.fault(format!("must be between {} and {}{unit}", range.start(), range.end())),
        }
    }

    /// An amount in main units, a number or a decimal text, as minor units from zero up.
    pub fn money(&self, currency: Currency) -> Option<i64> {
        let text = match kind(self.raw) {
            Kind::Number => Cow::Borrowed(self.raw.get()),
            Kind::Text => self.decoded()?,
            _ => return self.fault("must be a number or a decimal text such as \"29.99\""),
        };
        match currency.parse_minor(&text) {
            Ok(minor) if minor < 0 => self.fault("must not be negative"),
            Ok(minor) => Some(minor),
            Err(why) => self.fault(why.to_string()),
        }
    }

    /// A day such as `2026-03-18`.
    pub fn date(&self) -> Option<Date> {
        self.parsed(parse_date)
    }

    /// An ISO 3166 alpha-2 code in capitals.
    pub fn country(&self) -> Option<String> {
        self.parsed(parse_country)
    }

    /// Any JSON object of at most [`METADATA_BYTES_MAX`] and bounded depth, as compact text.
    pub fn metadata(&self) -> Option<String> {
        self.any_object(METADATA_BYTES_MAX)
    }

    /// Any JSON object of bounded size and depth, as compact text.
    pub fn any_object(&self, bytes_max: usize) -> Option<String> {
        self.expect(Kind::Object, "an object")?;
        match rewrite::compact(self.raw, bytes_max) {
            Ok(text) => Some(text),
            Err(why) => self.fault(why.to_string()),
        }
    }

    fn decoded(&self) -> Option<Cow<'v, str>> {
        self.expect(Kind::Text, "a text")?;
        match serde_json::from_str::<Text<'v>>(self.raw.get()) {
            Ok(Text(text)) => Some(text),
            Err(_) => self.fault("has an escape sequence that is no character"),
        }
    }
}

/// Reads `2026-03-18` and nothing else.
pub(crate) fn parse_date(text: &str) -> Result<Date, &'static str> {
    let shaped = text.len() == 10
        && text.bytes().enumerate().all(|(i, b)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() });
    let date = if shaped { text.parse::<Date>().ok() } else { None };
    date.ok_or("must be a date such as 2026-03-18")
}

/// Reads an ISO 3166 alpha-2 code in capitals.
fn parse_country(text: &str) -> Result<String, &'static str> {
    let capitals = text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase());
    if capitals && rust_iso3166::from_alpha2(text).is_some() {
        Ok(text.to_owned())
    } else {
        Err("must be an ISO 3166 alpha-2 country code such as US")
    }
}
