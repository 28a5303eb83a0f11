//! Every way in which a request can be refused: a stable code with its status and title.

use axum::http::StatusCode;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $status:ident, $title:literal;)+) => {
        /// The stable `code` of a problem.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $($(#[$doc])* $variant),+ }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in `code`, and the end of `type`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The HTTP status that goes with it.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status),+ }
            }

            /// The summary, the same for every occurrence.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),+ }
            }
        }
    };
}

codes! {
    /// The body is no JSON document.
    MalformedJson = "malformed_json", BAD_REQUEST, "The body is not well-formed JSON";
    /// `Idempotency-Key` is missing where it is needed.
    IdempotencyKeyRequired = "idempotency_key_required", BAD_REQUEST, "An Idempotency-Key header is required";
    /// `Idempotency-Key` is not 1 to 255 visible ASCII characters.
    IdempotencyKeyInvalid = "idempotency_key_invalid", BAD_REQUEST, "The Idempotency-Key header is not usable";
    /// A cursor that this server did not make, or not for this list.
    InvalidCursor = "invalid_cursor", BAD_REQUEST, "The cursor is not valid";
    /// A header or a query string that cannot be understood.
    BadRequest = "bad_request", BAD_REQUEST, "The request cannot be understood";
    /// No key, or a bad one.
    Unauthorized = "unauthorized", UNAUTHORIZED, "A valid API key is required";
    /// No signature of a call of a provider or carrier was right.
    CallbackNotVerified = "callback_not_verified", UNAUTHORIZED, "The call is not signed as it must be";
    /// The payment was declined while the client waited for it.
    PaymentDeclined = "payment_declined", PAYMENT_REQUIRED, "The payment was declined";
    /// The key lacks a scope.
    Forbidden = "forbidden", FORBIDDEN, "The API key does not have the scope that this needs";
    /// There is no such thing, or it is another merchant's.
    NotFound = "not_found", NOT_FOUND, "There is nothing here";
    /// The path exists, but not with this method.
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "The method is not allowed here";
    /// Another order has this external id.
    DuplicateExternalId = "duplicate_external_id", CONFLICT, "Another order has this external_id";
    /// The status of the order does not allow it.
    IllegalTransition = "illegal_transition", CONFLICT, "The order's status does not allow this";
    /// Nothing ships while an order is parked.
    OrderOnHold = "order_on_hold", CONFLICT, "The order is on hold";
    /// Release of an order that is not held.
    NotOnHold = "not_on_hold", CONFLICT, "The order is not on hold";
    /// The time to try another payment has passed.
    PaymentRetryExpired = "payment_retry_expired", CONFLICT, "The time to try another payment is over";
    /// The first request with this key is still running.
    IdempotencyKeyInUse = "idempotency_key_in_use", CONFLICT, "A request with this idempotency key is still running";
    /// More units are promised to orders than would be left.
    StockReserved = "stock_reserved", CONFLICT, "More stock is reserved than would be left";
    /// A plugin's name stands for another hook.
    OtherHook = "other_hook", CONFLICT, "The plugin serves another hook";
    /// A version asks for personal fields that its plugin was not granted.
    ApprovalRequired = "approval_required", CONFLICT, "The version asks for more than the plugin may have";
    /// A binding would have no effect.
    HookNotAsked = "hook_not_asked", UNPROCESSABLE_ENTITY, "Nothing asks this hook yet";
    /// The version is still being checked, or was refused.
    VersionNotReady = "version_not_ready", CONFLICT, "The version cannot be used";
    /// The hook has no candidate.
    NothingToPromote = "nothing_to_promote", CONFLICT, "There is no candidate";
    /// Nothing else was bound before.
    NothingToRollBack = "nothing_to_roll_back", CONFLICT, "Nothing else was bound before";
    /// `If-Match` names another version.
    PreconditionFailed = "precondition_failed", PRECONDITION_FAILED, "It has changed meanwhile";
    /// `If-Match` is missing where it is needed.
    PreconditionRequired = "precondition_required", PRECONDITION_REQUIRED, "An If-Match header is required";
    /// The body is larger than allowed.
    BodyTooLarge = "body_too_large", PAYLOAD_TOO_LARGE, "The body is too large";
    /// The body is not declared as what it must be.
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, "The body has the wrong type";
    /// Understood, but wrong; `errors` names each fault.
    InvalidRequest = "invalid_request", UNPROCESSABLE_ENTITY, "The request has faults";
    /// The search query cannot be parsed.
    InvalidQuery = "invalid_query", UNPROCESSABLE_ENTITY, "The search query cannot be parsed";
    /// The key was used for another request.
    IdempotencyKeyReused = "idempotency_key_reused", UNPROCESSABLE_ENTITY, "The idempotency key was used for another request";
    /// Not enough stock.
    OutOfStock = "out_of_stock", UNPROCESSABLE_ENTITY, "There is not enough stock";
    /// Refused by the risk policy.
    OrderRejected = "order_rejected", UNPROCESSABLE_ENTITY, "The order was rejected";
    /// A policy failed, and its binding says that the request is then refused.
    PolicyFailed = "policy_failed", UNPROCESSABLE_ENTITY, "A policy failed";
    /// There is no such quote, or it has expired.
    QuoteNotFound = "quote_not_found", UNPROCESSABLE_ENTITY, "There is no such quote";
    /// The adapter makes nothing of a call of a provider or carrier.
    CallbackNotUnderstood = "callback_not_understood", UNPROCESSABLE_ENTITY, "The call is not understood";
    /// More would be given back than was taken.
    RefundExceedsCaptured = "refund_exceeds_captured", UNPROCESSABLE_ENTITY, "More would be refunded than was captured";
    /// The component cannot be run, or breaks a law of its hook.
    ComponentRefused = "component_refused", UNPROCESSABLE_ENTITY, "The component is refused";
    /// The total is beyond what is computed with.
    TotalTooLarge = "total_too_large", UNPROCESSABLE_ENTITY, "The order's total is too large";
    /// The order's document would be larger than is stored.
    OrderTooLarge = "order_too_large", UNPROCESSABLE_ENTITY, "The order is too large";
    /// A change names a warehouse that does not exist.
    UnknownWarehouse = "unknown_warehouse", UNPROCESSABLE_ENTITY, "There is no such warehouse";
    /// Too many requests.
    RateLimited = "rate_limited", TOO_MANY_REQUESTS, "Too many requests";
    /// A defect; the details are in the server's log under the request id.
    InternalError = "internal_error", INTERNAL_SERVER_ERROR, "Something went wrong on the server";
    /// Overloaded or shutting down.
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "The service is not available just now";
    /// It took too long. What was asked for may still happen.
    Timeout = "timeout", SERVICE_UNAVAILABLE, "The request took too long";
    /// Something that the server depends on does not work.
    NotReady = "not_ready", SERVICE_UNAVAILABLE, "The service is not ready";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_distinct_snake_case() {
        let names: BTreeSet<_> = Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for name in names {
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}");
        }
    }
}
