//! The `Idempotency-Key` header, and the fingerprint of what it stands for.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, Method, Uri};
use ring::digest::{Context, SHA256};

use crate::json::Document;
use crate::problem::{Code, Problem};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that the answer is that of an earlier request with the same key.
pub const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

const KEY_LEN_MAX: usize = 255;

/// The request as its key will stand for it, where it carries one.
#[derive(Debug, Clone)]
pub struct OptionalKey(Option<Keyed>);

/// The request as its key will stand for it.
#[derive(Debug, Clone)]
pub struct RequiredKey(Keyed);

#[derive(Debug, Clone)]
struct Keyed {
    key: String,
    method: Method,
    uri: Uri,
}

impl<S: Sync> FromRequestParts<S> for OptionalKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let mut given = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
        let Some(value) = given.next() else { return Ok(Self(None)) };
        let visible = |key: &&[u8]| (1..=KEY_LEN_MAX).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic);
        let key = Some(value.as_bytes()).filter(visible).and_then(|key| std::str::from_utf8(key).ok());
        match (key, given.next()) {
            (Some(key), None) => {
                Ok(Self(Some(Keyed { key: key.to_owned(), method: parts.method.clone(), uri: parts.uri.clone() })))
            }
            _ => Err(Problem::new(
                Code::IdempotencyKeyInvalid,
                format!(
                    "The `Idempotency-Key` header must be given once, with 1 to {KEY_LEN_MAX} visible ASCII characters."
                ),
            )),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for RequiredKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let OptionalKey(keyed) = OptionalKey::from_request_parts(parts, state).await?;
        keyed.map(Self).ok_or_else(|| {
            Problem::new(
                Code::IdempotencyKeyRequired,
                "This request needs an `Idempotency-Key` header, so that it can be repeated safely.",
            )
        })
    }
}

impl OptionalKey {
    /// The key with the fingerprint of the request and this body.
    ///
    /// # Errors
    /// Where the body is nested deeper than any body of the contract.
    pub fn with(self, body: &Document) -> Result<Option<app::Idempotency>, Problem> {
        self.0.map(|keyed| keyed.with(body)).transpose()
    }
}

impl RequiredKey {
    /// The key of one of the many things that a request asks for.
    ///
    /// # Errors
    /// Where the key is too long for a number to follow.
    pub fn numbered(&self, number: usize) -> Result<Self, Problem> {
        let Keyed { key, method, uri } = &self.0;
        let key = format!("{key}.{number}");
        if key.len() > KEY_LEN_MAX {
            let detail = format!(
                "The `Idempotency-Key` and the number of each line have at most {KEY_LEN_MAX} characters together."
            );
            return Err(Problem::new(Code::IdempotencyKeyInvalid, detail));
        }
        Ok(Self(Keyed { key, method: method.clone(), uri: uri.clone() }))
    }

    /// The key with the fingerprint of the request and this body.
    ///
    /// # Errors
    /// Where the body is nested deeper than any body of the contract.
    pub fn with(self, body: &Document) -> Result<app::Idempotency, Problem> {
        self.0.with(body)
    }
}

impl Keyed {
    fn with(self, body: &Document) -> Result<app::Idempotency, Problem> {
        let path = self.uri.path_and_query().map_or("/", |path| path.as_str());
        let fingerprint = fingerprint(self.method.as_str(), path, &body.canonical()?);
        Ok(app::Idempotency { key: self.key, fingerprint })
    }
}

/// Each part is preceded by its length, so that no two requests run together into the same bytes.
fn fingerprint(method: &str, path: &str, canonical_body: &str) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in [method, path, canonical_body] {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderValue, Request};
    use bytes::Bytes;

    use super::*;

    fn parts(keys: &[&[u8]], path: &str) -> Parts {
        let mut request = Request::builder().method("POST").uri(path).body(()).unwrap();
        for key in keys {
            request.headers_mut().append(IDEMPOTENCY_KEY, HeaderValue::from_bytes(key).unwrap());
        }
        request.into_parts().0
    }

    async fn required(keys: &[&[u8]]) -> Result<RequiredKey, Code> {
        RequiredKey::from_request_parts(&mut parts(keys, "/"), &()).await.map_err(|problem| problem.code())
    }

    #[tokio::test]
    async fn a_key_has_1_to_255_visible_characters() {
        assert!(required(&[b"k"]).await.is_ok());
        assert!(required(&[&[b'x'; 255]]).await.is_ok());
        for bad in [&b""[..], b"a b", b"\xc3\xa4", b"a\tb", &[b'x'; 256]] {
            assert_eq!(required(&[bad]).await.unwrap_err(), Code::IdempotencyKeyInvalid, "{bad:?}");
        }
        assert_eq!(required(&[b"a", b"b"]).await.unwrap_err(), Code::IdempotencyKeyInvalid);
        assert_eq!(required(&[]).await.unwrap_err(), Code::IdempotencyKeyRequired);
    }

    #[tokio::test]
    async fn the_fingerprint_covers_path_and_meaning() {
        let of = async |path: &str, body: &'static str| {
            let key = RequiredKey::from_request_parts(&mut parts(&[b"k"], path), &()).await.unwrap();
            key.with(&Document::parse(Bytes::from_static(body.as_bytes())).unwrap()).unwrap().fingerprint
        };
        let base = of("/a?x=1", r#"{"a":5,"b":1}"#).await;
        assert_eq!(base, of("/a?x=1", r#"{"b":1.0, "a":5.00}"#).await);
        assert_ne!(base, of("/a?x=2", r#"{"a":5,"b":1}"#).await);
        assert_ne!(base, of("/b?x=1", r#"{"a":5,"b":1}"#).await);
        assert_ne!(base, of("/a?x=1", r#"{"a":5,"b":2}"#).await);
    }
}
