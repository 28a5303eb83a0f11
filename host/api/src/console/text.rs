//! How things are written on the console's pages.

use domain::money::Currency;
use domain::time::Timestamp;

/// An amount with its currency.
pub fn money(currency: Currency, minor: i64) -> String {
    format!("{} {currency}", currency.format_minor(minor))
}

/// A moment for people, in UTC and to the second.
pub fn time(moment: Timestamp) -> String {
    let text = moment.to_string();
    text.get(..19).unwrap_or(&text).replace('T', " ")
}

/// A name of the API in words: `payment_pending` is "payment pending".
pub fn words(name: &str) -> String {
    name.replace(['_', '.'], " ")
}

/// How a status is coloured: good, waiting, bad or over.
pub fn tone(status: &str) -> &'static str {
    match status {
        "payment_confirmed" | "shipped" | "out_for_delivery" | "delivered" | "captured" | "authorized"
        | "in_transit" => "good",
        "payment_failed" | "failed" | "unknown" | "exception" => "bad",
        "cancelled" | "returned" | "refunded" | "voided" | "partially_refunded" => "over",
        _ => "waiting",
    }
}

/// JSON, indented, with every number as it was written; what is no JSON stays as it is.
pub fn pretty(json: &str) -> String {
    if serde_json::from_str::<serde::de::IgnoredAny>(json).is_err() {
        return json.to_owned();
    }
    let mut out = String::with_capacity(json.len() * 2);
    let (mut depth, mut in_text, mut escaped) = (0usize, false, false);
    let mut chars = json.chars().filter(|c| !c.is_control()).peekable();
    while let Some(c) = chars.next() {
        if in_text {
            out.push(c);
            in_text = escaped || c != '"';
            escaped = c == '\\' && !escaped;
            continue;
        }
        match c {
            ' ' => {}
            '"' => {
                in_text = true;
                out.push(c);
            }
            '{' | '[' => {
                out.push(c);
                while chars.next_if_eq(&' ').is_some() {}
                if let Some(end) = chars.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(end);
                } else {
                    depth += 1;
                    new_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            other => out.push(other),
        }
    }
    out
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

/// A policy's log, a line each; what is no log stays as it is.
pub fn log_lines(json: &str) -> Vec<String> {
    #[derive(serde::Deserialize)]
    struct Line {
        level: String,
        message: String,
    }
    match serde_json::from_str::<Vec<Line>>(json) {
        Ok(lines) => lines.into_iter().map(|line| format!("{}: {}", line.level, line.message)).collect(),
        Err(_) => vec![json.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_are_written_for_people() {
        assert_eq!(money("JPY".parse().unwrap(), 2999), "2999 JPY");
        assert_eq!(time(Timestamp::from_micros(1_770_000_000_000_120)), "2026-02-02 02:40:00");
        assert_eq!(words("payment_pending"), "payment pending");
        assert_eq!(pretty("no json"), "no json");
        assert_eq!(log_lines(r#"[{"level":"info","message":"two plans"}]"#), ["info: two plans"]);
        assert_eq!(log_lines("oops"), ["oops"]);
    }

    #[test]
    fn json_is_indented_and_its_numbers_kept() {
        let json = r#"{"a":0.00, "b":[ ],"c":[1,"x{\"],}\\"],"d":{"e":1e400}}"#;
        let expected = "{\n  \"a\": 0.00,\n  \"b\": [],\n  \"c\": [\n    1,\n    \"x{\\\"],}\\\\\"\n  ],\n  \"d\": {\n    \"e\": 1e400\n  }\n}";
        assert_eq!(pretty(json), expected);
    }
}
