//! Stock: never promised twice, never less than reserved.

use std::sync::Arc;

use domain::ids::TenantId;
use domain::placement::Shortage;
use store::{Changeset, OrderChange, Outcome, StockChange};

use crate::sample::{self, all_from, sku, tenant, warehouse};
use crate::world::{World, cancelled, committed};

async fn storm(world: &Arc<World>, clients: usize) -> (usize, usize) {
    let mut orders = tokio::task::JoinSet::new();
    for _ in 0..clients {
        let world = world.clone();
        orders.spawn(async move { world.store.commit(world.order_of("HOT", 1)).await.unwrap() });
    }
    let outcomes = orders.join_all().await;
    let placed = outcomes.iter().filter(|o| matches!(o, Outcome::Committed(_))).count();
    let short = outcomes.iter().filter(|o| matches!(o, Outcome::OutOfStock(_))).count();
    (placed, short)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_clients_get_exactly_the_hundred_that_are_there() {
    let world = Arc::new(World::new().await);
    world.set_stock("HOT", "NYC", 100).await;
    assert_eq!(storm(&world, 1000).await, (100, 900));
    assert_eq!(world.stock("HOT", "NYC").await, (100, 100));
    assert_eq!((world.count("orders").await, world.count("reservations").await), (100, 100));
    world.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hundred_may_lie_in_two_places() {
    let world = Arc::new(World::new().await);
    world.set_stock("HOT", "NYC", 30).await;
    world.set_stock("HOT", "LAX", 70).await;
    // Every plan names New York only: the locked allocator finds the rest in Los Angeles.
    assert_eq!(storm(&world, 1000).await, (100, 900));
    assert_eq!((world.stock("HOT", "NYC").await, world.stock("HOT", "LAX").await), ((30, 30), (70, 70)));
    world.assert_clean().await;
}

#[tokio::test]
async fn the_first_plan_that_fits_is_taken() {
    let world = World::new().await;
    world.set_stock("A", "NYC", 1).await;
    world.set_stock("A", "LAX", 5).await;
    let draft = sample::draft(world.tenant, &[(sku("A"), 2)], &[warehouse("NYC"), warehouse("LAX")]);
    let plans = vec![all_from(&draft, &warehouse("NYC")), all_from(&draft, &warehouse("LAX"))];
    let order = OrderChange::Place { draft: Arc::new(draft), plans, lease: None };
    let order = committed(world.store.commit(Changeset { order, ..world.changeset() }).await.unwrap()).order.unwrap();
    assert_eq!(order.shipments[0].warehouse_id, warehouse("LAX"));
    let stored = world.store.order(world.tenant, order.order_id).await.unwrap().unwrap();
    assert_eq!(*stored.order, *order);
    assert_eq!((world.stock("A", "NYC").await, world.stock("A", "LAX").await), ((1, 0), (5, 2)));
    world.assert_clean().await;
}

#[tokio::test]
async fn a_shortage_names_what_the_locked_stock_has() {
    let world = World::new().await;
    world.set_stock("A", "NYC", 1).await;
    world.set_stock("A", "LAX", 1).await;
    let outcome = world.store.commit(world.order_of("A", 3)).await.unwrap();
    assert_eq!(outcome, Outcome::OutOfStock(vec![Shortage { sku: sku("A"), requested: 3, available: 2 }]));
    assert_eq!((world.count("orders").await, world.count("order_events").await), (0, 0));
}

#[tokio::test]
async fn cancelling_gives_the_stock_back_for_the_next() {
    let world = World::new().await;
    world.set_stock("MUG", "NYC", 1).await;
    let first = world.placed().await;
    assert!(matches!(world.store.commit(world.order_of("MUG", 1)).await.unwrap(), Outcome::OutOfStock(_)));
    // In one batch: the release comes first, so the next order gets it.
    let (cancel, next) = tokio::join!(
        world.store.commit(world.update(&first, cancelled())),
        world.store.commit(world.order_of("MUG", 1))
    );
    committed(cancel.unwrap());
    committed(next.unwrap());
    assert_eq!(world.stock("MUG", "NYC").await, (1, 1));
    world.assert_clean().await;
}

async fn change(world: &World, tenant: TenantId, stock: Vec<StockChange>) -> Outcome {
    world.store.commit(Changeset { stock, ..Changeset::new(tenant, "ann") }).await.unwrap()
}

#[tokio::test]
async fn stock_cannot_go_below_what_is_reserved_and_changes_are_all_or_nothing() {
    let world = World::new().await;
    world.set_stock("MUG", "NYC", 10).await;
    world.placed().await;
    let (mug, nyc) = (sku("MUG"), warehouse("NYC"));
    let adjust = |delta| StockChange::Adjust { sku: mug.clone(), warehouse: nyc.clone(), delta };
    let set = |on_hand| StockChange::SetOnHand { sku: mug.clone(), warehouse: nyc.clone(), on_hand };
    let reserved = Outcome::StockReserved { sku: mug.clone(), warehouse: nyc.clone(), on_hand: 10, reserved: 1 };
    assert_eq!(change(&world, world.tenant, vec![set(0)]).await, reserved);
    assert_eq!(change(&world, world.tenant, vec![adjust(-10)]).await, reserved);
    let other = StockChange::Adjust { sku: sku("CUP"), warehouse: nyc.clone(), delta: 5 };
    assert_eq!(change(&world, world.tenant, vec![other.clone(), adjust(-10)]).await, reserved);
    assert_eq!(world.stock("CUP", "NYC").await, (0, 0));
    committed(change(&world, world.tenant, vec![other, adjust(-9)]).await);
    assert_eq!((world.stock("CUP", "NYC").await, world.stock("MUG", "NYC").await), ((5, 0), (1, 1)));
    let huge = change(&world, world.tenant, vec![adjust(i64::MAX)]).await;
    assert_eq!(huge, Outcome::StockTooLarge { sku: mug.clone(), warehouse: nyc.clone() });
    let nowhere = StockChange::SetOnHand { sku: mug, warehouse: warehouse("MOON"), on_hand: 1 };
    assert_eq!(change(&world, world.tenant, vec![nowhere]).await, Outcome::UnknownWarehouse(warehouse("MOON")));
}

#[tokio::test]
async fn merchants_stock_is_their_own() {
    let world = World::new().await;
    world.set_stock("MUG", "NYC", 10).await;
    assert_eq!(world.store.inventory(tenant(2), &sku("MUG")).await.unwrap(), []);
    let draft = sample::draft(tenant(2), &[(sku("MUG"), 1)], &[warehouse("NYC")]);
    let foreign = Changeset { tenant: tenant(2), ..world.place(draft) };
    assert!(matches!(world.store.commit(foreign).await.unwrap(), Outcome::OutOfStock(_)));
    assert_eq!(world.stock("MUG", "NYC").await, (10, 0));
}

#[tokio::test]
async fn odd_names_are_only_names() {
    let world = World::new().await;
    for name in ["a'b", "\"quoted\"", "100%", "ü/日本 x", "?;--", "\\u0041"] {
        world.set_stock(name, "NYC", 3).await;
        committed(world.store.commit(world.order_of(name, 2)).await.unwrap());
        assert_eq!(world.stock(name, "NYC").await, (3, 2), "{name}");
    }
    world.assert_clean().await;
}
