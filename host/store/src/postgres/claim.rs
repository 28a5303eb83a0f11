//! Claiming idempotency keys and external ids: by inserting them as they will be if their changesets are accepted.

use std::collections::{BTreeMap, HashMap, HashSet};

use domain::ids::{ExternalId, OrderId, TenantId};
use sqlx::PgConnection;

use super::table::Table;
use crate::Error;
use crate::outcome::StoredKey;
use crate::prepare::{Change, Prepared};
use crate::resolve::{Claimed, KeyWrite, Net};
use crate::sql::{Columns, count};

type Key = (TenantId, String);
type External = (TenantId, ExternalId);

/// What this batch has claimed, and as what.
#[derive(Debug, Default)]
pub(super) struct Claims {
    keys: BTreeMap<Key, KeyWrite>,
    external_ids: BTreeMap<External, OrderId>,
}

const CLAIM_KEYS: &str = "insert into idempotency_keys (tenant_id, key, fingerprint, order_id, order_version, status, response, created_at) \
     select v.*, (extract(epoch from now()) * 1000000)::bigint from unnest($1::bytea[], $2::text[], $3::bytea[], \
     $4::bytea[], $5::bigint[], $6::bigint[], $7::text[]) as v on conflict do nothing returning tenant_id, key";

const KEYS: &str = "select k.tenant_id, k.key, k.fingerprint, k.order_id, k.order_version, k.status, k.response \
     from unnest($1::bytea[], $2::text[]) as v (column1, column2) \
     join idempotency_keys as k on k.tenant_id = v.column1 and k.key = v.column2";

const CLAIM_EXTERNAL_IDS: &str = "insert into external_ids (tenant_id, external_id, order_id) \
     select * from unnest($1::bytea[], $2::text[], $3::bytea[]) on conflict do nothing returning tenant_id, external_id";

const EXTERNAL_IDS: &str = "select e.tenant_id, e.external_id, e.order_id \
     from unnest($1::bytea[], $2::text[]) as v (column1, column2) \
     join external_ids as e on e.tenant_id = v.column1 and e.external_id = v.column2";

const DROP_KEYS: &str = "delete from idempotency_keys as k using unnest($1::bytea[], $2::text[]) as v (column1, column2) \
     where k.tenant_id = v.column1 and k.key = v.column2";

const DROP_EXTERNAL_IDS: &str = "delete from external_ids as e using unnest($1::bytea[], $2::text[]) \
     as v (column1, column2) where e.tenant_id = v.column1 and e.external_id = v.column2";

pub(super) async fn claim(connection: &mut PgConnection, batch: &[&Prepared]) -> Result<(Claimed, Claims), Error> {
    let mut claims = Claims::of(batch);
    let keys = claim_keys(connection, batch, &mut claims).await?;
    let external_ids = claim_external_ids(connection, &mut claims).await?;
    Ok((Claimed { keys, external_ids }, claims))
}

impl Claims {
    /// What the first changeset of each key and external id will make of it.
    fn of(batch: &[&Prepared]) -> Self {
        let mut claims = Self::default();
        for (of, prepared) in batch.iter().enumerate() {
            let (order_id, order_version) = match &prepared.order {
                Change::Place(place) => {
                    let external = place.draft.external_id.as_ref();
                    if let Some(external) = external {
                        let key = (prepared.tenant, external.clone());
                        claims.external_ids.entry(key).or_insert(place.draft.order_id);
                    }
                    // Which plan is taken changes nothing about the version.
                    (Some(place.draft.order_id), place.first.as_ref().map(|first| first.order.version))
                }
                Change::Update(update) => {
                    let order = &update.encoded.order;
                    (Some(order.order_id), Some(order.version))
                }
                Change::None | Change::Defer { .. } => (None, None),
            };
            if let Some(claim) = &prepared.key {
                let key = (prepared.tenant, claim.key.clone());
                claims.keys.entry(key).or_insert(KeyWrite { of, order_id, order_version });
            }
        }
        claims
    }
}

async fn claim_keys(
    connection: &mut PgConnection,
    batch: &[&Prepared],
    claims: &mut Claims,
) -> Result<HashMap<Key, StoredKey>, Error> {
    if claims.keys.is_empty() {
        return Ok(HashMap::new());
    }
    let mut won = HashSet::new();
    for row in insert_keys(connection, batch, claims.keys.values()).await? {
        let mut columns = Columns::new(&row);
        won.insert((columns.id(TenantId::new)?, columns.get::<String>()?));
    }
    if won.len() == claims.keys.len() {
        return Ok(HashMap::new());
    }
    // A statement of its own sees what others committed while the one before waited for them.
    let lost: Vec<Key> = claims.keys.keys().filter(|key| !won.contains(*key)).cloned().collect();
    claims.keys.retain(|key, _| won.contains(key));
    let stored = keys(connection, &lost.iter().collect::<Vec<_>>()).await?;
    complete(stored.len(), lost.len())?;
    Ok(stored)
}

async fn insert_keys<'w>(
    connection: &mut PgConnection,
    batch: &[&Prepared],
    writes: impl Iterator<Item = &'w KeyWrite> + Clone,
) -> Result<Vec<sqlx::postgres::PgRow>, Error> {
    let claim = |write: &KeyWrite| batch[write.of].key.as_ref().expect("a key is claimed by a changeset that has one");
    let claimed = || writes.clone().map(claim);
    Table::default()
        .ids(writes.clone().map(|w| batch[w.of].tenant.uuid()))
        .texts(claimed().map(|c| c.key.as_str()))
        .hashes(claimed().map(|c| &c.fingerprint))
        .optional_ids(writes.clone().map(|w| w.order_id.map(OrderId::uuid)))
        .optional_numbers(writes.clone().map(|w| w.order_version.map(count)))
        .numbers(claimed().map(|c| i64::from(c.status)))
        .optional_texts(claimed().map(|c| c.response.as_deref()))
        .fetch(connection, CLAIM_KEYS)
        .await
}

