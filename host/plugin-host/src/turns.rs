//! Who may run now: a place in the pool, and for each merchant no more than its share.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::ids::TenantId;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// When this many merchants are known, those that run nothing are forgotten.
const TENANTS_KEPT: usize = 4096;

/// Waited for its turn longer than is reasonable.
pub struct Busy;

/// A place in the pool. Given back when dropped.
pub struct Turn {
    tenant: Arc<Tenant>,
    _own: OwnedSemaphorePermit,
    _pool: OwnedSemaphorePermit,
}

impl Turn {
    /// The merchant whose call it is.
    pub fn tenant(&self) -> &Arc<Tenant> {
        &self.tenant
    }
}

/// What one merchant may take.
#[derive(Debug)]
pub struct Tenant {
    calls: Arc<Semaphore>,
    slow_ticks: DefaultDirectRateLimiter,
}

impl Tenant {
    /// Waits until a call that has become slow may run for another tick.
    pub async fn slow_tick(&self) {
        self.slow_ticks.until_ready().await;
    }
}

/// Hands out turns.
#[derive(Debug)]
pub struct Turns {
    pool: Arc<Semaphore>,
    tenants: Mutex<HashMap<TenantId, Arc<Tenant>>>,
    tenant_calls: usize,
    slow_ticks: NonZeroU32,
    wait: Duration,
}

impl Turns {
    /// `slow_ticks`: for each merchant in a second.
    pub fn new(pool: u32, tenant_calls: usize, slow_ticks: NonZeroU32, wait: Duration) -> Self {
        Self {
            pool: Arc::new(Semaphore::new(pool as usize)),
            tenants: Mutex::default(),
            tenant_calls,
            slow_ticks,
            wait,
        }
    }

    /// Waits for a turn, first within the merchant and then within the pool, so that a merchant's queue holds no place.
    pub async fn take(&self, tenant: TenantId) -> Result<Turn, Busy> {
        let tenant = self.tenant(tenant);
        let own = Arc::clone(&tenant.calls);
        let (own, pool) = match (Arc::clone(&own).try_acquire_owned(), Arc::clone(&self.pool).try_acquire_owned()) {
            (Ok(own), Ok(pool)) => (own, pool),
            _ => timeout(self.wait, self.queue(own)).await.map_err(|_| Busy)??,
        };
        Ok(Turn { tenant, _own: own, _pool: pool })
    }

    async fn queue(&self, own: Arc<Semaphore>) -> Result<(OwnedSemaphorePermit, OwnedSemaphorePermit), Busy> {
        let own = own.acquire_owned().await.map_err(|_| Busy)?;
        let pool = Arc::clone(&self.pool).acquire_owned().await.map_err(|_| Busy)?;
        Ok((own, pool))
    }

    fn tenant(&self, tenant: TenantId) -> Arc<Tenant> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if tenants.len() >= TENANTS_KEPT {
            tenants.retain(|_, tenant| Arc::strong_count(tenant) > 1);
        }
        let new = || {
            let calls = Arc::new(Semaphore::new(self.tenant_calls));
            Arc::new(Tenant { calls, slow_ticks: RateLimiter::direct(Quota::per_second(self.slow_ticks)) })
        };
        Arc::clone(tenants.entry(tenant).or_insert_with(new))
    }
}
