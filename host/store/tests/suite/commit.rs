//! Committing: what is kept, in which order, under contention, and after a restart.

use std::collections::HashSet;
use std::sync::Arc;

use domain::ids::ExternalId;
use domain::status::OrderStatus;
use store::{Changeset, Error, Outcome};

use crate::sample::{self, sku, tenant, warehouse};
use crate::world::{World, api_key, cancelled, claim, committed, decision, placed_order};

#[tokio::test]
async fn a_placed_order_is_there_with_its_event_reservation_key_and_decisions() {
    let world = World::new().await;
    world.set_stock("MUG", "NYC", 10).await;
    let mut changeset = world.order_of("MUG", 2);
    changeset.key = claim("k-1", 7);
    let order_id = sample::draft_and_plan().0.order_id;
    changeset.decisions = vec![decision(order_id), decision(order_id)];
    let done = committed(world.store.commit(changeset).await.unwrap());
    let order = done.order.unwrap();
    assert_eq!((order.version, order.status, done.position), (1, OrderStatus::PaymentPending, 1));

    let stored = world.store.order(world.tenant, order.order_id).await.unwrap().unwrap();
    assert_eq!(*stored.order, *order);
    assert_eq!(Some(stored.head_hash), done.head_hash);
    let events = world.store.order_events(world.tenant, order.order_id).await.unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].kind.as_str(), events[0].from, events[0].to), ("order.placed", None, order.status));
    assert_eq!((events[0].actor.as_str(), events[0].hash), ("ann", stored.head_hash));
    assert_eq!(events[0].event().unwrap(), domain::event::Event::Placed(Box::new((*order).clone())));
    assert_eq!(world.stock("MUG", "NYC").await, (10, 2));
    let key = world.store.stored_key(world.tenant, "k-1").await.unwrap().unwrap();
    assert_eq!(
        (key.fingerprint, key.order_id, key.order_version, key.status),
        ([7; 32], Some(order.order_id), Some(1), 201)
    );
    assert_eq!(world.store.decisions(world.tenant, order_id).await.unwrap().len(), 2);
    world.assert_clean().await;
}

#[tokio::test]
async fn reopening_keeps_everything() {
    let world = World::new().await;
    world.set_stock("MUG", "NYC", 10).await;
    let before = world.placed().await;
    let world = world.reopened().await;
    assert_eq!(world.store.order(world.tenant, before.order.order_id).await.unwrap().as_ref(), Some(&*before));
    assert_eq!(*world.store.head().borrow(), 1);
    assert_eq!(world.stock("MUG", "NYC").await, (10, 1));
    let done = committed(world.store.commit(world.update(&before, cancelled())).await.unwrap());
    assert_eq!(done.position, 2);
    world.assert_clean().await;
}

#[tokio::test]
async fn an_update_at_a_stale_version_conflicts() {
    let world = World::new().await;
    world.set_stock("MUG", "NYC", 10).await;
    let before = world.placed().await;
    let first = world.store.commit(world.update(&before, cancelled()));
    let second = world.store.commit(world.update(&before, cancelled()));
    let (first, second) = tokio::join!(first, second);
    let outcomes = [first.unwrap(), second.unwrap()];
    assert!(matches!(outcomes[0], Outcome::Committed(_)) && outcomes[1] == Outcome::VersionConflict, "{outcomes:?}");
    assert_eq!(world.store.commit(world.update(&before, cancelled())).await.unwrap(), Outcome::VersionConflict);
    let after = world.store.order(world.tenant, before.order.order_id).await.unwrap().unwrap();
    assert_eq!((after.order.version, after.order.status), (2, OrderStatus::Cancelled));
    assert_eq!(world.stock("MUG", "NYC").await, (10, 0));
    assert_eq!(world.count("reservations").await, 0);
    world.assert_clean().await;
}

