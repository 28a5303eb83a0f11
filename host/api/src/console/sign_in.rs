//! Signing in and out.

use askama::Template;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::http::header::{HeaderMap, SET_COOKIE};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::session;
use crate::Api;
use crate::html::{self, PageProblem};
use crate::problem::{Code, Problem};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    next: String,
    error: Option<&'static str>,
}

#[derive(Deserialize)]
pub struct Target {
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
pub struct Credentials {
    key: String,
    #[serde(default)]
    next: String,
}

/// `GET /sign-in`
pub async fn form(
    State(api): State<Api>,
    headers: HeaderMap,
    target: Result<Query<Target>, QueryRejection>,
) -> Result<Response, PageProblem> {
    let next = target.map(|Query(target)| target.next).unwrap_or_default();
    match session::caller(&api.app, &headers).await? {
        Some(_) => Ok(Redirect::to(safe(&next)).into_response()),
        None => html::page(StatusCode::OK, &SignInPage { next: safe(&next).to_owned(), error: None }),
    }
}

/// `POST /sign-in`
pub async fn submit(
    State(api): State<Api>,
    headers: HeaderMap,
    form: Result<Form<Credentials>, FormRejection>,
) -> Result<Response, PageProblem> {
    session::from_here(&headers)?;
    let Ok(Form(credentials)) = form else {
        return Err(Problem::new(Code::BadRequest, "The form came incomplete. Go back and send it again.").into());
    };
    let next = safe(&credentials.next).to_owned();
    let secret = credentials.key.trim().to_owned();
    let error = match api.app.authenticate(&secret).await? {
        Some(caller) if session::may_enter(&caller) => {
            tracing::info!(tenant = %caller.tenant(), key = %caller.key_id, "signed in to the console");
            let cookie = session::begin(&api, secret);
            return Ok(([(SET_COOKIE, cookie)], Redirect::to(&next)).into_response());
        }
        Some(_) => {
            "This key may not look at orders or plugins. It needs the scope support, admin, orders:read or plugins:write."
        }
        None => "This is not a valid key. Keys begin with ow_ and are shown once, when they are made.",
    };
    html::page(StatusCode::UNPROCESSABLE_ENTITY, &SignInPage { next, error: Some(error) })
}

/// `POST /sign-out`
pub async fn leave(State(api): State<Api>, headers: HeaderMap) -> Result<Response, PageProblem> {
    session::from_here(&headers)?;
    Ok(([(SET_COOKIE, session::end(&api))], Redirect::to("/sign-in")).into_response())
}

/// A path of our own; anything that could lead elsewhere becomes the first page.
fn safe(next: &str) -> &str {
    let ours = next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\r', '\n', '\t', '\0']);
    if ours { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere() {
        assert_eq!(safe("/console/orders/ord_1?a=b"), "/console/orders/ord_1?a=b");
        for bad in ["", "//evil", "/\\evil", "https://evil", "evil", "/\t/evil", "/a\r\nset-cookie: x"] {
            assert_eq!(safe(bad), "/", "{bad:?}");
        }
    }
}
