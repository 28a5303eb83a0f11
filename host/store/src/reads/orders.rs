//! Orders by id, by number, and as a history.

use std::sync::Arc;

use domain::ids::{ExternalId, OrderId, TenantId};
use domain::order::Order;
use domain::time::Timestamp;

use super::own;
use crate::backend::Scope;
use crate::records::{Filter, StoredOrder};
use crate::sql::{self, Columns, Pairs, Row, id, pairs, text};
use crate::{Error, Store};

static BY_IDS: Pairs =
    pairs!("o.head_hash, o.document", "orders as o on o.tenant_id = v.column1 and o.order_id = v.column2");

pub(crate) fn stored(row: &Row) -> Result<StoredOrder, Error> {
    let mut columns = Columns::new(row);
    Ok(StoredOrder { head_hash: columns.hash()?, order: columns.json()? })
}

impl Store {
    /// An order, if the merchant has it.
    ///
    /// # Errors
    /// What the database said.
    pub async fn order(&self, tenant: TenantId, order_id: OrderId) -> Result<Option<StoredOrder>, Error> {
        let query = sql::query("select head_hash, document from orders where tenant_id = $1 and order_id = $2")
            .bind(own(tenant))
            .bind(id(order_id.uuid()));
        let row = self.fetch_optional(tenant, query).await?;
        row.as_ref().map(stored).transpose()
    }

    /// The order with the merchant's own number.
    ///
    /// # Errors
    /// What the database said.
    pub async fn order_by_external_id(
        &self,
        tenant: TenantId,
        external_id: &ExternalId,
    ) -> Result<Option<StoredOrder>, Error> {
        let query = sql::query("select head_hash, document from orders where tenant_id = $1 and external_id = $2")
            .bind(own(tenant))
            .bind(text(external_id.as_str()));
        let row = self.fetch_optional(tenant, query).await?;
        row.as_ref().map(stored).transpose()
    }

    /// Those of a merchant's orders that exist, in no particular order.
    ///
    /// # Errors
    /// What the database said.
    pub async fn orders_by_ids(&self, tenant: TenantId, ids: &[OrderId]) -> Result<Vec<StoredOrder>, Error> {
        let ids: Vec<_> = ids.iter().map(|id| (tenant.uuid(), id.uuid())).collect();
        self.fetch_pairs(tenant, &BY_IDS, &ids).await?.iter().map(stored).collect()
    }

    /// Those of any merchants' orders that exist, in no particular order. For consumers of the whole log.
    ///
    /// # Errors
    /// What the database said.
    pub async fn orders_any_by_ids(&self, ids: &[(TenantId, OrderId)]) -> Result<Vec<StoredOrder>, Error> {
        let ids: Vec<_> = ids.iter().map(|(tenant, id)| (tenant.uuid(), id.uuid())).collect();
        self.fetch_pairs(Scope::Log, &BY_IDS, &ids).await?.iter().map(stored).collect()
    }

    /// A merchant's orders, newest first, older than `after`.
    ///
    /// # Errors
    /// What the database said.
    pub async fn list_orders(
        &self,
        tenant: TenantId,
        filter: &Filter,
        limit: u32,
        after: Option<(Timestamp, OrderId)>,
    ) -> Result<Vec<Arc<Order>>, Error> {
        let mut query = sql::query("select head_hash, document from orders where tenant_id = ");
        query.push_bind(own(tenant));
        if let Some(status) = filter.status {
            query.push(" and status = ").push_bind(text(status.name()));
        }
        if let Some(customer) = &filter.customer_id {
            query.push(" and customer_id = ").push_bind(text(customer.as_str()));
        }
        if let Some(external) = &filter.external_id {
            query.push(" and external_id = ").push_bind(text(external.as_str()));
        }
        if let Some(from) = filter.placed_from {
            query.push(" and placed_at >= ").push_bind(from.micros());
        }
        if let Some(to) = filter.placed_to {
            query.push(" and placed_at < ").push_bind(to.micros());
        }
        if let Some((placed_at, order_id)) = after {
            query.push(" and (placed_at, order_id) < (").push_bind(placed_at.micros());
            query.push(", ").push_bind(id(order_id.uuid())).push(")");
        }
        query.push(" order by placed_at desc, order_id desc limit ").push_bind(i64::from(limit));
        let rows = self.fetch_all(tenant, query).await?;
        rows.iter().map(|row| stored(row).map(|s| s.order)).collect()
    }

    /// How many orders a merchant has in each status.
    ///
    /// # Errors
    /// What the database said.
    pub async fn count_orders(&self, tenant: TenantId) -> Result<Vec<(domain::status::OrderStatus, u64)>, Error> {
        let sql = "select status, count(*) from orders where tenant_id = $1 group by status order by status";
        let rows = self.fetch_all(tenant, sql::query(sql).bind(own(tenant))).await?;
        let pair = |row| {
            let mut columns = Columns::new(row);
            Ok((columns.status()?, columns.count()?))
        };
        rows.iter().map(pair).collect()
    }
}
