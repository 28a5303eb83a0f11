//! Refusals of what a plugin wrote and took.

use e2e::client::Request;

use super::Case;

/// Of logs and metrics.
pub fn cases() -> Vec<Case> {
    let nobodys = "/plugins/plg_00000000000000000000000001";
    let get = |rest: &str| Request::new("GET", &format!("{nobodys}{rest}"));
    let invalid = |name, rest: &str| Case::new(name, get(rest), 422, "invalid_request");
    vec![
        Case::new("nobody's log", get("/logs"), 404, "not_found"),
        Case::new("nobody's metrics", get("/metrics"), 404, "not_found"),
        Case::new("a log's cursor of nobody's", get("/logs?cursor=abc"), 400, "invalid_cursor"),
        Case::new("a log's place of nobody's", get("/logs?after=abc"), 400, "invalid_cursor"),
        invalid("all faults of a log", "/logs?limit=201&level=loud&lvel=info").at(&["/limit", "/level", "/lvel"]),
        invalid("both ways at once", "/logs?cursor=a&after=b").at(&["/after"]),
        invalid("a span that ends before it begins", "/metrics?from=2026-03-02&to=2026-03-01").at(&["/from"]),
        invalid("times in words", "/metrics?from=soon&to=later").at(&["/from", "/to"]),
    ]
}
