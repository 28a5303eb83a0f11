//! Which idempotency keys and external ids are taken.
//!
//! The transaction holds the database's only write lock already, so what is not there now cannot appear before the
//! commit: looking is claiming. A database with row locks must insert instead, with `on conflict do nothing
//! returning`, because rows that do not exist cannot be locked.

use std::collections::HashMap;

use domain::ids::{ExternalId, OrderId, TenantId};
use sqlx::SqliteConnection;

use super::bulk::{Bulk, Row};
use crate::Error;
use crate::outcome::StoredKey;
use crate::resolve::{Claimed, Wanted};
use crate::sql::{self as columns, Columns};

static KEYS: Bulk = Bulk::new(
    "select k.tenant_id, k.key, k.fingerprint, k.order_id, k.order_version, k.status, k.response from ",
    2,
    " as v cross join idempotency_keys as k on k.tenant_id = v.column1 and k.key = v.column2",
);

static EXTERNAL_IDS: Bulk = Bulk::new(
    "select o.tenant_id, o.external_id, o.order_id from ",
    2,
    " as v cross join orders as o on o.tenant_id = v.column1 and o.external_id = v.column2",
);

pub(crate) async fn claim(connection: &mut SqliteConnection, wanted: &Wanted) -> Result<Claimed, Error> {
    let keys: Vec<_> = wanted.keys.iter().collect();
    let keys = self::keys(connection, &keys).await?;
    let external: Vec<_> = wanted.external_ids.iter().collect();
    let bind = |(tenant, external): &&(TenantId, ExternalId), row: &mut Row<'_>| {
        row.bind(columns::id(tenant.uuid())).bind(columns::text(external.as_str()));
    };
    let mut external_ids = HashMap::new();
    for row in EXTERNAL_IDS.fetch(connection, &external, bind).await? {
        let mut columns = Columns::new(&row);
        let key = (columns.id(TenantId::new)?, columns.name(ExternalId::parse)?);
        external_ids.insert(key, columns.id(OrderId::new)?);
    }
    Ok(Claimed { keys, external_ids })
}

/// The stored ones among these keys.
pub(crate) async fn keys(
    connection: &mut SqliteConnection,
    wanted: &[&(TenantId, String)],
) -> Result<HashMap<(TenantId, String), StoredKey>, Error> {
    let bind = |(tenant, key): &&(TenantId, String), row: &mut Row<'_>| {
        row.bind(columns::id(tenant.uuid())).bind(columns::text(key));
    };
    let mut found = HashMap::new();
    for row in KEYS.fetch(connection, wanted, bind).await? {
        let mut columns = Columns::new(&row);
        let key = (columns.id(TenantId::new)?, columns.get()?);
        found.insert(key, StoredKey::read(&mut columns)?);
    }
    Ok(found)
}

#[cfg(test)]
pub(super) const STATEMENTS: &[&Bulk] = &[&KEYS, &EXTERNAL_IDS];
