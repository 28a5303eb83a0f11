//! A directory of an earlier release, opened by this one.

use domain::hooks::PersonalField;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, SqliteConnection};
use store::{Config, Store};

use crate::sample::{NOW, tenant};

/// What the first release knew: a merchant with an uploaded policy that decides.
async fn write_first_release(rows: &mut SqliteConnection) {
    let owner = tenant(1).uuid().as_bytes().to_vec();
    let insert =
        "insert into tenants (tenant_id, name, currency, settings, created_at) values (?, 'Mugs', 'USD', '{}', ?)";
    sqlx::query(insert).bind(&owner).bind(NOW.micros()).execute(&mut *rows).await.unwrap();
    sqlx::query("insert into components (digest, wasm) values ('sha256:11', x'0061736d')")
        .execute(&mut *rows)
        .await
        .unwrap();
    let insert = "insert into plugins (tenant_id, plugin, version, digest, hook, created_at) \
                  values (?, 'screening', '1', 'sha256:11', 'risk', ?)";
    sqlx::query(insert).bind(&owner).bind(NOW.micros()).execute(&mut *rows).await.unwrap();
    let insert = "insert into hook_bindings \
                  (tenant_id, hook, plugin, version, digest, config, on_failure, hosts, updated_at) \
                  values (?, 'risk', 'screening', '1', 'sha256:11', '{}', 'hold', '[]', ?)";
    sqlx::query(insert).bind(&owner).bind(NOW.micros()).execute(&mut *rows).await.unwrap();
}

#[tokio::test]
async fn what_the_first_release_bound_goes_on_deciding_and_sees_what_it_saw() {
    let directory = tempfile::tempdir().unwrap();
    let file = SqliteConnectOptions::new().filename(directory.path().join("orderwright.db")).create_if_missing(true);
    let mut rows = file.connect().await.unwrap();
    sqlx::migrate!("../../migrations/sqlite").run_to(2, &mut rows).await.unwrap();
    write_first_release(&mut rows).await;
    drop(rows);

    let store = Store::open(Config::new(directory.path())).await.unwrap();
    assert_eq!(store.component("sha256:11").await.unwrap().as_deref(), Some(&b"\0asm"[..]));
    let [version] = &store.plugin_versions(tenant(1)).await.unwrap()[..] else { panic!("one version was there") };
    assert_eq!((version.plugin.as_str(), version.status.as_str()), ("screening", "ready"));
    let [binding] = &store.bindings(tenant(1)).await.unwrap()[..] else { panic!("one binding was there") };
    assert_eq!((binding.plugin.as_str(), binding.revision), ("screening", 1));
    // Policies were shown these before anything was granted, and no others.
    use PersonalField::{City, CustomerId, EmailDomain, Zip};
    assert_eq!(binding.fields, [City, Zip, CustomerId, EmailDomain].into_iter().collect());
    store.shutdown().await.unwrap();
}
