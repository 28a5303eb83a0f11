//! What surrounds every request: its id, its span and metrics, the time-out, the last net for panics, what becomes of a
//! body that nobody reads, and the one place where problems are written and defects are logged.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use futures::FutureExt;
use tracing::Instrument;

use crate::drain;
use crate::html::{AsPage, problem_page};
use crate::problem::{Code, Problem};

/// Carries the request id in both directions.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// A client's own id is taken over up to this length; longer ones are no ids.
const REQUEST_ID_LEN_MAX: usize = 128;

/// The id of a request, for answers that name it in their body.
#[derive(Debug, Clone)]
pub struct RequestId(pub Arc<str>);

/// The outermost middleware.
pub async fn frame(State(time_out): State<Duration>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id: Arc<str> = request_id(&request).into();
    request.extensions_mut().insert(RequestId(Arc::clone(&id)));
    let method = request.method().clone();
    let path = request.extensions().get::<MatchedPath>().map_or("unmatched", |path| path.as_str()).to_owned();
    let span = tracing::info_span!(
        "request",
        request_id = %id,
        %method,
        path = request.uri().path(),
        tenant = tracing::field::Empty,
        key = tracing::field::Empty,
    );
    let traceparent = request.headers().get("traceparent").and_then(|v| v.to_str().ok()).map(str::to_owned);
    let guarded = AssertUnwindSafe(next.run(drain::watch(request))).catch_unwind();
    async move {
        let response = match tokio::time::timeout(time_out, guarded).await {
            Ok(Ok(response)) => response,
            Ok(Err(panic)) => respond(Problem::internal(format!("a handler panicked: {}", panic_message(&*panic)))),
            Err(_) => respond(timed_out(time_out)),
        };
        let response = finish(response, &id);
        report(&method, &path, response.status(), started.elapsed(), traceparent.as_deref());
        response
    }
    .instrument(span)
    .await
}

fn respond(problem: Problem) -> Response {
    axum::response::IntoResponse::into_response(problem)
}

fn timed_out(time_out: Duration) -> Problem {
    let detail = format!(
        "There was no answer within {} seconds. What was asked for may have happened: repeat it with the same Idempotency-Key.",
        time_out.as_secs()
    );
    Problem::new(Code::Timeout, detail).retry_after(1)
}

/// Takes over a sane id of the client's, or makes one.
fn request_id(request: &Request) -> String {
    let sane = |id: &&str| {
        (1..=REQUEST_ID_LEN_MAX).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b))
    };
    let given = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(sane);
    given.map_or_else(|| format!("req_{}", uuid::Uuid::now_v7().simple()), str::to_owned)
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("?")
}

/// Writes the problem, if the response is one, and puts the request id on it.
fn finish(mut response: Response, id: &str) -> Response {
    let status = response.status();
    let problem = response.extensions_mut().remove::<Problem>().or_else(|| bare_problem(&response));
    if let Some(problem) = problem {
        log_defect(&problem);
        let as_page = response.extensions_mut().remove::<AsPage>().is_some();
        response = if as_page { problem_page(&problem, id, response) } else { problem.render(id, response) };
    } else if status.is_server_error() {
        tracing::error!(%status, "a request failed on the server");
    }
    if let Ok(value) = HeaderValue::from_str(id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// What a client is not told goes to the log.
pub fn log_defect(problem: &Problem) {
    if let Some(cause) = problem.cause() {
        tracing::error!(cause, code = problem.code().name(), "a request failed on the server");
    }
}

/// Refusals that the router makes by itself have no document yet.
fn bare_problem(response: &Response) -> Option<Problem> {
    if response.headers().contains_key(CONTENT_TYPE) && response.status() != StatusCode::BAD_REQUEST {
        return None;
    }
    match response.status() {
        StatusCode::METHOD_NOT_ALLOWED => {
            Some(Problem::new(Code::MethodNotAllowed, "The `Allow` header lists the methods that this address knows."))
        }
        StatusCode::NOT_FOUND => Some(Problem::new(Code::NotFound, "There is nothing at this address.")),
        StatusCode::PAYLOAD_TOO_LARGE => Some(Problem::new(Code::BodyTooLarge, "The body is larger than is accepted.")),
        _ => None,
    }
}

fn report(method: &Method, path: &str, status: StatusCode, took: Duration, traceparent: Option<&str>) {
    let labels = [
        ("method", known_method(method).to_owned()),
        ("path", path.to_owned()),
        ("status", status.as_u16().to_string()),
    ];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!("http_request_duration_seconds", &labels[..2]).record(took.as_secs_f64());
    let duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    tracing::debug!(target: "api::access", status = status.as_u16(), duration_us, traceparent, "request");
}

/// A client may invent methods; a metric's label must not grow with them.
fn known_method(method: &Method) -> &str {
    let known = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
    if known.contains(method) { method.as_str() } else { "other" }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    async fn panics() -> &'static str {
        panic!("the disk is on fire")
    }

    async fn sleeps() -> &'static str {
        std::future::pending().await
    }

    async fn call(request: Request) -> (Response<()>, serde_json::Value) {
        let time_out = Duration::from_millis(50);
        let router = Router::new()
            .route("/ok", get(async || "fine"))
            .route("/panics", get(panics))
            .route("/sleeps", get(sleeps))
            .layer(axum::middleware::from_fn_with_state(time_out, frame));
        let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        (Response::from_parts(parts, ()), serde_json::from_slice(&body).unwrap_or_default())
    }

    fn request(method: &str, path: &str) -> Request {
        Request::builder().method(method).uri(path).body(Body::empty()).unwrap()
    }

    #[tokio::test]
    async fn every_refusal_is_a_problem_with_the_request_id() {
        let cases = [
            ("GET", "/panics", 500, "internal_error"),
            ("GET", "/sleeps", 503, "timeout"),
            ("GET", "/nowhere", 404, "not_found"),
            ("DELETE", "/ok", 405, "method_not_allowed"),
        ];
        for (method, path, status, code) in cases {
            let (response, document) = call(request(method, path)).await;
            assert_eq!(response.status(), status, "{path}");
            assert_eq!(response.headers()[CONTENT_TYPE], crate::problem::MEDIA_TYPE, "{path}");
            assert_eq!(document["code"], code);
            assert_eq!(document["request_id"], response.headers()[REQUEST_ID].to_str().unwrap());
            assert!(!document.to_string().contains("fire"));
        }
        let (response, _) = call(request("DELETE", "/ok")).await;
        assert_eq!(response.headers()["allow"], "GET,HEAD");
        assert_eq!(call(request("GET", "/ok")).await.0.status(), 200);
    }

    #[tokio::test]
    async fn a_sane_request_id_is_taken_over() {
        let with_id = |id: &str| {
            let mut request = request("GET", "/ok");
            request.headers_mut().insert(REQUEST_ID, HeaderValue::from_str(id).unwrap());
            request
        };
        let (response, _) = call(with_id("trace-1.a")).await;
        assert_eq!(response.headers()[REQUEST_ID], "trace-1.a");
        for bad in ["", "a b", "<script>", &"x".repeat(129)] {
            let (response, _) = call(with_id(bad)).await;
            assert!(response.headers()[REQUEST_ID].to_str().unwrap().starts_with("req_"), "{bad}");
        }
    }
}