async fn claim_external_ids(
    connection: &mut PgConnection,
    claims: &mut Claims,
) -> Result<HashMap<External, OrderId>, Error> {
    if claims.external_ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut won = HashSet::new();
    for row in insert_external_ids(connection, claims.external_ids.iter()).await? {
        let mut columns = Columns::new(&row);
        won.insert((columns.id(TenantId::new)?, columns.name(ExternalId::parse)?));
    }
    let lost: Vec<External> = claims.external_ids.keys().filter(|id| !won.contains(*id)).cloned().collect();
    if lost.is_empty() {
        return Ok(HashMap::new());
    }
    claims.external_ids.retain(|id, _| won.contains(id));
    let rows = Table::default()
        .ids(lost.iter().map(|(tenant, _)| tenant.uuid()))
        .texts(lost.iter().map(|(_, id)| id.as_str()))
        .fetch(connection, EXTERNAL_IDS)
        .await?;
    let mut taken = HashMap::new();
    for row in &rows {
        let mut columns = Columns::new(row);
        let key = (columns.id(TenantId::new)?, columns.name(ExternalId::parse)?);
        taken.insert(key, columns.id(OrderId::new)?);
    }
    complete(taken.len(), lost.len())?;
    Ok(taken)
}

/// What could not be claimed is there; unless it has just been removed, as an expired key is. Then all is tried again.
fn complete(found: usize, lost: usize) -> Result<(), Error> {
    if found == lost {
        return Ok(());
    }
    Err(Error::contended("a claim vanished"))
}

async fn insert_external_ids<'c>(
    connection: &mut PgConnection,
    claims: impl Iterator<Item = (&'c External, &'c OrderId)> + Clone,
) -> Result<Vec<sqlx::postgres::PgRow>, Error> {
    Table::default()
        .ids(claims.clone().map(|((tenant, _), _)| tenant.uuid()))
        .texts(claims.clone().map(|((_, id), _)| id.as_str()))
        .ids(claims.map(|(_, order)| order.uuid()))
        .fetch(connection, CLAIM_EXTERNAL_IDS)
        .await
}

/// Takes back what was claimed for changesets that are refused, and corrects what came out otherwise than expected.
pub(super) async fn settle(
    connection: &mut PgConnection,
    batch: &[&Prepared],
    net: &Net,
    claims: &Claims,
) -> Result<(), Error> {
    let key = |write: &KeyWrite| {
        let claim = batch[write.of].key.as_ref().expect("a key is written for a changeset that claims one");
        (batch[write.of].tenant, claim.key.clone())
    };
    let written: BTreeMap<Key, &KeyWrite> = net.keys.iter().map(|write| (key(write), write)).collect();
    let wrong: Vec<&Key> = claims.keys.iter().filter(|(k, w)| written.get(*k) != Some(w)).map(|(k, _)| k).collect();
    if !wrong.is_empty() {
        let table = Table::default().ids(wrong.iter().map(|(tenant, _)| tenant.uuid()));
        table.texts(wrong.iter().map(|(_, key)| key.as_str())).execute(connection, DROP_KEYS).await?;
    }
    let missing: Vec<&KeyWrite> =
        written.iter().filter(|(k, w)| claims.keys.get(*k) != Some(**w)).map(|(_, w)| *w).collect();
    if !missing.is_empty() {
        insert_keys(connection, batch, missing.iter().copied()).await?;
    }
    let placed = net.inserted.iter().map(|write| &write.encoded.order);
    let written: BTreeMap<External, OrderId> =
        placed.filter_map(|o| Some(((o.tenant_id, o.external_id.clone()?), o.order_id))).collect();
    let wrong = claims.external_ids.iter().filter(|(id, order)| written.get(*id) != Some(order));
    let wrong: Vec<&External> = wrong.map(|(id, _)| id).collect();
    if !wrong.is_empty() {
        let table = Table::default().ids(wrong.iter().map(|(tenant, _)| tenant.uuid()));
        table.texts(wrong.iter().map(|(_, id)| id.as_str())).execute(connection, DROP_EXTERNAL_IDS).await?;
    }
    let missing: Vec<_> = written.iter().filter(|(id, order)| claims.external_ids.get(*id) != Some(order)).collect();
    if !missing.is_empty() {
        insert_external_ids(connection, missing.iter().copied()).await?;
    }
    Ok(())
}

/// The stored ones among these keys.
pub(crate) async fn keys(connection: &mut PgConnection, wanted: &[&Key]) -> Result<HashMap<Key, StoredKey>, Error> {
    let rows = Table::default()
        .ids(wanted.iter().map(|(tenant, _)| tenant.uuid()))
        .texts(wanted.iter().map(|(_, key)| key.as_str()))
        .fetch(connection, KEYS)
        .await?;
    let mut found = HashMap::new();
    for row in &rows {
        let mut columns = Columns::new(row);
        let key = (columns.id(TenantId::new)?, columns.get()?);
        found.insert(key, StoredKey::read(&mut columns)?);
    }
    Ok(found)
}
