//! Who is asking, and whether they may.

use std::marker::PhantomData;
use std::sync::Arc;

use app::App;
use app::merchant::{Caller, Scope};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;

use crate::problem::{Code, Problem};

/// Finds out who is asking, before anything else is looked at. Handlers then ask for [`Authorized`].
///
/// # Errors
/// 401 `unauthorized`.
pub async fn authenticate(State(app): State<App>, mut request: Request, next: Next) -> Result<Response, Problem> {
    let secret = bearer(request.headers().get(AUTHORIZATION).map(|value| value.as_bytes()))?;
    let caller = app.authenticate(secret).await?;
    let caller = caller.ok_or_else(|| unauthorized("invalid_token", "The API key is not valid."))?;
    // Together: the formatter reads and writes a span's fields anew for each record.
    tracing::record_all!(tracing::Span::current(), tenant = %caller.tenant(), key = %caller.key_id);
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

fn bearer(header: Option<&[u8]>) -> Result<&str, Problem> {
    let header =
        header.ok_or_else(|| unauthorized("", "The `Authorization: Bearer` header with an API key is missing."))?;
    let text = std::str::from_utf8(header).ok().and_then(|text| text.split_once(' '));
    match text {
        Some((scheme, secret)) if scheme.eq_ignore_ascii_case("bearer") && !secret.trim().is_empty() => {
            Ok(secret.trim())
        }
        _ => Err(unauthorized("invalid_request", "The `Authorization` header must be `Bearer` and an API key.")),
    }
}

fn unauthorized(error: &str, detail: &str) -> Problem {
    let challenge = match error {
        "" => "Bearer realm=\"orderwright\"".to_owned(),
        error => format!("Bearer realm=\"orderwright\", error=\"{error}\""),
    };
    Problem::new(Code::Unauthorized, detail).header(WWW_AUTHENTICATE, challenge)
}

/// What a handler needs its caller's key to have: any one of these scopes.
pub trait Needs {
    /// The scopes, of which one is enough.
    const ANY_OF: &'static [Scope];
}

macro_rules! needs {
    ($($(#[$doc:meta])* $name:ident = $($scope:ident)|+;)+) => {
        $($(#[$doc])* pub struct $name;
        impl Needs for $name {
            const ANY_OF: &'static [Scope] = &[$(Scope::$scope),+];
        })+
    };
}

needs! {
    /// Reads orders and what belongs to them.
    OrdersRead = OrdersRead;
    /// Places and changes orders.
    OrdersWrite = OrdersWrite;
    /// Reads warehouses and stock.
    InventoryRead = InventoryWrite | OrdersRead;
    /// Changes warehouses and stock.
    InventoryWrite = InventoryWrite;
    /// Uploads and binds plugins, and sees what they do.
    PluginsWrite = PluginsWrite;
    /// Manages keys.
    Admin = Admin;
}

/// The caller, whose key has a scope that is needed.
pub struct Authorized<N>(pub Arc<Caller>, pub PhantomData<N>);

impl<S: Sync, N: Needs> FromRequestParts<S> for Authorized<N> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Arc<Caller>>();
        let caller = caller.ok_or_else(|| Problem::internal("a route was left out of authentication"))?;
        if N::ANY_OF.iter().any(|scope| caller.has(*scope)) {
            return Ok(Self(Arc::clone(caller), PhantomData));
        }
        let names: Vec<&str> = N::ANY_OF.iter().map(|scope| scope.name()).collect();
        let detail = format!("This needs a key with the scope `{}`.", names.join("` or `"));
        Err(Problem::new(Code::Forbidden, detail).with("scopes_needed", names))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bearer_key_is_looked_at() {
        assert_eq!(bearer(Some(b"Bearer ow_x")).unwrap(), "ow_x");
        assert_eq!(bearer(Some(b"bearer  ow_x ")).unwrap(), "ow_x");
        for bad in
            [None, Some(&b"Bearer"[..]), Some(b"Bearer "), Some(b"Basic b3c6"), Some(b"ow_x"), Some(b"Bearer \xff")]
        {
            assert_eq!(bearer(bad).unwrap_err().code(), Code::Unauthorized, "{bad:?}");
        }
    }
}
