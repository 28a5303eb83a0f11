//! The calls of a plugin over all orders.

use std::time::Duration;

use domain::hooks::Hook;
use domain::ids::{DecisionId, OrderId};
use store::{Changeset, Decision};
use uuid::Uuid;

use crate::sample::{NOW, tenant};
use crate::world::{World, committed, decision};

const WROTE: &str = r#"[{"level":"info","message":"two plans"}]"#;

/// An id of that moment.
fn made(seconds: i64, n: u128) -> Uuid {
    let millis = u128::try_from(NOW.plus_seconds(seconds).micros() / 1000).unwrap();
    Uuid::from_u128((millis << 80) | n)
}

/// A call about an order that was placed and decided so many seconds after [`NOW`].
fn call(seconds: i64, n: u128, logs: &str) -> Decision {
    let at = NOW.plus_seconds(seconds);
    let decision = decision(OrderId::new(made(seconds, n)));
    Decision { decision_id: DecisionId::new(made(seconds, n)), logs: logs.into(), outcome: "ok".into(), at, ..decision }
}

async fn keep(world: &World, decisions: Vec<Decision>) {
    committed(world.store.commit(Changeset { decisions, ..world.changeset() }).await.unwrap());
}

#[tokio::test]
async fn what_a_plugin_wrote_is_read_in_the_order_of_commits() {
    let world = World::new().await;
    let failed = Decision { outcome: "trap".into(), error: Some("it crashed".into()), ..call(0, 3, "[]") };
    let second = Decision { plugin_version: "2".into(), hook: Hook::Tax, ..call(-60, 4, WROTE) };
    let others = Decision { plugin: "another".into(), ..call(1, 5, WROTE) };
    keep(&world, vec![call(0, 1, WROTE), call(0, 2, "[]")]).await;
    keep(&world, vec![failed, second, others]).await;
    let last = world.store.last_call().await.unwrap();
    let read = async |version: Option<&str>, positions, newest| -> Vec<(u64, String, String)> {
        let read = world.store.written(world.tenant, "nearest", version, positions, newest, 10).await.unwrap();
        read.into_iter().map(|call| (call.position, call.outcome, call.logs)).collect()
    };
    let line = |position, outcome: &str, logs: &str| (position, outcome.to_owned(), logs.to_owned());
    let all = [line(last - 1, "ok", WROTE), line(last - 2, "trap", "[]"), line(last - 4, "ok", WROTE)];
    assert_eq!(read(None, 0..=last, true).await, all);
    let mut oldest_first = all.clone();
    oldest_first.reverse();
    assert_eq!(read(None, 0..=last, false).await, oldest_first);
    assert_eq!(read(None, last - 3..=last, false).await, oldest_first[1..]);
    assert_eq!(read(Some("2"), 0..=last, true).await, all[..1]);
    let strangers = world.store.written(tenant(2), "nearest", None, 0..=last, true, 10).await.unwrap();
    assert_eq!(strangers, []);
}

#[tokio::test]
async fn calls_are_counted_by_version_time_outcome_and_duration() {
    let world = World::new().await;
    let failed = Decision { outcome: "trap".into(), duration_us: 90, ..call(70, 3, "[]") };
    let second = Decision { plugin_version: "2".into(), ..call(119, 4, "[]") };
    let others = Decision { plugin: "another".into(), ..call(1, 5, "[]") };
    let outside = [call(-1, 6, "[]"), call(120, 7, "[]")];
    let mut all = vec![call(0, 1, "[]"), call(59, 2, "[]"), failed, second, others];
    all.extend(outside);
    keep(&world, all).await;
    let span = NOW..NOW.plus_seconds(120);
    let count = async |whose, scan_max| {
        let minute = Duration::from_secs(60);
        world.store.call_counts(whose, "nearest", span.clone(), minute, scan_max).await.unwrap()
    };
    let counts = count(world.tenant, 100).await;
    let rows: Vec<_> = counts
        .rows
        .iter()
        .map(|row| (row.version.as_str(), row.piece, row.outcome.as_str(), row.duration_us, row.calls, row.fuel))
        .collect();
    let expected = [("1", 0, "ok", 25, 2, 2468), ("1", 1, "trap", 90, 1, 1234), ("2", 1, "ok", 25, 1, 1234)];
    assert_eq!((rows, counts.since), (expected.to_vec(), None));
    assert_eq!(count(tenant(2), 100).await.rows, []);
    // Of more than can be looked through the newest are counted, and it is said since when.
    let few = count(world.tenant, 3).await;
    assert_eq!(few.rows.iter().map(|row| row.calls).sum::<u64>(), 2);
    assert_eq!(few.since, Some(NOW.plus_seconds(70)));
}
