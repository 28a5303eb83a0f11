//! The dialect against `resolve`: what is written is what was decided, and is read back as that.

use std::collections::BTreeMap;

use domain::ids::{OrderId, Sku, TenantId, WarehouseId};
use domain::time::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _};

use super::*;
use crate::prepare::Prepared;
use crate::resolve::tests::model;
use crate::resolve::tests::random::{self, Scene, external_id, warehouses};
use crate::resolve::tests::sample::tenant;
use crate::resolve::{Level, Net, OrderWrite, ReservationWrite, Snapshot, Wanted, resolve};
use crate::sql::{Columns, id};
use crate::{Config, Lease};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn what_is_written_is_what_was_decided(scene in random::scene()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(one_batch(&scene))?;
    }
}

async fn one_batch(scene: &Scene) -> Result<(), TestCaseError> {
    let directory = tempfile::tempdir().unwrap();
    let mut connection = open(&Config::new(directory.path())).await.unwrap().writer;
    seed(&mut connection, scene).await;
    let prepared = scene.prepare();
    let batch: Vec<&Prepared> = prepared.iter().collect();
    let wanted = Wanted::of(&batch);

    begin(&mut connection).await.unwrap();
    let (before, head_before) = snapshot(&mut connection, &wanted).await;
    let (verdicts, net) = resolve(&batch, before.clone());
    let (expected, _) = resolve(&batch, scene.snapshot());
    // Nothing that the decision depends on is missing from what was claimed and read.
    let summary = |verdicts: &[_]| verdicts.iter().map(model::summary).collect::<Vec<_>>();
    prop_assert_eq!(summary(&verdicts), summary(&expected));
    let head = write(&mut connection, &batch, &net, head_before).await.unwrap();
    commit(&mut connection).await.unwrap();

    let mut expected = sorted(model::apply(before, &batch, &net));
    expected.orders.retain(|key, _| wanted.orders.contains(key));
    let (after, head_after) = snapshot(&mut connection, &wanted).await;
    let after = sorted(after);
    prop_assert_eq!((after.keys, after.external_ids), (expected.keys, expected.external_ids));
    prop_assert_eq!((after.orders, after.stock), (expected.orders, expected.stock));
    let events: u64 = net.events.iter().map(|e| e.events.len() as u64).sum();
    prop_assert_eq!((head_after, head), (head_before + events, head_before + events));
    check_rows(&mut connection, scene, &net).await
}

async fn snapshot(connection: &mut SqliteConnection, wanted: &Wanted) -> (Snapshot, u64) {
    let claimed = claim(connection, wanted).await.unwrap();
    read(connection, wanted, claimed, &crate::levels::Levels::default()).await.unwrap()
}

fn sorted(mut snapshot: Snapshot) -> Snapshot {
    snapshot.stock.sort_by_key(|l: &Level| (l.tenant, l.sku.clone(), l.warehouse.clone()));
    snapshot
}

/// Reservations, and what lies outside of the version.
async fn check_rows(connection: &mut SqliteConnection, scene: &Scene, net: &Net) -> Result<(), TestCaseError> {
    let mut expected = scene.reservations();
    for held in &net.held {
        expected.insert((held.tenant, held.order_id, held.sku.clone(), held.warehouse.clone()), held.units);
    }
    expected.retain(|key, _| !net.released.contains(key));
    let rows = connection.fetch_all("select * from reservations").await.unwrap();
    let mut found = BTreeMap::new();
    for row in &rows {
        let mut columns = Columns::new(row);
        let key = (columns.id(TenantId::new).unwrap(), columns.id(OrderId::new).unwrap());
        let key = (key.0, key.1, columns.name(Sku::parse).unwrap(), columns.name(WarehouseId::parse).unwrap());
        found.insert(key, columns.get::<i64>().unwrap());
    }
    prop_assert_eq!(found, expected);

    let orders = net.inserted.iter().chain(&net.updated);
    let orders = orders
        .map(|w| ((w.encoded.order.tenant_id, w.encoded.order.order_id), w.wake_at, w.lease.clone(), Some(&w.encoded)));
    let deferred = net.deferred.iter().map(|w| ((w.tenant, w.order_id), w.wake_at, w.lease.clone(), None));
    for ((tenant_id, order_id), wake_at, lease, encoded) in orders.chain(deferred) {
        let sql = "select wake_at, lease_owner, lease_until, document, status, total_minor from orders \
                   where tenant_id = ? and order_id = ?";
        let row = sqlx::query(sql)
            .bind(id(tenant_id.uuid()))
            .bind(id(order_id.uuid()))
            .fetch_one(&mut *connection)
            .await
            .unwrap();
        let mut columns = Columns::new(&row);
        prop_assert_eq!(columns.optional_time().unwrap(), wake_at);
        let owner: Option<String> = columns.get().unwrap();
        let until = columns.optional_time().unwrap();
        prop_assert_eq!(owner.zip(until).map(|(owner, until)| Lease { owner, until }), lease);
        if let Some(encoded) = encoded {
            prop_assert_eq!(columns.get::<&str>().unwrap(), &*encoded.document);
            prop_assert_eq!(columns.status().unwrap(), encoded.order.status);
            prop_assert_eq!(columns.get::<i64>().unwrap(), encoded.order.amounts.total);
        }
    }
    Ok(())
}

