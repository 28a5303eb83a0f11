//! Reads: lists, histories, facts, and what a merchant sets up.

use domain::ids::{CustomerId, ExternalId, KeyId, OrderId, PluginId, SealKeyId};
use domain::status::OrderStatus;
use store::{ApiKey, Binding, Changeset, Error, Filter, JournalEntry, JournalKind, Operation, PluginVersion, SealKey};
use uuid::Uuid;

use crate::sample::{self, NOW, sku, tenant, warehouse};
use crate::world::{World, api_key, cancelled, committed, decision, skus};

/// Places orders a second apart, of two customers in turn; answers their ids, oldest first.
async fn history(world: &World, count: i64) -> Vec<OrderId> {
    world.set_stock("MUG", "NYC", 1000).await;
    let mut ids = Vec::new();
    for n in 0..count {
        let mut draft = sample::draft(world.tenant, &[(sku("MUG"), 1)], &[warehouse("NYC")]);
        draft.placed_at = NOW.plus_seconds(n / 2);
        draft.customer_id = Some(CustomerId::parse(["c-1", "c-2"][(n % 2) as usize]).unwrap());
        draft.external_id = Some(ExternalId::parse(&format!("WEB-{n}")).unwrap());
        ids.push(committed(world.store.commit(world.place(draft)).await.unwrap()).order.unwrap().order_id);
    }
    ids
}

#[tokio::test]
async fn a_history_is_read_page_by_page_newest_first() {
    let world = World::new().await;
    let placed = history(&world, 11).await;
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = world.store.list_orders(world.tenant, &Filter::default(), 4, after).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.placed_at, last.order_id));
        seen.extend(page.iter().map(|o| (o.placed_at, o.order_id)));
    }
    assert!(seen.is_sorted_by(|a, b| a > b));
    let mut ids: Vec<_> = seen.into_iter().map(|(_, id)| id).collect();
    ids.sort();
    let mut placed = placed;
    placed.sort();
    assert_eq!(ids, placed);
    assert_eq!(world.store.list_orders(tenant(2), &Filter::default(), 4, None).await.unwrap(), []);
}

#[tokio::test]
async fn a_history_can_be_narrowed() {
    let world = World::new().await;
    let placed = history(&world, 6).await;
    let before = world.store.order(world.tenant, placed[2]).await.unwrap().unwrap();
    committed(world.store.commit(world.update(&before.into(), cancelled())).await.unwrap());
    let list = async |filter: Filter| -> Vec<usize> {
        let orders = world.store.list_orders(world.tenant, &filter, 50, None).await.unwrap();
        let mut found: Vec<_> =
            orders.iter().map(|o| placed.iter().position(|id| *id == o.order_id).unwrap()).collect();
        found.sort_unstable();
        found
    };
    let customer_id = Some(CustomerId::parse("c-2").unwrap());
    assert_eq!(list(Filter { customer_id: customer_id.clone(), ..Filter::default() }).await, [1, 3, 5]);
    assert_eq!(list(Filter { status: Some(OrderStatus::Cancelled), ..Filter::default() }).await, [2]);
    assert_eq!(list(Filter { external_id: Some(ExternalId::parse("WEB-4").unwrap()), ..Filter::default() }).await, [4]);
    let (from, to) = (Some(NOW.plus_seconds(1)), Some(NOW.plus_seconds(2)));
    assert_eq!(list(Filter { placed_from: from, ..Filter::default() }).await, [2, 3, 4, 5]);
    assert_eq!(list(Filter { placed_from: from, placed_to: to, ..Filter::default() }).await, [2, 3]);
    let all = Filter {
        status: Some(OrderStatus::PaymentPending),
        customer_id,
        placed_from: from,
        placed_to: to,
        external_id: None,
    };
    assert_eq!(list(all).await, [3]);
    let counts = world.store.count_orders(world.tenant).await.unwrap();
    assert_eq!(counts, [(OrderStatus::Cancelled, 1), (OrderStatus::PaymentPending, 5)]);
}

