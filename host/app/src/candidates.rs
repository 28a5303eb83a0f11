//! Candidates: a version that decides beside the bound one (shadow), or in place of it for some orders (canary).
//!
//! Whichever of the two did not count is asked the same afterwards, in the background, so that every difference is kept
//! and nobody waits for it. A canary that fails or drifts too much is taken back by itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::hooks::Hook;
use domain::ids::{OrderId, TenantId};
use domain::time::Timestamp;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use store::{Changeset, Decision, Role};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::again::ask_patiently;
use crate::backtest::in_words;
use crate::hooks::Bound;
use crate::merchant::Caller;
use crate::policies::{Binding, record_json};
use crate::{App, Error, clock};

/// How many orders may be decided again beside at a time. Beyond it some go uncompared, and no order waits.
const BESIDE_MAX: usize = 256;
/// How many of them may be one merchant's: whose candidate takes long leaves the others' orders uncompared for it.
const BESIDE_MAX_OF_ONE: usize = 16;
/// How long the host may be too busy to ask, before an order goes uncompared.
const PATIENCE: Duration = Duration::from_secs(30);
/// A canary is not judged by fewer calls than this.
const CALLS_MIN: u64 = 20;
/// The share of failing calls, in percent, above which a canary is taken back where the merchant does not say.
pub const FAILURE_PERCENT: u8 = 5;
/// Who takes a canary back.
const ACTOR: &str = "automatic rollback";

/// How a candidate decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Beside what is bound, without any effect.
    Shadow,
    /// In place of what is bound, for a share of the orders.
    Canary,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 2] = [Self::Shadow, Self::Canary];

    /// The name in requests and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shadow => "shadow",
            Self::Canary => "canary",
        }
    }
}

/// A candidate as it is bound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The version of the bound plugin.
    pub version: String,
    /// SHA-256 of its component.
    pub digest: String,
    /// How it decides.
    pub mode: Mode,
    /// Of a canary: the share of orders, 1 to 100.
    pub percent: u8,
    /// The share of failing calls above which a canary is taken back.
    pub max_failure_percent: u8,
    /// The share of different answers above which a canary is taken back; none where any difference is fine.
    pub max_drift_percent: Option<u8>,
    /// Which orders are the canary's: the same as long as it lasts, so that a higher percentage only adds orders.
    pub salt: String,
    /// Since when.
    pub since: Timestamp,
}

impl Candidate {
    /// Whether an order is the canary's.
    #[must_use]
    pub fn takes(&self, order_id: OrderId) -> bool {
        let mut bytes = self.salt.clone().into_bytes();
        bytes.extend_from_slice(order_id.uuid().as_bytes());
        let hash = digest(&SHA256, &bytes);
        let head: [u8; 8] = hash.as_ref()[..8].try_into().expect("a hash has 32 bytes");
        self.mode == Mode::Canary && u64::from_be_bytes(head) % 100 < u64::from(self.percent)
    }
}

/// A question that has been answered, for the one that did not count.
pub(crate) struct Beside {
    pub hook: Hook,
    /// Who is asked.
    pub binding: Arc<Binding>,
    /// The candidate among the two.
    pub candidate: Arc<Candidate>,
    /// What it is asked.
    pub input: Arc<str>,
    /// What the one answered that counted.
    pub counted: Decision,
}

/// What is known of the candidates that are at work.
#[derive(Debug)]
pub(crate) struct Watch {
    places: Arc<Semaphore>,
    /// Of the merchants that compare something now.
    own_places: Mutex<HashMap<TenantId, Arc<Semaphore>>>,
    tallies: Mutex<HashMap<(TenantId, Hook, String), Tally>>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    pairs: u64,
    failed: u64,
    differing: u64,
}

impl Tally {
    /// Why the candidate has to go.
    fn verdict(&self, candidate: &Candidate) -> Option<String> {
        let is_above = |part: u64, percent: u8| self.pairs >= CALLS_MIN && part * 100 > self.pairs * u64::from(percent);
        if is_above(self.failed, candidate.max_failure_percent) {
            return Some(format!("{} of {} calls failed", self.failed, self.pairs));
        }
        let drift = candidate.max_drift_percent.filter(|percent| is_above(self.differing, *percent));
        drift.map(|_| format!("{} of {} answers were different", self.differing, self.pairs))
    }
}

