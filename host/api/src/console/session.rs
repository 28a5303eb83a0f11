//! Who is signed in. The cookie holds the key, sealed with the server's own: a removed key ends its sessions at once,
//! and nothing has to be kept on the server.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use app::App;
use app::merchant::{Caller, Scope};
use axum::extract::FromRequestParts;
use axum::http::header::{COOKIE, HOST, HeaderMap, HeaderValue, ORIGIN};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use super::Frame;
use crate::html::PageProblem;
use crate::{Api, cursor};

const COOKIE_NAME: &str = "ow_session";
const KIND: &str = "session";
/// A working day, and not the night after it.
const SECONDS_MAX: u64 = 12 * 60 * 60;

/// In a query's value: everything that could end it.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

#[derive(Serialize, Deserialize)]
struct Session {
    secret: String,
    until: u64,
}

/// Somebody who is signed in and may look at orders.
pub struct SignedIn(pub Arc<Caller>);

impl SignedIn {
    /// What every page shows of whom.
    pub(super) fn frame(&self) -> Frame {
        Frame { merchant: self.0.merchant.name.clone(), key_name: self.0.name.clone() }
    }
}

impl FromRequestParts<Api> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Response> {
        match caller(&api.app, &parts.headers).await {
            Ok(Some(caller)) => {
                tracing::Span::current().record("tenant", tracing::field::display(caller.tenant()));
                Ok(Self(caller))
            }
            Ok(None) => {
                let wanted = parts.uri.path_and_query().map_or("/", |path| path.as_str());
                let next = utf8_percent_encode(wanted, VALUE);
                Err(Redirect::to(&format!("/sign-in?next={next}")).into_response())
            }
            Err(problem) => Err(problem.into_response()),
        }
    }
}

/// Whether a key may look at orders in the console.
pub fn may_enter(caller: &Caller) -> bool {
    [Scope::Support, Scope::Admin, Scope::OrdersRead].into_iter().any(|scope| caller.has(scope))
}

async fn caller(app: &App, headers: &HeaderMap) -> Result<Option<Arc<Caller>>, PageProblem> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(';'));
    let mut ours = cookies.filter_map(|cookie| cookie.trim().split_once('=')).filter(|(name, _)| *name == COOKIE_NAME);
    let session: Option<Session> = ours.find_map(|(_, value)| cursor::open(app, KIND, None, value));
    let Some(session) = session.filter(|session| session.until > now()) else { return Ok(None) };
    Ok(app.authenticate(&session.secret).await?.filter(|caller| may_enter(caller)))
}

/// The cookie that signs somebody in.
pub fn begin(api: &Api, secret: String) -> HeaderValue {
    let value = cursor::seal(&api.app, KIND, None, Session { secret, until: now() + SECONDS_MAX });
    cookie(api, &value, SECONDS_MAX)
}

/// The cookie that signs somebody out.
pub fn end(api: &Api) -> HeaderValue {
    cookie(api, "", 0)
}

fn cookie(api: &Api, value: &str, seconds: u64) -> HeaderValue {
    let secure = if api.options.secure_cookies { "; Secure" } else { "" };
    let text = format!("{COOKIE_NAME}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::from_str(&text).expect("a sealed value is URL-safe text")
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Whether a form was sent from one of our own pages. Browsers say so in `Sec-Fetch-Site` or `Origin`; what sends
/// neither is no browser, and has no cookies to be abused.
pub fn is_from_here(headers: &HeaderMap) -> bool {
    let text = |value: Option<&HeaderValue>| value.and_then(|value| value.to_str().ok()).map(str::to_owned);
    if let Some(site) = text(headers.get("sec-fetch-site")) {
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = text(headers.get(ORIGIN)) else { return !headers.contains_key(ORIGIN) };
    let host = text(headers.get(HOST));
    origin.split_once("://").is_some_and(|(_, authority)| host.as_deref() == Some(authority))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    #[test]
    fn forms_from_elsewhere_are_recognised() {
        let from = |headers: &[(&'static str, &'static str)]| {
            let pairs = headers.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v)));
            is_from_here(&pairs.collect())
        };
        assert!(from(&[("sec-fetch-site", "same-origin"), ("origin", "null")]));
        assert!(from(&[("origin", "http://a:1"), ("host", "a:1")]));
        assert!(from(&[("host", "a:1")]));
        assert!(!from(&[("sec-fetch-site", "cross-site")]));
        assert!(!from(&[("sec-fetch-site", "same-site"), ("origin", "http://a:1"), ("host", "a:1")]));
        assert!(!from(&[("origin", "http://evil"), ("host", "a:1")]));
        assert!(!from(&[("origin", "null"), ("host", "a:1")]));
    }
}
