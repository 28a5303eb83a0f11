//! How often a merchant may ask, separately for reading and writing.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use app::merchant::{Caller, RateLimit};
use axum::extract::{Request, State};
use axum::http::header::{HeaderMap, HeaderName, HeaderValue};
use axum::http::{Extensions, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::ids::TenantId;
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use crate::problem::{Code, Problem};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STATE: HeaderName = HeaderName::from_static("ratelimit");

/// A bucket that nobody has drawn from for this long is full again whatever its window, and need not be remembered.
const IDLE: Duration = Duration::from_secs(24 * 60 * 60);
const BUCKETS_MAX: u64 = 100_000;
/// How long one of the many things that a request asks for waits at most.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// The merchants' buckets.
pub struct Limiter {
    buckets: moka::sync::Cache<(TenantId, Kind), Arc<Bucket>>,
    clock: DefaultClock,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Read,
    Write,
}

struct Bucket {
    limit: RateLimit,
    state: RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>,
}

/// What is left in a bucket.
struct Left {
    limit: RateLimit,
    requests: u32,
    /// Until it is full again, in seconds.
    full_in: u64,
    /// Until the next request is let through, in seconds; none where this one was.
    retry_in: Option<u64>,
}

impl Default for Limiter {
    fn default() -> Self {
        let buckets = moka::sync::Cache::builder().max_capacity(BUCKETS_MAX).time_to_idle(IDLE).build();
        Self { buckets, clock: DefaultClock::default() }
    }
}

impl Limiter {
    /// Waits until another write of the merchant is allowed: for one of the many that a request asks for.
    ///
    /// # Errors
    /// Where that takes too long.
    pub async fn write(&self, caller: &Caller) -> Result<(), Problem> {
        let Some(limit) = caller.merchant.settings.writes else { return Ok(()) };
        let waiting = tokio::time::Instant::now();
        loop {
            let Some(left) = self.draw(caller.tenant(), Kind::Write, limit) else { return Ok(()) };
            match left.retry_in {
                None => return Ok(()),
                Some(seconds) if waiting.elapsed() + Duration::from_secs(seconds) > WAIT_MAX => {
                    return Err(refused(&left, seconds.max(1)));
                }
                Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds.max(1))).await,
            }
        }
    }

    fn draw(&self, tenant: TenantId, kind: Kind, limit: RateLimit) -> Option<Left> {
        let requests = NonZeroU32::new(limit.requests.max(1))?;
        let interval = Duration::from_secs(u64::from(limit.window_seconds)) / requests.get();
        let quota = Quota::with_period(interval)?.allow_burst(requests);
        let known = self.buckets.get(&(tenant, kind)).filter(|bucket| bucket.limit == limit);
        let bucket = known.unwrap_or_else(|| {
            let state = RateLimiter::direct(quota).with_middleware();
            let bucket = Arc::new(Bucket { limit, state });
            self.buckets.insert((tenant, kind), Arc::clone(&bucket));
            bucket
        });
        let (left, retry_in) = match bucket.state.check() {
            Ok(snapshot) => (snapshot.remaining_burst_capacity(), None),
            Err(not_until) => (0, Some(ceil_seconds(not_until.wait_time_from(self.clock.now())))),
        };
        let full_in = ceil_seconds(interval * (requests.get() - left.min(requests.get())));
        Some(Left { limit, requests: left, full_in, retry_in })
    }
}

fn ceil_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

/// Lets through what the merchant's settings allow, and says in headers how much is left.
pub async fn limit(State(limiter): State<Arc<Limiter>>, request: Request, next: Next) -> Response {
    let Some(left) = draw(&limiter, request.method(), request.extensions()) else {
        return next.run(request).await;
    };
    let mut response = match left.retry_in {
        None => next.run(request).await,
        Some(seconds) => refused(&left, seconds.max(1)).into_response(),
    };
    announce(response.headers_mut(), &left);
    response
}

fn draw(limiter: &Limiter, method: &Method, extensions: &Extensions) -> Option<Left> {
    let caller = extensions.get::<Arc<Caller>>()?;
    let settings = &caller.merchant.settings;
    let (kind, limit) = if method.is_safe() { (Kind::Read, settings.reads) } else { (Kind::Write, settings.writes) };
    limiter.draw(caller.tenant(), kind, limit?)
}

fn refused(left: &Left, seconds: u64) -> Problem {
    let RateLimit { requests, window_seconds } = left.limit;
    let detail = format!("{requests} requests in {window_seconds} seconds are allowed; try again in {seconds} s.");
    Problem::new(Code::RateLimited, detail).retry_after(seconds)
}

fn announce(headers: &mut HeaderMap, left: &Left) {
    let policy = format!("\"burst\";q={};w={}", left.limit.requests, left.limit.window_seconds);
    let state = format!("\"burst\";r={};t={}", left.requests, left.full_in);
    for (name, value) in [(POLICY, policy), (STATE, state)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(n: u128) -> TenantId {
        TenantId::new(uuid::Uuid::from_u128(n))
    }

    #[test]
    fn each_merchant_has_buckets_of_its_own() {
        let limiter = Limiter::default();
        let limit = RateLimit { requests: 2, window_seconds: 3600 };
        let draw = |t, kind| limiter.draw(tenant(t), kind, limit).unwrap();
        assert_eq!(draw(1, Kind::Read).requests, 1);
        assert_eq!(draw(1, Kind::Read).requests, 0);
        let refused = draw(1, Kind::Read);
        assert!((1..=1800).contains(&refused.retry_in.unwrap()));
        assert_eq!(refused.full_in, 3600);
        assert_eq!(draw(1, Kind::Write).requests, 1);
        assert_eq!(draw(2, Kind::Read).requests, 1);
    }

    #[test]
    fn changed_settings_count_at_once() {
        let limiter = Limiter::default();
        let tight = RateLimit { requests: 1, window_seconds: 3600 };
        assert!(limiter.draw(tenant(1), Kind::Read, tight).unwrap().retry_in.is_none());
        assert!(limiter.draw(tenant(1), Kind::Read, tight).unwrap().retry_in.is_some());
        let wide = RateLimit { requests: 100, window_seconds: 60 };
        assert!(limiter.draw(tenant(1), Kind::Read, wide).unwrap().retry_in.is_none());
    }

    #[test]
    fn the_headers_follow_the_draft() {
        let mut headers = HeaderMap::new();
        let limit = RateLimit { requests: 100, window_seconds: 60 };
        announce(&mut headers, &Left { limit, requests: 50, full_in: 30, retry_in: None });
        assert_eq!(headers[POLICY], "\"burst\";q=100;w=60");
        assert_eq!(headers[STATE], "\"burst\";r=50;t=30");
    }
}
