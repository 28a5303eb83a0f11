//! The one shape of every refusal: an RFC 9457 problem document.

mod code;

use axum::body::Body;
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};

pub use code::Code;

/// The media type of problem documents.
pub const MEDIA_TYPE: &str = "application/problem+json";
/// What `type` starts with; the code follows.
pub const TYPE_PREFIX: &str = "urn:orderwright:problem:";

/// One fault of a request, and where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// RFC 6901; into the body, or into the query's parameters seen as an object.
    pub pointer: String,
    /// What is wrong, for people.
    pub detail: String,
}

/// A refusal. The request id is put in by the middleware that frames every response.
#[derive(Debug, Clone)]
pub struct Problem(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    code: Code,
    detail: String,
    errors: Vec<Fault>,
    members: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<String>,
}

impl Problem {
    /// A refusal with a sentence about this occurrence.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            members: Map::new(),
            headers: Vec::new(),
            cause: None,
        }))
    }

    /// A defect: the cause goes to the log and never to the client.
    #[must_use]
    pub fn internal(cause: impl Into<String>) -> Self {
        let mut problem = Self::new(
            Code::InternalError,
            "The server met a condition that it did not expect. Its log has the details under the request id.",
        );
        problem.0.cause = Some(cause.into());
        problem
    }

    /// There is no such thing, or it is another merchant's.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "There is nothing at this address that this key may see.")
    }

    /// A refusal of faults, at least one.
    #[must_use]
    pub fn invalid(errors: Vec<Fault>) -> Self {
        let detail = match errors.as_slice() {
            [one] if one.pointer.is_empty() => format!("The body {}.", one.detail),
            [one] => format!("{} {}.", one.pointer, one.detail),
            many => format!("There are {} faults; see `errors`.", many.len()),
        };
        let mut problem = Self::new(Code::InvalidRequest, detail);
        problem.0.errors = errors;
        problem
    }

    /// Names the place of the fault.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        self.0.errors.push(Fault { pointer: pointer.into(), detail: detail.into() });
        self
    }

    /// Adds a member of its own.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.members.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a response header. Values that cannot stand in a header are left out.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: impl AsRef<str>) -> Self {
        if let Ok(value) = HeaderValue::from_str(value.as_ref()) {
            self.0.headers.push((name, value));
        }
        self
    }

    /// Says when to come back.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        self.header(header::RETRY_AFTER, seconds.to_string())
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The sentence about this occurrence.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// What the log should say, where there is more than the client sees.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// The document, with the id of its request.
    #[must_use]
    pub fn document(&self, request_id: &str) -> Value {
        let parts = &*self.0;
        let mut document = Map::new();
        let mut put = |name: &str, value: Value| document.insert(name.to_owned(), value);
        put("type", format!("{TYPE_PREFIX}{}", parts.code.name()).into());
        put("title", parts.code.title().into());
        put("status", parts.code.status().as_u16().into());
        put("detail", parts.detail.as_str().into());
        put("code", parts.code.name().into());
        put("request_id", request_id.into());
        if !parts.errors.is_empty() {
            let errors = parts.errors.iter().map(|e| {
                Value::Object(Map::from_iter([
                    ("pointer".to_owned(), e.pointer.as_str().into()),
                    ("detail".to_owned(), e.detail.as_str().into()),
                ]))
            });
            put("errors", errors.collect());
        }
        document.extend(parts.members.clone());
        Value::Object(document)
    }

    /// The response, with the id of its request. Headers that are there already (such as `Allow`) are kept.
    #[must_use]
    pub fn render(&self, request_id: &str, mut response: Response) -> Response {
        *response.status_mut() = self.0.code.status();
        *response.body_mut() = Body::from(self.document(request_id).to_string());
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_LENGTH);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        for (name, value) in &self.0.headers {
            headers.insert(name, value.clone());
        }
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.0.code.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_the_members_of_the_contract() {
        let problem = Problem::new(Code::OutOfStock, "Not enough.")
            .at("/items/0", "2 of A are asked for, 1 is available")
            .with("items", serde_json::json!([{"sku_id": "A", "requested": 2, "available": 1}]));
        let document = problem.document("req_1");
        assert_eq!(document["type"], "urn:orderwright:problem:out_of_stock");
        assert_eq!(document["status"], 422);
        assert_eq!(document["code"], "out_of_stock");
        assert_eq!(document["request_id"], "req_1");
        assert_eq!(document["errors"][0]["pointer"], "/items/0");
        assert_eq!(document["items"][0]["requested"], 2);
    }

    #[test]
    fn the_cause_of_a_defect_is_never_sent() {
        let problem = Problem::internal("disk I/O error at page 7");
        assert!(!problem.document("r").to_string().contains("page 7"));
        assert_eq!(problem.cause(), Some("disk I/O error at page 7"));
    }

    #[test]
    fn a_header_with_a_line_break_is_left_out() {
        let problem = Problem::not_found().header(header::LOCATION, "/a\r\nset-cookie: x");
        let response = problem.render("r", Response::new(Body::empty()));
        assert!(response.headers().get(header::LOCATION).is_none());
    }
}
