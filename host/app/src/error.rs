//! What can go wrong in any use case, apart from its own refusals.

/// A failure that is not the caller's fault.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Overloaded or shutting down. Nothing was changed, and trying again soon may help.
    #[error("temporarily unavailable: {0}")]
    Unavailable(String),
    /// The disk is full. Nothing was changed; trying again helps once there is room. Reading goes on.
    #[error("the disk is full")]
    DiskFull,
    /// The store does not answer. A change may have been kept: trying again, with the same key, is safe.
    #[error("it is not known whether it was done: {0}")]
    InDoubt(String),
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
        match error {
            store::Error::DiskFull => Self::DiskFull,
            store::Error::Unavailable(_) => Self::InDoubt(describe(&error)),
            store::Error::QueueFull | store::Error::Closed => Self::Unavailable(error.to_string()),
            lasting => Self::Internal(describe(&lasting)),
        }
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
