//! What the host puts on an adapter's request: credentials and personal values. The adapter names them and never sees
//! them; neither do transcript and journal.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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
use super::http::{Sender, check_grant, describe, read_body};
use crate::App;
use crate::policies::Binding;

/// A token is not used in its last moments: it must still be good where it arrives.
const TOKEN_MARGIN: Duration = Duration::from_secs(30);
/// What a server that does not say how long its token lives may be trusted with (RFC 6749, 5.1 only recommends it).
const TOKEN_LIFE: Duration = Duration::from_secs(300);
/// None is trusted for longer, whatever the server says.
const TOKEN_LIFE_MAX: Duration = Duration::from_secs(86_400);
/// No token answer is larger.
const TOKEN_ANSWER_BYTES: usize = 64 << 10;

/// What an access token was asked for with: the merchant, and everything that tells one client from another.
pub(crate) type TokenKey = (TenantId, Arc<str>);

/// An access token by OAuth 2 client credentials.
#[derive(Debug)]
pub(crate) struct Token {
    text: String,
    until: Instant,
}

/// The token that a request was sent with.
pub(super) struct UsedToken {
    key: TokenKey,
    token: Arc<Token>,
    /// Whether it was asked for by this very request.
    pub is_fresh: bool,
}

/// The answer of a token endpoint (RFC 6749, 5.1).
#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    token_type: String,
    expires_in: Option<u64>,
}

impl Sender {
    /// The header that a credential stands for, and the token where it is one.
    pub(super) async fn credential(
        &self,
        app: &App,
        tenant: TenantId,
        binding: &Binding,
        request: &Request,
        filler: &mut Filler<'_>,
    ) -> Result<(HeaderMap, Option<UsedToken>), String> {
        let mut headers = HeaderMap::new();
        let Some(credential) = &request.credential else { return Ok((headers, None)) };
        let secret = match credential {
            Credential::Bearer { secret }
            | Credential::Basic { secret, .. }
            | Credential::Header { secret, .. }
            | Credential::Oauth2 { secret, .. }
            | Credential::Hmac { secret, .. } => secret,
        };
        let place = format!("{{{{secret {secret}}}}}");
        let value = secret_of(app, tenant, binding, secret).await?;
        filler.hidden.add(&value, &place);
        let mut token = None;
        let (name, text) = match credential {
            Credential::Bearer { .. } => (AUTHORIZATION, format!("Bearer {value}")),
            Credential::Basic { user, .. } => {
                let pair = BASE64.encode(format!("{user}:{value}"));
                filler.hidden.add(&pair, &place);
                (AUTHORIZATION, format!("Basic {pair}"))
            }
            Credential::Header { name, .. } => (header_name(name)?, value.to_string()),
            Credential::Oauth2 { .. } => {
                let used = self.token(app, tenant, binding, credential, &value).await?;
                filler.hidden.add(&used.token.text, &place);
                let text = format!("Bearer {}", used.token.text);
                token = Some(used);
                (AUTHORIZATION, text)
            }
            Credential::Hmac { header, prefix, signed, encoding, .. } => {
                let signed = filler.fill(signed, request.fill)?;
                (header_name(header)?, format!("{prefix}{}", sign(&value, &signed, *encoding)))
            }
        };
        headers.insert(name, sensitive(secret, &text)?);
        Ok((headers, token))
    }

    /// An access token that is good for a while; of many requests at once only one asks for it.
    async fn token(
        &self,
        app: &App,
        tenant: TenantId,
        binding: &Binding,
        credential: &Credential,
        secret: &str,
    ) -> Result<UsedToken, String> {
        let Credential::Oauth2 { token_url, client_id, scope, .. } = credential else {
            return Err("this credential has no token".to_owned());
        };
        let url = Url::parse(token_url).map_err(|error| format!("the token's URL is malformed: {error}"))?;
        check_grant(&url, &binding.hosts)?;
        // Another secret is another client: a token of the old one is not used any more.
        let digest = plugin_host::digest(secret.as_bytes());
        let parts = serde_json::to_string(&(token_url, client_id, scope, digest)).map_err(|error| error.to_string())?;
        let key: TokenKey = (tenant, parts.into());
        let tokens = &app.caches().tokens;
        if tokens.get(&key).await.is_some_and(|token| token.until <= Instant::now()) {
            tokens.invalidate(&key).await;
        }
        let is_fresh = AtomicBool::new(false);
        let ask = async {
            is_fresh.store(true, Ordering::Relaxed);
            self.ask_for_token(url, client_id, scope.as_deref(), secret).await.map(Arc::new)
        };
        let token = tokens.try_get_with(key.clone(), ask).await.map_err(|why: Arc<String>| (*why).clone())?;
        Ok(UsedToken { key, token, is_fresh: is_fresh.into_inner() })
    }

    async fn ask_for_token(
        &self,
        url: Url,
        client_id: &str,
        scope: Option<&str>,
        secret: &str,
    ) -> Result<Token, String> {
        let mut form = vec![("grant_type", "client_credentials")];
        form.extend(scope.map(|scope| ("scope", scope)));
        let request = self
            .client()
            .request(Method::POST, url)
            .basic_auth(client_id, Some(secret))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "application/json")
            .body(super::fill::form_encoded(&form)?);
        let answer = request.send().await.map_err(|error| format!("no access token: {}", describe(&error)))?;
        let status = answer.status();
        let body = read_body(answer, TOKEN_ANSWER_BYTES).await.map_err(|why| format!("no access token: {why}"))?;
        if status != StatusCode::OK {
            return Err(format!("no access token: it was answered with {status}"));
        }
        // The answer itself is not quoted: it may hold a token.
        let answer: TokenAnswer = serde_json::from_slice(&body)
            .map_err(|_| "no access token: the answer is not one of OAuth 2".to_owned())?;
        if !answer.token_type.eq_ignore_ascii_case("bearer") {
            return Err("no access token: its type is not bearer".to_owned());
        }
        let life = answer.expires_in.map_or(TOKEN_LIFE, Duration::from_secs).min(TOKEN_LIFE_MAX);
        let until = Instant::now() + life.saturating_sub(TOKEN_MARGIN).max(Duration::from_secs(1));
        Ok(Token { text: answer.access_token, until })
    }

    /// Forgets a token that was not accepted, unless another has taken its place already.
    pub(super) async fn forget_token(&self, app: &App, used: &UsedToken) {
        let tokens = &app.caches().tokens;
        if tokens.get(&used.key).await.is_some_and(|token| Arc::ptr_eq(&token, &used.token)) {
            tokens.invalidate(&used.key).await;
        }
    }
}

async fn secret_of(app: &App, tenant: TenantId, binding: &Binding, name: &str) -> Result<Arc<str>, String> {
    let secret = app.secret_of(tenant, binding, name).await?;
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
