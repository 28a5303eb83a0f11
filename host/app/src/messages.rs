//! What merchants were told about an order.

use domain::ids::{OrderId, TenantId};
use store::Message;

use crate::{App, Error};

impl App {
    /// The messages about an order, in the order of the events that led to them; none where there is no such order.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn messages(&self, tenant: TenantId, order_id: OrderId) -> Result<Option<Vec<Message>>, Error> {
        let messages = self.store().messages(tenant, order_id).await?;
        if messages.is_empty() && self.order(tenant, order_id).await?.is_none() {
            return Ok(None);
        }
        Ok(Some(messages))
    }
}
