//! What a plugin does in earnest: what it wrote, and what its calls took. Both are read from the recorded decisions.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use domain::ids::TenantId;
use domain::time::Timestamp;
use plugin_host::LogLine;
use serde::{Deserialize, Serialize};
use store::{CallCount, Written};

use crate::{App, Error};

pub use plugin_host::Level;

/// How many calls are read at once.
const CALLS_READ: u32 = 200;
/// How many calls are looked through for one page: where few lines are of the wanted level, a page is not full.
const CALLS_MAX: u32 = 5000;
/// How many of a merchant's newest calls are looked through for a span of time: 1.4 µs each.
const SCAN_MAX: u32 = 200_000;
/// The lengths of the pieces that a span is cut into: a minute to thirty days.
const PIECES_SECONDS: [u64; 11] =
    [60, 300, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86_400, 7 * 86_400, 30 * 86_400];
/// The most pieces, where the longest are not too short for it.
const PIECES_MAX: u64 = 60;

/// A line's place among all that was ever written: the call's in the order of commits, and its own within the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place(u64, u32);

/// Which lines are wanted.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Of one version alone.
    pub version: Option<String>,
    /// Of this level or a graver one.
    pub level: Level,
    /// From where on.
    pub from: Start,
    /// The most lines.
    pub limit: usize,
}

/// Where a page of lines begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At the newest line, going back.
    Newest,
    /// Before a line, going back.
    Before(Place),
    /// After a line, going on.
    After(Place),
}

/// A line that a plugin wrote, or why its call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Where it stands.
    pub place: Place,
    /// The call.
    pub call: Arc<Written>,
    /// How much it matters; why a call failed is an error.
    pub level: Level,
    /// The text.
    pub message: String,
    /// Whether it is the host's word for why the call failed.
    pub is_hosts: bool,
}

/// A page of lines.
#[derive(Debug)]
pub struct Lines {
    /// Newest first, or oldest first where one goes on after a line.
    pub lines: Vec<Line>,
    /// Where the next page begins; none on the last so far.
    pub next: Option<Place>,
    /// After which line to go on to see what is written later.
    pub follow: Place,
}

/// What the calls of a plugin took in a span of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metrics {
    /// The span.
    pub made: Range<Timestamp>,
    /// The length of a piece.
    pub piece: Duration,
    /// By version, the oldest first: by piece, where there were calls.
    pub versions: Vec<(String, BTreeMap<usize, Took>)>,
    /// Where there were more calls than could be looked through: since when all of them are counted.
    pub since: Option<Timestamp>,
}

/// What some calls took.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Took {
    /// How many there were.
    pub calls: u64,
    /// How many failed, by code.
    pub failures: BTreeMap<String, u64>,
    /// Instructions used by all of them.
    pub fuel: u64,
    /// How many took how long.
    durations: BTreeMap<u64, u64>,
}

impl Took {
    fn add(&mut self, count: &CallCount) {
        self.calls += count.calls;
        self.fuel = self.fuel.saturating_add(count.fuel);
        if count.outcome != "ok" {
            *self.failures.entry(count.outcome.clone()).or_default() += count.calls;
        }
        *self.durations.entry(count.duration_us).or_default() += count.calls;
    }

    /// The same of both together.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.calls += other.calls;
        self.fuel = self.fuel.saturating_add(other.fuel);
        for (code, failed) in &other.failures {
            *self.failures.entry(code.clone()).or_default() += failed;
        }
        for (duration_us, calls) in &other.durations {
            *self.durations.entry(*duration_us).or_default() += calls;
        }
        self
    }

    /// How many failed.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.failures.values().sum()
    }

    /// The time within which so many of a hundred calls were over; none where there were no calls.
    #[must_use]
    pub fn percentile_us(&self, percent: u64) -> Option<u64> {
        let rank = (self.calls * percent).div_ceil(100).max(1);
        let mut over = 0;
        let within = |(duration_us, calls): (&u64, &u64)| {
            over += calls;
            (over >= rank).then_some(*duration_us)
        };
        self.durations.iter().find_map(within)
    }
}

