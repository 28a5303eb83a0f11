//! `ETag`, `If-None-Match`, `If-Match` and `Prefer`.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::header::{HeaderMap, HeaderName, IF_MATCH, IF_NONE_MATCH};
use axum::http::request::Parts;

use crate::problem::{Code, Problem};

/// Says which preferences were followed (RFC 7240).
pub const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
const PREFER: HeaderName = HeaderName::from_static("prefer");

/// The longest wait that a client may ask for.
pub const WAIT_SECONDS_MAX: u64 = 10;

/// The entity tag of a version.
#[must_use]
pub fn etag(version: u64) -> String {
    format!("\"{version}\"")
}

/// Whether the client has this version already.
#[must_use]
pub fn is_known(headers: &HeaderMap, version: u64) -> bool {
    let tag = etag(version);
    tags(headers, &IF_NONE_MATCH).any(|given| given == "*" || given.strip_prefix("W/").unwrap_or(given) == tag)
}

fn tags<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(',')).map(str::trim)
}

/// The version that a command is meant for; none where the client does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IfMatch(pub Option<u64>);

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        if_match(&parts.headers).map(Self)
    }
}

fn if_match(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let given: Vec<&str> = tags(headers, &IF_MATCH).collect();
    match given.as_slice() {
        [] if !headers.contains_key(IF_MATCH) => Ok(None),
        ["*"] => Ok(None),
        [tag] => {
            let version = tag.strip_prefix('"').and_then(|t| t.strip_suffix('"')).and_then(|t| t.parse().ok());
            version.map(Some).ok_or_else(|| {
                Problem::new(Code::PreconditionFailed, "The `If-Match` header is no `ETag` that this order ever had.")
            })
        }
        _ => Err(Problem::new(Code::BadRequest, "The `If-Match` header must hold one `ETag`.")),
    }
}

/// How long the client prefers to wait for a settled payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait(pub Option<Duration>);

impl Wait {
    /// What the answer says about it.
    #[must_use]
    pub fn applied(&self) -> Option<(HeaderName, String)> {
        self.0.map(|wait| (PREFERENCE_APPLIED, format!("wait={}", wait.as_secs())))
    }
}

impl<S: Sync> FromRequestParts<S> for Wait {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(wait(&parts.headers))
    }
}

/// A preference that is not understood is no error (RFC 7240); the first `wait` counts.
fn wait(headers: &HeaderMap) -> Wait {
    let seconds = tags(headers, &PREFER).find_map(|preference| {
        let preference = preference.split(';').next()?;
        let (name, value) = preference.split_once('=')?;
        let value = value.trim().trim_matches('"');
        let is_number = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
        (name.trim().eq_ignore_ascii_case("wait") && is_number).then(|| value.parse().unwrap_or(WAIT_SECONDS_MAX))
    });
    Wait(seconds.map(|seconds: u64| Duration::from_secs(seconds.min(WAIT_SECONDS_MAX))))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn a_known_version_is_recognised() {
        for known in ["\"3\"", "W/\"3\"", "\"1\", \"3\"", "*"] {
            assert!(is_known(&headers(IF_NONE_MATCH, known), 3), "{known}");
        }
        for other in ["\"4\"", "3", "\"33\""] {
            assert!(!is_known(&headers(IF_NONE_MATCH, other), 3), "{other}");
        }
        assert!(!is_known(&HeaderMap::new(), 3));
    }

    #[test]
    fn if_match_names_one_version() {
        let read = |value: &str| if_match(&headers(IF_MATCH, value)).map_err(|p| p.code());
        assert_eq!(if_match(&HeaderMap::new()).unwrap(), None);
        assert_eq!(read("*"), Ok(None));
        assert_eq!(read("\"7\""), Ok(Some(7)));
        for never in ["7", "W/\"7\"", "\"\"", "\"x\"", "\"99999999999999999999\""] {
            assert_eq!(read(never), Err(Code::PreconditionFailed), "{never}");
        }
        assert_eq!(read("\"7\", \"8\""), Err(Code::BadRequest));
    }

    #[test]
    fn prefer_is_read_leniently() {
        let read = |value: &str| wait(&headers(PREFER, value)).0.map(|wait| wait.as_secs());
        assert_eq!(read("wait=2"), Some(2));
        assert_eq!(read("respond-async, Wait = \"3\"; x=y"), Some(3));
        assert_eq!(read("wait=60"), Some(10));
        assert_eq!(read("wait=99999999999999999999999"), Some(10));
        for none in ["wait", "wait=", "wait=-1", "wait=abc", "wait=1.5", "return=minimal"] {
            assert_eq!(read(none), None, "{none}");
        }
        assert_eq!(wait(&headers(PREFER, "wait=60")).applied().unwrap().1, "wait=10");
    }
}
