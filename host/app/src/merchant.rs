//! Merchants, their settings and their API keys.

use std::str::FromStr;
use std::sync::Arc;

use domain::ids::{KeyId, TenantId};
use domain::money::Currency;
use domain::native::ShippingRate;
use domain::order::ShippingRefund;
use domain::time::Timestamp;
use ring::digest;
use serde::{Deserialize, Serialize};
use store::{Changeset, Outcome, StoredKey};
use uuid::Uuid;

use crate::{App, Error, Idempotency, clock, idempotency};

/// A merchant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merchant {
    /// Its id.
    pub tenant_id: TenantId,
    /// For people.
    pub name: String,
    /// How it works.
    pub settings: Settings,
}

/// What a merchant can set. Stored as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Where a request names none.
    pub currency: Currency,
    /// ISO 3166 alpha-2: where shipping counts as domestic.
    pub home_country: String,
    /// What shipping costs; the first row that fits counts.
    pub shipping_rates: Vec<ShippingRate>,
    /// How long a declined payment may be tried again, in seconds.
    pub payment_retry_seconds: u32,
    /// Whether a part that is cancelled or sent back gives something of the shipping cost back.
    #[serde(default)]
    pub shipping_refund: ShippingRefund,
    /// How many requests that read are allowed; none is no limit.
    pub reads: Option<RateLimit>,
    /// How many requests that write are allowed; none is no limit.
    pub writes: Option<RateLimit>,
}

/// A number of requests in a window of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateLimit {
    /// How many.
    pub requests: u32,
    /// In how long.
    pub window_seconds: u32,
}

impl Settings {
    /// API.md: half an hour.
    pub const PAYMENT_RETRY_SECONDS: u32 = 30 * 60;

    /// What a new merchant starts with.
    #[must_use]
    pub fn new(currency: Currency, home_country: &str) -> Self {
        Self {
            currency,
            home_country: home_country.to_owned(),
            shipping_rates: domain::native::default_rates(home_country),
            payment_retry_seconds: Self::PAYMENT_RETRY_SECONDS,
            shipping_refund: ShippingRefund::default(),
            reads: None,
            writes: None,
        }
    }
}

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Read orders.
    OrdersRead,
    /// Place and change orders.
    OrdersWrite,
    /// Change warehouses and stock.
    InventoryWrite,
    /// Upload and bind plugins.
    PluginsWrite,
    /// Manage webhooks.
    WebhooksWrite,
    /// What customer service does in the console.
    Support,
    /// Manage keys.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 7] = [
        Self::OrdersRead,
        Self::OrdersWrite,
        Self::InventoryWrite,
        Self::PluginsWrite,
        Self::WebhooksWrite,
        Self::Support,
        Self::Admin,
    ];

    /// The name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OrdersRead => "orders:read",
            Self::OrdersWrite => "orders:write",
            Self::InventoryWrite => "inventory:write",
            Self::PluginsWrite => "plugins:write",
            Self::WebhooksWrite => "webhooks:write",
            Self::Support => "support",
            Self::Admin => "admin",
        }
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|s| s.name() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|s| s.name()).collect();
            format!("must be one of {}", names.join(", "))
        })
    }
}

/// Who is asking.
#[derive(Debug, Clone)]
pub struct Caller {
    /// On whose behalf.
    pub merchant: Arc<Merchant>,
    /// With which key.
    pub key_id: KeyId,
    /// The key's name, which the audit trail shows.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
}

impl Caller {
    /// The merchant's id.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.merchant.tenant_id
    }

    /// Whether the key may do this.
    #[must_use]
    pub fn has(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    pub(crate) fn actor(&self) -> String {
        self.name.clone()
    }
}

/// An API key without its secret.
#[derive(Debug, Clone)]
pub struct KeyInfo {
    /// Its id.
    pub key_id: KeyId,
    /// For people.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Since when.
    pub created_at: Timestamp,
}

/// A new API key. The secret is stored hashed, and beside an idempotency key sealed for as long as that lives.
#[derive(Clone)]
pub struct NewKey {
    /// What stays.
    pub key: KeyInfo,
    /// `ow_` + 32 random characters + 6 of checksum.
    pub secret: String,
    /// Whether this is the answer to an earlier request with the same idempotency key.
    pub replayed: bool,
}

impl std::fmt::Debug for NewKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewKey").field("key", &self.key).field("replayed", &self.replayed).finish_non_exhaustive()
    }
}

/// Why no key is made.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The idempotency key cannot be used.
    #[error(transparent)]
    Idempotency(#[from] idempotency::Refusal),
    /// Something else.
    #[error(transparent)]
    Error(#[from] Error),
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Self {
        Self::Error(error.into())
    }
}

/// What the answer about a new key says beyond its request; sealed, it is what the store keeps for a replay.
#[derive(Serialize, Deserialize)]
struct Made {
    key_id: KeyId,
    created_at: Timestamp,
    secret: String,
}

/// What a request for a key asks for.
struct Wanted<'r> {
    tenant: TenantId,
    name: &'r str,
    scopes: &'r [Scope],
}

