//! Signing the state of a merchant's orders.

use domain::ids::{OrderId, TenantId};
use domain::time::Date;

use crate::chain::{GENESIS, Hash, Root, signed_message};
use crate::reads::own;
use crate::records::DailyRoot;
use crate::sql::{self, Columns, Row, count, id, text};
use crate::{Error, Store};

/// Orders read at a time.
const ORDERS_AT_ONCE: i64 = 1000;

impl Store {
    /// Seals a merchant's orders as they are now under the name of a day. A day that is sealed already stays as it is.
    ///
    /// `sign` is given the message of [`crate::chain`] and answers its signature.
    ///
    /// # Errors
    /// [`Error::Inconsistent`] where a later day is sealed already, otherwise what the database said.
    pub async fn seal_day(
        &self,
        tenant: TenantId,
        day: Date,
        sign: impl FnOnce(&[u8]) -> Vec<u8> + Send,
    ) -> Result<DailyRoot, Error> {
        let day = day.to_string();
        let sealed = self.daily_roots(tenant).await?;
        if let Some(same) = sealed.iter().find(|root| root.day == day) {
            return Ok(same.clone());
        }
        let previous = sealed.last();
        if let Some(later) = previous.filter(|root| root.day > day) {
            return Err(Error::Inconsistent(format!("{day} cannot be sealed after {}", later.day)));
        }
        // The log only grows: what is read below is the state as of this position, whatever is committed meanwhile.
        let position = *self.head().borrow();
        let (root, orders) = self.root_as_of(tenant, position).await?;
        let mut sealed = DailyRoot { tenant, day, position, orders, root, signature: Vec::new() };
        sealed.signature = sign(&signed_message(&sealed, &previous.map_or(GENESIS, |p| p.root)));
        let sql = "insert into daily_roots (tenant_id, day, position, orders, root, signature) values ($1, $2, $3, $4, $5, $6)";
        let query = sql::query(sql)
            .bind(own(tenant))
            .bind(text(&sealed.day))
            .bind(count(sealed.position))
            .bind(count(sealed.orders))
            .bind(sealed.root.to_vec())
            .bind(sealed.signature.clone());
        self.execute(tenant, query).await?;
        Ok(sealed)
    }

    /// A merchant's daily roots, oldest first.
    ///
    /// # Errors
    /// What the database said.
    pub async fn daily_roots(&self, tenant: TenantId) -> Result<Vec<DailyRoot>, Error> {
        let rows = self.fetch_all(tenant, sql::query(DAILY_ROOTS).bind(own(tenant))).await?;
        rows.iter().map(daily_root).collect()
    }

    async fn root_as_of(&self, tenant: TenantId, position: u64) -> Result<(Hash, u64), Error> {
        let sql = "select order_id, version, hash from order_events as e where tenant_id = $1 and order_id > $2 \
                   and version = (select max(version) from order_events where tenant_id = $1 and order_id = e.order_id \
                   and position <= $3) order by order_id limit $4";
        let (mut root, mut orders, mut after) = (Root::default(), 0, Vec::new());
        loop {
            let query = sql::query(sql).bind(own(tenant)).bind(after).bind(count(position)).bind(ORDERS_AT_ONCE);
            let rows = self.fetch_all(tenant, query).await?;
            for row in &rows {
                let mut columns = Columns::new(row);
                root.add(columns.id(OrderId::new)?, columns.count()?, &columns.hash()?);
                orders += 1;
            }
            let Some(last) = rows.last().filter(|_| rows.len() as i64 == ORDERS_AT_ONCE) else { break };
            after = id(Columns::new(last).id(OrderId::new)?.uuid());
        }
        Ok((root.finish(), orders))
    }
}

pub(super) const DAILY_ROOTS: &str =
    "select tenant_id, day, position, orders, root, signature from daily_roots where tenant_id = $1 order by day";

pub(super) fn daily_root(row: &Row) -> Result<DailyRoot, Error> {
    let mut columns = Columns::new(row);
    Ok(DailyRoot {
        tenant: columns.id(TenantId::new)?,
        day: columns.get()?,
        position: columns.count()?,
        orders: columns.count()?,
        root: columns.hash()?,
        signature: columns.get()?,
    })
}
