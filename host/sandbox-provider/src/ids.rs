//! Identifiers and secrets.

use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// A new identifier; later ones sort after earlier ones.
            pub fn generate() -> Self {
                Self(format!(concat!($prefix, "{}"), Uuid::now_v7().simple()))
            }

            /// The identifier as a client sent it. Whether it names anything is for the ledger to say.
            pub fn from_client(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text form.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// A payment intent: `pi_…`.
    IntentId,
    "pi_"
);
id!(
    /// A refund: `re_…`.
    RefundId,
    "re_"
);

/// The identifier of a new dispute: `dp_…`.
pub fn dispute_id() -> String {
    format!("dp_{}", Uuid::now_v7().simple())
}

/// The identifier of a new event: `evt_…`.
pub fn event_id() -> String {
    format!("evt_{}", Uuid::now_v7().simple())
}

/// A token of 256 random bits in hexadecimal, for a URL that nobody can guess.
pub fn secret_token() -> String {
    let mut bytes = [0_u8; 32];
    SystemRandom::new().fill(&mut bytes).expect("the operating system gives random bytes");
    hex(&bytes)
}

/// The SHA-256 of `bytes` in hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

/// Whether a secret that was sent is the expected one. The digests are compared, so that the time taken says nothing
/// about how far the two agree.
pub fn same_secret(sent: &str, expected: &str) -> bool {
    digest(&SHA256, sent.as_bytes()).as_ref() == digest(&SHA256, expected.as_bytes()).as_ref()
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_age_and_tokens_differ() {
        let first = IntentId::generate();
        let second = IntentId::generate();
        assert!(first < second);
        assert!(RefundId::generate().as_str().starts_with("re_"));
        assert_ne!(secret_token(), secret_token());
        assert_eq!(secret_token().len(), 64);
    }

    #[test]
    fn a_secret_is_compared_whole() {
        assert!(same_secret("sk_sandbox_a", "sk_sandbox_a"));
        assert!(!same_secret("sk_sandbox_", "sk_sandbox_a"));
        assert!(!same_secret("", "sk_sandbox_a"));
    }
}
