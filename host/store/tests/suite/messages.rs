//! What is to be told: noted with the cursor, answered once.

use domain::hooks::PersonalFields;
use domain::ids::{MessageId, OrderId};
use domain::time::Timestamp;
use store::{Announced, Announcement, Binding, Message, MessageStatus, Noted};
use uuid::Uuid;

use crate::sample::{NOW, tenant};
use crate::world::{World, committed, lease};

const CONSUMER: &str = "notification";

async fn note(world: &World, position: u64, found: &[(u128, u64)]) {
    let order_id = OrderId::new(Uuid::from_u128(1));
    let note = |(of, position): &(u128, u64)| Announcement {
        tenant: tenant(*of),
        position: *position,
        order_id,
        version: *position,
    };
    let announcements = found.iter().map(note).collect();
    let mut changeset = world.changeset();
    changeset.noted = Some(Noted { consumer: CONSUMER.into(), position, announcements });
    committed(world.store.commit(changeset).await.unwrap());
}

fn message(order_id: OrderId, n: u32, text: &str) -> Message {
    Message {
        message_id: MessageId::derived(order_id, n),
        order_id,
        version: 1,
        event: "order.placed".into(),
        channel: "email".into(),
        recipient: (n == 2).then(|| "büro@example.com".into()),
        subject: Some("Grüße ☕".into()),
        text: text.into(),
        html: None,
        status: MessageStatus::Queued,
        attempts: 0,
        reference: None,
        last_error: None,
        created_at: NOW,
        updated_at: NOW,
    }
}

async fn taken(world: &World, owner: &str, now: Timestamp, limit: u32) -> Vec<u64> {
    let taken = world.store.take_announcements(world.tenant, &lease(owner, 60), now, limit).await.unwrap();
    taken.into_iter().map(|announcement| announcement.position).collect()
}

#[tokio::test]
async fn what_was_noted_is_taken_in_order_by_one_node_at_a_time() {
    let world = World::new().await;
    note(&world, 5, &[(1, 5), (2, 3), (1, 2)]).await;
    assert_eq!(world.store.cursor(CONSUMER).await.unwrap(), 5);
    assert_eq!(world.store.announcing_tenants().await.unwrap(), [tenant(1), tenant(2)]);
    assert_eq!(taken(&world, "a", NOW, 1).await, [2]);
    assert_eq!(taken(&world, "b", NOW, 1).await, Vec::<u64>::new(), "the oldest is in work");
    assert_eq!(taken(&world, "a", NOW, 9).await, [2, 5]);
    assert_eq!(taken(&world, "b", NOW.plus_seconds(60), 9).await, [2, 5], "its lease has ended");
    world.store.end_leases().await.unwrap();
    assert_eq!(taken(&world, "a", NOW, 9).await, [2, 5]);
}

#[tokio::test]
async fn the_first_answer_counts_and_nothing_is_told_again() {
    let world = World::new().await;
    world.set_stock("MUG", "NYC", 5).await;
    let order_id = world.placed().await.order.order_id;
    note(&world, 1, &[(1, 1)]).await;
    let first = [message(order_id, 2, "two"), message(order_id, 1, "one")];
    let answer = |messages: &[Message]| {
        let mut changeset = world.changeset();
        changeset.announced = Some(Announced { position: 1, messages: messages.to_vec() });
        changeset
    };
    committed(world.store.commit(answer(&first)).await.unwrap());
    committed(world.store.commit(answer(&[message(order_id, 3, "late")])).await.unwrap());
    let kept = world.store.messages(world.tenant, order_id).await.unwrap();
    assert_eq!(kept, [message(order_id, 1, "one"), message(order_id, 2, "two")]);
    assert_eq!(world.store.messages(tenant(2), order_id).await.unwrap(), []);
    assert_eq!(world.store.announcing_tenants().await.unwrap(), []);
    world.assert_clean().await;
}

#[tokio::test]
async fn an_announcer_counts_from_its_first_component_on() {
    let world = World::new().await;
    assert_eq!(world.store.announcers().await.unwrap(), []);
    let bound = |second: i64, digest: Option<&str>| Binding {
        hook: "notification".into(),
        plugin: "texts".into(),
        version: "1".into(),
        digest: digest.map(Into::into),
        config: "{}".into(),
        on_failure: "fallback".into(),
        fields: PersonalFields::default(),
        hosts: Vec::new(),
        secrets: Vec::new(),
        candidate: None,
        revision: 1,
        actor: "ann".into(),
        updated_at: NOW.plus_seconds(second),
    };
    let bind = async |binding: &Binding| world.store.put_binding(world.tenant, binding, None).await.unwrap();
    for (second, digest, since) in [
        (1, Some("d1"), Some(1)),
        (2, Some("d2"), Some(1)),
        (3, None, None),
        (4, Some("d1"), Some(4)),
        (5, Some("d2"), Some(4)),
    ] {
        bind(&bound(second, digest)).await;
        let expected: Vec<_> = since.map(|since| (world.tenant, NOW.plus_seconds(since))).into_iter().collect();
        assert_eq!(world.store.announcers().await.unwrap(), expected, "at {second}");
    }
}
