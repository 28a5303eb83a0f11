//! Writes a value anew: compact as it stands, or canonical.

use std::collections::BTreeSet;

use serde_json::value::RawValue;

use super::number::Number;
use super::{Elements, Kind, Text, kind, split_array, split_object};

/// How deep metadata may be nested.
const METADATA_DEPTH_MAX: usize = 16;
/// How deep a body may be nested whose canonical form is wanted: metadata within an order.
const BODY_DEPTH_MAX: usize = METADATA_DEPTH_MAX + 4;

/// Why a value is not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refused {
    TooDeep(usize),
    TooLong(usize),
    Repeated(String),
    Nul,
    NoText,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooDeep(max) => write!(f, "must not be nested deeper than {max} levels"),
            Self::TooLong(max) => write!(f, "must have at most {max} bytes as compact JSON"),
            Self::Repeated(name) => write!(f, "has the field {name:?} twice"),
            Self::Nul => f.write_str("must not contain the character U+0000"),
            Self::NoText => f.write_str("has an escape sequence that is no character"),
        }
    }
}

#[derive(Clone, Copy)]
struct Style {
    canonical: bool,
    depth_max: usize,
}

/// The value without white space, its order and numbers kept.
pub(super) fn compact(raw: &RawValue, bytes_max: usize) -> Result<String, Refused> {
    let mut out = Vec::new();
    write(raw, Style { canonical: false, depth_max: METADATA_DEPTH_MAX }, 0, &mut out)?;
    if out.len() > bytes_max {
        return Err(Refused::TooLong(bytes_max));
    }
    String::from_utf8(out).map_err(|_| Refused::NoText)
}

/// The value without white space, keys sorted and numbers normalised.
pub(super) fn canonical(raw: &RawValue) -> Result<String, Refused> {
    let mut out = Vec::with_capacity(raw.get().len());
    write(raw, Style { canonical: true, depth_max: BODY_DEPTH_MAX }, 0, &mut out)?;
    String::from_utf8(out).map_err(|_| Refused::NoText)
}

fn write(raw: &RawValue, style: Style, depth: usize, out: &mut Vec<u8>) -> Result<(), Refused> {
    match kind(raw) {
        Kind::Object | Kind::Array if depth >= style.depth_max => Err(Refused::TooDeep(style.depth_max)),
        Kind::Object => write_object(raw, style, depth, out),
        Kind::Array => {
            let Elements { kept, .. } = split_array(raw, usize::MAX).map_err(|_| Refused::NoText)?;
            out.push(b'[');
            for (index, element) in kept.into_iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(element, style, depth + 1, out)?;
            }
            out.push(b']');
            Ok(())
        }
        Kind::Text => {
            let Text(text) = serde_json::from_str(raw.get()).map_err(|_| Refused::NoText)?;
            write_text(&text, out)
        }
        Kind::Number if style.canonical => {
            out.extend_from_slice(Number::parse(raw.get()).canonical().as_bytes());
            Ok(())
        }
        Kind::Number | Kind::Boolean | Kind::Null => {
            out.extend_from_slice(raw.get().as_bytes());
            Ok(())
        }
    }
}

fn write_object(raw: &RawValue, style: Style, depth: usize, out: &mut Vec<u8>) -> Result<(), Refused> {
    let mut fields = split_object(raw, usize::MAX).map_err(|_| Refused::NoText)?.kept;
    let mut seen = BTreeSet::new();
    if let Some((repeated, _)) = fields.iter().find(|(name, _)| !seen.insert(name.as_ref())) {
        return Err(Refused::Repeated(repeated.chars().take(100).collect()));
    }
    if style.canonical {
        fields.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    }
    out.push(b'{');
    for (index, (name, value)) in fields.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_text(&name, out)?;
        out.push(b':');
        write(value, style, depth + 1, out)?;
    }
    out.push(b'}');
    Ok(())
}

fn write_text(text: &str, out: &mut Vec<u8>) -> Result<(), Refused> {
    if text.contains('\0') {
        return Err(Refused::Nul);
    }
    serde_json::to_writer(out, text).map_err(|_| Refused::NoText)
}