/// Writes what the scene starts from.
async fn seed(connection: &mut SqliteConnection, scene: &Scene) {
    for tenant_id in [tenant(0), tenant(1)] {
        let sql = "insert into tenants values (?, 't', 'USD', '{}', 0)";
        sqlx::query(sql).bind(id(tenant_id.uuid())).execute(&mut *connection).await.unwrap();
        for warehouse in warehouses() {
            let sql = "insert into warehouses values (?, ?, '{}')";
            let query = sqlx::query(sql).bind(id(tenant_id.uuid())).bind(warehouse.to_string());
            query.execute(&mut *connection).await.unwrap();
        }
    }
    let written = |encoded: &_| OrderWrite {
        encoded: std::sync::Arc::clone(encoded),
        wake_at: Some(Timestamp::from_micros(1)),
        lease: None,
    };
    let held =
        |((tenant, order_id, sku, warehouse), units)| ReservationWrite { tenant, order_id, sku, warehouse, units };
    let net = Net {
        inserted: scene.seed.iter().map(written).collect(),
        events: scene.seed.clone(),
        held: scene.reservations().into_iter().map(held).collect(),
        stock: scene.snapshot().stock,
        ..Net::default()
    };
    write(connection, &[], &net, 0).await.unwrap();
    if scene.taken_key {
        let sql = "insert into idempotency_keys values (?, '0', ?, null, null, 200, null, 0)";
        sqlx::query(sql).bind(id(tenant(0).uuid())).bind(vec![99_u8; 32]).execute(&mut *connection).await.unwrap();
        let sql = "insert into orders (tenant_id, order_id, version, status, external_id, placed_at, total_minor, currency, \
                   head_hash, document) values (?, ?, 1, 'placed', ?, 0, 0, 'USD', zeroblob(32), '{}')";
        let query = sqlx::query(sql)
            .bind(id(tenant(1).uuid()))
            .bind(id(uuid::Uuid::from_u128(7)))
            .bind(external_id(0).to_string());
        query.execute(connection).await.unwrap();
    }
}

/// A statement that scans a table is fast in every test and ruinous with a million orders.
#[tokio::test]
async fn no_statement_of_the_write_path_scans_a_table() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(&Config::new(directory.path())).await.unwrap());
    let path = directory.path().join("orderwright.db");
    let mut connection = SqliteConnectOptions::new().filename(path).connect().await.unwrap();
    for statement in [claim::STATEMENTS, read::STATEMENTS, write::STATEMENTS].concat() {
        for text in [statement.text(1), statement.text(4)] {
            let explain = sqlx::query(AssertSqlSafe(format!("explain query plan {text}")));
            for row in explain.fetch_all(&mut connection).await.unwrap() {
                let step: String = row.get("detail");
                let of_list = ["VALUES CLAUSE", "CONSTANT ROW", "SCAN (subquery", "SCAN v"]
                    .iter()
                    .any(|list| step.contains(list));
                assert!(!step.contains("SCAN") || of_list, "{step}: {text}");
                assert!(!step.contains("AUTOMATIC"), "{step}: {text}");
            }
        }
    }
}

#[tokio::test]
async fn what_was_bound_before_bindings_had_names_goes_on() {
    let mut connection = SqliteConnectOptions::new().in_memory(true).connect().await.unwrap();
    let all = sqlx::migrate!("../../migrations/sqlite");
    let (before, now): (Vec<_>, Vec<_>) = all.iter().partition(|migration| migration.version < 7);
    for migration in before {
        sqlx::raw_sql(migration.sql.clone()).execute(&mut connection).await.unwrap();
    }
    let earlier = "insert into tenants (tenant_id, name, currency, settings, created_at) values (x'00000000000000000000000000000001', 'a', 'USD', '{}', 1); \
         insert into secrets values (x'00000000000000000000000000000001', 'api_key', x'00'), (x'00000000000000000000000000000001', 'other', x'00'); \
         insert into hook_bindings (tenant_id, hook, plugin, version, digest, config, on_failure, hosts, updated_at) \
         values (x'00000000000000000000000000000001', 'payment', 'sandbox', '1', 'd', '{}', 'hold', '[]', 1), \
         (x'00000000000000000000000000000001', 'risk', 'rules', '1', 'e', '{}', 'hold', '[]', 1); \
         update hook_bindings set version = '2', revision = 2 where hook = 'payment';";
    sqlx::raw_sql(earlier).execute(&mut connection).await.unwrap();
    for migration in now {
        sqlx::raw_sql(migration.sql.clone()).execute(&mut connection).await.unwrap();
    }
    let rows = |sql: &'static str| sqlx::query(sql);
    let told = |rows: Vec<sqlx::sqlite::SqliteRow>| -> Vec<(String, String, i64, String)> {
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect()
    };
    let bound = rows("select hook, version, revision, secrets from hook_bindings order by hook");
    let secrets = r#"["api_key","other"]"#;
    let row =
        |hook: &str, version: &str, revision, secrets: &str| (hook.into(), version.into(), revision, secrets.into());
    assert_eq!(
        told(bound.fetch_all(&mut connection).await.unwrap()),
        [row("payment/main", "2", 2, secrets), row("risk", "1", 1, "[]")]
    );
    let later = "update hook_bindings set version = '3', revision = 3, secrets = '[]' where hook = 'payment/main'";
    sqlx::query(later).execute(&mut connection).await.unwrap();
    let past = rows("select hook, version, revision, secrets from hook_binding_history order by hook, revision");
    assert_eq!(
        told(past.fetch_all(&mut connection).await.unwrap()),
        [
            row("payment/main", "1", 1, secrets),
            row("payment/main", "2", 2, secrets),
            row("payment/main", "3", 3, "[]"),
            row("risk", "1", 1, "[]"),
        ]
    );
}
