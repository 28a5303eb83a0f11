//! Reads, each of one merchant unless it says otherwise, on connections of their own.

mod calls;
mod events;
mod merchants;
mod operations;
pub(crate) mod orders;
mod stock;

pub(crate) use events::{EVENT_COLUMNS, event};

use domain::ids::TenantId;

/// The bytes of a merchant's id.
pub(crate) fn own(tenant: TenantId) -> Vec<u8> {
    crate::sql::id(tenant.uuid())
}
