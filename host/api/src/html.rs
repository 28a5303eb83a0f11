//! What all pages for people have in common.

use askama::Template;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};

use crate::problem::Problem;

/// Nothing from elsewhere, no script at all, forms to ourselves only.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);
/// The same with our own script, which may ask nobody but us.
const SCRIPTED_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'",
);
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// The style of every page.
const STYLE: &str = include_str!("../templates/style.css");
/// What the pages about plugins can do beyond forms and links.
const SCRIPT: &str = include_str!("../templates/console.js");
/// The mark in the browser's tab.
const ICON: &str = include_str!("../templates/icon.svg");

/// Puts the headers on that keep pages from being abused.
pub async fn guard(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(POLICY);
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// A page.
///
/// # Errors
/// Where the template cannot be written, which is a defect.
pub fn page(status: StatusCode, template: &impl Template) -> Result<Response, PageProblem> {
    let rendered = template.render();
    let text = rendered.map_err(|error| Problem::internal(format!("a page cannot be written: {error}")))?;
    Ok((status, Html(text)).into_response())
}

/// A page that uses our script.
///
/// # Errors
/// Where the template cannot be written, which is a defect.
pub fn scripted_page(status: StatusCode, template: &impl Template) -> Result<Response, PageProblem> {
    let mut response = page(status, template)?;
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, SCRIPTED_POLICY);
    Ok(response)
}

/// `GET /assets/style.css`
pub async fn style() -> Response {
    asset("text/css; charset=utf-8", STYLE)
}

/// `GET /assets/console.js`
pub async fn script() -> Response {
    asset("text/javascript; charset=utf-8", SCRIPT)
}

/// `GET /assets/icon.svg`
pub async fn icon() -> Response {
    asset("image/svg+xml", ICON)
}

fn asset(content_type: &'static str, text: &'static str) -> Response {
    ([(CONTENT_TYPE, content_type), (CACHE_CONTROL, "public, max-age=300")], text).into_response()
}

/// A refusal that is shown as a page.
#[derive(Debug)]
pub struct PageProblem(Problem);

impl<P: Into<Problem>> From<P> for PageProblem {
    fn from(problem: P) -> Self {
        Self(problem.into())
    }
}

/// Marks a response whose problem is written as a page.
#[derive(Debug, Clone, Copy)]
pub struct AsPage;

impl IntoResponse for PageProblem {
    fn into_response(self) -> Response {
        let mut response = self.0.into_response();
        response.extensions_mut().insert(AsPage);
        response
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'p> {
    title: &'p str,
    detail: &'p str,
    request_id: &'p str,
}

/// Writes a problem for people, with the headers that the response has already.
pub fn problem_page(problem: &Problem, request_id: &str, mut response: Response) -> Response {
    let page = ProblemPage { title: problem.code().title(), detail: problem.detail(), request_id };
    *response.body_mut() = page.render().unwrap_or_else(|_| problem.detail().to_owned()).into();
    *response.status_mut() = problem.code().status();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}
