//! What the host puts on an adapter's request: credentials and personal values. The adapter names them and never sees
//! them; neither do transcript and journal.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use domain::bytes::{Bytes, to_hex};
use domain::hooks::exchange::{Credential, Encoding, Request};
use domain::ids::TenantId;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode, Url};
use ring::hmac;
use serde::Deserialize;

use super::fill::Filler;
use super::http::{Sender, check_grant, describe};
use crate::App;
use crate::policies::Binding;

/// A token is not used in its last moments: it must still be good where it arrives.
const TOKEN_MARGIN: Duration = Duration::from_secs(30);
/// What a server that does not say how long its token lives may be trusted with (RFC 6749, 5.1 only recommends it).
const TOKEN_LIFE: Duration = Duration::from_secs(300);
/// No token answer is larger.
const TOKEN_ANSWER_BYTES: usize = 64 << 10;

/// What an access token was asked for with.
pub(crate) type TokenKey = (TenantId, Arc<str>);

/// An access token by OAuth 2 client credentials.
#[derive(Debug)]
pub(crate) struct Token {
    header: HeaderValue,
    until: Instant,
}

/// The answer of a token endpoint (RFC 6749, 5.1).
#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    token_type: String,
    expires_in: Option<u64>,
}

impl Sender {
    /// The header that a credential stands for.
    pub(super) async fn credential(
        &self,
        app: &App,
        tenant: TenantId,
        binding: &Binding,
        request: &Request,
        filler: &Filler<'_>,
    ) -> Result<HeaderMap, String> {
        let mut headers = HeaderMap::new();
        let Some(credential) = &request.credential else { return Ok(headers) };
        let (name, value) = match credential {
            Credential::Bearer { secret } => {
                (AUTHORIZATION, sensitive(secret, &format!("Bearer {}", secret_of(app, tenant, secret).await?))?)
            }
            Credential::Basic { user, secret } => {
                let pair = format!("{user}:{}", secret_of(app, tenant, secret).await?);
                (AUTHORIZATION, sensitive(secret, &format!("Basic {}", BASE64.encode(pair)))?)
            }
            Credential::Header { name, secret } => {
                (header_name(name)?, sensitive(secret, &secret_of(app, tenant, secret).await?)?)
            }
            Credential::Oauth2 { .. } => (AUTHORIZATION, self.token(app, tenant, binding, credential).await?),
            Credential::Hmac { header, prefix, secret, signed, encoding } => {
                let key = secret_of(app, tenant, secret).await?;
                let signed = filler.fill(signed, request.fill)?;
                let signature = sign(&key, &signed, *encoding);
                (header_name(header)?, sensitive(secret, &format!("{prefix}{signature}"))?)
            }
        };
        headers.insert(name, value);
        Ok(headers)
    }

    /// An access token that is good for a while; of many requests at once only one asks for it.
    async fn token(
        &self,
        app: &App,
        tenant: TenantId,
        binding: &Binding,
        credential: &Credential,
    ) -> Result<HeaderValue, String> {
        let Some(key) = token_key(tenant, credential) else { return Err("this credential has no token".to_owned()) };
        let tokens = &app.caches().tokens;
        if tokens.get(&key).await.is_some_and(|token| token.until <= Instant::now()) {
            tokens.invalidate(&key).await;
        }
        let ask = async { self.ask_for_token(app, tenant, binding, credential).await.map(Arc::new) };
        let token = tokens.try_get_with(key, ask).await.map_err(|why: Arc<String>| (*why).clone())?;
        Ok(token.header.clone())
    }

    async fn ask_for_token(
        &self,
        app: &App,
        tenant: TenantId,
        binding: &Binding,
        credential: &Credential,
    ) -> Result<Token, String> {
        let Credential::Oauth2 { token_url, client_id, secret, scope } = credential else {
            return Err("this credential has no token".to_owned());
        };
        let url = Url::parse(token_url).map_err(|error| format!("the token's URL is malformed: {error}"))?;
        check_grant(&url, &binding.hosts)?;
        let mut form = vec![("grant_type", "client_credentials")];
        form.extend(scope.as_deref().map(|scope| ("scope", scope)));
        let request = self
            .client()
            .request(Method::POST, url)
            .basic_auth(client_id, Some(secret_of(app, tenant, secret).await?))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "application/json")
            .body(super::fill::form_encoded(&form)?);
        let answer = request.send().await.map_err(|error| format!("no access token: {}", describe(&error)))?;
        let status = answer.status();
        if answer.content_length().is_some_and(|length| length > TOKEN_ANSWER_BYTES as u64) {
            return Err("no access token: the answer is too large".to_owned());
        }
        let body = answer.bytes().await.map_err(|error| format!("no access token: {}", describe(&error)))?;
        if status != StatusCode::OK {
            return Err(format!("no access token: it was answered with {status}"));
        }
        // The answer itself is not quoted: it may hold a token.
        let answer: TokenAnswer = serde_json::from_slice(&body)
            .map_err(|_| "no access token: the answer is not one of OAuth 2".to_owned())?;
        if !answer.token_type.eq_ignore_ascii_case("bearer") {
            return Err(format!("no access token: its type is {:?}, not bearer", answer.token_type));
        }
        let life = answer.expires_in.map_or(TOKEN_LIFE, Duration::from_secs);
        let until = Instant::now() + life.saturating_sub(TOKEN_MARGIN).max(Duration::from_secs(1));
        Ok(Token { header: sensitive(secret, &format!("Bearer {}", answer.access_token))?, until })
    }

    /// Forgets a token that was not accepted; whether there was one.
    pub(super) async fn forget_token(&self, app: &App, tenant: TenantId, request: &Request) -> bool {
        let Some(key) = request.credential.as_ref().and_then(|credential| token_key(tenant, credential)) else {
            return false;
        };
        app.caches().tokens.remove(&key).await.is_some()
    }
}

fn token_key(tenant: TenantId, credential: &Credential) -> Option<TokenKey> {
    let Credential::Oauth2 { token_url, client_id, secret, scope } = credential else { return None };
    let parts = [token_url, client_id, secret, scope.as_deref().unwrap_or_default()];
    // No part can hold a line break: the URL and headers that they end up in would be refused.
    Some((tenant, parts.join("\n").into()))
}

async fn secret_of(app: &App, tenant: TenantId, name: &str) -> Result<Arc<str>, String> {
    let secret = app.secret(tenant, name).await.map_err(|error| error.to_string())?;
    secret.ok_or_else(|| format!("there is no secret {name:?}: set it first"))
}

fn sensitive(secret: &str, value: &str) -> Result<HeaderValue, String> {
    let mut value = HeaderValue::from_str(value).map_err(|_| format!("secret {secret:?} cannot stand in a header"))?;
    value.set_sensitive(true);
    Ok(value)
}

pub(super) fn header_name(name: &str) -> Result<HeaderName, String> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("header {name:?} is malformed"))
}

fn sign(key: &str, signed: &Bytes, encoding: Encoding) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()), &signed.0);
    match encoding {
        Encoding::Hex => to_hex(tag.as_ref()),
        Encoding::Base64 => BASE64.encode(tag.as_ref()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_rfc_4231() {
        // Test case 2.
        let signed = Bytes(b"what do ya want for nothing?".to_vec());
        let hex = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(sign("Jefe", &signed, Encoding::Hex), hex);
        assert_eq!(sign("Jefe", &signed, Encoding::Base64), "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=");
    }
}
