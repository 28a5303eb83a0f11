//! A client's idempotency key and what it stands for.

use store::StoredKey;

/// What a client sent to make a request safe to repeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// 1 to 255 visible ASCII characters, the merchant's own.
    pub key: String,
    /// SHA-256 over method, path with query, and canonical body.
    pub fingerprint: [u8; 32],
}

/// Why a key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It was used for another request.
    #[error("this idempotency key was used for another request")]
    KeyReused,
}

impl Idempotency {
    /// Accepts a stored key as this one's, or says that it was used for something else.
    pub(crate) fn matches(&self, stored: &StoredKey) -> Result<(), Refusal> {
        if stored.fingerprint == self.fingerprint { Ok(()) } else { Err(Refusal::KeyReused) }
    }

    /// What a changeset claims, answered with `status`.
    pub(crate) fn claim(&self, status: u16, response: Option<String>) -> store::KeyClaim {
        store::KeyClaim { key: self.key.clone(), fingerprint: self.fingerprint, status, response }
    }
}