impl Watch {
    pub fn new() -> Self {
        let places = Arc::new(Semaphore::new(BESIDE_MAX));
        Self { places, own_places: Mutex::default(), tallies: Mutex::default() }
    }

    /// Room to decide one order of a merchant's beside, while what is answered is held. None where there is none.
    fn place(&self, tenant: TenantId) -> Option<(OwnedSemaphorePermit, OwnedSemaphorePermit)> {
        let own = {
            let mut own_places = self.own_places.lock().unwrap_or_else(PoisonError::into_inner);
            own_places.retain(|_, places| places.available_permits() < BESIDE_MAX_OF_ONE);
            let new = || Arc::new(Semaphore::new(BESIDE_MAX_OF_ONE));
            Arc::clone(own_places.entry(tenant).or_insert_with(new)).try_acquire_owned().ok()?
        };
        Some((own, Arc::clone(&self.places).try_acquire_owned().ok()?))
    }

    fn count(&self, tenant: TenantId, hook: Hook, candidate: &Candidate, add: impl FnOnce(&mut Tally)) -> Tally {
        let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        let tally = tallies.entry((tenant, hook, candidate.salt.clone())).or_default();
        add(tally);
        *tally
    }

    /// Forgets what earlier candidates of a hook have shown.
    pub fn keep_only(&self, tenant: TenantId, hook: Hook, candidate: Option<&Candidate>) {
        let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        let now = candidate.map(|candidate| &candidate.salt);
        tallies.retain(|(whose, of, salt), _| (*whose, *of) != (tenant, hook) || Some(salt) == now);
    }
}

/// An order that a candidate decides differently.
#[derive(Debug, Clone)]
pub struct Difference {
    /// What is bound decided so.
    pub bound: Decision,
    /// The candidate decided so.
    pub candidate: Decision,
    /// How far they are apart, in words.
    pub what: String,
}

