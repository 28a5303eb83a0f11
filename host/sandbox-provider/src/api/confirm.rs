//! `/confirm/{id}`: the page on which the customer of a `pm_action` payment confirms or refuses.

use super::path;
use crate::ids::IntentId;
use crate::intent::{Intent, Status};
use crate::problem::Problem;
use crate::provider::{Confirmed, Provider, has_token};
use axum::extract::rejection::{FormRejection, PathRejection, QueryRejection};
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::response::{Html, IntoResponse, Redirect, Response};
use iso_currency::Currency;
use serde::Deserialize;

/// The query of the page.
#[derive(Debug, Deserialize)]
pub struct PageQuery {
    token: String,
}

/// The form of the page.
#[derive(Debug, Deserialize)]
pub struct AnswerForm {
    token: String,
    answer: Choice,
}

/// Which button was pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// Pay.
    Confirm,
    /// Do not pay.
    Refuse,
}

type Id = Result<Path<String>, PathRejection>;

/// Shows the payment, with the two buttons while it waits for them.
pub async fn page(
    State(provider): State<Provider>,
    id: Id,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Ok(Query(PageQuery { token })) = query else {
        return Ok(unknown());
    };
    let id = IntentId::from_client(path(id)?);
    let found = provider.read(move |ledger| ledger.intent(&id)).await?;
    Ok(match found.filter(|intent| has_token(intent, &token)) {
        Some(intent) => html(StatusCode::OK, &payment(&intent, &token)),
        None => unknown(),
    })
}

/// Takes the customer's answer.
pub async fn answer(
    State(provider): State<Provider>,
    id: Id,
    form: Result<Form<AnswerForm>, FormRejection>,
) -> Result<Response, Problem> {
    let Ok(Form(form)) = form else {
        return Ok(html(StatusCode::BAD_REQUEST, "<h1>The form could not be read</h1>"));
    };
    let id = IntentId::from_client(path(id)?);
    let location = format!("/confirm/{id}?token={}", form.token);
    let confirmed = form.answer == Choice::Confirm;
    Ok(match provider.confirm(id, form.token, confirmed).await? {
        Confirmed::Done => Redirect::to(&location).into_response(),
        Confirmed::Refused(refusal) => {
            html(StatusCode::CONFLICT, &format!("<h1>Too late</h1><p>Refused: {}.</p>", escape(&refusal.to_string())))
        }
        Confirmed::Unknown => unknown(),
    })
}

fn payment(intent: &Intent, token: &str) -> String {
    let facts = format!(
        "<dl><dt>Amount</dt><dd>{}</dd><dt>Reference</dt><dd>{}</dd></dl>",
        escape(&amount(intent)),
        escape(&intent.reference)
    );
    match intent.status {
        Status::RequiresAction => format!(
            "<h1>Confirm your payment</h1>{facts}\
             <form method=\"post\" action=\"/confirm/{}\">\
             <input type=\"hidden\" name=\"token\" value=\"{}\">\
             <button name=\"answer\" value=\"confirm\">Confirm</button> \
             <button name=\"answer\" value=\"refuse\">Refuse</button></form>",
            escape(intent.id.as_str()),
            escape(token)
        ),
        Status::Failed => format!(
            "<h1>Payment failed</h1>{facts}<p>{}</p>",
            intent.last_error.map_or("", |decline| decline.message())
        ),
        Status::Canceled => format!("<h1>Payment canceled</h1>{facts}<p>Nothing was charged.</p>"),
        Status::Processing | Status::RequiresCapture | Status::Succeeded => {
            format!("<h1>Payment confirmed</h1>{facts}<p>You can close this page.</p>")
        }
    }
}

/// The amount for people: `12.50 EUR`.
fn amount(intent: &Intent) -> String {
    let digits = Currency::from_code(&intent.currency).and_then(Currency::exponent).map_or(0, usize::from);
    let padded = format!("{:0width$}", intent.amount, width = digits + 1);
    let (whole, fraction) = padded.split_at(padded.len() - digits);
    let point = if digits > 0 { "." } else { "" };
    format!("{whole}{point}{fraction} {}", intent.currency)
}

fn unknown() -> Response {
    html(StatusCode::NOT_FOUND, "<h1>No such payment</h1><p>The link is wrong or incomplete.</p>")
}

fn html(status: StatusCode, content: &str) -> Response {
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Sandbox payment</title><style>body{{font:1rem/1.5 system-ui,sans-serif;max-width:32rem;\
         margin:3rem auto;padding:0 1rem}}dt{{color:#555}}dd{{margin:0 0 .5rem;font-weight:600}}\
         button{{font:inherit;padding:.5rem 1.25rem}}</style></head><body><main>{content}\
         <p><small>This is a sandbox: no money moves.</small></p></main></body></html>"
    );
    let headers = [
        (CACHE_CONTROL, "no-store"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
        ),
        // The URL holds the token.
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, Html(page)).into_response()
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
