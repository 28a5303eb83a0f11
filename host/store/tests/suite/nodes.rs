//! Several nodes on one database: what one has to know of the others, and what they may not do to each other.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::ids::ExternalId;
use store::{Changeset, Error, Outcome, StockChange, Store};

use crate::sample::{self, NOW, sku, warehouse};
use crate::world::{World, cancelled, claim, committed};

/// Three stores on one database.
async fn three() -> (Arc<World>, Vec<Store>) {
    let world = Arc::new(World::new().await);
    let nodes = vec![world.store.clone(), world.another_node().await, world.another_node().await];
    (world, nodes)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_never_promise_more_than_there_is() {
    let (world, nodes) = three().await;
    world.set_stock("MUG", "NYC", 60).await;
    world.set_stock("MUG", "LAX", 40).await;
    let mut clients = tokio::task::JoinSet::new();
    for n in 0..300 {
        let (store, changeset) = (nodes[n % 3].clone(), world.order_of("MUG", 1));
        clients.spawn(async move { store.commit(changeset).await.unwrap() });
    }
    let outcomes = clients.join_all().await;
    let placed = outcomes.iter().filter(|o| matches!(o, Outcome::Committed(_))).count();
    let short = outcomes.iter().filter(|o| matches!(o, Outcome::OutOfStock(_))).count();
    assert_eq!((placed, short), (100, 200));
    world.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_key_makes_one_order_whichever_node_is_asked() {
    let (world, nodes) = three().await;
    world.set_stock("MUG", "NYC", 1000).await;
    let mut clients = tokio::task::JoinSet::new();
    for n in 0..120 {
        let key = format!("key-{}", n / 12);
        let (store, changeset) = (nodes[n % 3].clone(), Changeset { key: claim(&key, 1), ..world.order_of("MUG", 1) });
        clients.spawn(async move {
            match store.commit(changeset).await.unwrap() {
                Outcome::Committed(done) => (key, done.order.unwrap().order_id, true),
                Outcome::SameKey(stored) => (key, stored.order_id.unwrap(), false),
                other => panic!("{other:?}"),
            }
        });
    }
    let answers = clients.join_all().await;
    let orders: BTreeSet<_> = answers.iter().map(|(key, order, _)| (key.clone(), *order)).collect();
    assert_eq!(orders.len(), 10);
    assert_eq!(answers.iter().filter(|(.., first)| *first).count(), 10);
    assert_eq!(world.count("orders").await, 10);
    world.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_external_id_names_one_order_whichever_node_is_asked() {
    let (world, nodes) = three().await;
    world.set_stock("MUG", "NYC", 1000).await;
    let mut clients = tokio::task::JoinSet::new();
    for n in 0..60 {
        let mut draft = sample::draft(world.tenant, &[(sku("MUG"), 1)], &[warehouse("NYC")]);
        draft.external_id = Some(ExternalId::parse(&format!("WEB-{}", n / 6)).unwrap());
        let (store, changeset) = (nodes[n % 3].clone(), world.place(draft));
        clients.spawn(async move { store.commit(changeset).await.unwrap() });
    }
    let outcomes = clients.join_all().await;
    let placed = outcomes.iter().filter(|o| matches!(o, Outcome::Committed(_))).count();
    let duplicate = outcomes.iter().filter(|o| matches!(o, Outcome::DuplicateExternalId(_))).count();
    assert_eq!((placed, duplicate), (10, 50));
    world.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stock_that_two_nodes_add_at_once_is_added_up() {
    let (world, nodes) = three().await;
    let mut clients = tokio::task::JoinSet::new();
    for n in 0..90 {
        let name = format!("NEW-{}", n % 5);
        let stock = vec![StockChange::Adjust { sku: sku(name), warehouse: warehouse("NYC"), delta: 1 }];
        let (store, changeset) = (nodes[n % 3].clone(), Changeset { stock, ..world.changeset() });
        clients.spawn(async move { committed(store.commit(changeset).await.unwrap()) });
    }
    clients.join_all().await;
    for n in 0..5 {
        assert_eq!(world.stock(&format!("NEW-{n}"), "NYC").await, (18, 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_of_the_log_skips_nothing_while_three_nodes_commit() {
    let (world, nodes) = three().await;
    world.set_stock("MUG", "NYC", 10_000).await;
    let mut clients = tokio::task::JoinSet::new();
    for n in 0..6 {
        let (world, store) = (world.clone(), nodes[n % 3].clone());
        clients.spawn(async move {
            for _ in 0..30 {
                let placed = committed(store.commit(world.order_of("MUG", 1)).await.unwrap()).order.unwrap();
                let stored = store.order(world.tenant, placed.order_id).await.unwrap().unwrap();
                committed(store.commit(world.update(&Arc::new(stored), cancelled())).await.unwrap());
            }
        });
    }
    let reader = nodes[1].clone();
    let mut cursor = 0;
    let mut seen = Vec::new();
    while seen.len() < 360 {
        let events = reader.log_after(cursor, 50).await.unwrap();
        for event in events {
            assert_eq!(event.position, cursor + 1, "a position was skipped");
            cursor = event.position;
            seen.push((event.order_id, event.version));
        }
    }
    clients.join_all().await;
    let mut versions = std::collections::HashMap::new();
    for (order_id, version) in seen {
        let last = versions.insert(order_id, version).unwrap_or(0);
        assert_eq!(version, last + 1, "the events of an order come in its order");
    }
    for node in &nodes {
        let mut head = node.head();
        tokio::time::timeout(std::time::Duration::from_secs(5), head.wait_for(|head| *head == 360))
            .await
            .unwrap()
            .unwrap();
    }
    world.assert_clean().await;
}

#[tokio::test]
async fn an_order_is_leased_to_one_node() {
    let (world, nodes) = three().await;
    world.set_stock("MUG", "NYC", 1000).await;
    for _ in 0..30 {
        committed(world.store.commit(world.order_of("MUG", 1)).await.unwrap());
    }
    let (now, until) = (NOW.plus_seconds(3600), NOW.plus_seconds(7200));
    let (a, b, c) = tokio::join!(
        nodes[0].claim_due("a", now, until, 20),
        nodes[1].claim_due("b", now, until, 20),
        nodes[2].claim_due("c", now, until, 20)
    );
    let all: Vec<_> = [a, b, c].into_iter().flat_map(Result::unwrap).collect();
    let distinct: BTreeSet<_> = all.iter().collect();
    assert_eq!(distinct.len(), all.len(), "an order was leased twice");
}

#[tokio::test]
async fn what_was_refused_leaves_its_key_and_its_external_id_free() {
    let world = World::new().await;
    let order = |name: &str| {
        let mut draft = sample::draft(world.tenant, &[(sku(name), 1)], &[warehouse("NYC")]);
        draft.external_id = Some(ExternalId::parse("WEB-1").unwrap());
        Changeset { key: claim("k", 1), ..world.place(draft) }
    };
    let none = world.store.commit(order("MUG")).await.unwrap();
    assert!(matches!(none, Outcome::OutOfStock(_)), "{none:?}");
    // In one batch the first is refused and the second takes what both have claimed.
    world.set_stock("CUP", "NYC", 1).await;
    let (mug, cup) = tokio::join!(world.store.commit(order("MUG")), world.store.commit(order("CUP")));
    assert!(matches!(mug.unwrap(), Outcome::OutOfStock(_)));
    let placed = committed(cup.unwrap()).order.unwrap();
    let stored = world.store.stored_key(world.tenant, "k").await.unwrap().unwrap();
    assert_eq!((stored.order_id, stored.order_version), (Some(placed.order_id), Some(placed.version)));
    let again = sample::draft(world.tenant, &[(sku("CUP"), 1)], &[warehouse("NYC")]);
    let again = domain::placement::Draft { external_id: Some(ExternalId::parse("WEB-1").unwrap()), ..again };
    let duplicate = world.store.commit(world.place(again)).await.unwrap();
    assert_eq!(duplicate, Outcome::DuplicateExternalId(placed.order_id));
    world.assert_clean().await;
}

#[tokio::test]
async fn a_connection_that_is_cut_is_made_anew() {
    let world = World::new().await;
    world.set_stock("MUG", "NYC", 100).await;
    let cut = "select pg_terminate_backend(pid) from pg_stat_activity \
               where datname = current_database() and pid <> pg_backend_pid()";
    for _ in 0..5 {
        world.raw().await.execute(cut).await.unwrap();
        let mut outcome = world.store.commit(world.order_of("MUG", 1)).await;
        while let Err(Error::Unavailable(_)) = outcome {
            outcome = world.store.commit(world.order_of("MUG", 1)).await;
        }
        committed(outcome.unwrap());
    }
    world.assert_clean().await;
}

/// Tables and columns of both schemas, so that neither is forgotten when the other grows.
#[tokio::test]
async fn both_schemas_have_the_same_tables_and_columns() {
    let world = World::new().await;
    let of_postgres = "select table_name::text, column_name::text from information_schema.columns \
                       where table_schema = 'public' and table_name not like '\\_sqlx%' \
                       and table_name not in (select inhrelid::regclass::text from pg_inherits)";
    let postgres: BTreeSet<(String, String)> = world.raw().await.rows(of_postgres).await.into_iter().collect();
    let directory = tempfile::tempdir().unwrap();
    let embedded = Store::open(store::Config::new(directory.path())).await.unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(directory.path().join("orderwright.db"));
    let of_sqlite = "select m.name, c.name from sqlite_master as m, pragma_table_info(m.name) as c \
                     where m.type in ('table', 'view') and m.name not like '\\_sqlx%' escape '\\'";
    let mut connection = sqlx::ConnectOptions::connect(&options).await.unwrap();
    let sqlite: Vec<(String, String)> = sqlx::query_as(of_sqlite).fetch_all(&mut connection).await.unwrap();
    let sqlite: BTreeSet<_> = sqlite.into_iter().collect();
    embedded.shutdown().await.unwrap();
    let only_here = |(table, column): &&(String, String)| {
        // What several writers need, and what SQLite has by itself.
        !matches!(table.as_str(), "writers" | "external_ids")
            && !matches!(
                (table.as_str(), column.as_str()),
                ("log_head", "calls") | ("decisions" | "callback_events", "rowid")
            )
    };
    let extra: Vec<_> = postgres.difference(&sqlite).filter(only_here).collect();
    let missing: Vec<_> = sqlite.difference(&postgres).collect();
    assert!(extra.is_empty() && missing.is_empty(), "only in PostgreSQL: {extra:?}; missing there: {missing:?}");
}