#[tokio::test]
async fn orders_are_loaded_in_bulk_and_only_the_merchants_own() {
    let world = World::new().await;
    let placed = history(&world, 300).await;
    let missing = sample::draft_and_plan().0.order_id;
    let wanted: Vec<_> = placed.iter().copied().chain([missing]).collect();
    let mut found: Vec<_> =
        world.store.orders_by_ids(world.tenant, &wanted).await.unwrap().into_iter().map(|s| s.order.order_id).collect();
    found.sort();
    let mut placed = placed;
    placed.sort();
    assert_eq!(found, placed);
    assert_eq!(world.store.orders_by_ids(tenant(2), &placed).await.unwrap(), []);
    assert_eq!(world.store.order(tenant(2), placed[0]).await.unwrap(), None);
    assert_eq!(world.store.order_events(tenant(2), placed[0]).await.unwrap(), []);
    let mixed = [(world.tenant, placed[0]), (tenant(2), placed[1])];
    assert_eq!(world.store.orders_any_by_ids(&mixed).await.unwrap().len(), 1);
    assert_eq!(world.store.orders_any_by_ids(&[]).await.unwrap(), []);
}

#[tokio::test]
async fn events_are_read_by_merchant_and_kind() {
    let world = World::new().await;
    let placed = history(&world, 3).await;
    let before = world.store.order(world.tenant, placed[0]).await.unwrap().unwrap();
    committed(world.store.commit(world.update(&before.into(), cancelled())).await.unwrap());
    let kinds = async |kind: Option<&str>, after, limit| -> Vec<(u64, String)> {
        let events = world.store.tenant_events(world.tenant, after, kind, limit).await.unwrap();
        events.into_iter().map(|e| (e.position, e.kind)).collect()
    };
    assert_eq!(kinds(None, 0, 10).await.len(), 4);
    assert_eq!(kinds(Some("order.*"), 1, 10).await.len(), 3);
    assert_eq!(kinds(Some("order.cancelled"), 0, 10).await, [(4, "order.cancelled".to_owned())]);
    assert_eq!(kinds(Some("order.p*"), 0, 2).await.iter().map(|(p, _)| *p).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(kinds(Some("order.%"), 0, 10).await, []);
    assert_eq!(world.store.tenant_events(tenant(2), 0, None, 10).await.unwrap(), []);
    let reasons = world.store.order_events(world.tenant, placed[0]).await.unwrap();
    assert_eq!(reasons[1].reason.as_deref(), Some("changed her mind"));
    assert_eq!(reasons[1].from, Some(OrderStatus::PaymentPending));
}

#[tokio::test]
async fn the_stock_of_skus_is_read_and_remembered_alike() {
    let world = World::new().await;
    world.set_stock("A", "NYC", 1).await;
    world.set_stock("A", "LAX", 2).await;
    world.set_stock("B", "LAX", 3).await;
    let stock = async |world: &World, tenant, names: &[&str]| -> Vec<(String, String, i64)> {
        let rows = world.store.stock(tenant, skus(names).into_iter().collect()).await.unwrap();
        rows.iter().map(|r| (r.sku.to_string(), r.warehouse_id.to_string(), r.available())).collect()
    };
    let rows = [("A", "LAX", 2), ("A", "NYC", 1), ("B", "LAX", 3)].map(|(s, w, n)| (s.to_owned(), w.to_owned(), n));
    assert_eq!(stock(&world, world.tenant, &["B", "A", "C"]).await, rows);
    assert_eq!(stock(&world, tenant(2), &["A"]).await, []);
    // What was committed is seen by whoever asks after it.
    committed(world.store.commit(world.order_of("A", 1)).await.unwrap());
    let now = stock(&world, world.tenant, &["A", "B"]).await;
    assert_eq!(now.iter().map(|(_, _, available)| available).sum::<i64>(), 5);
    // A store that has just been opened remembers nothing, one that has seen an order of A remembers that alone.
    let world = world.reopened().await;
    assert_eq!(stock(&world, world.tenant, &["A", "B"]).await, now);
    committed(world.store.commit(world.order_of("A", 1)).await.unwrap());
    let after = stock(&world, world.tenant, &["A", "B"]).await;
    assert_eq!(after.iter().map(|(_, _, available)| available).sum::<i64>(), 4);
    assert!(after.is_sorted(), "remembered and read are one list");
}

#[tokio::test]
async fn operations_and_their_journals_come_back() {
    let world = World::new().await;
    world.set_stock("MUG", "NYC", 10).await;
    let order_id = world.placed().await.order.order_id;
    let operation = Operation {
        order_id,
        task_id: 1,
        plugin: "sandbox".into(),
        digest: Some("sha256:11".into()),
        idempotency_key: "key".into(),
        operation: r#"{"op":"authorize"}"#.into(),
        attempts: 1,
        next_at: None,
        state: "running".into(),
        last_error: None,
        first_sent_at: Some(NOW),
    };
    let entry = |seq, kind| JournalEntry {
        order_id,
        task_id: 1,
        seq,
        at: NOW,
        kind,
        payload: format!("{{\"n\":{seq}}}").into(),
    };
    let (request, result) = (entry(1, JournalKind::Request), entry(2, JournalKind::Result));
    let first = Changeset { operations: vec![operation.clone()], journal: vec![request.clone()], ..world.changeset() };
    committed(world.store.commit(first).await.unwrap());
    let done = Operation { attempts: 2, state: "done".into(), last_error: Some("slow".into()), ..operation };
    let second = Changeset { operations: vec![done.clone()], journal: vec![result.clone()], ..world.changeset() };
    committed(world.store.commit(second).await.unwrap());
    let read = world.store.operations(world.tenant, order_id).await.unwrap();
    assert_eq!(read.len(), 1);
    assert_eq!((&read[0].operation, &read[0].journal), (&done, &vec![request, result]));
    assert_eq!(world.store.operations(tenant(2), order_id).await.unwrap(), []);
}

#[tokio::test]
async fn decisions_come_back_as_they_were() {
    let world = World::new().await;
    let order_id = sample::draft_and_plan().0.order_id;
    let mut failed = decision(order_id);
    (failed.output, failed.error, failed.digest) = (None, Some("out of fuel".into()), None);
    let decisions = vec![decision(order_id), failed];
    committed(world.store.commit(Changeset { decisions: decisions.clone(), ..world.changeset() }).await.unwrap());
    assert_eq!(world.store.decisions(world.tenant, order_id).await.unwrap(), decisions);
    assert_eq!(world.store.decisions(tenant(2), order_id).await.unwrap(), []);
}

#[tokio::test]
async fn api_keys_lead_to_their_merchant() {
    let world = World::new().await;
    let key = api_key(world.tenant, 5);
    let kept =
        async |key: &ApiKey| world.store.commit(Changeset { api_keys: vec![key.clone()], ..world.changeset() }).await;
    committed(kept(&key).await.unwrap());
    assert_eq!(world.store.api_key_by_hash(&[5; 32]).await.unwrap().as_ref(), Some(&key));
    assert_eq!(world.store.api_keys(world.tenant).await.unwrap(), std::slice::from_ref(&key));
    assert_eq!(world.store.api_keys(tenant(2)).await.unwrap(), []);
    let again = ApiKey { key_id: KeyId::new(Uuid::now_v7()), ..key.clone() };
    assert!(matches!(kept(&again).await, Err(Error::Refused { .. })));
    assert!(matches!(kept(&api_key(tenant(2), 6)).await, Err(Error::Inconsistent(_))), "another merchant's");
    assert!(!world.store.delete_api_key(tenant(2), key.key_id).await.unwrap());
    assert!(world.store.delete_api_key(world.tenant, key.key_id).await.unwrap());
    assert_eq!(world.store.api_key_by_hash(&[5; 32]).await.unwrap(), None);
}

#[tokio::test]
async fn a_component_of_many_parts_comes_back_whole() {
    let world = World::new().await;
    let store = &world.store;
    let wasm: Vec<u8> = (0..1_000_003u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    store.put_component("sha256:44", &wasm).await.unwrap();
    assert_eq!(store.component("sha256:44").await.unwrap(), Some(wasm.clone()));
    let mut rows = world.raw().await;
    // Broken off: what is there is not a component yet, and is one once it is kept again.
    rows.execute("delete from components where digest = 'sha256:44'").await.unwrap();
    rows.execute("delete from component_parts where digest = 'sha256:44' and part = 2").await.unwrap();
    assert_eq!(store.component("sha256:44").await.unwrap(), None);
    store.put_component("sha256:44", &wasm).await.unwrap();
    assert_eq!(store.component("sha256:44").await.unwrap(), Some(wasm.clone()));
    // As it was kept before there were parts.
    let hex = domain::bytes::to_hex(&wasm);
    rows.execute(&format!("insert into components (digest, wasm) values ('sha256:55', x'{hex}')")).await.unwrap();
    assert_eq!(store.component("sha256:55").await.unwrap(), Some(wasm));
}

#[tokio::test]
async fn what_a_merchant_sets_up_comes_back() {
    let world = World::new().await;
    let store = &world.store;
    let mut row = store.tenant(world.tenant).await.unwrap().unwrap();
    row.settings = r#"{"retry_minutes":5}"#.into();
    assert!(store.update_tenant(&row).await.unwrap());
    assert_eq!(store.tenants().await.unwrap().into_iter().find(|t| t.tenant_id == world.tenant), Some(row));
    store.put_warehouse(world.tenant, &warehouse("NYC"), r#"{"country":"CA"}"#).await.unwrap();
    let warehouses = store.warehouses(world.tenant).await.unwrap();
    assert_eq!(warehouses.len(), 2);
    assert_eq!(warehouses[1].document, r#"{"country":"CA"}"#);

    store.put_component("sha256:22", b"\0asm").await.unwrap();
    store.put_component("sha256:22", b"\0asm").await.unwrap();
    assert_eq!(store.component("sha256:22").await.unwrap().as_deref(), Some(&b"\0asm"[..]));
    assert_eq!(store.component("sha256:23").await.unwrap(), None);
    let plugin = PluginVersion {
        plugin_id: PluginId::new(Uuid::from_u128(7)),
        plugin: "nearest".into(),
        version: String::new(),
        digest: "sha256:22".into(),
        hook: "routing".into(),
        status: "compiling".into(),
        report: "{}".into(),
        created_at: NOW,
    };
    let first = store.add_plugin_version(world.tenant, &plugin).await.unwrap().unwrap();
    assert_eq!(first, PluginVersion { version: "1".into(), ..plugin.clone() });
    assert_eq!(store.add_plugin_version(world.tenant, &plugin).await.unwrap(), None, "the same component again");
    let unknown = PluginVersion { digest: "sha256:none".into(), ..plugin.clone() };
    assert!(matches!(store.add_plugin_version(world.tenant, &unknown).await, Err(Error::Refused { .. })));
    store.put_component("sha256:33", b"\0asm 2").await.unwrap();
    let other = PluginVersion { plugin_id: PluginId::new(Uuid::from_u128(8)), digest: "sha256:33".into(), ..plugin };
    let second = store.add_plugin_version(world.tenant, &other).await.unwrap().unwrap();
    assert_eq!((second.version.as_str(), second.plugin_id), ("2", first.plugin_id), "a plugin keeps its id");
    assert_eq!(store.unjudged_plugin_versions().await.unwrap().len(), 2);
    store.judge_plugin_version(world.tenant, "nearest", "1", "ready", r#"{"size":4}"#).await.unwrap();
    let judged = PluginVersion { status: "ready".into(), report: r#"{"size":4}"#.into(), ..first };
    assert_eq!(store.plugin_versions(world.tenant).await.unwrap(), [judged, second.clone()]);
    assert_eq!(store.unjudged_plugin_versions().await.unwrap(), [(world.tenant, second)]);
    assert_eq!(store.plugin_versions(tenant(2)).await.unwrap(), []);

    let binding = Binding {
        hook: "payment".into(),
        plugin: "sandbox".into(),
        version: "1".into(),
        digest: Some("sha256:22".into()),
        config: "{}".into(),
        on_failure: "hold".into(),
        fields: domain::hooks::PersonalFields::parse("zip, email").unwrap(),
        hosts: vec!["127.0.0.1:9".into()],
        candidate: None,
        revision: 1,
        actor: "ann".into(),
        updated_at: NOW,
        secrets: vec!["api_key".into()],
    };
    assert_eq!(store.put_binding(world.tenant, &binding, Some(1)).await.unwrap(), None, "nothing is bound yet");
    assert_eq!(store.put_binding(world.tenant, &binding, Some(0)).await.unwrap(), Some(1));
    let newer = Binding { version: "2".into(), revision: 2, actor: "bob".into(), ..binding.clone() };
    assert_eq!(store.put_binding(world.tenant, &newer, Some(0)).await.unwrap(), None, "something is bound");
    assert_eq!(store.put_binding(world.tenant, &newer, Some(1)).await.unwrap(), Some(2));
    assert_eq!(store.bindings(world.tenant).await.unwrap(), std::slice::from_ref(&newer));
    let newest = Binding { revision: 3, candidate: Some(r#"{"percent":5}"#.into()), ..binding.clone() };
    assert_eq!(store.put_binding(world.tenant, &newest, None).await.unwrap(), Some(3));
    assert_eq!(store.binding_history(world.tenant, "payment").await.unwrap(), [newest, newer, binding]);
    assert_eq!(store.binding_history(world.tenant, "tax").await.unwrap(), []);

    store.put_secret(world.tenant, "sandbox", b"one").await.unwrap();
    store.put_secret(world.tenant, "sandbox", b"two").await.unwrap();
    assert_eq!(store.secret(world.tenant, "sandbox").await.unwrap().as_deref(), Some(&b"two"[..]));
    assert_eq!(store.secret_names(world.tenant).await.unwrap(), ["sandbox"]);
    assert_eq!(store.secret(tenant(2), "sandbox").await.unwrap(), None);
    assert!(store.delete_secret(world.tenant, "sandbox").await.unwrap());
    assert!(!store.delete_secret(world.tenant, "sandbox").await.unwrap());
}

#[tokio::test]
async fn destroying_a_customers_keys_leaves_the_others() {
    let world = World::new().await;
    let customer = |name: &str| Some(CustomerId::parse(name).unwrap());
    let key = |name: &str| SealKey {
        seal_key_id: SealKeyId::new(Uuid::now_v7()),
        customer_id: customer(name),
        order_id: None,
        wrapped_key: b"wrapped".to_vec(),
    };
    let keys = vec![key("ann"), key("ann"), key("bob")];
    let ids: Vec<_> = keys.iter().map(|k| k.seal_key_id).collect();
    committed(world.store.commit(Changeset { seal_keys: keys.clone(), ..world.changeset() }).await.unwrap());
    // The same key with the next order is nothing new.
    committed(world.store.commit(Changeset { seal_keys: vec![keys[0].clone()], ..world.changeset() }).await.unwrap());
    world.store.put_seal_key(world.tenant, &keys[2]).await.unwrap();
    assert_eq!(world.store.seal_keys(world.tenant, &ids).await.unwrap().len(), 3);
    assert_eq!(world.store.seal_keys(tenant(2), &ids).await.unwrap().len(), 0);
    let ann = CustomerId::parse("ann").unwrap();
    assert_eq!(world.store.seal_keys_of_customer(world.tenant, &ann).await.unwrap(), keys[..2]);
    let mut destroyed = world.store.destroy_seal_keys(world.tenant, &ann).await.unwrap();
    destroyed.sort();
    assert_eq!(destroyed, ids[..2]);
    assert_eq!(world.store.seal_keys(world.tenant, &ids).await.unwrap(), keys[2..]);
}

#[tokio::test]
async fn reports_read_flat_tables() {
    let world = World::new().await;
    for name in ["MUG", "CUP"] {
        world.set_stock(name, "NYC", 10).await;
    }
    let draft = sample::draft(world.tenant, &[(sku("MUG"), 2), (sku("CUP"), 1)], &[warehouse("NYC")]);
    let order = committed(world.store.commit(world.place(draft)).await.unwrap()).order.unwrap();
    let mut raw = world.raw().await;
    let sql = "select order_id, line_id, sku, quantity, price_minor from order_items order by line_id";
    let items: Vec<(String, i64, String, i64, i64)> = raw.rows(sql).await;
    let order_id = order.order_id.to_string();
    assert_eq!(items, [(order_id.clone(), 1, "MUG".into(), 2, 1999), (order_id.clone(), 2, "CUP".into(), 1, 1999)]);
    let sql = "select order_id, warehouse_id, status, sku, quantity from shipments order by line_id";
    let parts: Vec<(String, String, String, String, i64)> = raw.rows(sql).await;
    let part = |sku: &str, units| (order_id.clone(), "NYC".to_owned(), "pending".to_owned(), sku.to_owned(), units);
    assert_eq!(parts, [part("MUG", 2), part("CUP", 1)]);
    let sql = "select status, amount_minor, captured_minor, currency from payments";
    let paid: Vec<(String, i64, i64, String)> = raw.rows(sql).await;
    assert_eq!(paid, [("pending".into(), order.amounts.total, 0, "USD".into())]);
}
