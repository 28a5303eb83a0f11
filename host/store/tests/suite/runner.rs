//! Leases, retries, cursors, dead letters, and the end of idempotency keys.

use domain::event::Event;
use domain::order::HoldSource;
use domain::time::Timestamp;
use store::{Changeset, DeadLetter, OrderChange, StoredOrder};

use crate::sample::{NOW, tenant};
use crate::world::{World, claim, committed, lease};

async fn due(world: &World, owner: &str, seconds: i64) -> usize {
    let now = NOW.plus_seconds(seconds);
    world.store.claim_due(owner, now, now.plus_seconds(30), 10).await.unwrap().len()
}

async fn defer(world: &World, order: &StoredOrder, version: u64, wake: i64) {
    let order = OrderChange::Defer {
        order_id: order.order.order_id,
        expected_version: version,
        wake_at: Some(NOW.plus_seconds(wake)),
        lease: None,
    };
    committed(world.store.commit(Changeset { order, ..world.changeset() }).await.unwrap());
}

#[tokio::test]
async fn an_order_is_worked_on_by_one_at_a_time() {
    let world = World::new().await;
    world.set_stock("MUG", "NYC", 10).await;
    let order = world.placed().await;
    let key = (world.tenant, order.order.order_id);
    assert_eq!(due(&world, "a", -1).await, 0);
    assert_eq!(world.store.claim_due("a", NOW, NOW.plus_seconds(30), 10).await.unwrap(), [key]);
    assert_eq!(due(&world, "b", 29).await, 0);
    // Whoever dies loses it when the lease ends.
    assert_eq!(due(&world, "b", 30).await, 1);
    assert!(!world.store.renew_lease(key.0, key.1, &lease("a", 90)).await.unwrap());
    assert!(world.store.renew_lease(key.0, key.1, &lease("b", 90)).await.unwrap());
    assert_eq!(due(&world, "a", 89).await, 0);
    assert_eq!(world.store.next_due().await.unwrap(), Some(NOW.plus_seconds(90)));
    world.store.release_lease(key.0, key.1, "a").await.unwrap();
    assert_eq!(due(&world, "a", 89).await, 0);
    world.store.release_lease(key.0, key.1, "b").await.unwrap();
    assert_eq!(due(&world, "a", 89).await, 1);
}

#[tokio::test]
async fn a_commit_can_lease_what_it_makes_and_an_update_frees_it() {
    let world = World::new().await;
    world.set_stock("MUG", "NYC", 10).await;
    let mut changeset = world.order_of("MUG", 1);
    if let OrderChange::Place { lease: taken, .. } = &mut changeset.order {
        *taken = Some(lease("me", 30));
    }
    let order_id = committed(world.store.commit(changeset).await.unwrap()).order.unwrap().order_id;
    assert_eq!(due(&world, "other", 29).await, 0);
    let before = world.store.order(world.tenant, order_id).await.unwrap().unwrap().into();
    let hold = Event::HoldPlaced { source: HoldSource::Manual, reason: "look".into() };
    committed(world.store.commit(world.update(&before, hold)).await.unwrap());
    assert_eq!(due(&world, "other", 29).await, 1);
}

#[tokio::test]
async fn a_restart_can_take_over_at_once() {
    let world = World::new().await;
    world.set_stock("MUG", "NYC", 10).await;
    world.placed().await;
    assert_eq!(due(&world, "dead", 0).await, 1);
    assert_eq!(due(&world, "new", 1).await, 0);
    assert_eq!(world.store.end_leases().await.unwrap(), 1);
    assert_eq!(due(&world, "new", 1).await, 1);
}

#[tokio::test]
async fn the_longest_due_come_first_and_only_so_many() {
    let world = World::new().await;
    world.set_stock("MUG", "NYC", 10).await;
    let orders = [world.placed().await, world.placed().await, world.placed().await];
    for (order, wake) in orders.iter().zip([3, 1, 2]) {
        defer(&world, order, 1, wake).await;
    }
    let now = NOW.plus_seconds(10);
    let mut taken = Vec::new();
    for _ in 0..2 {
        taken.extend(world.store.claim_due("a", now, now.plus_seconds(30), 1).await.unwrap());
    }
    let ids: Vec<_> = taken.into_iter().map(|(_, order)| order).collect();
    assert_eq!(ids, [orders[1].order.order_id, orders[2].order.order_id]);
}

