//! The problems that each operation can answer with, for the OpenAPI document.

use std::collections::BTreeMap;

use utoipa::ToSchema;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

use crate::problem::{Code, MEDIA_TYPE};

/// Any operation of the API.
pub const COMMON: &[Code] =
    &[Code::Unauthorized, Code::Forbidden, Code::RateLimited, Code::InternalError, Code::Unavailable, Code::Timeout];
/// An operation with a body.
pub const BODY: &[Code] =
    &[Code::MalformedJson, Code::BadRequest, Code::BodyTooLarge, Code::UnsupportedMediaType, Code::InvalidRequest];
/// A list in pages.
pub const PAGED: &[Code] = &[Code::BadRequest, Code::InvalidRequest, Code::InvalidCursor];
/// An operation that needs an idempotency key.
pub const KEYED: &[Code] =
    &[Code::IdempotencyKeyRequired, Code::IdempotencyKeyInvalid, Code::IdempotencyKeyInUse, Code::IdempotencyKeyReused];
/// An operation that takes an idempotency key.
pub const KEY_OPTIONAL: &[Code] = &[Code::IdempotencyKeyInvalid, Code::IdempotencyKeyInUse, Code::IdempotencyKeyReused];
/// A command on an order.
pub const COMMAND: &[Code] = &[Code::NotFound, Code::IllegalTransition, Code::PreconditionFailed];

/// Names the codes that an operation can answer with: groups, then its own.
macro_rules! refusals {
    ($(#[$doc:meta])* $name:ident: $($group:ident)* $(; $($code:ident),+)?) => {
        $(#[$doc])*
        pub struct $name;

        impl utoipa::IntoResponses for $name {
            fn responses() -> std::collections::BTreeMap<String, utoipa::openapi::RefOr<utoipa::openapi::Response>> {
                $crate::refusals::responses(&[$($crate::refusals::$group,)* $(&[$($crate::problem::Code::$code),+])?])
            }
        }
    };
}
pub(crate) use refusals;

/// One response a status, which lists the codes that come with it.
pub fn responses(groups: &[&[Code]]) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status: BTreeMap<u16, BTreeMap<&str, &str>> = BTreeMap::new();
    for code in groups.iter().copied().flatten() {
        by_status.entry(code.status().as_u16()).or_default().insert(code.name(), code.title());
    }
    let response = |codes: BTreeMap<&str, &str>| {
        let lines: Vec<String> = codes.iter().map(|(name, title)| format!("`{name}`: {title}.")).collect();
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(ProblemDocument::name()))).build();
        ResponseBuilder::new().description(lines.join("  \n")).content(MEDIA_TYPE, content).build()
    };
    by_status.into_iter().map(|(status, codes)| (status.to_string(), response(codes).into())).collect()
}

refusals!(
    /// Of an operation that has no others.
    CommonRefusals: COMMON
);

/// A problem document (RFC 9457). Some codes add members of their own.
#[derive(ToSchema)]
#[schema(as = Problem)]
#[expect(dead_code, reason = "this type is only the schema; the document is written from `Problem`")]
pub struct ProblemDocument {
    /// A stable URI for the kind of problem.
    #[schema(example = "urn:orderwright:problem:out_of_stock")]
    r#type: String,
    /// The same for every occurrence of the kind.
    title: String,
    /// The HTTP status.
    status: u16,
    /// A sentence about this occurrence.
    detail: String,
    /// A stable name for programs.
    #[schema(example = "out_of_stock")]
    code: String,
    /// Names the request in the server's log.
    request_id: String,
    /// Each fault of the request, where it has any.
    errors: Option<Vec<FaultDocument>>,
}

/// A fault of a request.
#[derive(ToSchema)]
#[schema(as = Fault)]
#[expect(dead_code, reason = "this type is only the schema; the document is written from `Problem`")]
pub struct FaultDocument {
    /// RFC 6901, into the body; for parameters of the query, into these as an object.
    #[schema(example = "/items/0/quantity")]
    pointer: String,
    /// What is wrong.
    detail: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_one_status_share_a_response() {
        let responses = responses(&[COMMON, KEYED]);
        let statuses: Vec<&str> = responses.keys().map(String::as_str).collect();
        assert_eq!(statuses, ["400", "401", "403", "409", "422", "429", "500", "503"]);
        let RefOr::T(response) = &responses["400"] else { panic!("a response of its own") };
        assert!(response.description.contains("idempotency_key_required"));
        assert!(response.description.contains("idempotency_key_invalid"));
    }
}
