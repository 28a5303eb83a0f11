//! The signed daily roots, and verifying the whole store against them.

use crate::{App, Error, clock};

impl App {
    /// Signs the state of every merchant's orders for the day that has just ended, where that is not done yet.
    pub(crate) async fn seal_finished_days(&self) -> Result<(), Error> {
        let yesterday = clock::now().plus_seconds(-86_400).date();
        for tenant in self.store().tenants().await? {
            let sealed = self.store().daily_roots(tenant.tenant_id).await?;
            if sealed.iter().any(|root| root.day == yesterday.to_string()) || tenant.created_at.date() > yesterday {
                continue;
            }
            self.store().seal_day(tenant.tenant_id, yesterday, |message: &[u8]| self.keyring().sign(message)).await?;
        }
        Ok(())
    }

    /// Recomputes every chain, sum and root of the store.
    ///
    /// # Errors
    /// Where the store cannot be read. What is found wrong is in the report.
    pub async fn verify(&self) -> Result<store::Report, Error> {
        let check = |message: &[u8], signature: &[u8]| self.keyring().verify(message, signature);
        Ok(self.store().verify(None, check).await?)
    }
}
