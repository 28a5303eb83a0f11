//! A changeset that the database refuses fails alone; a full disk keeps nothing by half.

use std::sync::Arc;

use domain::event::Event;
use domain::order::HoldSource;
use store::{Changeset, Error, JournalEntry, JournalKind, OrderChange};

use crate::sample::{self, NOW, sku, warehouse};
use crate::world::{World, cancelled, claim, committed, placed_order};

/// Commits good orders with one bad changeset among them and sees that it alone fails, with this constraint.
async fn fails_alone(world: &Arc<World>, bad: Changeset, constraint: &str) {
    world.set_stock("FINE", "NYC", 1000).await;
    let before = world.count("orders").await;
    let mut changesets: Vec<Changeset> = (0..32).map(|_| world.order_of("FINE", 1)).collect();
    changesets.insert(19, bad);
    // On this one thread all are queued before the writer has its turn, so they are one batch.
    let commits: Vec<_> = changesets
        .into_iter()
        .map(|changeset| {
            let store = world.store.clone();
            tokio::spawn(async move { store.commit(changeset).await })
        })
        .collect();
    for (index, commit) in commits.into_iter().enumerate() {
        match commit.await.unwrap() {
            Ok(outcome) if index != 19 => drop(placed_order(outcome)),
            Err(Error::Refused { constraint: named }) if index == 19 => assert_eq!(named, constraint),
            other => panic!("{index}: {other:?}"),
        }
    }
    assert_eq!(world.count("orders").await, before + 32);
    world.assert_clean().await;
}

#[tokio::test]
async fn an_order_that_grows_too_large_fails_alone() {
    let world = Arc::new(World::new().await);
    world.set_stock("MUG", "NYC", 10).await;
    let order = world.placed().await;
    let hold = Event::HoldPlaced { source: HoldSource::Manual, reason: "x".repeat(1 << 20) };
    let bad = Changeset { key: claim("huge", 1), ..world.update(&order, hold) };
    fails_alone(&world, bad, "orders_document_size").await;
    assert_eq!(world.store.stored_key(world.tenant, "huge").await.unwrap(), None);
}

#[tokio::test]
async fn an_order_that_is_too_large_is_refused_before_it_is_queued() {
    let world = World::new().await;
    world.set_stock("MUG", "NYC", 10).await;
    let mut draft = sample::draft(world.tenant, &[(sku("MUG"), 1)], &[warehouse("NYC")]);
    draft.metadata = Some("x".repeat(600_000));
    let refused = world.store.commit(world.place(draft)).await;
    assert!(matches!(refused, Err(Error::DocumentTooLarge { limit: 524_288, .. })), "{refused:?}");
}

#[tokio::test]
async fn a_journal_entry_that_exists_fails_alone() {
    let world = Arc::new(World::new().await);
    world.set_stock("MUG", "NYC", 10).await;
    let order = world.placed().await;
    let entry = JournalEntry {
        order_id: order.order.order_id,
        task_id: 1,
        seq: 1,
        at: NOW,
        kind: JournalKind::Request,
        payload: "{}".into(),
    };
    let journal = || Changeset { journal: vec![entry.clone()], ..world.changeset() };
    committed(world.store.commit(journal()).await.unwrap());
    let columns = "journal.tenant_id, journal.order_id, journal.task_id, journal.seq";
    let columns = world.constraint("journal_pk", columns);
    // The cancel comes with the bad entry: both or none.
    let bad = Changeset { order: world.update(&order, cancelled()).order, ..journal() };
    fails_alone(&world, bad, columns).await;
    let still = world.store.order(world.tenant, order.order.order_id).await.unwrap().unwrap();
    assert_eq!(still.order.version, 1);
}

#[tokio::test]
async fn an_order_that_exists_fails_alone() {
    let world = Arc::new(World::new().await);
    world.set_stock("MUG", "NYC", 10).await;
    let again = world.order_of("MUG", 1);
    committed(world.store.commit(again.clone()).await.unwrap());
    let constraint = world.constraint("orders_pk", "orders.tenant_id, orders.order_id");
    fails_alone(&world, again, constraint).await;
    assert_eq!(world.stock("MUG", "NYC").await, (10, 1));
}

#[tokio::test]
async fn an_unknown_merchant_fails_alone() {
    let world = Arc::new(World::new().await);
    let nobody = sample::tenant(77);
    let mut draft = sample::draft(nobody, &[], &[]);
    draft.lines.clear();
    let bad = Changeset { tenant: nobody, ..world.place(draft) };
    fails_alone(&world, bad, world.constraint("orders_tenant", "FOREIGN KEY constraint failed")).await;
}

#[tokio::test]
async fn events_are_never_changed_nor_deleted() {
    let world = World::new().await;
    world.set_stock("MUG", "NYC", 10).await;
    world.placed().await;
    let mut raw = world.raw().await;
    for crime in ["update order_events set payload = '{}'", "delete from order_events"] {
        let refused = raw.execute(crime).await.unwrap_err();
        assert!(refused.to_string().contains("append-only"), "{refused}");
    }
}

#[tokio::test]
async fn the_database_itself_refuses_what_resolve_would_never_write() {
    let world = World::new().await;
    world.set_stock("MUG", "NYC", 10).await;
    world.placed().await;
    let mut raw = world.raw().await;
    for (crime, constraint) in [
        ("update inventory set on_hand = -1, reserved = -1", "inventory_on_hand_not_negative"),
        ("update inventory set reserved = -1", "inventory_reserved_not_negative"),
        ("update inventory set reserved = 11", "inventory_reserved_within_on_hand"),
        ("update orders set status = 'shiped'", "orders_status"),
        ("update reservations set quantity = 0", "reservations_quantity_positive"),
        ("update log_head set only_row = 2", "log_head_only_row"),
    ] {
        let refused = Error::from(raw.execute(crime).await.unwrap_err());
        assert!(matches!(&refused, Error::Refused { constraint: named } if named == constraint), "{refused:?}");
    }
    for status in domain::status::OrderStatus::ALL {
        let sql = format!("update orders set status = '{status}'");
        raw.execute(&sql).await.unwrap();
    }
}

#[tokio::test]
async fn a_changeset_without_an_order_may_still_carry_records() {
    let world = World::new().await;
    let order_id = sample::draft_and_plan().0.order_id;
    let changeset = Changeset {
        order: OrderChange::None,
        decisions: vec![crate::world::decision(order_id)],
        key: claim("records", 3),
        ..world.changeset()
    };
    let done = committed(world.store.commit(changeset).await.unwrap());
    assert_eq!((done.order, done.position), (None, 0));
    assert_eq!(world.store.decisions(world.tenant, order_id).await.unwrap().len(), 1);
    assert_eq!(world.store.stored_key(world.tenant, "records").await.unwrap().unwrap().order_id, None);
}
