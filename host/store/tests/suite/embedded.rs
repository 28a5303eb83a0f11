//! What only the embedded database has: a directory, one process, and a disk that this process fills.

use sqlx::Row as _;
use store::{Error, Outcome, Store};

use crate::world::{Raw, World, committed};

#[tokio::test]
async fn one_directory_is_open_once() {
    let world = World::new().await;
    let again = Store::open(store::Config::new(world.path())).await;
    assert!(matches!(again, Err(Error::Locked(_))), "{again:?}");
    world.store.shutdown().await.unwrap();
    let refused = world.store.commit(world.changeset()).await;
    assert!(matches!(refused, Err(Error::Closed)), "{refused:?}");
    Store::open(store::Config::new(world.path())).await.unwrap().shutdown().await.unwrap();
}

#[tokio::test]
async fn a_full_disk_is_an_error_and_keeps_nothing_by_half() {
    let world = World::with(|config| config.pages_max = Some(100)).await;
    world.set_stock("MUG", "NYC", 1_000_000).await;
    let mut placed = 0;
    let full = loop {
        let commits = (0..16).map(|_| world.store.commit(world.order_of("MUG", 1)));
        let outcomes: Vec<_> = join(commits).await;
        placed += outcomes.iter().filter(|o| matches!(o, Ok(Outcome::Committed(_)))).count();
        if let Some(error) = outcomes.into_iter().find_map(Result::err) {
            break error;
        }
        assert!(placed < 10_000, "the disk is never full");
    };
    assert!(matches!(full, Error::DiskFull), "{full:?}");
    assert!(placed > 0);
    // It still reads, still answers, and is whole.
    assert!(matches!(world.store.commit(world.order_of("MUG", 1)).await, Err(Error::DiskFull) | Ok(_)));
    world.assert_clean().await;
    assert!(world.count("orders").await >= placed as i64);
    // With room again it goes on where it was.
    let world = world.reopened().await;
    let head = *world.store.head().borrow();
    let done = committed(world.store.commit(world.order_of("MUG", 1)).await.unwrap());
    assert_eq!(done.position, head + 1);
    world.assert_clean().await;
}

async fn join<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.map(Box::pin).collect();
    let mut outputs: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, output) in futures.iter_mut().zip(&mut outputs) {
            if output.is_none()
                && let std::task::Poll::Ready(ready) = future.as_mut().poll(context)
            {
                *output = Some(ready);
            }
        }
        if outputs.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    outputs.into_iter().flatten().collect()
}

#[tokio::test]
async fn a_directory_that_cannot_be_used_is_named() {
    let world = World::new().await;
    let file = world.path().join("file");
    std::fs::write(&file, "not a directory").unwrap();
    let refused = Store::open(store::Config::new(&file)).await.unwrap_err();
    assert!(refused.to_string().contains("file"), "{refused}");
}

#[tokio::test]
async fn what_a_plugin_wrote_is_found_by_its_index_alone() {
    let world = World::new().await;
    let plan = "explain query plan select rowid from decisions where (logs <> '[]' or outcome <> 'ok') and tenant_id = x'00' \
                and plugin = 'nearest' and rowid between 1 and 9 order by rowid desc limit 3";
    let Raw::Sqlite(mut connection) = world.raw().await else { panic!("this is about SQLite") };
    let rows = sqlx::query(plan).fetch_all(&mut connection).await.unwrap();
    let plan: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
    // Only what has something to show is in the index, and the index alone is what is looked through.
    assert!(
        plan.len() == 1 && plan[0].contains("decisions_that_wrote (tenant_id=? AND plugin=? AND rowid"),
        "{plan:?}"
    );
}

#[tokio::test]
async fn what_a_broken_off_upload_left_goes_with_the_next_start() {
    let world = World::new().await;
    for digest in ["sha256:66", "sha256:77"] {
        world.store.put_component(digest, &vec![7; 600_000]).await.unwrap();
    }
    let mut rows = world.raw().await;
    rows.execute("delete from components where digest = 'sha256:66'").await.unwrap();
    drop(rows);
    let world = world.reopened().await;
    let mut rows = world.raw().await;
    let kept: Vec<(String,)> = rows.rows("select distinct digest from component_parts").await;
    assert_eq!(kept, [("sha256:77".to_owned(),)]);
    assert_eq!(world.store.component("sha256:77").await.unwrap(), Some(vec![7; 600_000]));
}
