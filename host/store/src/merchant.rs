//! Setting up a merchant: single statements on the writer's connection, past the queue.
//!
//! Each is one statement and so its own transaction: nothing is half done where the caller goes away.

use domain::ids::{CustomerId, KeyId, SealKeyId, TenantId, WarehouseId};

use crate::changeset::SealKey;
use crate::reads::own;
use crate::records::Tenant;
use crate::sqlite::columns::{id, text};
use crate::{Error, Store};

impl Store {
    /// Adds a merchant.
    ///
    /// # Errors
    /// [`Error::Refused`] where the id is taken, otherwise what the database said.
    pub async fn create_tenant(&self, tenant: &Tenant) -> Result<(), Error> {
        let sql = "insert into tenants (tenant_id, name, currency, settings, created_at) values (?, ?, ?, ?, ?)";
        let query = sqlx::query(sql)
            .bind(own(tenant.tenant_id))
            .bind(text(&tenant.name))
            .bind(text(&tenant.currency))
            .bind(text(&tenant.settings))
            .bind(tenant.created_at.micros());
        query.execute(&mut *self.writer().await).await?;
        Ok(())
    }

    /// Replaces a merchant's name, currency and settings.
    ///
    /// # Errors
    /// What the database said.
    pub async fn update_tenant(&self, tenant: &Tenant) -> Result<bool, Error> {
        let sql = "update tenants set name = ?, currency = ?, settings = ? where tenant_id = ?";
        let query = sqlx::query(sql)
            .bind(text(&tenant.name))
            .bind(text(&tenant.currency))
            .bind(text(&tenant.settings))
            .bind(own(tenant.tenant_id));
        Ok(query.execute(&mut *self.writer().await).await?.rows_affected() > 0)
    }

    /// Adds or replaces a warehouse.
    ///
    /// # Errors
    /// What the database said.
    pub async fn put_warehouse(
        &self,
        tenant: TenantId,
        warehouse_id: &WarehouseId,
        document: &str,
    ) -> Result<(), Error> {
        let sql = "insert into warehouses (tenant_id, warehouse_id, document) values (?, ?, ?) \
                   on conflict (tenant_id, warehouse_id) do update set document = excluded.document";
        let query = sqlx::query(sql).bind(own(tenant)).bind(text(warehouse_id.as_str())).bind(text(document));
        query.execute(&mut *self.writer().await).await?;
        Ok(())
    }

    /// Removes an API key; false where the merchant has no such key.
    ///
    /// # Errors
    /// What the database said.
    pub async fn delete_api_key(&self, tenant: TenantId, key_id: KeyId) -> Result<bool, Error> {
        let query = sqlx::query("delete from api_keys where tenant_id = ? and key_id = ?")
            .bind(own(tenant))
            .bind(id(key_id.uuid()));
        Ok(query.execute(&mut *self.writer().await).await?.rows_affected() > 0)
    }

    /// Keeps a secret that the caller sealed, in place of the one with its name.
    ///
    /// # Errors
    /// What the database said.
    pub async fn put_secret(&self, tenant: TenantId, name: &str, sealed_value: &[u8]) -> Result<(), Error> {
        let sql = "insert into secrets (tenant_id, name, sealed_value) values (?, ?, ?) \
                   on conflict (tenant_id, name) do update set sealed_value = excluded.sealed_value";
        let query = sqlx::query(sql).bind(own(tenant)).bind(text(name)).bind(sealed_value.to_vec());
        query.execute(&mut *self.writer().await).await?;
        Ok(())
    }

    /// Removes a secret; false where there is none of that name.
    ///
    /// # Errors
    /// What the database said.
    pub async fn delete_secret(&self, tenant: TenantId, name: &str) -> Result<bool, Error> {
        let query =
            sqlx::query("delete from secrets where tenant_id = ? and name = ?").bind(own(tenant)).bind(text(name));
        Ok(query.execute(&mut *self.writer().await).await?.rows_affected() > 0)
    }

    /// Keeps a key that seals personal data. One with its id stays as it is.
    ///
    /// # Errors
    /// What the database said.
    pub async fn put_seal_key(&self, tenant: TenantId, key: &SealKey) -> Result<(), Error> {
        let sql = "insert into seal_keys (tenant_id, seal_key_id, customer_id, order_id, wrapped_key) values (?, ?, ?, ?, ?) \
                   on conflict (tenant_id, seal_key_id) do nothing";
        let query = sqlx::query(sql)
            .bind(own(tenant))
            .bind(id(key.seal_key_id.uuid()))
            .bind(key.customer_id.as_ref().map(|c| text(c.as_str())))
            .bind(key.order_id.map(|o| id(o.uuid())))
            .bind(key.wrapped_key.clone());
        query.execute(&mut *self.writer().await).await?;
        Ok(())
    }

    /// Destroys the keys of a customer's data, which makes every copy of it unreadable. Answers what was destroyed.
    ///
    /// # Errors
    /// What the database said.
    pub async fn destroy_seal_keys(&self, tenant: TenantId, customer: &CustomerId) -> Result<Vec<SealKeyId>, Error> {
        let sql = "delete from seal_keys where tenant_id = ? and customer_id = ? returning seal_key_id";
        let query = sqlx::query(sql).bind(own(tenant)).bind(text(customer.as_str()));
        let rows = query.fetch_all(&mut *self.writer().await).await?;
        rows.iter().map(|row| crate::sqlite::columns::Columns::new(row).id(SealKeyId::new)).collect()
    }
}