impl Wanted<'_> {
    fn row(&self, made: &Made) -> store::ApiKey {
        store::ApiKey {
            tenant: self.tenant,
            key_id: made.key_id,
            name: self.name.to_owned(),
            hash: hash(&made.secret),
            scopes: self.scopes.iter().map(|s| s.name().to_owned()).collect(),
            last4: made.secret.get(made.secret.len() - 4..).map(str::to_owned),
            created_at: made.created_at,
        }
    }

    fn answer(&self, made: Made, replayed: bool) -> NewKey {
        let (name, scopes) = (self.name.to_owned(), self.scopes.to_vec());
        let key = KeyInfo { key_id: made.key_id, name, scopes, created_at: made.created_at };
        NewKey { key, secret: made.secret, replayed }
    }
}

const SECRET_PREFIX: &str = "ow_";
/// 160 random bits in base 32: beyond guessing.
const SECRET_RANDOM_CHARS: usize = 32;
/// 30 bits: a key that was mistyped or cut is recognised without asking the store.
const SECRET_CHECKSUM_CHARS: usize = 6;
const BASE32: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

fn checksum(random: &str) -> String {
    let hash = digest::digest(&digest::SHA256, random.as_bytes());
    hash.as_ref().iter().take(SECRET_CHECKSUM_CHARS).map(|b| char::from(BASE32[usize::from(b & 31)])).collect()
}

/// Whether a text has the form and checksum of a key.
#[must_use]
pub fn is_well_formed(secret: &str) -> bool {
    secret
        .strip_prefix(SECRET_PREFIX)
        .and_then(|rest| rest.split_at_checked(SECRET_RANDOM_CHARS))
        .is_some_and(|(random, check)| checksum(random) == check)
}

fn hash(secret: &str) -> [u8; 32] {
    digest::digest(&digest::SHA256, secret.as_bytes()).as_ref().try_into().expect("SHA-256 has 32 bytes")
}

impl App {
    /// Creates a merchant.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn create_merchant(&self, name: &str, settings: Settings) -> Result<Arc<Merchant>, Error> {
        let tenant_id = TenantId::new(Uuid::now_v7());
        let row = store::Tenant {
            tenant_id,
            name: name.to_owned(),
            currency: settings.currency.code().to_owned(),
            settings: serde_json::to_string(&settings)?,
            created_at: clock::now(),
        };
        self.store().create_tenant(&row).await?;
        Ok(Arc::new(Merchant { tenant_id, name: name.to_owned(), settings }))
    }

    /// Every merchant, oldest first.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn merchants(&self) -> Result<Vec<Arc<Merchant>>, Error> {
        self.store().tenants().await?.into_iter().map(|row| merchant_of(row).map(Arc::new)).collect()
    }

    /// A merchant by its id, cached for [`crate::CACHE_SECONDS`].
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub(crate) async fn merchant(&self, tenant: TenantId) -> Result<Option<Arc<Merchant>>, Error> {
        if let Some(merchant) = self.caches().merchants.get(&tenant) {
            return Ok(Some(merchant));
        }
        let Some(row) = self.store().tenant(tenant).await? else { return Ok(None) };
        let merchant = Arc::new(merchant_of(row)?);
        self.caches().merchants.insert(tenant, merchant.clone());
        Ok(Some(merchant))
    }

    /// Changes a merchant's settings.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn update_settings(&self, tenant: TenantId, settings: &Settings) -> Result<(), Error> {
        let Some(mut row) = self.store().tenant(tenant).await? else { return Ok(()) };
        settings.currency.code().clone_into(&mut row.currency);
        row.settings = serde_json::to_string(settings)?;
        self.store().update_tenant(&row).await?;
        self.caches().merchants.invalidate(&tenant);
        self.caches().callers.invalidate_all();
        Ok(())
    }

    /// Who holds a key, or none. Answers are cached for [`crate::CACHE_SECONDS`].
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn authenticate(&self, secret: &str) -> Result<Option<Arc<Caller>>, Error> {
        if !is_well_formed(secret) {
            return Ok(None);
        }
        let hash = hash(secret);
        if let Some(caller) = self.caches().callers.get(&hash) {
            return Ok(Some(caller));
        }
        let Some(row) = self.store().api_key_by_hash(&hash).await? else { return Ok(None) };
        let Some(merchant) = self.merchant(row.tenant).await? else { return Ok(None) };
        let info = key_info(&row)?;
        let caller = Arc::new(Caller { merchant, key_id: info.key_id, name: info.name, scopes: info.scopes });
        self.caches().callers.insert(hash, caller.clone());
        Ok(Some(caller))
    }

    /// Makes a key.
    ///
    /// An idempotency key stands for the same name and scopes again: its fingerprint covers them.
    ///
    /// # Errors
    /// [`Refusal`]; no key is made, and the idempotency key is not used up.
    pub async fn create_key(
        &self,
        tenant: TenantId,
        name: &str,
        scopes: &[Scope],
        key: Option<Idempotency>,
    ) -> Result<NewKey, Refusal> {
        let wanted = Wanted { tenant, name, scopes };
        let made = Made { key_id: KeyId::new(Uuid::now_v7()), created_at: clock::now(), secret: self.fresh_secret() };
        let mut changeset = Changeset::new(tenant, "keys");
        changeset.api_keys = vec![wanted.row(&made)];
        changeset.key = key.as_ref().map(|k| k.claim(201, Some(self.keyring().seal(&made))));
        match (self.commit(changeset).await?, key) {
            (Outcome::Committed(_), _) => Ok(wanted.answer(made, false)),
            (Outcome::SameKey(stored), Some(key)) => {
                key.matches(&stored)?;
                Ok(wanted.answer(self.made_before(&stored)?, true))
            }
            (other, _) => Err(Error::Internal(format!("unexpected outcome of a new key: {other:?}")).into()),
        }
    }

    fn fresh_secret(&self) -> String {
        let mut bytes = [0u8; SECRET_RANDOM_CHARS];
        self.keyring().fill(&mut bytes);
        let random: String = bytes.iter().map(|b| char::from(BASE32[usize::from(b & 31)])).collect();
        format!("{SECRET_PREFIX}{random}{}", checksum(&random))
    }

    fn made_before(&self, stored: &StoredKey) -> Result<Made, Error> {
        let opened = stored.response.as_deref().and_then(|sealed| self.keyring().open_sealed(sealed));
        opened.ok_or_else(|| Error::Internal("the answer about a key was sealed by another instance".into()))
    }

    /// A merchant's keys, oldest first.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn keys(&self, tenant: TenantId) -> Result<Vec<KeyInfo>, Error> {
        self.store().api_keys(tenant).await?.iter().map(key_info).collect()
    }

    /// Removes a key; whether there was one.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn delete_key(&self, tenant: TenantId, key_id: KeyId) -> Result<bool, Error> {
        let removed = self.store().delete_api_key(tenant, key_id).await?;
        self.caches().callers.invalidate_all();
        Ok(removed)
    }
}

