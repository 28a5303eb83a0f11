//! Reads, each of one merchant unless it says otherwise, on connections of their own.

mod calls;
mod events;
mod merchants;
mod operations;
pub(crate) mod orders;
mod stock;

pub(crate) use events::{EVENT_COLUMNS, event};

use domain::ids::TenantId;
use sqlx::Sqlite;
use sqlx::pool::PoolConnection;

use crate::{Error, Store};

impl Store {
    pub(crate) async fn reader(&self) -> Result<PoolConnection<Sqlite>, Error> {
        Ok(self.readers().acquire().await?)
    }
}

/// The bytes of a merchant's id.
pub(crate) fn own(tenant: TenantId) -> Vec<u8> {
    crate::sqlite::columns::id(tenant.uuid())
}
