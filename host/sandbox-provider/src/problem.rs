//! What the provider answers when it does not do what was asked.

use crate::intent::{Decline, Refusal};
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// The `type` of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorType {
    /// The provider's own fault: nothing is known to have happened.
    Api,
    /// The secret key is missing or wrong.
    Authentication,
    /// The bank or the customer said no.
    Card,
    /// The idempotency key cannot be used for this request.
    Idempotency,
    /// The request is wrong.
    InvalidRequest,
}

impl ErrorType {
    fn name(self) -> &'static str {
        match self {
            Self::Api => "api_error",
            Self::Authentication => "authentication_error",
            Self::Card => "card_error",
            Self::Idempotency => "idempotency_error",
            Self::InvalidRequest => "invalid_request_error",
        }
    }
}

/// An error answer: `{"error":{"type","code","message","param","payment_intent"?}}`.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    kind: ErrorType,
    code: &'static str,
    message: String,
    param: Option<Box<str>>,
    payment_intent: Option<Box<Value>>,
}

impl Problem {
    fn new(status: StatusCode, kind: ErrorType, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, code, message: message.into(), param: None, payment_intent: None }
    }

    /// 400: the request is wrong.
    pub fn invalid(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorType::InvalidRequest, code, message)
    }

    /// 400: one parameter is wrong.
    pub fn param(code: &'static str, param: impl Into<Box<str>>, message: impl Into<String>) -> Self {
        Self { param: Some(param.into()), ..Self::invalid(code, message) }
    }

    /// 413: the body is too long to read.
    pub fn body_too_large() -> Self {
        Self { status: StatusCode::PAYLOAD_TOO_LARGE, ..Self::invalid("body_too_large", "The body is too large.") }
    }

    /// 405: the path knows other methods.
    pub fn method_not_allowed() -> Self {
        Self {
            status: StatusCode::METHOD_NOT_ALLOWED,
            ..Self::invalid("method_not_allowed", "The path does not know this HTTP method.")
        }
    }

    /// 404: no such path.
    pub fn no_such_path() -> Self {
        Self { status: StatusCode::NOT_FOUND, ..Self::invalid("url_unknown", "There is nothing at this path.") }
    }

    /// 404: no such object.
    pub fn missing(what: &str, id: &str, param: &str) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            param: Some(param.into()),
            ..Self::invalid("resource_missing", format!("No such {what}: '{id}'."))
        }
    }

    /// 401.
    pub fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            ErrorType::Authentication,
            "api_key_invalid",
            "Send the secret key as 'Authorization: Bearer sk_sandbox_…'.",
        )
    }

    /// 409: the key was used for another request.
    pub fn idempotency_mismatch() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            ErrorType::Idempotency,
            "idempotency_key_in_use",
            "This idempotency key was used with other parameters.",
        )
    }

    /// 409: a request with the key is being executed.
    pub fn idempotency_in_progress() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            ErrorType::Idempotency,
            "idempotency_in_progress",
            "A request with this idempotency key is in progress.",
        )
    }

    /// 500 played on purpose: nothing was executed.
    pub fn flaky() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            ErrorType::Api,
            "provider_unavailable",
            "The payment method fails on purpose. Nothing was executed; send the request again.",
        )
    }

    /// 500: the ledger failed.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            ErrorType::Api,
            "internal_error",
            "The provider failed. Send the request again with the same idempotency key.",
        )
    }

    /// 402: executed and declined. `payment_intent` is the intent as it is now.
    pub fn declined(decline: Decline, payment_intent: Value) -> Self {
        Self {
            payment_intent: Some(Box::new(payment_intent)),
            ..Self::new(StatusCode::PAYMENT_REQUIRED, ErrorType::Card, decline.code(), decline.message())
        }
    }

    /// 400: the intent does not allow it. `payment_intent` is the intent as it is now.
    pub fn refused(refusal: Refusal, amount_param: &str, payment_intent: Value) -> Self {
        let (code, param) = match refusal {
            Refusal::UnexpectedState { .. } => ("payment_intent_unexpected_state", None),
            Refusal::OverCapture { .. } | Refusal::OverRefund { .. } => ("amount_too_large", Some(amount_param.into())),
            Refusal::AlreadyRefunded => ("charge_already_refunded", Some(amount_param.into())),
        };
        Self {
            param,
            payment_intent: Some(Box::new(payment_intent)),
            ..Self::invalid(code, format!("Refused: {refusal}."))
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The body.
    pub fn body(&self) -> Value {
        let mut error = json!({
            "type": self.kind.name(),
            "code": self.code,
            "message": self.message,
            "param": self.param,
        });
        if let Some(intent) = &self.payment_intent {
            error["payment_intent"] = intent.as_ref().clone();
        }
        json!({ "error": error })
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.status, Json(self.body())).into_response()
    }
}
