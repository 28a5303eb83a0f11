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

/// A count with its thousands apart.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 * 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// A count where there is little room.
pub fn short(number: u64) -> String {
    let tenths = |unit: u64, name: &str| {
        let (whole, tenth) = (number / unit, number % unit / (unit / 10));
        if tenth == 0 || whole >= 100 { format!("{whole}{name}") } else { format!("{whole}.{tenth}{name}") }
    };
    match number {
        0..10_000 => number.to_string(),
        10_000..1_000_000 => tenths(1000, "k"),
        1_000_000..1_000_000_000 => tenths(1_000_000, "M"),
        _ => tenths(1_000_000_000, "G"),
    }
}

/// A time that something took.
pub fn duration(micros: u64) -> String {
    match micros {
        0..10_000 => format!("{micros} µs"),
        10_000..10_000_000 => format!("{} ms", micros / 1000),
        _ => format!("{} s", micros / 1_000_000),
    }
}

/// A size in bytes.
pub fn size(bytes: usize) -> String {
    if bytes < 1 << 20 { format!("{} kB", bytes.div_ceil(1024)) } else { format!("{} MB", bytes >> 20) }
}

/// A part of a whole in percent, never rounded to nothing or to everything.
pub fn percent(part: u64, whole: u64) -> String {
    let whole = u128::from(whole.max(1));
    match u128::from(part) * 100 {
        0 => "0 %".to_owned(),
        hundredfold if hundredfold < whole => "< 1 %".to_owned(),
        hundredfold if u128::from(part) < whole && hundredfold > whole * 99 => "> 99 %".to_owned(),
        hundredfold => format!("{} %", (hundredfold + whole / 2) / whole),
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
        assert_eq!([count(7), count(1234), count(1_234_567)], ["7", "1\u{202f}234", "1\u{202f}234\u{202f}567"]);
        assert_eq!([short(9999), short(12_345), short(1_000_000), short(250_400_000)], ["9999", "12.3k", "1M", "250M"]);
        assert_eq!([duration(9), duration(12_345), duration(12_000_000)], ["9 µs", "12 ms", "12 s"]);
        assert_eq!([size(1), size(27_582), size(18 << 20)], ["1 kB", "27 kB", "18 MB"]);
        let shares = [(0, 9), (1, 1000), (1, 3), (999, 1000), (5, 5)].map(|(part, whole)| percent(part, whole));
        assert_eq!(shares, ["0 %", "< 1 %", "33 %", "> 99 %", "100 %"]);
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
