//! Addresses at which providers call, and what they tell.

use domain::ids::OrderId;
use store::{CallbackAddress, CallbackEvent, CallbackState};
use uuid::Uuid;

use crate::sample::{NOW, tenant};
use crate::world::World;

fn address(world: &World, hash: u8) -> CallbackAddress {
    CallbackAddress {
        token_hash: [hash; 32],
        tenant: world.tenant,
        hook: "payment/main".into(),
        sealed_token: format!("sealed {hash}"),
        created_at: NOW,
        ends_at: None,
    }
}

#[tokio::test]
async fn an_address_that_was_replaced_ends_with_its_grace() {
    let world = World::new().await;
    let store = &world.store;
    let (soon, late) = (NOW.plus_seconds(60), NOW.plus_seconds(3600));
    store.put_callback_address(&address(&world, 1), NOW, true).await.unwrap();
    store.put_callback_address(&address(&world, 2), NOW, true).await.unwrap();
    assert_eq!(store.callback_addresses(world.tenant, "payment/main", NOW).await.unwrap(), [address(&world, 1)]);
    assert_eq!(store.callback_address(&[2; 32], NOW).await.unwrap(), None, "there was one already");

    store.put_callback_address(&address(&world, 3), late, false).await.unwrap();
    let first = CallbackAddress { ends_at: Some(late), ..address(&world, 1) };
    assert_eq!(store.callback_address(&[1; 32], soon).await.unwrap(), Some(first.clone()));
    assert_eq!(store.callback_address(&[1; 32], late).await.unwrap(), None);
    let both = store.callback_addresses(world.tenant, "payment/main", NOW).await.unwrap();
    assert_eq!(both, [address(&world, 3), first]);
    // The shortest grace counts, and whoever is older than that ends with it.
    store.put_callback_address(&address(&world, 4), soon, false).await.unwrap();
    for (hash, at, is_good) in [(1, NOW, true), (3, NOW, true), (1, soon, false), (3, soon, false), (4, late, true)] {
        assert_eq!(store.callback_address(&[hash; 32], at).await.unwrap().is_some(), is_good, "{hash}");
    }
    assert_eq!(store.callback_addresses(tenant(2), "payment/main", NOW).await.unwrap(), []);
    assert_eq!(store.callback_addresses(world.tenant, "payment/other", NOW).await.unwrap(), []);
}

#[tokio::test]
async fn an_event_is_kept_once_and_looked_at_when_it_is_due() {
    let world = World::new().await;
    let store = &world.store;
    let event = |id: &str| CallbackEvent {
        tenant: world.tenant,
        hook: "payment/main".into(),
        event_id: id.into(),
        received_at: NOW,
        notice: r#"{"news":"voided"}"#.into(),
        sealed_call: Some("sealed".into()),
        order_id: None,
        state: CallbackState::New,
        told: None,
        attempts: 0,
        next_at: Some(NOW),
    };
    assert!(store.put_callback_event(&event("a")).await.unwrap());
    assert!(!store.put_callback_event(&CallbackEvent { notice: "{}".into(), ..event("a") }).await.unwrap());
    assert!(store.put_callback_event(&CallbackEvent { hook: "payment/b".into(), ..event("a") }).await.unwrap());
    assert!(store.put_callback_event(&event("b")).await.unwrap());
    assert_eq!(store.due_callback_events(NOW.plus_seconds(-1), 10).await.unwrap(), []);
    assert_eq!(store.due_callback_events(NOW, 10).await.unwrap().len(), 3);

    let order = OrderId::new(Uuid::from_u128(77));
    let early = CallbackEvent { attempts: 1, next_at: Some(NOW.plus_seconds(9)), ..event("a") };
    store.judge_callback_event(&early).await.unwrap();
    let over = CallbackEvent {
        state: CallbackState::Settled,
        order_id: Some(order),
        told: Some("taken in".into()),
        next_at: None,
        ..event("b")
    };
    store.judge_callback_event(&over).await.unwrap();
    let told = store.callback_events(world.tenant, "payment/main", 10).await.unwrap();
    assert_eq!(told, [CallbackEvent { sealed_call: None, ..over }, early], "what is over keeps no call");
    assert_eq!(store.callback_events(tenant(2), "payment/main", 10).await.unwrap(), []);
    assert_eq!(store.expire_callback_events(NOW).await.unwrap(), 0);
    assert_eq!(store.expire_callback_events(NOW.plus_seconds(1)).await.unwrap(), 1, "what is due stays");
}