impl Metrics {
    /// How many pieces the span has.
    #[must_use]
    pub fn pieces(&self) -> usize {
        let span_us = u128::try_from(self.made.end.micros() - self.made.start.micros()).unwrap_or(0);
        usize::try_from(span_us.div_ceil(self.piece.as_micros().max(1))).unwrap_or(usize::MAX)
    }

    /// When a piece begins.
    #[must_use]
    pub fn begins(&self, piece: usize) -> Timestamp {
        let seconds = self.piece.as_secs().saturating_mul(piece as u64);
        self.made.start.plus_seconds(i64::try_from(seconds).unwrap_or(i64::MAX))
    }

    /// What all calls of a version took.
    #[must_use]
    pub fn total(pieces: &BTreeMap<usize, Took>) -> Took {
        pieces.values().fold(Took::default(), Took::and)
    }
}

/// Between which places to look, where so much was ever written.
fn bounds(from: Start, end: Place) -> (Place, Place) {
    let begin = Place(0, 0);
    match from {
        Start::Newest => (begin, end),
        Start::Before(place) => (begin, place),
        // Everything has expired since then, and counting began anew: all that is there came later.
        Start::After(place) if place > end => (begin, end),
        Start::After(place) => (place, end),
    }
}

impl App {
    /// The lines that a plugin wrote about orders, and why its calls failed.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn lines(&self, tenant: TenantId, plugin: &str, wanted: &Wanted) -> Result<Lines, Error> {
        // What is written from now on is not on this page, and is found by whoever goes on after it.
        let end = Place(self.store().last_call().await?, u32::MAX);
        let is_newest_first = !matches!(wanted.from, Start::After(_));
        let (mut low, mut high) = bounds(wanted.from, end);
        let mut lines = Vec::new();
        let mut looked_through = 0;
        let next = loop {
            let positions = low.0..=high.0;
            let version = wanted.version.as_deref();
            let calls = self.store().written(tenant, plugin, version, positions, is_newest_first, CALLS_READ).await?;
            looked_through += CALLS_READ;
            let is_last = calls.len() < CALLS_READ as usize;
            let Some(reached) = calls.last().map(|call| call.position) else { break None };
            let mut found: VecDeque<Line> = VecDeque::new();
            for call in calls {
                let own = lines_of(call);
                found.extend(if is_newest_first { own.into_iter().rev().collect() } else { own });
            }
            // A cursor may stand in the middle of a call.
            let is_beyond = |line: &Line| if is_newest_first { line.place < high } else { line.place > low };
            let matters = |line: &Line| line.level >= wanted.level;
            lines.extend(found.into_iter().filter(|line| is_beyond(line) && matters(line)));
            if lines.len() > wanted.limit {
                lines.truncate(wanted.limit);
                break lines.last().map(|line| line.place);
            }
            if is_last {
                break None;
            }
            match is_newest_first {
                true => high = Place(reached.saturating_sub(1), u32::MAX),
                false => low = Place(reached + 1, 0),
            }
            if looked_through >= CALLS_MAX {
                break Some(if is_newest_first { high } else { low });
            }
        };
        let follow = match wanted.from {
            Start::After(_) => next.unwrap_or(end),
            Start::Newest | Start::Before(_) => end,
        };
        Ok(Lines { lines, next, follow })
    }

    /// How often a plugin was called in a span of time, how that came out and what it took.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn metrics(&self, tenant: TenantId, plugin: &str, made: Range<Timestamp>) -> Result<Metrics, Error> {
        let seconds = u64::try_from(made.end.micros() - made.start.micros()).unwrap_or(0) / 1_000_000;
        let fits = |piece: &&u64| seconds / **piece <= PIECES_MAX;
        let longest = PIECES_SECONDS[PIECES_SECONDS.len() - 1];
        let piece = Duration::from_secs(PIECES_SECONDS.iter().find(fits).copied().unwrap_or(longest));
        let counts = self.store().call_counts(tenant, plugin, made.clone(), piece, SCAN_MAX).await?;
        let mut versions: BTreeMap<(u64, String), BTreeMap<usize, Took>> = BTreeMap::new();
        for count in &counts.rows {
            let key = (count.version.parse().unwrap_or(0), count.version.clone());
            versions.entry(key).or_default().entry(count.piece).or_default().add(count);
        }
        let versions = versions.into_iter().map(|((_, version), pieces)| (version, pieces)).collect();
        Ok(Metrics { made, piece, versions, since: counts.since })
    }
}

