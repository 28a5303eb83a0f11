//! Merchants, their keys and secrets.

use domain::ids::{KeyId, TenantId};

use super::own;
use crate::backend::Scope;
use crate::records::{ApiKey, Tenant};
use crate::sql::{self, Columns, Row};
use crate::{Error, Store};

impl Store {
    /// All merchants, by id.
    ///
    /// # Errors
    /// What the database said.
    pub async fn tenants(&self) -> Result<Vec<Tenant>, Error> {
        let sql = "select tenant_id, name, currency, settings, created_at from tenants order by tenant_id";
        let rows = self.fetch_all(Scope::Callers, sql::query(sql)).await?;
        rows.iter().map(tenant).collect()
    }

    /// A merchant.
    ///
    /// # Errors
    /// What the database said.
    pub async fn tenant(&self, tenant_id: TenantId) -> Result<Option<Tenant>, Error> {
        let sql = "select tenant_id, name, currency, settings, created_at from tenants where tenant_id = $1";
        let row = self.fetch_optional(tenant_id, sql::query(sql).bind(own(tenant_id))).await?;
        row.as_ref().map(tenant).transpose()
    }

    /// The API key with this hash, whoever's it is: this is how a request finds its merchant.
    ///
    /// # Errors
    /// What the database said.
    pub async fn api_key_by_hash(&self, hash: &[u8; 32]) -> Result<Option<ApiKey>, Error> {
        let sql = "select tenant_id, key_id, name, hash, scopes, last4, created_at from api_keys where hash = $1";
        let row = self.fetch_optional(Scope::Callers, sql::query(sql).bind(hash.to_vec())).await?;
        row.as_ref().map(api_key).transpose()
    }

    /// A merchant's API keys, oldest first.
    ///
    /// # Errors
    /// What the database said.
    pub async fn api_keys(&self, tenant: TenantId) -> Result<Vec<ApiKey>, Error> {
        let sql = "select tenant_id, key_id, name, hash, scopes, last4, created_at from api_keys where tenant_id = $1 \
                   order by created_at, key_id";
        let rows = self.fetch_all(tenant, sql::query(sql).bind(own(tenant))).await?;
        rows.iter().map(api_key).collect()
    }

    /// A secret's sealed value.
    ///
    /// # Errors
    /// What the database said.
    pub async fn secret(&self, tenant: TenantId, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let query = sql::query("select sealed_value from secrets where tenant_id = $1 and name = $2")
            .bind(own(tenant))
            .bind(name.to_owned());
        self.fetch_optional(tenant, query).await?.map(|row| Columns::new(&row).get()).transpose()
    }

    /// The names of a merchant's secrets.
    ///
    /// # Errors
    /// What the database said.
    pub async fn secret_names(&self, tenant: TenantId) -> Result<Vec<String>, Error> {
        let query = sql::query("select name from secrets where tenant_id = $1 order by name").bind(own(tenant));
        self.fetch_all(tenant, query).await?.iter().map(|row| Columns::new(row).get()).collect()
    }
}

fn tenant(row: &Row) -> Result<Tenant, Error> {
    let mut columns = Columns::new(row);
    Ok(Tenant {
        tenant_id: columns.id(TenantId::new)?,
        name: columns.get()?,
        currency: columns.get()?,
        settings: columns.get()?,
        created_at: columns.time()?,
    })
}

fn api_key(row: &Row) -> Result<ApiKey, Error> {
    let mut columns = Columns::new(row);
    Ok(ApiKey {
        tenant: columns.id(TenantId::new)?,
        key_id: columns.id(KeyId::new)?,
        name: columns.get()?,
        hash: columns.hash()?,
        scopes: columns.json()?,
        last4: columns.get()?,
        created_at: columns.time()?,
    })
}
