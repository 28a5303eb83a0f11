//! JSON whose decimals stay the text that was sent: `69.90` must not become the float 69.9.

use serde_json::Value;

/// Reads JSON. Numbers with a point or an exponent become strings with their own text.
///
/// # Errors
/// Where it is no JSON.
pub fn parse(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(&quoted(text))
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => string_length(rest),
            '-' | '0'..='9' => rest.find(|c: char| !"+-.eE0123456789".contains(c)).unwrap_or(rest.len()),
            other => other.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        let is_decimal = first != '"' && token.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        if is_decimal && token.contains(['.', 'e', 'E']) {
            out.extend(["\"", token, "\""]);
        } else {
            out.push_str(token);
        }
        rest = after;
    }
    out
}

/// The length of the string at the start, with both quotes.
fn string_length(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// An amount as minor units, whatever the currency: amounts are written with exactly its digits.
///
/// # Panics
/// Where the value is no amount.
#[must_use]
pub fn minor(amount: &Value) -> i64 {
    let text = amount.as_str().map_or_else(|| amount.to_string(), str::to_owned);
    text.replace('.', "").parse().unwrap_or_else(|_| panic!("{amount} is no amount"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn decimals_keep_their_digits() {
        let value = parse(r#"{"a": 69.90, "b": [1, -2.5, 1e3], "c\"1.5": "x 1.5 \\", "d": "é\\\"2.0"}"#).unwrap();
        assert_eq!(value, json!({"a": "69.90", "b": [1, "-2.5", "1e3"], "c\"1.5": "x 1.5 \\", "d": "é\\\"2.0"}));
        assert!(parse("{\"a\": 1.5").is_err());
        assert!(parse("\"open").is_err());
    }

    #[test]
    fn amounts_are_compared_in_minor_units() {
        assert_eq!(minor(&json!("69.90")), 6990);
        assert_eq!(minor(&json!("-0.05")), -5);
        assert_eq!(minor(&json!(2999)), 2999);
    }
}
