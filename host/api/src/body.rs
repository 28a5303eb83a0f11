//! Takes in a JSON body: declared as JSON, bounded in size, well-formed.

use app::callbacks::BODY_BYTES_MAX as CALL_BYTES_MAX;
use app::plugins::COMPONENT_BYTES_MAX;
use axum::body::Body;
use axum::extract::{FromRef, FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;

use crate::json::Document;
use crate::problem::{Code, Problem};

/// The largest body, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyLimit(pub usize);

/// A body that must be there.
pub struct JsonBody(pub Document);

impl<S: Send + Sync> FromRequest<S> for JsonBody
where
    BodyLimit: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        declared_as_json(request.headers())?;
        let body = read(request, BodyLimit::from_ref(state)).await?;
        Document::parse(body).map(Self)
    }
}

/// A body that may be left out where all of its members are optional.
pub struct OptionalJsonBody(pub Document);

impl<S: Send + Sync> FromRequest<S> for OptionalJsonBody
where
    BodyLimit: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let declared = declared_as_json(request.headers());
        let body = read(request, BodyLimit::from_ref(state)).await?;
        if body.is_empty() {
            return Ok(Self(Document::empty_object()));
        }
        declared?;
        Document::parse(body).map(Self)
    }
}

/// A component: the body of `application/wasm`.
pub struct WasmBody(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for WasmBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        if essence(request.headers()) != "application/wasm" {
            let detail = "The body must be a component, declared as `application/wasm`.";
            return Err(Problem::new(Code::UnsupportedMediaType, detail));
        }
        read(request, BodyLimit(COMPONENT_BYTES_MAX)).await.map(Self)
    }
}

/// The most bytes of a body of many lines.
pub const LINES_BYTES_MAX: usize = 32 << 20;

/// JSON documents, one a line: the body of `application/x-ndjson`.
pub struct LinesBody(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for LinesBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let declared = essence(request.headers());
        if !["application/x-ndjson", "application/ndjson", "application/jsonl"].contains(&declared.as_str()) {
            let detail = "The body must be JSON documents, one a line, declared as `application/x-ndjson`.";
            return Err(Problem::new(Code::UnsupportedMediaType, detail));
        }
        read(request, BodyLimit(LINES_BYTES_MAX)).await.map(Self)
    }
}

/// The declared type without its parameters, in lower case; empty where none is declared.
fn essence(headers: &HeaderMap) -> String {
    let declared = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// A call of a provider or carrier: whatever it is, its bytes as they came.
pub struct CallBody(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for CallBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        read(request, BodyLimit(CALL_BYTES_MAX)).await.map(Self)
    }
}

/// `application/json`, or a type that ends in `+json`, with whatever parameters.
fn declared_as_json(headers: &HeaderMap) -> Result<(), Problem> {
    let essence = essence(headers);
    let is_json = essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"));
    if is_json {
        return Ok(());
    }
    let detail = match headers.contains_key(CONTENT_TYPE) {
        true => format!("The body is declared as {essence:?}; it must be `application/json`."),
        false => "The `Content-Type` header is missing; it must be `application/json`.".to_owned(),
    };
    Err(Problem::new(Code::UnsupportedMediaType, detail))
}

async fn read(request: Request, BodyLimit(limit): BodyLimit) -> Result<Bytes, Problem> {
    let too_large = || Problem::new(Code::BodyTooLarge, format!("The body must have at most {limit} bytes."));
    let declared: Option<u64> = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse().ok());
    if declared.is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    let mut stream = Body::into_data_stream(request.into_body());
    let mut whole = BytesMut::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| Problem::new(Code::BadRequest, format!("The body ended early: {error}.")))?;
        if whole.len() + chunk.len() > limit {
            return Err(too_large());
        }
        if whole.is_empty() && declared == Some(chunk.len() as u64) {
            return Ok(chunk);
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(content_type: Option<&str>, body: impl Into<Body>) -> Request {
        let builder = Request::builder().method("POST").uri("/");
        let builder = content_type.into_iter().fold(builder, |b, value| b.header(CONTENT_TYPE, value));
        builder.body(body.into()).unwrap()
    }

    async fn code(content_type: Option<&str>, body: impl Into<Body>) -> Option<Code> {
        JsonBody::from_request(request(content_type, body), &BodyLimit(10)).await.err().map(|p| p.code())
    }

    #[tokio::test]
    async fn only_bounded_json_is_taken_in() {
        for good in ["application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"] {
            assert_eq!(code(Some(good), "{}").await, None, "{good}");
        }
        for bad in
            [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("json"), Some("text/x+json")]
        {
            assert_eq!(code(bad, "{}").await, Some(Code::UnsupportedMediaType), "{bad:?}");
        }
        let json = Some("application/json");
        assert_eq!(code(json, "").await, Some(Code::MalformedJson));
        assert_eq!(code(json, "[12345678]").await, None);
        assert_eq!(code(json, "[123456789]").await, Some(Code::BodyTooLarge));
        let chunks = futures::stream::iter([Ok::<_, std::io::Error>("[1234"), Ok("56789]")]);
        assert_eq!(code(json, Body::from_stream(chunks)).await, Some(Code::BodyTooLarge));
        let broken = futures::stream::iter([Ok("[12"), Err(std::io::Error::other("gone"))]);
        assert_eq!(code(json, Body::from_stream(broken)).await, Some(Code::BadRequest));
    }

    #[tokio::test]
    async fn an_optional_body_needs_no_type() {
        let read = async |content_type, body: &'static str| {
            OptionalJsonBody::from_request(request(content_type, body), &BodyLimit(10)).await.err().map(|p| p.code())
        };
        assert_eq!(read(None, "").await, None);
        assert_eq!(read(Some("text/plain"), "").await, None);
        assert_eq!(read(None, "{}").await, Some(Code::UnsupportedMediaType));
        assert_eq!(read(Some("application/json"), "{").await, Some(Code::MalformedJson));
    }
}