impl App {
    /// The newest of the orders that a hook's candidate decides differently.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn differences(&self, tenant: TenantId, bound: &Bound, limit: u32) -> Result<Vec<Difference>, Error> {
        let Some(candidate) = &bound.candidate else { return Ok(Vec::new()) };
        let (hook, digest, since) = (bound.hook(), &candidate.digest, candidate.since);
        let pairs = self.store().differing_decisions(tenant, hook, digest, since, limit).await?;
        let difference = |(counted, beside): (Decision, Decision)| {
            let is_beside = beside.digest.as_ref() == Some(digest);
            let (bound, candidate) = if is_beside { (counted, beside) } else { (beside, counted) };
            Ok(Difference { what: in_words(&bound, &candidate)?, bound, candidate })
        };
        pairs.into_iter().map(difference).collect()
    }

    /// Asks what did not count the same, keeps its answers, and judges the candidates. In the background: nobody waits.
    pub(crate) fn decide_beside(&self, caller: &Caller, beside: Vec<Beside>) {
        if beside.is_empty() {
            return;
        }
        let Some(place) = self.watch().place(caller.tenant()) else {
            metrics::counter!("orderwright_candidates_uncompared_total").increment(1);
            return;
        };
        let (app, tenant) = (self.clone(), caller.tenant());
        let mut changeset = Changeset::new(tenant, caller.actor());
        tokio::spawn(async move {
            let _place = place;
            for question in beside {
                let counted = &question.counted;
                let asked = ask_patiently(&question.binding.plugin, tenant, &question.input);
                let call = match timeout(PATIENCE, asked).await {
                    Ok(Ok(call)) => call,
                    Ok(Err(error)) => {
                        tracing::warn!(%error, "a candidate could not be compared");
                        continue;
                    }
                    Err(_) => {
                        metrics::counter!("orderwright_candidates_uncompared_total").increment(1);
                        continue;
                    }
                };
                let (order_id, input) = (counted.order_id, Arc::clone(&question.input));
                let made = record_json(order_id, question.hook, &question.binding, input, &call, clock::now());
                let shadow = Decision { role: Role::Shadow, ..made };
                let differs = (&shadow.outcome, &shadow.output) != (&counted.outcome, &counted.output);
                let of_candidate = if counted.role == Role::Canary { counted } else { &shadow };
                let failed = of_candidate.outcome != "ok";
                // Whoever was too busy to answer has shown nothing.
                let busy = plugin_host::Failure::Busy.code();
                let has_shown = u64::from(counted.outcome != busy && shadow.outcome != busy);
                let tally = app.watch().count(tenant, question.hook, &question.candidate, |tally| {
                    tally.pairs += has_shown;
                    tally.failed += has_shown * u64::from(failed);
                    tally.differing += has_shown * u64::from(differs);
                });
                changeset.decisions.push(shadow);
                if question.candidate.mode == Mode::Canary
                    && let Some(why) = tally.verdict(&question.candidate)
                {
                    app.take_back(tenant, question.hook, &question.candidate, &why).await;
                }
            }
            if let Err(error) = app.store().commit(changeset).await {
                tracing::warn!(%error, "what a candidate decided could not be kept");
            }
        });
    }

    /// Takes a candidate back, where it is still at work.
    async fn take_back(&self, tenant: TenantId, hook: Hook, candidate: &Candidate, why: &str) {
        let taken = self.drop_candidate(tenant, hook, &candidate.salt, format!("{ACTOR}: {why}")).await;
        match taken {
            Ok(true) => {
                metrics::counter!("orderwright_canaries_taken_back_total", "hook" => hook.name()).increment(1);
                tracing::warn!(%tenant, hook = hook.name(), version = candidate.version, why, "a canary was taken back");
            }
            Ok(false) => {}
            Err(error) => tracing::warn!(%tenant, hook = hook.name(), %error, "a canary could not be taken back"),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn canary(percent: u8) -> Candidate {
        Candidate {
            version: "2".into(),
            digest: "d".into(),
            mode: Mode::Canary,
            percent,
            max_failure_percent: FAILURE_PERCENT,
            max_drift_percent: Some(50),
            salt: "salt".into(),
            since: Timestamp::from_micros(0),
        }
    }

    #[test]
    fn a_higher_percentage_only_adds_orders() {
        let orders: Vec<_> = (0..10_000).map(|n| OrderId::new(Uuid::from_u128(n))).collect();
        let taken = |percent| orders.iter().filter(|order| canary(percent).takes(**order)).count();
        assert_eq!((taken(0), taken(100)), (0, orders.len()));
        assert!((800..1200).contains(&taken(10)), "{}", taken(10));
        for (fewer, more) in [(1, 2), (10, 11), (50, 99)] {
            assert!(orders.iter().all(|order| !canary(fewer).takes(*order) || canary(more).takes(*order)));
        }
        let shadow = Candidate { mode: Mode::Shadow, ..canary(100) };
        assert!(!shadow.takes(orders[0]));
    }

    #[test]
    fn one_merchant_leaves_the_others_places() {
        let watch = Watch::new();
        let [one, other] = [1, 2].map(|n| TenantId::new(Uuid::from_u128(n)));
        let taken: Vec<_> = std::iter::from_fn(|| watch.place(one)).take(BESIDE_MAX).collect();
        assert_eq!(taken.len(), BESIDE_MAX_OF_ONE);
        assert!(watch.place(other).is_some());
        drop(taken);
        assert!(watch.place(one).is_some());
        // Who compares nothing is forgotten.
        let _theirs = watch.place(other);
        assert_eq!(watch.own_places.lock().unwrap().len(), 1);
    }

    #[test]
    fn a_canary_is_judged_by_enough_calls_only() {
        let of = |pairs, failed, differing| Tally { pairs, failed, differing }.verdict(&canary(10));
        assert_eq!(of(CALLS_MIN - 1, 19, 19), None);
        assert_eq!(of(CALLS_MIN, 1, 0), None, "5 % are allowed");
        assert!(of(CALLS_MIN, 2, 0).unwrap().contains("2 of 20 calls failed"));
        assert_eq!(of(40, 0, 20), None);
        assert!(of(40, 0, 21).unwrap().contains("21 of 40 answers"));
    }
}
