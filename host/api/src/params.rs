//! Reads the parameters of a query string, with every fault named at once.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use domain::time::{Date, Timestamp};

use crate::json::parse_date;
use crate::problem::{Code, Fault, Problem};

/// How many rows a page has where the client does not say.
pub const LIMIT_DEFAULT: u32 = 50;
/// The most rows of a page.
pub const LIMIT_MAX: u32 = 200;

/// The parameters of a query string. Each is asked for by name, and what nobody asked for is refused.
#[derive(Debug, Default)]
pub struct Params {
    pairs: Vec<(String, String)>,
    asked: Vec<&'static str>,
    faults: Vec<Fault>,
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        let Query(pairs) = pairs.map_err(|error| Problem::new(Code::BadRequest, format!("{error}.")))?;
        Ok(Self { pairs, ..Self::default() })
    }
}

impl Params {
    /// Reads a parameter that may be absent; an empty one counts as absent.
    pub fn optional<T, E: ToString>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        self.asked.push(name);
        let mut given = self.pairs.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_str());
        let value = given.next()?;
        let fault = if given.next().is_some() {
            "is given twice".to_owned()
        } else if value.is_empty() {
            return None;
        } else if value.chars().any(char::is_control) {
            "must not contain control characters".to_owned()
        } else {
            match parse(value) {
                Ok(value) => return Some(value),
                Err(why) => why.to_string(),
            }
        };
        self.faults.push(Fault { pointer: format!("/{name}"), detail: fault });
        None
    }

    /// Reads a parameter that must be there; where it is missing or wrong, [`Self::finish`] says so.
    pub fn required<T, E: ToString>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let faults = self.faults.len();
        let value = self.optional(name, parse);
        if value.is_none() && self.faults.len() == faults {
            self.faults.push(Fault { pointer: format!("/{name}"), detail: "is required".to_owned() });
        }
        value
    }

    /// Reads a parameter as the text that it is.
    pub fn text(&mut self, name: &'static str) -> Option<String> {
        self.optional(name, |text| Ok::<_, String>(text.to_owned()))
    }

    /// Reads `limit`.
    pub fn limit(&mut self) -> u32 {
        let parse = |text: &str| {
            let limit = text.parse::<u32>().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
            limit.ok_or(format!("must be a whole number from 1 to {LIMIT_MAX}"))
        };
        self.optional("limit", parse).unwrap_or(LIMIT_DEFAULT)
    }

    /// Refuses what is wrong and what is not known.
    ///
    /// # Errors
    /// 422 `invalid_request` with every fault.
    pub fn finish(mut self) -> Result<(), Problem> {
        let known = if self.asked.is_empty() { "none".to_owned() } else { self.asked.join(", ") };
        for (name, _) in self.pairs.iter().filter(|(name, _)| !self.asked.contains(&name.as_str())) {
            let short: String = name.chars().take(100).collect();
            let pointer = format!("/{}", short.replace('~', "~0").replace('/', "~1"));
            self.faults.push(Fault { pointer, detail: format!("is unknown; known are {known}") });
        }
        if self.faults.is_empty() { Ok(()) } else { Err(Problem::invalid(self.faults)) }
    }
}

/// Reads a moment: RFC 3339, or a day, which stands for its first moment in UTC.
///
/// # Errors
/// Answers a sentence that says what is expected.
pub fn parse_from(text: &str) -> Result<Timestamp, &'static str> {
    parse_moment(text, Some)
}

/// Reads a moment that is the end of a span: a day stands for the first moment of the next, so that it is included.
///
/// # Errors
/// Answers a sentence that says what is expected.
pub fn parse_to(text: &str) -> Result<Timestamp, &'static str> {
    parse_moment(text, |day| day.tomorrow().ok())
}

fn parse_moment(text: &str, bound: impl FnOnce(Date) -> Option<Date>) -> Result<Timestamp, &'static str> {
    let expected = "must be a time such as 2026-03-18T09:30:00Z or a day such as 2026-03-18";
    let Ok(day) = parse_date(text) else {
        // A plus sign of an offset arrives as a space where the client did not encode it.
        return text.replace(' ', "+").parse().map_err(|_| expected);
    };
    let midnight = bound(day).and_then(|day| day.to_zoned(jiff::tz::TimeZone::UTC).ok());
    midnight.map(|moment| Timestamp::from_micros(moment.timestamp().as_microsecond())).ok_or(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(query: &str) -> Params {
        let uri = format!("/?{query}").parse().unwrap();
        let Query(pairs) = Query::try_from_uri(&uri).unwrap();
        Params { pairs, ..Params::default() }
    }

    fn pointers(problem: &Problem) -> Vec<String> {
        let document = problem.document("r");
        document["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn limits_are_bounded() {
        for (query, expected) in [("", 50), ("limit=1", 1), ("limit=200", 200), ("limit=", 50)] {
            let mut params = params(query);
            assert_eq!(params.limit(), expected, "{query}");
            params.finish().unwrap();
        }
        for bad in ["limit=0", "limit=201", "limit=-1", "limit=x", "limit=1.5", "limit=1&limit=2"] {
            let mut params = params(bad);
            params.limit();
            assert_eq!(pointers(&params.finish().unwrap_err()), ["/limit"], "{bad}");
        }
    }

    #[test]
    fn unknown_parameters_are_refused_beside_wrong_ones() {
        let mut params = params("limit=0&stauts=shipped&a~b/c=1");
        params.limit();
        assert_eq!(pointers(&params.finish().unwrap_err()), ["/limit", "/stauts", "/a~0b~1c"]);
    }

    #[test]
    fn a_day_is_included_whole() {
        assert_eq!(parse_from("2026-03-18").unwrap(), "2026-03-18T00:00:00Z".parse().unwrap());
        assert_eq!(parse_to("2026-03-18").unwrap(), "2026-03-19T00:00:00Z".parse().unwrap());
        assert_eq!(parse_from("2026-03-18T01:00:00 01:00").unwrap(), "2026-03-18T00:00:00Z".parse().unwrap());
        for bad in ["2026-3-18", "2026-02-30", "yesterday", "2026-03-18T10:00", "9999-99-99"] {
            assert!(parse_from(bad).is_err() && parse_to(bad).is_err(), "{bad}");
        }
    }
}
