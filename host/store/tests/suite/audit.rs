//! The audit sees every way in which the database could have been changed past the store.

use std::sync::Arc;

use domain::time::Date;
use store::{Fault, Report, StoredOrder};

use crate::world::{World, cancelled, committed};

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

/// No signature of cryptography: what matters here is which message is signed.
fn sign(message: &[u8]) -> Vec<u8> {
    message.iter().rev().copied().collect()
}

fn is_right(message: &[u8], signature: &[u8]) -> bool {
    sign(message) == signature
}

/// Three orders, one cancelled, sealed twice with changes between and after.
async fn sealed_world() -> (World, [Arc<StoredOrder>; 3]) {
    let world = World::new().await;
    world.set_stock("MUG", "NYC", 10).await;
    let first = world.placed().await;
    let second = world.placed().await;
    world.store.seal_day(world.tenant, day("2026-01-01"), sign).await.unwrap();
    committed(world.store.commit(world.update(&first, cancelled())).await.unwrap());
    let third = world.placed().await;
    let sealed = world.store.seal_day(world.tenant, day("2026-01-02"), sign).await.unwrap();
    assert_eq!((sealed.position, sealed.orders), (4, 3));
    committed(world.store.commit(world.update(&second, cancelled())).await.unwrap());
    let report = verify(&world).await;
    assert!(report.is_clean(), "{:?}", report.faults);
    assert_eq!((report.orders, report.events, report.roots), (3, 5, 2));
    (world, [first, second, third])
}

async fn verify(world: &World) -> Report {
    let report = world.store.verify(None, is_right).await.unwrap();
    for fault in &report.faults {
        assert!(!fault.to_string().is_empty());
    }
    report
}

/// Does something that only a person with the file at hand can do, and answers what the audit says to it.
async fn after(world: &World, crime: &str) -> Vec<Fault> {
    let mut raw = world.raw().await;
    raw.arm().await;
    raw.execute(crime).await.unwrap();
    verify(world).await.faults
}

fn hex(order: &StoredOrder) -> String {
    format!("x'{}'", order.order.order_id.uuid().simple())
}

#[tokio::test]
async fn a_changed_byte_of_a_payload_shows() {
    let (world, [first, ..]) = sealed_world().await;
    let order_id = first.order.order_id;
    let crime = "update order_events set payload = replace(payload, 'mind', 'mint') where position = 3";
    let faults = after(&world, crime).await;
    assert!(faults.contains(&Fault::EventChanged { order_id, version: 2 }), "{faults:?}");
    assert!(faults.contains(&Fault::DocumentDiffers { order_id }), "{faults:?}");
}

#[tokio::test]
async fn every_other_column_of_an_event_counts_too() {
    for crime in [
        "actor = 'bob'",
        "reason = 'another'",
        "at = at + 1",
        "event_id = randomblob(16)",
        "type = 'order.hold_placed'",
        "to_status = 'placed'",
        "from_status = null",
        "hash = randomblob(32)",
    ] {
        let (world, [first, ..]) = sealed_world().await;
        let faults = after(&world, &format!("update order_events set {crime} where position = 3")).await;
        let expected = Fault::EventChanged { order_id: first.order.order_id, version: 2 };
        assert!(faults.contains(&expected), "{crime}: {faults:?}");
    }
}

#[tokio::test]
async fn an_order_that_was_deleted_with_all_its_traces_shows() {
    let (world, [_, _, third]) = sealed_world().await;
    let id = hex(&third);
    // Everything is made to fit: the events after it move up, the head goes back, the stock is released.
    let crime = format!(
        "delete from orders where order_id = {id}; delete from order_events where order_id = {id}; \
         delete from reservations where order_id = {id}; update inventory set reserved = reserved - 1; \
         update order_events set position = position - 1 where position > 4; update log_head set position = 4"
    );
    let faults = after(&world, &crime).await;
    assert_eq!(faults, [Fault::RootDiffers { tenant: world.tenant, day: "2026-01-02".into() }]);
}

#[tokio::test]
async fn an_order_that_was_deleted_without_its_events_shows() {
    let (world, [_, _, third]) = sealed_world().await;
    let faults = after(&world, &format!("delete from orders where order_id = {}", hex(&third))).await;
    assert!(faults.contains(&Fault::OrderMissing { order_id: third.order.order_id }), "{faults:?}");
    assert!(faults.contains(&Fault::ReservationsDiffer { order_id: third.order.order_id }), "{faults:?}");
}

#[tokio::test]
async fn a_cut_tail_shows() {
    let (world, [first, ..]) = sealed_world().await;
    // The cancelling is taken back completely, as if it had never been.
    let document = serde_json::to_string(&first.order).unwrap();
    let head: String = first.head_hash.iter().map(|b| format!("{b:02x}")).collect();
    let id = hex(&first);
    let crime = format!(
        "delete from order_events where position = 3; update order_events set position = position - 1 where position > 3; \
         update log_head set position = 4; \
         update orders set version = 1, status = 'payment_pending', head_hash = x'{head}', document = '{document}' \
         where order_id = {id}; insert into reservations select tenant_id, {id}, sku, warehouse_id, 1 from inventory; \
         update inventory set reserved = reserved + 1",
        document = document.replace('\'', "''"),
    );
    let faults = after(&world, &crime).await;
    assert_eq!(faults, [Fault::RootDiffers { tenant: world.tenant, day: "2026-01-02".into() }]);
}