#[tokio::test]
async fn putting_off_leaves_the_version_alone_and_respects_a_newer_one() {
    let world = World::new().await;
    world.set_stock("MUG", "NYC", 10).await;
    let order = world.placed().await;
    defer(&world, &order, 1, 60).await;
    assert_eq!(world.store.next_due().await.unwrap(), Some(NOW.plus_seconds(60)));
    let after = world.store.order(world.tenant, order.order.order_id).await.unwrap().unwrap();
    assert_eq!(after, *order);
    // A newer version has its own tasks: the late retry says nothing about them.
    let hold = Event::HoldPlaced { source: HoldSource::Manual, reason: "look".into() };
    let held = committed(world.store.commit(world.update(&order, hold)).await.unwrap()).order.unwrap();
    defer(&world, &order, 1, 600).await;
    assert_eq!(world.store.next_due().await.unwrap(), held.wake_at());
    let current = world.store.order(world.tenant, order.order.order_id).await.unwrap().unwrap();
    assert_eq!(*current.order, *held);
    world.assert_clean().await;
}

#[tokio::test]
async fn consumers_remember_where_they_are_and_what_they_could_not_take() {
    let world = World::new().await;
    assert_eq!(world.store.cursor("search").await.unwrap(), 0);
    world.store.set_cursor("search", 5).await.unwrap();
    world.store.set_cursor("search", 7).await.unwrap();
    world.store.set_cursor("other", 1).await.unwrap();
    assert_eq!(world.store.cursor("search").await.unwrap(), 7);
    let letter = DeadLetter {
        consumer: "search".into(),
        position: 6,
        event_id: domain::ids::EventId::new(uuid::Uuid::now_v7()),
        payload: "{}".into(),
        error: "no such field".into(),
        at: NOW,
    };
    world.store.put_dead_letter(&letter).await.unwrap();
    let again = DeadLetter { error: "still no such field".into(), ..letter };
    world.store.put_dead_letter(&again).await.unwrap();
    assert_eq!(world.store.dead_letters("search", 0, 10).await.unwrap(), [again]);
    assert_eq!(world.store.dead_letters("search", 6, 10).await.unwrap(), []);
}

#[tokio::test]
async fn keys_live_a_day_and_then_go() {
    let world = World::new().await;
    for n in 0..3_u8 {
        let changeset = Changeset { key: claim(&n.to_string(), n), ..world.changeset() };
        committed(world.store.commit(changeset).await.unwrap());
    }
    let written = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let written = Timestamp::from_micros(i64::try_from(written.as_micros()).unwrap());
    let day = 24 * 60 * 60;
    assert_eq!(world.store.expire_keys(written.plus_seconds(day - 3600)).await.unwrap(), 0);
    assert!(world.store.stored_key(world.tenant, "1").await.unwrap().is_some());
    assert_eq!(world.store.expire_keys(written.plus_seconds(day + 3600)).await.unwrap(), 3);
    assert_eq!(world.store.stored_key(world.tenant, "1").await.unwrap(), None);
    assert_eq!(world.store.stored_key(tenant(2), "1").await.unwrap(), None);
}

#[tokio::test]
async fn decisions_are_kept_as_long_as_is_said() {
    let world = World::new().await;
    let order_id = domain::ids::OrderId::new(uuid::Uuid::now_v7());
    for days in [0, 1, 2] {
        let made = store::Decision { at: NOW.plus_seconds(days * 86_400), ..crate::world::decision(order_id) };
        let changeset = Changeset { decisions: vec![made], ..world.changeset() };
        committed(world.store.commit(changeset).await.unwrap());
    }
    let kept = async || world.store.decisions(world.tenant, order_id).await.unwrap().len();
    assert_eq!((world.store.expire_decisions(NOW).await.unwrap(), kept().await), (0, 3));
    assert_eq!((world.store.expire_decisions(NOW.plus_seconds(90_000)).await.unwrap(), kept().await), (2, 1));
}
