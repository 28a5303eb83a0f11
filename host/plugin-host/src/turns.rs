//! Who may run now: a place in the pool, and for each merchant no more than its share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::ids::TenantId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// When this many merchants are known, those that run nothing are forgotten.
const TENANTS_KEPT: usize = 4096;

/// Waited for its turn longer than is reasonable.
pub struct Busy;

/// A place in the pool. Given back when dropped.
pub struct Turn {
    _tenant: OwnedSemaphorePermit,
    _pool: OwnedSemaphorePermit,
}

/// Hands out turns.
#[derive(Debug)]
pub struct Turns {
    pool: Arc<Semaphore>,
    tenants: Mutex<HashMap<TenantId, Arc<Semaphore>>>,
    tenant_calls: usize,
    wait: Duration,
}

impl Turns {
    pub fn new(pool: u32, tenant_calls: usize, wait: Duration) -> Self {
        Self { pool: Arc::new(Semaphore::new(pool as usize)), tenants: Mutex::default(), tenant_calls, wait }
    }

    /// Waits for a turn, first within the merchant and then within the pool, so that a merchant's queue holds no place.
    pub async fn take(&self, tenant: TenantId) -> Result<Turn, Busy> {
        let own = self.tenant(tenant);
        let (own, pool) = match (Arc::clone(&own).try_acquire_owned(), Arc::clone(&self.pool).try_acquire_owned()) {
            (Ok(own), Ok(pool)) => (own, pool),
            _ => timeout(self.wait, self.queue(own)).await.map_err(|_| Busy)??,
        };
        Ok(Turn { _tenant: own, _pool: pool })
    }

    async fn queue(&self, own: Arc<Semaphore>) -> Result<(OwnedSemaphorePermit, OwnedSemaphorePermit), Busy> {
        let own = own.acquire_owned().await.map_err(|_| Busy)?;
        let pool = Arc::clone(&self.pool).acquire_owned().await.map_err(|_| Busy)?;
        Ok((own, pool))
    }

    fn tenant(&self, tenant: TenantId) -> Arc<Semaphore> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if tenants.len() >= TENANTS_KEPT {
            tenants.retain(|_, semaphore| Arc::strong_count(semaphore) > 1);
        }
        let new = || Arc::new(Semaphore::new(self.tenant_calls));
        Arc::clone(tenants.entry(tenant).or_insert_with(new))
    }
}