#[tokio::test]
async fn an_update_that_skips_a_version_is_refused_before_it_is_queued() {
    let world = World::new().await;
    world.set_stock("MUG", "NYC", 10).await;
    let before = world.placed().await;
    let mut changeset = world.update(&before, cancelled());
    if let store::OrderChange::Update { order, .. } = &mut changeset.order {
        order.version += 1;
    }
    let refused = world.store.commit(changeset).await;
    assert!(matches!(refused, Err(Error::Inconsistent(_))), "{refused:?}");
    let foreign = Changeset { tenant: tenant(2), ..world.update(&before, cancelled()) };
    assert!(matches!(world.store.commit(foreign).await, Err(Error::Inconsistent(_))));
}

#[tokio::test]
async fn two_hundred_requests_with_one_key_make_one_order() {
    let world = Arc::new(World::new().await);
    world.set_stock("MUG", "NYC", 1000).await;
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let world = world.clone();
        requests.spawn(async move {
            let changeset = Changeset { key: claim("one", 1), ..world.order_of("MUG", 1) };
            world.store.commit(changeset).await.unwrap()
        });
    }
    let mut orders = HashSet::new();
    let mut placed = 0;
    while let Some(outcome) = requests.join_next().await {
        match outcome.unwrap() {
            Outcome::Committed(done) => {
                placed += 1;
                orders.insert(done.order.unwrap().order_id);
            }
            Outcome::SameKey(stored) => {
                orders.insert(stored.order_id.unwrap());
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((placed, orders.len(), world.count("orders").await), (1, 1, 1));
    assert_eq!(world.stock("MUG", "NYC").await, (1000, 1));
}

#[tokio::test]
async fn a_key_is_not_used_up_by_a_failure() {
    let world = World::new().await;
    world.set_stock("MUG", "NYC", 1).await;
    let attempt = |units| world.store.commit(Changeset { key: claim("k", 1), ..world.order_of("MUG", units) });
    assert!(matches!(attempt(2).await.unwrap(), Outcome::OutOfStock(_)));
    let order = placed_order(attempt(1).await.unwrap());
    let Outcome::SameKey(stored) = attempt(1).await.unwrap() else { panic!("the key is used up") };
    assert_eq!(stored.order_id, Some(order.order_id));
    // Another merchant's key of the same name is another key.
    let draft = sample::draft(tenant(2), &[(sku("MUG"), 1)], &[warehouse("NYC")]);
    let foreign = Changeset { tenant: tenant(2), key: claim("k", 1), ..world.place(draft) };
    assert!(matches!(world.store.commit(foreign).await.unwrap(), Outcome::OutOfStock(_)));
}

#[tokio::test]
async fn an_external_id_names_one_order_of_a_merchant() {
    let world = World::new().await;
    world.set_stock("MUG", "NYC", 10).await;
    let place = || {
        let mut draft = sample::draft(world.tenant, &[(sku("MUG"), 1)], &[warehouse("NYC")]);
        draft.external_id = Some(ExternalId::parse("WEB-1").unwrap());
        world.store.commit(world.place(draft))
    };
    let (first, second) = tokio::join!(place(), place());
    let order = placed_order(first.unwrap());
    assert_eq!(second.unwrap(), Outcome::DuplicateExternalId(order.order_id));
    assert_eq!(place().await.unwrap(), Outcome::DuplicateExternalId(order.order_id));
    let external = ExternalId::parse("WEB-1").unwrap();
    assert_eq!(*world.store.order_by_external_id(world.tenant, &external).await.unwrap().unwrap().order, *order);
    assert_eq!(world.store.order_by_external_id(tenant(2), &external).await.unwrap(), None);
    assert_eq!(world.stock("MUG", "NYC").await, (10, 1));
}

#[tokio::test]
async fn positions_are_gap_free_and_in_the_order_of_commits() {
    let world = Arc::new(World::with(|config| config.batch_changesets_max = 7).await);
    world.set_stock("MUG", "NYC", 150).await;
    let mut head = world.store.head();
    let follower = {
        let store = world.store.clone();
        tokio::spawn(async move {
            // What a consumer sees at each moment is all there is up to the head: nothing appears later behind it.
            let (mut seen, mut cursor) = (Vec::new(), 0);
            while cursor < 200 {
                head.changed().await.unwrap();
                let promised = *head.borrow_and_update();
                let events = store.log_after(cursor, 10_000).await.unwrap();
                cursor = events.last().map_or(cursor, |e| e.position);
                assert!(cursor >= promised);
                seen.extend(events);
            }
            seen
        })
    };
    let mut orders = tokio::task::JoinSet::new();
    for n in 0..250_u32 {
        let world = world.clone();
        // A hundred of them fail: their positions must not be missing.
        let units = if n % 5 < 2 { 1000 } else { 1 };
        orders.spawn(async move {
            let outcome = world.store.commit(world.order_of("MUG", units)).await.unwrap();
            let Outcome::Committed(done) = outcome else { return false };
            let before = world.store.order(world.tenant, done.order.as_ref().unwrap().order_id).await.unwrap().unwrap();
            // A third of them have a second event.
            if n % 3 == 0 {
                committed(world.store.commit(world.update(&Arc::new(before), cancelled())).await.unwrap());
            }
            true
        });
    }
    let placed = orders.join_all().await.into_iter().filter(|placed| *placed).count();
    assert_eq!(placed, 150);
    let seen = follower.await.unwrap();
    let positions: Vec<u64> = seen.iter().map(|e| e.position).collect();
    assert_eq!(positions, (1..=200).collect::<Vec<u64>>());
    world.assert_clean().await;
}

#[tokio::test]
async fn an_api_key_and_its_idempotency_key_are_kept_together_or_not_at_all() {
    let world = World::new().await;
    let attempt = |hash, text| {
        let api_keys = vec![api_key(world.tenant, hash)];
        let (store, changeset) =
            (world.store.clone(), Changeset { api_keys, key: claim(text, 1), ..world.changeset() });
        async move { store.commit(changeset).await }
    };
    let kept = async || (world.count("api_keys").await, world.count("idempotency_keys").await);
    let mut requests: tokio::task::JoinSet<_> = (0..20).map(|hash| attempt(hash, "k")).collect();
    let mut made = 0;
    while let Some(outcome) = requests.join_next().await {
        match outcome.unwrap().unwrap() {
            Outcome::Committed(_) => made += 1,
            Outcome::SameKey(stored) => assert_eq!((stored.fingerprint, stored.order_id), ([1; 32], None)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((made, kept().await), (1, (1, 1)));
    let taken = world.store.api_keys(world.tenant).await.unwrap()[0].hash[0];
    assert!(matches!(attempt(taken, "other").await, Err(Error::Refused { .. })));
    assert_eq!(kept().await, (1, 1));
    committed(attempt(99, "other").await.unwrap());
    assert_eq!(kept().await, (2, 2));
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_take_its_order_with_it() {
    let world = World::new().await;
    world.set_stock("MUG", "NYC", 10).await;
    let changeset = Changeset { key: claim("gone", 1), ..world.order_of("MUG", 1) };
    {
        let mut commit = Box::pin(world.store.commit(changeset));
        // Polled once, then dropped, as when a client disconnects.
        assert!(futures_poll_once(&mut commit).await.is_none());
    }
    while world.store.stored_key(world.tenant, "gone").await.unwrap().is_none() {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.count("orders").await, 1);
}

async fn futures_poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|context| match std::pin::Pin::new(&mut *future).poll(context) {
        std::task::Poll::Ready(output) => std::task::Poll::Ready(Some(output)),
        std::task::Poll::Pending => std::task::Poll::Ready(None),
    })
    .await
}

#[tokio::test]
async fn shutdown_commits_what_waits() {
    let world = World::new().await;
    world.set_stock("MUG", "NYC", 100).await;
    let waiting: Vec<_> = (0..50)
        .map(|_| {
            let (store, changeset) = (world.store.clone(), world.order_of("MUG", 1));
            tokio::spawn(async move { store.commit(changeset).await })
        })
        .collect();
    // On this one thread each has been queued once this task is polled again.
    tokio::task::yield_now().await;
    world.store.shutdown().await.unwrap();
    for outcome in waiting {
        placed_order(outcome.await.unwrap().unwrap());
    }
    assert!(!world.store.is_open());
    let world = world.reopened().await;
    assert_eq!(world.count("orders").await, 50);
    world.assert_clean().await;
}
