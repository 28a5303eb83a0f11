//! Credentials of adapters: written, never read back. And the housekeeping of what expires.

use std::sync::Arc;
use std::time::Duration;

use domain::hooks::exchange::Descriptor;
use domain::ids::TenantId;
use plugin_host::CallContext;

use crate::policies::Binding;
use crate::{App, Error, clock};

/// How often expired idempotency keys are removed and the daily roots are looked after.
const HOUSEKEEPING_INTERVAL: Duration = Duration::from_secs(60);

impl App {
    /// Sets a secret of a merchant.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn put_secret(&self, tenant: TenantId, name: &str, value: &str) -> Result<(), Error> {
        self.store().put_secret(tenant, name, self.keyring().seal(value).as_bytes()).await?;
        self.caches().secrets.invalidate(&(tenant, name.to_owned()));
        Ok(())
    }

    /// The names of a merchant's secrets.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn secret_names(&self, tenant: TenantId) -> Result<Vec<String>, Error> {
        Ok(self.store().secret_names(tenant).await?)
    }

    /// Removes a secret; false where there is none of that name.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn delete_secret(&self, tenant: TenantId, name: &str) -> Result<bool, Error> {
        let removed = self.store().delete_secret(tenant, name).await?;
        self.caches().secrets.invalidate(&(tenant, name.to_owned()));
        Ok(removed)
    }

    /// A secret that a binding names, none where it is not set.
    ///
    /// # Errors
    /// A sentence about the secret: the binding may not use it, or it cannot be read.
    pub(crate) async fn secret_of(
        &self,
        tenant: TenantId,
        binding: &Binding,
        name: &str,
    ) -> Result<Option<Arc<str>>, String> {
        if !binding.secrets.contains(name) {
            return Err(format!(
                "this binding may not use the secret {name:?}: name it among its `secrets`, or in its configuration"
            ));
        }
        self.secret(tenant, name).await.map_err(|error| error.to_string())
    }

    async fn secret(&self, tenant: TenantId, name: &str) -> Result<Option<Arc<str>>, Error> {
        let cache_key = (tenant, name.to_owned());
        if let Some(secret) = self.caches().secrets.get(&cache_key) {
            return Ok(secret);
        }
        let sealed = self.store().secret(tenant, name).await?;
        let opened = sealed.map(|sealed| {
            let sealed = std::str::from_utf8(&sealed).ok();
            let opened: Option<String> = sealed.and_then(|sealed| self.keyring().open_sealed(sealed));
            opened.ok_or_else(|| Error::Internal(format!("secret {name:?} was sealed by another instance")))
        });
        let secret: Option<Arc<str>> = opened.transpose()?.map(Into::into);
        self.caches().secrets.insert(cache_key, secret.clone());
        Ok(secret)
    }

    /// What an adapter says about its provider; asked once per component.
    pub(crate) async fn descriptor(&self, tenant: TenantId, binding: &Binding) -> Result<Arc<Descriptor>, Error> {
        let digest = binding.plugin.digest();
        if let Some(descriptor) = self.caches().descriptors.get(digest) {
            return Ok(descriptor);
        }
        let call = binding.plugin.describe(CallContext::order(tenant)).await;
        let descriptor = Arc::new(call.result.map_err(Error::internal)?);
        self.caches().descriptors.insert(digest.to_owned(), Arc::clone(&descriptor));
        Ok(descriptor)
    }

    /// Removes what has expired and seals finished days, until told to stop.
    pub(crate) async fn keep_house(&self) {
        let stop = self.runner().stop().clone();
        loop {
            if let Err(error) = self.keep_house_once().await {
                tracing::warn!(%error, "housekeeping failed; it tries again in a minute");
            }
            tokio::select! {
                () = tokio::time::sleep(HOUSEKEEPING_INTERVAL) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    async fn keep_house_once(&self) -> Result<(), Error> {
        let now = clock::now();
        self.store().expire_keys(now).await?;
        self.forget_callbacks(now).await?;
        if let Some(kept) = self.decisions_kept() {
            let seconds = i64::try_from(kept.as_secs()).unwrap_or(i64::MAX);
            self.store().expire_decisions(now.plus_seconds(-seconds)).await?;
        }
        self.seal_finished_days().await
    }
}
