//! Cursors: opaque, tamper-proof, and good only for the list and the merchant that they were made for.

use app::App;
use domain::ids::TenantId;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::problem::{Code, Problem};

/// What is sealed: the kind keeps the cursors of lists and the console's sessions apart.
#[derive(Serialize, Deserialize)]
struct Sealed<T> {
    kind: String,
    tenant: Option<TenantId>,
    value: T,
}

/// Seals a value for one purpose, and for one merchant unless the value says by itself whose it is.
#[must_use]
pub fn seal<T: Serialize>(app: &App, kind: &str, tenant: Option<TenantId>, value: T) -> String {
    app.seal_cursor(&Sealed { kind: kind.to_owned(), tenant, value })
}

/// Opens what was sealed for the same purpose and merchant.
#[must_use]
pub fn open<T: DeserializeOwned>(app: &App, kind: &str, tenant: Option<TenantId>, text: &str) -> Option<T> {
    let sealed: Sealed<T> = app.open_cursor(text)?;
    (sealed.kind == kind && sealed.tenant == tenant).then_some(sealed.value)
}

/// Opens a client's cursor, where it gave one.
///
/// # Errors
/// 400 `invalid_cursor`.
pub fn open_given<T: DeserializeOwned>(
    app: &App,
    kind: &str,
    tenant: TenantId,
    text: Option<String>,
) -> Result<Option<T>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let opened = open(app, kind, Some(tenant), &text);
    opened.map(Some).ok_or_else(|| {
        Problem::new(
            Code::InvalidCursor,
            "The cursor was not made by this server for this list. Begin anew without one.",
        )
    })
}