/// What one call wrote, in that order, and why it failed.
fn lines_of(call: Written) -> Vec<Line> {
    let kept: Vec<LogLine> = serde_json::from_str(&call.logs).unwrap_or_default();
    let failure = (call.outcome != "ok").then(|| match &call.error {
        Some(error) => format!("{}: {error}", call.outcome),
        None => call.outcome.clone(),
    });
    let call = Arc::new(call);
    let line = |(index, (level, message, is_hosts)): (u32, (Level, String, bool))| Line {
        place: Place(call.position, index),
        call: Arc::clone(&call),
        level,
        message,
        is_hosts,
    };
    let own = kept.into_iter().map(|line| (line.level, line.message, false));
    let failure = failure.map(|why| (Level::Error, why, true));
    (1..).zip(own.chain(failure)).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(outcome: &str, duration_us: u64, calls: u64) -> CallCount {
        CallCount { version: "1".into(), piece: 0, outcome: outcome.into(), duration_us, calls, fuel: 10 * calls }
    }

    #[test]
    fn percentiles_are_those_of_every_call() {
        let mut took = Took::default();
        assert_eq!(took.percentile_us(50), None);
        for n in 1..=99 {
            took.add(&count("ok", n, 1));
        }
        took.add(&count("trap", 5000, 1));
        assert_eq!(
            [50, 98, 99, 100].map(|percent| took.percentile_us(percent)),
            [Some(50), Some(98), Some(99), Some(5000)]
        );
        assert_eq!((took.calls, took.fuel, took.failed()), (100, 1000, 1));
        let both = took.clone().and(&took);
        assert_eq!((both.calls, both.failed(), both.percentile_us(50)), (200, 2, Some(50)));
    }

    #[test]
    fn whoever_goes_on_after_everything_has_expired_misses_nothing() {
        let [first, seen, end] = [Place(0, 0), Place(70, 2), Place(90, u32::MAX)];
        assert_eq!(bounds(Start::After(seen), end), (seen, end));
        let end_of_new = Place(3, u32::MAX);
        assert_eq!(bounds(Start::After(seen), end_of_new), (first, end_of_new));
        assert_eq!(bounds(Start::Before(seen), end), (first, seen));
        assert_eq!(bounds(Start::Newest, end), (first, end));
    }

    #[test]
    fn why_a_call_failed_stands_after_what_it_wrote() {
        let call = |outcome: &str, error: Option<&str>, logs: &str| Written {
            position: 7,
            decision_id: domain::ids::DecisionId::new(uuid::Uuid::nil()),
            order_id: domain::ids::OrderId::new(uuid::Uuid::nil()),
            hook: domain::hooks::Hook::Risk,
            version: "1".into(),
            role: store::Role::Active,
            outcome: outcome.into(),
            error: error.map(str::to_owned),
            logs: logs.into(),
            at: Timestamp::from_micros(0),
        };
        let told = |call: Written| -> Vec<(Place, String, bool)> {
            lines_of(call).into_iter().map(|line| (line.place, line.message, line.is_hosts)).collect()
        };
        let wrote = r#"[{"level":"info","message":"a"},{"level":"warn","message":"b"}]"#;
        let expected = [(Place(7, 1), "a".to_owned(), false), (Place(7, 2), "b".to_owned(), false)];
        assert_eq!(told(call("ok", None, wrote)), expected);
        let failed = told(call("trap", Some("it crashed"), wrote));
        assert_eq!(failed[2], (Place(7, 3), "trap: it crashed".to_owned(), true));
        assert_eq!(told(call("ok", None, "no log")), []);
    }
}
