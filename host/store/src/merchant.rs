//! Setting up a merchant: single statements on the writer's connection, past the queue.
//!
//! Each is one statement and so its own transaction: nothing is half done where the caller goes away.

use domain::ids::{CustomerId, KeyId, SealKeyId, TenantId, WarehouseId};

use crate::changeset::SealKey;
use crate::reads::own;
use crate::records::Tenant;
use crate::sql::{self, Columns, id, text};
use crate::{Error, Store};

impl Store {
    /// Adds a merchant.
    ///
    /// # Errors
    /// [`Error::Refused`] where the id is taken, otherwise what the database said.
    pub async fn create_tenant(&self, tenant: &Tenant) -> Result<(), Error> {
        let sql = "insert into tenants (tenant_id, name, currency, settings, created_at) values ($1, $2, $3, $4, $5)";
        let query = sql::query(sql)
            .bind(own(tenant.tenant_id))
            .bind(text(&tenant.name))
            .bind(text(&tenant.currency))
            .bind(text(&tenant.settings))
            .bind(tenant.created_at.micros());
        self.execute(tenant.tenant_id, query).await?;
        Ok(())
    }

    /// Replaces a merchant's name, currency and settings.
    ///
    /// # Errors
    /// What the database said.
    pub async fn update_tenant(&self, tenant: &Tenant) -> Result<bool, Error> {
        let sql = "update tenants set name = $1, currency = $2, settings = $3 where tenant_id = $4";
        let query = sql::query(sql)
            .bind(text(&tenant.name))
            .bind(text(&tenant.currency))
            .bind(text(&tenant.settings))
            .bind(own(tenant.tenant_id));
        Ok(self.execute(tenant.tenant_id, query).await? > 0)
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
        let sql = "insert into warehouses (tenant_id, warehouse_id, document) values ($1, $2, $3) \
                   on conflict (tenant_id, warehouse_id) do update set document = excluded.document";
        let query = sql::query(sql).bind(own(tenant)).bind(text(warehouse_id.as_str())).bind(text(document));
        self.execute(tenant, query).await?;
        Ok(())
    }

    /// Removes an API key; false where the merchant has no such key.
    ///
    /// # Errors
    /// What the database said.
    pub async fn delete_api_key(&self, tenant: TenantId, key_id: KeyId) -> Result<bool, Error> {
        let query = sql::query("delete from api_keys where tenant_id = $1 and key_id = $2")
            .bind(own(tenant))
            .bind(id(key_id.uuid()));
        Ok(self.execute(tenant, query).await? > 0)
    }

    /// Keeps a secret that the caller sealed, in place of the one with its name.
    ///
    /// # Errors
    /// What the database said.
    pub async fn put_secret(&self, tenant: TenantId, name: &str, sealed_value: &[u8]) -> Result<(), Error> {
        let sql = "insert into secrets (tenant_id, name, sealed_value) values ($1, $2, $3) \
                   on conflict (tenant_id, name) do update set sealed_value = excluded.sealed_value";
        let query = sql::query(sql).bind(own(tenant)).bind(text(name)).bind(sealed_value.to_vec());
        self.execute(tenant, query).await?;
        Ok(())
    }

    /// Removes a secret; false where there is none of that name.
    ///
    /// # Errors
    /// What the database said.
    pub async fn delete_secret(&self, tenant: TenantId, name: &str) -> Result<bool, Error> {
        let query =
            sql::query("delete from secrets where tenant_id = $1 and name = $2").bind(own(tenant)).bind(text(name));
        Ok(self.execute(tenant, query).await? > 0)
    }

    /// Keeps a key that seals personal data. One with its id stays as it is.
    ///
    /// # Errors
    /// What the database said.
    pub async fn put_seal_key(&self, tenant: TenantId, key: &SealKey) -> Result<(), Error> {
        let sql = "insert into seal_keys (tenant_id, seal_key_id, customer_id, order_id, wrapped_key) values ($1, $2, $3, $4, $5) \
                   on conflict (tenant_id, seal_key_id) do nothing";
        let query = sql::query(sql)
            .bind(own(tenant))
            .bind(id(key.seal_key_id.uuid()))
            .bind(key.customer_id.as_ref().map(|c| text(c.as_str())))
            .bind(key.order_id.map(|o| id(o.uuid())))
            .bind(key.wrapped_key.clone());
        self.execute(tenant, query).await?;
        Ok(())
    }

    /// Destroys the keys of a customer's data, which makes every copy of it unreadable. Answers what was destroyed.
    ///
    /// # Errors
    /// What the database said.
    pub async fn destroy_seal_keys(&self, tenant: TenantId, customer: &CustomerId) -> Result<Vec<SealKeyId>, Error> {
        let sql = "delete from seal_keys where tenant_id = $1 and customer_id = $2 returning seal_key_id";
        let query = sql::query(sql).bind(own(tenant)).bind(text(customer.as_str()));
        let rows = self.execute_returning(tenant, query).await?;
        rows.iter().map(|row| Columns::new(row).id(SealKeyId::new)).collect()
    }
}