fn merchant_of(row: store::Tenant) -> Result<Merchant, Error> {
    Ok(Merchant { tenant_id: row.tenant_id, name: row.name, settings: serde_json::from_str(&row.settings)? })
}

fn key_info(row: &store::ApiKey) -> Result<KeyInfo, Error> {
    let scopes = row.scopes.iter().map(|s| s.parse()).collect::<Result<_, String>>().map_err(Error::Internal)?;
    Ok(KeyInfo { key_id: row.key_id, name: row.name.clone(), scopes, created_at: row.created_at })
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;
    use crate::Config;
    use crate::keyring::Keyring;

    #[test]
    fn a_mistyped_key_is_recognised() {
        let random = "0".repeat(SECRET_RANDOM_CHARS);
        let good = format!("ow_{random}{}", checksum(&random));
        assert!(is_well_formed(&good));
        assert!(!is_well_formed(&good.replacen('0', "1", 1)));
        assert!(!is_well_formed(&good[..good.len() - 1]));
        assert!(!is_well_formed("ow_é"));
        assert!(!is_well_formed(""));
    }

    #[tokio::test]
    async fn the_answer_about_a_key_lies_sealed_in_the_store() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let directory = tempfile::tempdir().unwrap();
        let config = Config::new(directory.path().to_owned(), Box::new(|| Command::new("false")));
        let app = App::open(config).await.unwrap();
        let settings = Settings::new("USD".parse().unwrap(), "US");
        let tenant = app.create_merchant("test", settings).await.unwrap().tenant_id;
        let key = Idempotency { key: "k".into(), fingerprint: [7; 32] };
        let make = |key: &Idempotency| {
            let (app, key) = (app.clone(), key.clone());
            async move { app.create_key(tenant, "web shop", &[Scope::OrdersRead], Some(key)).await }
        };
        let made = make(&key).await.unwrap();

        let stored = app.store().stored_key(tenant, "k").await.unwrap().unwrap();
        let response = stored.response.as_deref().unwrap();
        let random = made.secret.strip_prefix(SECRET_PREFIX).unwrap();
        let raw = URL_SAFE_NO_PAD.decode(response).unwrap();
        assert!(!response.contains(random) && !raw.windows(random.len()).any(|window| window == random.as_bytes()));
        let foreign = Keyring::open(&directory.path().join("another.key")).unwrap();
        assert!(foreign.open_sealed::<Made>(response).is_none());
        assert_eq!(app.made_before(&stored).unwrap().secret, made.secret);

        let again = make(&key).await.unwrap();
        assert_eq!((again.secret == made.secret, made.replayed, again.replayed), (true, false, true));
        let other = make(&Idempotency { fingerprint: [8; 32], ..key }).await;
        assert!(matches!(other, Err(Refusal::Idempotency(idempotency::Refusal::KeyReused))));
        assert_eq!(app.keys(tenant).await.unwrap().len(), 1);
        assert!(!format!("{made:?}").contains(random));
    }
}
