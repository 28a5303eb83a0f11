//! A store in a directory of its own, with a merchant and two warehouses.

use std::path::PathBuf;
use std::sync::Arc;

use domain::event::Event;
use domain::ids::{DecisionId, KeyId, OrderId, Sku, TenantId};
use domain::order::Order;
use domain::placement::Draft;
use domain::transition;
use sqlx::{ConnectOptions as _, SqliteConnection};
use store::{
    ApiKey, Changeset, Committed, Config, Decision, KeyClaim, Lease, OrderChange, Outcome, Role, StockChange, Store,
    StoredOrder, Tenant,
};
use tempfile::TempDir;
use uuid::Uuid;

use crate::sample::{self, NOW, all_from, sku, tenant, warehouse};

pub struct World {
    pub store: Store,
    pub tenant: TenantId,
    directory: TempDir,
}

impl World {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut config = Config::new(directory.path());
        change(&mut config);
        let store = Store::open(config).await.unwrap();
        let world = Self { store, tenant: tenant(1), directory };
        for n in [1, 2] {
            world.create_tenant(tenant(n)).await;
        }
        world
    }

    async fn create_tenant(&self, tenant_id: TenantId) {
        let row = Tenant {
            tenant_id,
            name: "Mugs & more".into(),
            currency: "USD".into(),
            settings: "{}".into(),
            created_at: NOW,
        };
        self.store.create_tenant(&row).await.unwrap();
        for name in ["NYC", "LAX"] {
            self.store.put_warehouse(tenant_id, &warehouse(name), r#"{"country":"US"}"#).await.unwrap();
        }
    }

    pub fn path(&self) -> PathBuf {
        self.directory.path().to_owned()
    }

    /// Closes the store and opens it again, as a restart does.
    pub async fn reopened(self) -> Self {
        self.store.shutdown().await.unwrap();
        let store = Store::open(Config::new(self.directory.path())).await.unwrap();
        Self { store, ..self }
    }

    /// A connection past the store, for a look at rows or a crime upon them.
    pub async fn raw(&self) -> SqliteConnection {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.path().join("orderwright.db"));
        options.foreign_keys(false).connect().await.unwrap()
    }

    pub async fn count(&self, table: &str) -> i64 {
        let sql = format!("select count(*) from {table}");
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&mut self.raw().await).await.unwrap()
    }

    pub fn changeset(&self) -> Changeset {
        Changeset::new(self.tenant, "ann")
    }

    pub async fn set_stock(&self, name: &str, place: &str, on_hand: i64) {
        let change = StockChange::SetOnHand { sku: sku(name), warehouse: warehouse(place), on_hand };
        committed(self.store.commit(Changeset { stock: vec![change], ..self.changeset() }).await.unwrap());
    }

    /// Of which some stock is there, reserved: `(on hand, reserved)`.
    pub async fn stock(&self, name: &str, place: &str) -> (i64, i64) {
        let rows = self.store.inventory(self.tenant, &sku(name)).await.unwrap();
        let row = rows.iter().find(|row| row.warehouse_id == warehouse(place));
        row.map_or((0, 0), |row| (row.on_hand, row.reserved))
    }

    /// An order of some units of one SKU, preferably from New York.
    pub fn order_of(&self, name: &str, units: u32) -> Changeset {
        self.place(sample::draft(self.tenant, &[(sku(name), units)], &[warehouse("NYC"), warehouse("LAX")]))
    }

    pub fn place(&self, draft: Draft) -> Changeset {
        let plans = vec![all_from(&draft, &warehouse("NYC"))];
        Changeset { order: OrderChange::Place { draft: Arc::new(draft), plans, lease: None }, ..self.changeset() }
    }

    /// Places an order of one mug and answers it as stored.
    pub async fn placed(&self) -> Arc<StoredOrder> {
        let done = committed(self.store.commit(self.order_of("MUG", 1)).await.unwrap());
        let order = done.order.unwrap();
        Arc::new(self.store.order(self.tenant, order.order_id).await.unwrap().unwrap())
    }

    /// An update of an order by one event.
    pub fn update(&self, before: &Arc<StoredOrder>, event: Event) -> Changeset {
        let order = transition::apply(Order::clone(&before.order), &event, NOW.plus_seconds(1));
        let order =
            OrderChange::Update { before: before.clone(), order: Box::new(order), events: vec![event], lease: None };
        Changeset { order, ..Changeset::new(before.order.tenant_id, "ann") }
    }

    /// Everything is as the audit wants it.
    pub async fn assert_clean(&self) {
        let report = self.store.verify(None, |_, _| true).await.unwrap();
        assert!(report.is_clean(), "{:?}", report.faults);
    }
}

pub fn cancelled() -> Event {
    Event::Cancelled { reason: "changed her mind".into() }
}

pub fn committed(outcome: Outcome) -> Committed {
    match outcome {
        Outcome::Committed(committed) => committed,
        other => panic!("{other:?}"),
    }
}

pub fn placed_order(outcome: Outcome) -> Arc<Order> {
    committed(outcome).order.unwrap()
}

pub fn claim(key: &str, fingerprint: u8) -> Option<KeyClaim> {
    Some(KeyClaim { key: key.into(), fingerprint: [fingerprint; 32], status: 201, response: None })
}

pub fn api_key(tenant: TenantId, hash: u8) -> ApiKey {
    ApiKey {
        tenant,
        key_id: KeyId::new(Uuid::now_v7()),
        name: "web shop".into(),
        hash: [hash; 32],
        scopes: vec!["orders:read".into(), "orders:write".into()],
        last4: Some("a1b2".into()),
        created_at: NOW,
    }
}

pub fn lease(owner: &str, seconds: i64) -> Lease {
    Lease { owner: owner.into(), until: NOW.plus_seconds(seconds) }
}

pub fn decision(order_id: OrderId) -> Decision {
    Decision {
        decision_id: DecisionId::new(Uuid::now_v7()),
        order_id,
        hook: domain::hooks::Hook::Routing,
        plugin: "nearest".into(),
        plugin_version: "1".into(),
        digest: Some("sha256:00".into()),
        outcome: "answered".into(),
        fuel: 1234,
        duration_us: 25,
        input: r#"{"lines":[]}"#.into(),
        output: Some(r#"{"plans":[]}"#.into()),
        logs: "two warehouses".into(),
        error: None,
        at: NOW,
        role: Role::Active,
    }
}

pub fn skus(names: &[&str]) -> Vec<Sku> {
    names.iter().map(sku).collect()
}
