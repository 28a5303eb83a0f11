//! Merchants, their settings and their API keys.

use std::str::FromStr;
use std::sync::Arc;

use domain::ids::{KeyId, TenantId};
use domain::money::Currency;
use domain::native::ShippingRate;
use domain::time::Timestamp;
use ring::digest;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{App, Error, clock};

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

/// A new API key. The secret is shown once and stored hashed.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// What stays.
    pub key: KeyInfo,
    /// `ow_` + 32 random characters + 6 of checksum.
    pub secret: String,
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
    /// # Errors
    /// Where the store cannot be written.
    pub async fn create_key(&self, tenant: TenantId, name: &str, scopes: &[Scope]) -> Result<NewKey, Error> {
        let mut bytes = [0u8; SECRET_RANDOM_CHARS];
        self.keyring().fill(&mut bytes);
        let random: String = bytes.iter().map(|b| char::from(BASE32[usize::from(b & 31)])).collect();
        let secret = format!("{SECRET_PREFIX}{random}{}", checksum(&random));
        let row = store::ApiKey {
            tenant,
            key_id: KeyId::new(Uuid::now_v7()),
            name: name.to_owned(),
            hash: hash(&secret),
            scopes: scopes.iter().map(|s| s.name().to_owned()).collect(),
            last4: secret.get(secret.len() - 4..).map(str::to_owned),
            created_at: clock::now(),
        };
        self.store().create_api_key(&row).await?;
        Ok(NewKey { key: key_info(&row)?, secret })
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
    use super::*;

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
}
