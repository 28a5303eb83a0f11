//! What can go wrong in any use case, apart from its own refusals.

/// A failure that is not the caller's fault.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Overloaded, shutting down, or the store cannot be reached: trying again soon may help.
    #[error("temporarily unavailable: {0}")]
    Unavailable(String),
    /// A defect or a damaged store.
    #[error("internal error: {0}")]
    Internal(String),
}

impl Error {
    pub(crate) fn internal(error: impl std::fmt::Display) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<tokio::task::JoinError> for Error {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::Internal(format!("a task ended early: {error}"))
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Internal(format!("a stored document cannot be read: {error}"))
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        if error.is_lasting() { Self::Internal(describe(&error)) } else { Self::Unavailable(error.to_string()) }
    }
}

/// The whole chain of causes, for the log.
fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
