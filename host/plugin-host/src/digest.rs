//! What names a component's exact bytes.

use domain::bytes::to_hex;

/// The SHA-256 of a component, in lower-case hexadecimal: what decisions, bindings and the cache call it by.
#[must_use]
pub fn digest(wasm: &[u8]) -> String {
    to_hex(ring::digest::digest(&ring::digest::SHA256, wasm).as_ref())
}