#[tokio::test]
async fn a_changed_head_shows() {
    let (world, [first, ..]) = sealed_world().await;
    let id = hex(&first);
    let faults = after(&world, &format!("update orders set head_hash = randomblob(32) where order_id = {id}")).await;
    assert_eq!(faults, [Fault::HeadDiffers { order_id: first.order.order_id }]);
}

#[tokio::test]
async fn a_changed_document_or_column_shows() {
    let (world, [first, ..]) = sealed_world().await;
    let (id, order_id) = (hex(&first), first.order.order_id);
    let crime = format!("update orders set document = replace(document, 'pm_ok', 'pm_no') where order_id = {id}");
    assert_eq!(after(&world, &crime).await, [Fault::DocumentDiffers { order_id }]);
    let (world, [first, ..]) = sealed_world().await;
    let (id, order_id) = (hex(&first), first.order.order_id);
    let crime = format!("update orders set total_minor = 1, status = 'placed' where order_id = {id}");
    let column = |column| Fault::ColumnDiffers { order_id, column };
    assert_eq!(after(&world, &crime).await, [column("status"), column("total_minor")]);
    let (world, [first, ..]) = sealed_world().await;
    let crime = format!("update orders set document = 'nonsense' where order_id = {}", hex(&first));
    assert!(matches!(after(&world, &crime).await[..], [Fault::Damaged { .. }]));
}

#[tokio::test]
async fn stock_that_was_moved_shows() {
    let (world, [_, _, third]) = sealed_world().await;
    let faults = after(&world, "update inventory set reserved = 3").await;
    assert!(matches!(faults[..], [Fault::StockDiffers { reserved: 3, open: 1, .. }]), "{faults:?}");
    let faults = {
        let mut raw = world.raw().await;
        raw.execute("delete from reservations; update inventory set reserved = 0").await.unwrap();
        verify(&world).await.faults
    };
    assert_eq!(faults, [Fault::ReservationsDiffer { order_id: third.order.order_id }]);
}

#[tokio::test]
async fn a_hole_in_the_log_shows() {
    let (world, _) = sealed_world().await;
    let faults = after(&world, "update order_events set position = 9 where position = 5").await;
    assert_eq!(faults, [Fault::LogBroken { head: 5, events: 5, last: 9 }]);
    let (world, _) = sealed_world().await;
    let faults = after(&world, "update log_head set position = 6").await;
    assert_eq!(faults, [Fault::LogBroken { head: 6, events: 5, last: 5 }]);
}

#[tokio::test]
async fn events_that_changed_places_show() {
    let (world, [first, ..]) = sealed_world().await;
    let crime = "update order_events set position = 99 where position = 1; \
                 update order_events set position = 1 where position = 3; \
                 update order_events set position = 3 where position = 99";
    let faults = after(&world, crime).await;
    assert!(faults.contains(&Fault::EventMisplaced { order_id: first.order.order_id, version: 2 }), "{faults:?}");
}

#[tokio::test]
async fn a_changed_root_or_signature_shows() {
    for crime in ["signature = x'00'", "position = position + 1", "orders = orders + 1", "root = randomblob(32)"] {
        let (world, _) = sealed_world().await;
        let faults = after(&world, &format!("update daily_roots set {crime} where day = '2026-01-02'")).await;
        let wrong = Fault::SignatureWrong { tenant: world.tenant, day: "2026-01-02".into() };
        assert!(faults.contains(&wrong), "{crime}: {faults:?}");
    }
    // A root that vanishes breaks the signature of the next, which covers it.
    let (world, _) = sealed_world().await;
    let faults = after(&world, "delete from daily_roots where day = '2026-01-01'").await;
    assert_eq!(faults, [Fault::SignatureWrong { tenant: world.tenant, day: "2026-01-02".into() }]);
}

#[tokio::test]
async fn a_day_is_sealed_once_and_in_order() {
    let (world, _) = sealed_world().await;
    let again = world.store.seal_day(world.tenant, day("2026-01-02"), |_| panic!("it is sealed")).await.unwrap();
    assert_eq!(again.position, 4);
    assert!(world.store.seal_day(world.tenant, day("2025-12-31"), sign).await.is_err());
    assert_eq!(world.store.daily_roots(world.tenant).await.unwrap().len(), 2);
}

#[tokio::test]
async fn an_audit_of_many_orders_is_clean_in_chunks() {
    let world = World::new().await;
    world.set_stock("MUG", "NYC", 10_000).await;
    let mut commits = tokio::task::JoinSet::new();
    for _ in 0..450 {
        let (store, changeset) = (world.store.clone(), world.order_of("MUG", 1));
        commits.spawn(async move { committed(store.commit(changeset).await.unwrap()) });
    }
    commits.join_all().await;
    world.store.seal_day(world.tenant, day("2026-01-01"), sign).await.unwrap();
    let report = world.store.verify(Some(world.tenant), is_right).await.unwrap();
    assert!(report.is_clean(), "{:?}", report.faults);
    assert_eq!((report.orders, report.events, report.roots), (450, 450, 1));
}

#[tokio::test]
async fn an_audit_sees_one_moment_while_commits_go_on() {
    let world = Arc::new(World::new().await);
    world.set_stock("MUG", "NYC", 10_000).await;
    let shop = {
        let world = world.clone();
        tokio::spawn(async move {
            for _ in 0..150 {
                let order = world.placed().await;
                committed(world.store.commit(world.update(&order, cancelled())).await.unwrap());
            }
        })
    };
    let mut audits = 0;
    while !shop.is_finished() {
        let report = verify(&world).await;
        assert!(report.is_clean(), "{:?}", report.faults);
        audits += 1;
    }
    shop.await.unwrap();
    assert!(audits > 1, "the audits came too late");
}
