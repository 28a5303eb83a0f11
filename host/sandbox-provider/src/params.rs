//! Reading a request's JSON strictly: what is missing, unknown or of a wrong type is named in the answer.

use crate::problem::Problem;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The largest amount: a million millions of minor units fits every currency's order, and sums stay far from overflow.
pub const AMOUNT_MAX: u64 = 1_000_000_000_000;

/// Bounds of metadata, as the field's providers have them.
const METADATA_KEYS_MAX: usize = 50;
const METADATA_KEY_CHARS_MAX: usize = 40;
const METADATA_VALUE_CHARS_MAX: usize = 500;

/// A JSON object of which one parameter after the other is taken.
pub struct Params {
    fields: Map<String, Value>,
}

impl Params {
    /// Reads a body. An empty one is an object without parameters.
    pub fn parse(headers: &HeaderMap, body: &[u8]) -> Result<Self, Problem> {
        if let Some(kind) = headers.get(CONTENT_TYPE) {
            let kind = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
            if !kind.trim().eq_ignore_ascii_case("application/json") {
                return Err(Problem::invalid(
                    "content_type_invalid",
                    "Send the parameters as 'Content-Type: application/json'.",
                ));
            }
        }
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self { fields: Map::new() });
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => Ok(Self { fields }),
            Ok(_) => Err(Problem::invalid("json_invalid", "The body must be a JSON object.")),
            Err(error) => Err(Problem::invalid("json_invalid", format!("The body is not JSON: {error}."))),
        }
    }

    /// A parameter that was sent and is not null.
    fn take(&mut self, name: &str) -> Option<Value> {
        self.fields.remove(name).filter(|value| !value.is_null())
    }

    /// A string of 1 to `chars_max` characters, none of them a control character.
    pub fn optional_string(&mut self, name: &str, chars_max: usize) -> Result<Option<String>, Problem> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) if is_plain(&text, chars_max) && !text.is_empty() => Ok(Some(text)),
            Some(_) => Err(Problem::param(
                "parameter_invalid_string",
                name,
                format!("'{name}' must be a string of 1 to {chars_max} characters without control characters."),
            )),
        }
    }

    /// As [`Self::optional_string`], and it must be there.
    pub fn string(&mut self, name: &str, chars_max: usize) -> Result<String, Problem> {
        self.optional_string(name, chars_max)?.ok_or_else(|| missing(name))
    }

    /// A positive whole number of minor units.
    pub fn optional_amount(&mut self, name: &str) -> Result<Option<u64>, Problem> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => match value.as_u64() {
                Some(amount @ 1..=AMOUNT_MAX) => Ok(Some(amount)),
                _ => Err(Problem::param(
                    "parameter_invalid_integer",
                    name,
                    format!("'{name}' must be a whole number of minor units from 1 to {AMOUNT_MAX}."),
                )),
            },
        }
    }

    /// As [`Self::optional_amount`], and it must be there.
    pub fn amount(&mut self, name: &str) -> Result<u64, Problem> {
        self.optional_amount(name)?.ok_or_else(|| missing(name))
    }

    /// `true` or `false`.
    pub fn optional_bool(&mut self, name: &str) -> Result<Option<bool>, Problem> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(value)),
            Some(_) => {
                Err(Problem::param("parameter_invalid_boolean", name, format!("'{name}' must be true or false.")))
            }
        }
    }

    /// A string that `parse` understands.
    pub fn choice<T>(
        &mut self,
        name: &str,
        code: &'static str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, Problem> {
        let sent = self.take(name).ok_or_else(|| missing(name))?;
        sent.as_str().and_then(parse).ok_or_else(|| Problem::param(code, name, format!("'{name}' must be {expected}.")))
    }

    /// An object of strings.
    pub fn metadata(&mut self, name: &str) -> Result<BTreeMap<String, String>, Problem> {
        let invalid = |param: String| {
            Problem::param(
                "parameter_invalid_map",
                param,
                format!(
                    "'{name}' must be an object of at most {METADATA_KEYS_MAX} strings of at most \
                     {METADATA_VALUE_CHARS_MAX} characters, with keys of 1 to {METADATA_KEY_CHARS_MAX}."
                ),
            )
        };
        let fields = match self.take(name) {
            None => return Ok(BTreeMap::new()),
            Some(Value::Object(fields)) if fields.len() <= METADATA_KEYS_MAX => fields,
            Some(_) => return Err(invalid(name.to_owned())),
        };
        fields
            .into_iter()
            .map(|(key, value)| match value {
                Value::String(text)
                    if !key.is_empty()
                        && key.chars().count() <= METADATA_KEY_CHARS_MAX
                        && text.chars().count() <= METADATA_VALUE_CHARS_MAX =>
                {
                    Ok((key, text))
                }
                _ => Err(invalid(format!("{name}[{key}]"))),
            })
            .collect()
    }

    /// Refuses what nobody took.
    pub fn finish(self) -> Result<(), Problem> {
        match self.fields.into_iter().next() {
            None => Ok(()),
            Some((name, _)) => {
                Err(Problem::param("parameter_unknown", name.clone(), format!("Received unknown parameter: '{name}'.")))
            }
        }
    }
}

fn is_plain(text: &str, chars_max: usize) -> bool {
    text.chars().count() <= chars_max && !text.chars().any(char::is_control)
}

fn missing(name: &str) -> Problem {
    Problem::param("parameter_missing", name, format!("Missing required parameter: '{name}'."))
}
