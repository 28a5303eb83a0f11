//! Merchants, their keys and secrets.

use domain::ids::{KeyId, TenantId};
use sqlx::sqlite::SqliteRow;

use super::own;
use crate::records::{ApiKey, Tenant};
use crate::sqlite::columns::Columns;
use crate::{Error, Store};

impl Store {
    /// All merchants, by id.
    ///
    /// # Errors
    /// What the database said.
    pub async fn tenants(&self) -> Result<Vec<Tenant>, Error> {
        let sql = "select tenant_id, name, currency, settings, created_at from tenants order by tenant_id";
        let rows = sqlx::query(sql).fetch_all(&mut *self.reader().await?).await?;
        rows.iter().map(tenant).collect()
    }

    /// A merchant.
    ///
    /// # Errors
    /// What the database said.
    pub async fn tenant(&self, tenant_id: TenantId) -> Result<Option<Tenant>, Error> {
        let sql = "select tenant_id, name, currency, settings, created_at from tenants where tenant_id = ?";
        let row = sqlx::query(sql).bind(own(tenant_id)).fetch_optional(&mut *self.reader().await?).await?;
        row.as_ref().map(tenant).transpose()
    }

    /// The API key with this hash, whoever's it is: this is how a request finds its merchant.
    ///
    /// # Errors
    /// What the database said.
    pub async fn api_key_by_hash(&self, hash: &[u8; 32]) -> Result<Option<ApiKey>, Error> {
        let sql = "select tenant_id, key_id, name, hash, scopes, last4, created_at from api_keys where hash = ?";
        let row = sqlx::query(sql).bind(hash.to_vec()).fetch_optional(&mut *self.reader().await?).await?;
        row.as_ref().map(api_key).transpose()
    }

    /// A merchant's API keys, oldest first.
    ///
    /// # Errors
    /// What the database said.
    pub async fn api_keys(&self, tenant: TenantId) -> Result<Vec<ApiKey>, Error> {
        let sql = "select tenant_id, key_id, name, hash, scopes, last4, created_at from api_keys where tenant_id = ? \
                   order by created_at, key_id";
        let rows = sqlx::query(sql).bind(own(tenant)).fetch_all(&mut *self.reader().await?).await?;
        rows.iter().map(api_key).collect()
    }

    /// A secret's sealed value.
    ///
    /// # Errors
    /// What the database said.
    pub async fn secret(&self, tenant: TenantId, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let query = sqlx::query_scalar("select sealed_value from secrets where tenant_id = ? and name = ?")
            .bind(own(tenant))
            .bind(name.to_owned());
        Ok(query.fetch_optional(&mut *self.reader().await?).await?)
    }

    /// The names of a merchant's secrets.
    ///
    /// # Errors
    /// What the database said.
    pub async fn secret_names(&self, tenant: TenantId) -> Result<Vec<String>, Error> {
        let query = sqlx::query_scalar("select name from secrets where tenant_id = ? order by name").bind(own(tenant));
        Ok(query.fetch_all(&mut *self.reader().await?).await?)
    }
}

fn tenant(row: &SqliteRow) -> Result<Tenant, Error> {
    let mut columns = Columns::new(row);
    Ok(Tenant {
        tenant_id: columns.id(TenantId::new)?,
        name: columns.get()?,
        currency: columns.get()?,
        settings: columns.get()?,
        created_at: columns.time()?,
    })
}

fn api_key(row: &SqliteRow) -> Result<ApiKey, Error> {
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
