//! The write path broken at its named places. Fault points are global: these tests take turns.

#![expect(clippy::unwrap_used, reason = "a test that unwraps none has failed")]

/// Which database this binary is about.
const IS_POSTGRES: bool = false;

#[path = "support/sample.rs"]
#[expect(dead_code, reason = "shared with the other suites")]
mod sample;
#[path = "support/world.rs"]
#[expect(dead_code, reason = "shared with the other suites")]
mod world;

use std::sync::Arc;

use fail::FailScenario;
use store::{Changeset, Config, Error, Outcome, Store};
use world::{World, api_key, claim, committed};

async fn keyed(world: &World) -> Result<Outcome, Error> {
    let api_keys = vec![api_key(world.tenant, 1)];
    world.store.commit(Changeset { key: claim("k", 1), api_keys, ..world.order_of("MUG", 1) }).await
}

#[tokio::test]
async fn a_commit_that_breaks_before_its_end_leaves_nothing() {
    let scenario = FailScenario::setup();
    let world = World::new().await;
    world.set_stock("MUG", "NYC", 10).await;
    for point in ["store.after_claim", "store.before_commit"] {
        fail::cfg(point, "return").unwrap();
        assert!(matches!(keyed(&world).await, Err(Error::Unavailable(_))));
        fail::remove(point);
        for table in ["orders", "idempotency_keys", "api_keys"] {
            assert_eq!(world.count(table).await, 0, "{table} after {point}");
        }
        assert_eq!(world.stock("MUG", "NYC").await, (10, 0));
    }
    // The same key again is a first time, and the position was not used up.
    assert_eq!(committed(keyed(&world).await.unwrap()).position, 1);
    world.assert_clean().await;
    scenario.teardown();
}

#[tokio::test]
async fn a_writer_that_dies_answers_everybody_and_keeps_what_was_committed() {
    let scenario = FailScenario::setup();
    let world = World::new().await;
    world.set_stock("MUG", "NYC", 10).await;
    fail::cfg("store.after_commit", "panic").unwrap();
    let (first, second) = tokio::join!(keyed(&world), keyed(&world));
    assert!(matches!(first, Err(Error::Closed)), "{first:?}");
    assert!(matches!(second, Err(Error::Closed)), "{second:?}");
    assert!(!world.store.is_open());
    assert!(matches!(keyed(&world).await, Err(Error::Closed)));
    fail::remove("store.after_commit");
    // The outcome was unknown to the clients; asking again with the key tells it.
    let world = world.reopened().await;
    let Outcome::SameKey(stored) = keyed(&world).await.unwrap() else { panic!("it was committed") };
    assert!(stored.order_id.is_some());
    assert_eq!(world.count("orders").await, 1);
    world.assert_clean().await;
    scenario.teardown();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_while_a_batch_is_slow_becomes_one_batch() {
    let scenario = FailScenario::setup();
    let world = Arc::new(World::new().await);
    world.set_stock("MUG", "NYC", 1000).await;
    let batches = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let (release, blocked) = std::sync::mpsc::sync_channel::<()>(0);
    let blocked = std::sync::Mutex::new(blocked);
    let counted = batches.clone();
    fail::cfg_callback("store.before_commit", move || {
        counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        // The first batch stays here until all others wait.
        let _released = blocked.lock().unwrap().recv();
    })
    .unwrap();
    let commits: Vec<_> = (0..100)
        .map(|_| {
            let world = world.clone();
            tokio::spawn(async move { world.store.commit(world.order_of("MUG", 1)).await })
        })
        .collect();
    while batches.load(std::sync::atomic::Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    // A second batch would have begun by itself only after the first, so everything else is in the queue or on its way.
    for _ in 0..10_000 {
        tokio::task::yield_now().await;
    }
    drop(release);
    for commit in commits {
        committed(commit.await.unwrap().unwrap());
    }
    assert!(batches.load(std::sync::atomic::Ordering::SeqCst) < 20);
    assert_eq!(world.stock("MUG", "NYC").await, (1000, 100));
    world.assert_clean().await;
    scenario.teardown();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_is_full_says_so_at_once() {
    let scenario = FailScenario::setup();
    let world = Arc::new(World::with(|config| config.queue_capacity = 8).await);
    world.set_stock("MUG", "NYC", 1000).await;
    let (begin, mut begun) = tokio::sync::mpsc::channel(64);
    let (release, blocked) = std::sync::mpsc::sync_channel::<()>(0);
    let blocked = std::sync::Mutex::new(blocked);
    fail::cfg_callback("store.before_commit", move || {
        let _nobody_waits = begin.try_send(());
        let _released = blocked.lock().unwrap().recv();
    })
    .unwrap();
    let place = |world: &Arc<World>| {
        let world = world.clone();
        async move { world.store.commit(world.order_of("MUG", 1)).await }
    };
    let first = tokio::spawn(place(&world));
    begun.recv().await.unwrap();
    // The writer is busy with the first, and the queue is empty. One merchant has half of it.
    let mut others = tokio::task::JoinSet::new();
    (0..20).for_each(|_| drop(others.spawn(place(&world))));
    for _ in 0..16 {
        let refused = others.join_next().await.unwrap().unwrap();
        assert!(matches!(refused, Err(Error::QueueFull)), "{refused:?}");
    }
    drop(release);
    while let Some(placed) = others.join_next().await {
        committed(placed.unwrap().unwrap());
    }
    committed(first.await.unwrap().unwrap());
    committed(place(&world).await.unwrap());
    assert_eq!(world.stock("MUG", "NYC").await, (1000, 6));
    scenario.teardown();
}

#[tokio::test]
async fn a_store_that_was_never_shut_down_opens_again() {
    let scenario = FailScenario::setup();
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(Config::new(directory.path())).await.unwrap();
    drop(store);
    // The tasks of the dropped store end by themselves; only then is the directory free.
    let store = loop {
        match Store::open(Config::new(directory.path())).await {
            Ok(store) => break store,
            Err(Error::Locked(_)) => tokio::task::yield_now().await,
            Err(other) => panic!("{other:?}"),
        }
    };
    store.shutdown().await.unwrap();
    scenario.teardown();
}
