//! Who is signed in. The cookie holds the key, sealed with the server's own: a removed key ends its sessions at once,
//! and nothing has to be kept on the server.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use app::App;
use app::merchant::{Caller, Scope};
use axum::extract::FromRequestParts;
use axum::http::Method;
use axum::http::header::{COOKIE, HOST, HeaderMap, HeaderValue, ORIGIN};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use super::Frame;
use crate::html::PageProblem;
use crate::problem::{Code, Problem};
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

/// Somebody who is signed in and may upload and bind plugins.
pub struct Author(pub Arc<Caller>);

/// What lets somebody look at orders.
const ORDERS: [Scope; 3] = [Scope::Support, Scope::Admin, Scope::OrdersRead];

impl SignedIn {
    /// What every page shows of whom.
    pub(super) fn frame(&self) -> Frame {
        frame(&self.0, "orders")
    }

    /// Whether this is an [`Author`] too.
    pub fn may_replay(&self) -> bool {
        self.0.has(Scope::PluginsWrite)
    }
}

impl Author {
    /// What every page shows of whom.
    pub(super) fn frame(&self) -> Frame {
        frame(&self.0, "plugins")
    }
}

fn frame(caller: &Caller, here: &'static str) -> Frame {
    Frame {
        merchant: caller.merchant.name.clone(),
        key_name: caller.name.clone(),
        has_orders: may_see_orders(caller),
        has_plugins: caller.has(Scope::PluginsWrite),
        here,
    }
}

impl FromRequestParts<Api> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Response> {
        let caller = signed_in(parts, api).await?;
        match may_see_orders(&caller) {
            true => Ok(Self(caller)),
            false if parts.uri.path() == "/" => Err(Redirect::to("/plugins").into_response()),
            false => Err(lacking("support`, `admin` or `orders:read")),
        }
    }
}

impl FromRequestParts<Api> for Author {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Response> {
        let caller = signed_in(parts, api).await?;
        if caller.has(Scope::PluginsWrite) { Ok(Self(caller)) } else { Err(lacking("plugins:write")) }
    }
}

fn lacking(scopes: &str) -> Response {
    let detail = format!("This needs a key with the scope `{scopes}`.");
    PageProblem::from(Problem::new(Code::Forbidden, detail)).into_response()
}

/// Whoever is signed in; who is not is led to where one signs in, and from there back.
async fn signed_in(parts: &Parts, api: &Api) -> Result<Arc<Caller>, Response> {
    match caller(&api.app, &parts.headers).await {
        Ok(Some(caller)) => {
            tracing::Span::current().record("tenant", tracing::field::display(caller.tenant()));
            Ok(caller)
        }
        Ok(None) => {
            // What was sent with a form is lost: its address shows nothing by itself.
            let asked = parts.uri.path_and_query().filter(|_| parts.method == Method::GET);
            let next = utf8_percent_encode(asked.map_or("/", |path| path.as_str()), VALUE);
            Err(Redirect::to(&format!("/sign-in?next={next}")).into_response())
        }
        Err(problem) => Err(problem.into_response()),
    }
}

fn may_see_orders(caller: &Caller) -> bool {
    ORDERS.into_iter().any(|scope| caller.has(scope))
}

/// Whether a key opens any page of the console.
pub fn may_enter(caller: &Caller) -> bool {
    may_see_orders(caller) || caller.has(Scope::PluginsWrite)
}

/// Who is signed in, if anybody is.
///
/// # Errors
/// Where the store cannot be read.
pub async fn caller(app: &App, headers: &HeaderMap) -> Result<Option<Arc<Caller>>, PageProblem> {
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

/// Refuses a form that was not sent from one of our own pages.
///
/// # Errors
/// 403 `forbidden`.
pub fn from_here(headers: &HeaderMap) -> Result<(), PageProblem> {
    if is_from_here(headers) {
        return Ok(());
    }
    Err(Problem::new(Code::Forbidden, "This form was not sent from the console itself.").into())
}

/// Whether a form was sent from one of our own pages. Browsers say so in `Sec-Fetch-Site` or `Origin`; what sends
/// neither is no browser, and has no cookies to be abused.
fn is_from_here(headers: &HeaderMap) -> bool {
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
