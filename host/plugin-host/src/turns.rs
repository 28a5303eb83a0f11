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
    /// Milliseconds of processor time.
    slow: DefaultDirectRateLimiter,
    burst: NonZeroU32,
}

impl Tenant {
    /// Waits until a call that has become slow may go on, after it has run so long.
    pub async fn spend(&self, ran: Duration) {
        let millis = u32::try_from(ran.as_millis()).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN);
        // It fails only where more is asked for than a second has.
        let _spent = self.slow.until_n_ready(millis.min(self.burst)).await;
    }
}

/// Hands out turns.
#[derive(Debug)]
pub struct Turns {
    pool: Arc<Semaphore>,
    tenants: Mutex<HashMap<TenantId, Arc<Tenant>>>,
    tenant_calls: usize,
    slow_millis: NonZeroU32,
    wait: Duration,
}

impl Turns {
    /// `slow_millis`: of processor time, for the slow calls of each merchant in a second.
    pub fn new(pool: u32, tenant_calls: usize, slow_millis: NonZeroU32, wait: Duration) -> Self {
        Self {
            pool: Arc::new(Semaphore::new(pool as usize)),
            tenants: Mutex::default(),
            tenant_calls,
            slow_millis,
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
            let slow = RateLimiter::direct(Quota::per_second(self.slow_millis));
            Arc::new(Tenant { calls, slow, burst: self.slow_millis })
        };
        Arc::clone(tenants.entry(tenant).or_insert_with(new))
    }
}
