//! A store in a directory or a database of its own, with two merchants and two warehouses each.

use std::path::PathBuf;
use std::sync::Arc;

use domain::event::Event;
use domain::ids::{DecisionId, KeyId, OrderId, Sku, TenantId};
use domain::order::Order;
use domain::placement::Draft;
use domain::transition;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, FromRow, PgConnection, SqliteConnection,
};
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
    config: Config,
    /// A server that this process has started because nobody has named one.
    _server: Option<Arc<servers::Postgres>>,
}

/// One server for all tests of a process, for as long as one of them needs it.
fn server() -> (String, Option<Arc<servers::Postgres>>) {
    static SERVER: std::sync::Mutex<std::sync::Weak<servers::Postgres>> = std::sync::Mutex::new(std::sync::Weak::new());
    if let Ok(url) = std::env::var(servers::POSTGRES_URL) {
        return (url, None);
    }
    let mut known = SERVER.lock().unwrap();
    let server = known.upgrade().unwrap_or_else(|| Arc::new(servers::Postgres::start(false).unwrap()));
    *known = Arc::downgrade(&server);
    (server.url("postgres"), Some(server))
}

/// A connection past the store.
pub enum Raw {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Raw {
    /// Runs statements, written as for SQLite.
    pub async fn execute(&mut self, sql: &str) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(connection) => connection.execute(AssertSqlSafe(sql.to_owned())).await.map(drop),
            Self::Postgres(connection) => {
                let sql = sql.replace("x'", r"'\x");
                sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.map(drop)
            }
        }
    }

    /// Takes away what keeps the event log from being changed.
    pub async fn arm(&mut self) {
        let (of, helper) = match self {
            Self::Sqlite(_) => ("", ""),
            Self::Postgres(_) => (
                " on order_events",
                "create function randomblob(n int) returns bytea language sql as \
                 $$ select substring(sha256(gen_random_uuid()::text::bytea) for n) $$",
            ),
        };
        for trigger in ["order_events_never_change", "order_events_never_vanish"] {
            self.execute(&format!("drop trigger {trigger}{of}")).await.unwrap();
        }
        self.execute(helper).await.unwrap();
    }

    pub async fn rows<T>(&mut self, sql: &str) -> Vec<T>
    where
        T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(connection) => sqlx::query_as(sql).fetch_all(connection).await.unwrap(),
            Self::Postgres(connection) => sqlx::query_as(sql).fetch_all(connection).await.unwrap(),
        }
    }
}

impl World {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut config = Config::new(directory.path());
        let mut own_server = None;
        if crate::IS_POSTGRES {
            let (url, server) = server();
            config.postgres = Some(store::config::Postgres::new(servers::create_database(&url).unwrap()));
            config.synchronous_full = false;
            own_server = server;
        }
        change(&mut config);
        let store = Store::open(config.clone()).await.unwrap();
        // What a test wants of the first opening is not meant for the next.
        config.pages_max = None;
        let world = Self { store, tenant: tenant(1), directory, config, _server: own_server };
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
        let store = self.another_node().await;
        Self { store, ..self }
    }

    /// The same database opened once more, which only a shared one can be.
    pub async fn another_node(&self) -> Store {
        Store::open(self.config.clone()).await.unwrap()
    }

    /// A connection past the store, for a look at rows or a crime upon them.
    pub async fn raw(&self) -> Raw {
        if let Some(postgres) = &self.config.postgres {
            return Raw::Postgres(PgConnection::connect(&postgres.url).await.unwrap());
        }
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.path().join("orderwright.db"));
        Raw::Sqlite(options.foreign_keys(false).connect().await.unwrap())
    }

    pub async fn count(&self, table: &str) -> i64 {
        let rows: Vec<(i64,)> = self.raw().await.rows(&format!("select count(*) from {table}")).await;
        rows[0].0
    }

    /// The name of a constraint that SQLite knows by its columns only, or not at all.
    pub fn constraint(&self, name: &'static str, in_sqlite: &'static str) -> &'static str {
        if self.config.postgres.is_some() { name } else { in_sqlite }
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
