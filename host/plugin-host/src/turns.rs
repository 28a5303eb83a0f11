//! Who may run now: a place in the pool, and for each merchant no more than its share.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::ids::TenantId;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::call::Work;

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
    /// Thousands of instructions.
    fuel: DefaultDirectRateLimiter,
    fuel_burst: NonZeroU32,
    /// Instructions that calls have used and nobody has taken out of the budget yet.
    owed: AtomicU64,
    paying: tokio::sync::Mutex<()>,
}

/// Instructions are paid for in units of this size: most calls are over before they owe one, and pay nothing.
const FUEL_UNIT: u64 = 1000;
/// So much is owed before it is paid: a hundred orders' worth of a quick policy.
const OWED_MAX: u64 = 1_000_000;

impl Tenant {
    /// Waits until a call that has become slow may go on, after it has run so long.
    pub async fn spend(&self, ran: Duration) {
        let millis = u32::try_from(ran.as_millis()).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN);
        // It fails only where more is asked for than a second has.
        let _spent = self.slow.until_n_ready(millis.min(self.burst)).await;
    }

    /// Notes what a call has used.
    pub fn owe(&self, fuel: u64) {
        self.owed.fetch_add(fuel, Ordering::Relaxed);
    }

    /// Takes what is owed out of the budget, one caller after the other, and waits until the budget has it. Who gives up
    /// waiting leaves the debt to the next.
    async fn pay(&self) {
        let _one_at_a_time = self.paying.lock().await;
        loop {
            let owed = self.owed.load(Ordering::Relaxed);
            let units = u32::try_from(owed / FUEL_UNIT).unwrap_or(u32::MAX).min(self.fuel_burst.get());
            let Some(units) = NonZeroU32::new(units).filter(|_| owed >= OWED_MAX) else { return };
            // It fails only where more is asked for than a second has.
            let _paid = self.fuel.until_n_ready(units).await;
            self.owed.fetch_sub(u64::from(units.get()) * FUEL_UNIT, Ordering::Relaxed);
        }
    }
}

/// Hands out turns.
#[derive(Debug)]
pub struct Turns {
    pool: Arc<Semaphore>,
    tenants: Mutex<HashMap<(TenantId, Work), Arc<Tenant>>>,
    shares: Shares,
}

/// What a merchant may take for each kind of work.
#[derive(Debug, Clone, Copy)]
pub struct Shares {
    /// Calls at the same time.
    pub calls: usize,
    /// Of processor time, for the slow calls of a second.
    pub slow_millis: NonZeroU32,
    /// Instructions of a second, in thousands.
    pub fuel_thousands: NonZeroU32,
    /// How long a call waits for its turn.
    pub wait: Duration,
}

impl Turns {
    pub fn new(pool: u32, shares: Shares) -> Self {
        Self { pool: Arc::new(Semaphore::new(pool as usize)), tenants: Mutex::default(), shares }
    }

    /// Waits for a turn, first within the merchant and then within the pool, so that a merchant's queue holds no place.
    ///
    /// Before that it pays for what the merchant's calls have used: who has burnt the budget of a second waits, and nobody
    /// else does.
    pub async fn take(&self, tenant: TenantId, work: Work) -> Result<Turn, Busy> {
        let tenant = self.tenant(tenant, work);
        if tenant.owed.load(Ordering::Relaxed) >= OWED_MAX {
            timeout(self.shares.wait, tenant.pay()).await.map_err(|_| Busy)?;
        }
        let own = Arc::clone(&tenant.calls);
        // Whoever has to queue must not hold a place meanwhile.
        let at_once = Arc::clone(&own)
            .try_acquire_owned()
            .ok()
            .and_then(|own| Some((own, Arc::clone(&self.pool).try_acquire_owned().ok()?)));
        let (own, pool) = match at_once {
            Some(places) => places,
            None => timeout(self.shares.wait, self.queue(own)).await.map_err(|_| Busy)??,
        };
        Ok(Turn { tenant, _own: own, _pool: pool })
    }

    async fn queue(&self, own: Arc<Semaphore>) -> Result<(OwnedSemaphorePermit, OwnedSemaphorePermit), Busy> {
        let own = own.acquire_owned().await.map_err(|_| Busy)?;
        let pool = Arc::clone(&self.pool).acquire_owned().await.map_err(|_| Busy)?;
        Ok((own, pool))
    }

    fn tenant(&self, tenant: TenantId, work: Work) -> Arc<Tenant> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if tenants.len() >= TENANTS_KEPT {
            tenants
                .retain(|_, tenant| Arc::strong_count(tenant) > 1 || tenant.owed.load(Ordering::Relaxed) >= OWED_MAX);
        }
        let new = || {
            let Shares { calls, slow_millis, fuel_thousands, .. } = self.shares;
            Arc::new(Tenant {
                calls: Arc::new(Semaphore::new(calls)),
                slow: RateLimiter::direct(Quota::per_second(slow_millis)),
                burst: slow_millis,
                fuel: RateLimiter::direct(Quota::per_second(fuel_thousands)),
                fuel_burst: fuel_thousands,
                owed: AtomicU64::new(0),
                paying: tokio::sync::Mutex::default(),
            })
        };
        Arc::clone(tenants.entry((tenant, work)).or_insert_with(new))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn a_queue_holds_no_place() {
        let shares = Shares {
            calls: 1,
            slow_millis: NonZeroU32::MIN,
            fuel_thousands: NonZeroU32::MIN,
            wait: Duration::from_secs(10),
        };
        let turns = Arc::new(Turns::new(2, shares));
        let [one, other] = [1, 2].map(|n| TenantId::new(Uuid::from_u128(n)));
        let Ok(running) = turns.take(one, Work::Order).await else { panic!("the pool is empty") };
        let queued = {
            let turns = Arc::clone(&turns);
            tokio::spawn(async move { turns.take(one, Work::Order).await.is_ok() })
        };
        tokio::task::yield_now().await;
        assert!(!queued.is_finished());
        let theirs = timeout(Duration::from_secs(1), turns.take(other, Work::Order)).await;
        assert!(matches!(theirs, Ok(Ok(_))), "another merchant's call has the second place");
        drop(running);
        assert!(queued.await.unwrap());
    }
}
