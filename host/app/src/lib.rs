//! The use cases, and the machinery that carries orders forward: the order runner with its sweeper, the effects at
//! outside providers, and the feed of the search index.
//!
//! One file per use case: [`place`], [`command`], [`stock`], [`merchant`]. Everything durable goes through
//! `store::Store::commit`; every policy call goes through `policies`; every byte sent to a provider through `effects`.

pub mod again;
mod announce;
mod audit;
pub mod backtest;
pub mod callbacks;
pub mod candidates;
mod changes;
pub mod clock;
pub mod command;
mod effects;
mod error;
pub mod hooks;
pub mod idempotency;
pub mod index;
pub mod keyring;
pub mod merchant;
mod messages;
pub mod observed;
mod personal;
pub mod place;
pub mod plugins;
pub mod policies;
mod runner;
mod secrets;
pub mod stock;

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use domain::hooks::Hook;
use domain::hooks::exchange::Descriptor;
use domain::ids::{CustomerId, OrderId, SealKeyId, TenantId};
use domain::order::Order;
use moka::{future, sync};
use plugin_host::limits::LOADED_BYTES;
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::{Changeset, Outcome, Store};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::keyring::{Key, Keyring};
use crate::merchant::{Caller, Merchant};
use crate::stock::Warehouse;

/// What searches are asked and answered with.
pub use search::query::Error as QueryError;
pub use search::{Cursor, SearchOptions, Sort};
/// What the store's reads answer.
pub use store::{CallbackEvent, Compared, Decision, EventRecord, Filter, Message, Role};

pub use crate::error::Error;
pub use crate::idempotency::Idempotency;

/// How long a node may act on what another node has changed since: keys, settings, warehouses, bindings (DESIGN: a change
/// is everywhere within a second).
pub const CACHE_SECONDS: u64 = 1;

/// How many entries each cache may hold.
const CACHE_ENTRIES: u64 = 100_000;

/// How many orders just written stay in memory: two seconds' worth at the highest rate, of which the feed comes within
/// half a second.
const RECENT_ORDERS: usize = 10_000;

/// How long a customer's key stays in memory for his next order.
const CUSTOMER_KEY_SECONDS: u64 = 600;

/// How long a shutdown waits for orders under way: longer than a commit, shorter than an impatient supervisor.
const DRAIN: Duration = Duration::from_secs(5);

/// What an application is started with.
pub struct Config {
    /// Where store, index, secrets and compiled policies lie.
    pub directory: PathBuf,
    /// How the store works.
    pub store: store::Config,
    /// Makes the command that compiles a component.
    pub compiler: Box<dyn Fn() -> Command + Send + Sync>,
    /// Whether a commit hands its order over in memory; without it the sweeper alone carries orders forward.
    pub fast_path: bool,
    /// How long a provider may take to answer.
    pub effect_timeout: Duration,
    /// How long the records of policy calls are kept; none for ever.
    pub decisions_kept: Option<Duration>,
}

impl Config {
    /// A production configuration in a directory.
    #[must_use]
    pub fn new(directory: PathBuf, compiler: Box<dyn Fn() -> Command + Send + Sync>) -> Self {
        let store = store::Config::new(directory.join("store"));
        Self {
            directory,
            store,
            compiler,
            fast_path: true,
            effect_timeout: Duration::from_secs(10),
            decisions_kept: None,
        }
    }
}

/// The application. A cheap handle.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    store: Store,
    plugin_host: plugin_host::Host,
    keyring: Keyring,
    caches: Caches,
    changes: Arc<changes::Changes>,
    runner: runner::Runner,
    sender: effects::Sender,
    decisions_kept: Option<Duration>,
    feed: Arc<index::Feed>,
    background: TaskTracker,
    backtests: backtest::Jobs,
    watch: candidates::Watch,
    /// Told when something was called.
    callbacks: tokio::sync::Notify,
    desk: announce::Desk,
}

/// What is kept in memory of what the store knows.
pub(crate) struct Caches {
    pub merchants: sync::Cache<TenantId, Arc<Merchant>>,
    pub callers: sync::Cache<[u8; 32], Arc<Caller>>,
    pub warehouses: sync::Cache<TenantId, Arc<Vec<Warehouse>>>,
    pub bindings: future::Cache<TenantId, Arc<policies::Bindings>>,
    pub plugins: future::Cache<(Hook, String), Arc<plugin_host::Plugin>>,
    pub descriptors: sync::Cache<String, Arc<Descriptor>>,
    pub secrets: sync::Cache<(TenantId, String), Option<Arc<str>>>,
    pub tokens: future::Cache<effects::TokenKey, Arc<effects::Token>>,
    pub customer_keys: sync::Cache<(TenantId, CustomerId), (SealKeyId, Key)>,
    /// Orders as this process has just written them, and the keys that open them: what the index feed asks for next.
    pub recent_orders: quick_cache::sync::Cache<OrderId, Arc<Order>>,
    pub recent_keys: quick_cache::sync::Cache<(TenantId, SealKeyId), Key>,
}

impl Caches {
    fn new() -> Self {
        let second = Duration::from_secs(CACHE_SECONDS);
        Self {
            merchants: cache(second),
            callers: cache(second),
            warehouses: cache(second),
            bindings: future::Cache::builder().max_capacity(CACHE_ENTRIES).time_to_live(second).build(),
            plugins: future::Cache::builder().weigher(plugin_kilobytes).max_capacity(LOADED_BYTES >> 10).build(),
            descriptors: sync::Cache::new(CACHE_ENTRIES),
            secrets: cache(second),
            tokens: future::Cache::builder().max_capacity(CACHE_ENTRIES).build(),
            customer_keys: cache(Duration::from_secs(CUSTOMER_KEY_SECONDS)),
            recent_orders: quick_cache::sync::Cache::new(RECENT_ORDERS),
            recent_keys: quick_cache::sync::Cache::new(RECENT_ORDERS),
        }
    }
}

fn plugin_kilobytes(_: &(Hook, String), plugin: &Arc<plugin_host::Plugin>) -> u32 {
    u32::try_from(plugin.compiled_bytes() >> 10).unwrap_or(u32::MAX)
}

fn cache<K, V>(life: Duration) -> sync::Cache<K, V>
where
    K: std::hash::Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    sync::Cache::builder().max_capacity(CACHE_ENTRIES).time_to_live(life).build()
}

/// Why an application cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store.
    #[error("the store cannot be opened: {0}")]
    Store(#[from] store::Error),
    /// The secrets.
    #[error(transparent)]
    Keyring(#[from] keyring::Error),
    /// The index.
    #[error("the search index cannot be opened: {0}")]
    Index(#[from] search::Error),
    /// The plugin host.
    #[error("the plugin host cannot start: {0}")]
    PluginHost(#[from] plugin_host::Error),
    /// Anything else.
    #[error(transparent)]
    Other(#[from] Error),
}

/// Whether the parts that requests depend on answer.
#[derive(Debug, Clone)]
pub struct Readiness {
    /// All of them do.
    pub ready: bool,
    /// Each by name, with what is wrong.
    pub checks: Vec<(&'static str, Result<(), String>)>,
}

impl App {
    /// Opens everything without carrying orders forward: for administration.
    ///
    /// # Errors
    /// [`StartError`]
    pub async fn open(config: Config) -> Result<Self, StartError> {
        let store = Store::open(config.store).await?;
        let keyring = Keyring::open(&config.directory.join("secrets/master.key"))?;
        let index = config.directory.join("index");
        let feed = tokio::task::spawn_blocking(move || index::open(&index)).await.map_err(Error::from)??;
        let plugin_host = plugin_host::Host::new(plugin_host::Config {
            cache_dir: config.directory.join("policies"),
            cache_key: keyring.cache_key(),
            compiler: config.compiler,
            limits: plugin_host::limits::Limits::default(),
        })?;
        let node = Uuid::now_v7().to_string();
        Ok(Self(Arc::new(Inner {
            store,
            plugin_host,
            keyring,
            caches: Caches::new(),
            changes: Arc::default(),
            runner: runner::Runner::new(node, config.fast_path),
            sender: effects::Sender::new(config.effect_timeout)?,
            decisions_kept: config.decisions_kept,
            feed,
            background: TaskTracker::new(),
            backtests: backtest::Jobs::new(),
            watch: candidates::Watch::new(),
            callbacks: tokio::sync::Notify::new(),
            desk: announce::Desk::new(),
        })))
    }

    /// Opens everything and starts to carry orders forward.
    ///
    /// # Errors
    /// [`StartError`]
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let app = Self::open(config).await?;
        // The embedded store is locked to this process: what a killed one was working on need not wait for its leases.
        let left = app.store().end_leases().await?;
        if left > 0 {
            tracing::info!(orders = left, "orders that were in work when the last process ended are taken up again");
        }
        let sweeper = app.clone();
        app.0.background.spawn(async move { sweeper.sweep().await });
        let feeder = app.clone();
        app.0.background.spawn(async move { feeder.feed_index().await });
        let noting = app.clone();
        app.0.background.spawn(async move { noting.note_events().await });
        let announcer = app.clone();
        app.0.background.spawn(async move { announcer.announce().await });
        let checker = app.clone();
        app.0.background.spawn(async move { checker.finish_checks().await });
        let settler = app.clone();
        app.0.background.spawn(async move { settler.settle_callbacks().await });
        let keeper = app.clone();
        app.0.background.spawn(async move { keeper.keep_house().await });
        Ok(app)
    }

    /// Stops taking up work, finishes what is under way, writes what waits, and closes index and store.
    pub async fn shut_down(&self) {
        self.0.runner.shut_down(DRAIN).await;
        self.0.background.close();
        if tokio::time::timeout(DRAIN, self.0.background.wait()).await.is_err() {
            tracing::warn!("a background task did not end in time");
        }
        // The store's lock is the first that is taken, and so the last to go: whoever gets it finds the index free too.
        let feed = Arc::clone(&self.0.feed);
        if let Err(error) = tokio::task::spawn_blocking(move || feed.close()).await {
            tracing::warn!(%error, "the search index did not close");
        }
        if let Err(error) = self.0.store.shutdown().await {
            tracing::warn!(%error, "the store did not close cleanly; nothing acknowledged is lost");
        }
    }

    /// Whether the parts that requests depend on answer.
    pub async fn readiness(&self) -> Readiness {
        let store = self.0.store.tenants().await.map(|_| ()).map_err(|error| error.to_string());
        let index = {
            let indexer = self.feed().indexer();
            let asked = tokio::task::spawn_blocking(move || indexer.position()).await;
            asked.map_err(|e| e.to_string()).and_then(|position| position.map(|_| ()).map_err(|e| e.to_string()))
        };
        let stopping = if self.0.runner.stop().is_cancelled() { Err("shutting down".to_owned()) } else { Ok(()) };
        let checks = vec![("store", store), ("index", index), ("runner", stopping)];
        Readiness { ready: checks.iter().all(|(_, check)| check.is_ok()), checks }
    }

    /// Makes a cursor or session opaque and tamper-proof.
    #[must_use]
    pub fn seal_cursor<T: Serialize + ?Sized>(&self, value: &T) -> String {
        self.0.keyring.seal(value)
    }

    /// The reverse of [`Self::seal_cursor`]; none where it was tampered with.
    #[must_use]
    pub fn open_cursor<T: DeserializeOwned>(&self, sealed: &str) -> Option<T> {
        self.0.keyring.open_sealed(sealed)
    }

    /// Says that a shutdown has begun: readiness turns false, no new work is taken up.
    pub fn begin_shutdown(&self) {
        self.0.runner.stop().cancel();
    }

    /// Commits in a task of its own: a request that is given up does not cut a commit in half.
    pub(crate) async fn commit(&self, changeset: Changeset) -> Result<Outcome, store::Error> {
        self.0.store.commit(changeset).await
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(crate) fn plugin_host(&self) -> &plugin_host::Host {
        &self.0.plugin_host
    }

    pub(crate) fn keyring(&self) -> &Keyring {
        &self.0.keyring
    }

    pub(crate) fn caches(&self) -> &Caches {
        &self.0.caches
    }

    pub(crate) fn changes(&self) -> &Arc<changes::Changes> {
        &self.0.changes
    }

    pub(crate) fn runner(&self) -> &runner::Runner {
        &self.0.runner
    }

    pub(crate) fn decisions_kept(&self) -> Option<Duration> {
        self.0.decisions_kept
    }

    pub(crate) fn sender(&self) -> &effects::Sender {
        &self.0.sender
    }

    pub(crate) fn backtests(&self) -> &backtest::Jobs {
        &self.0.backtests
    }

    pub(crate) fn callbacks(&self) -> &tokio::sync::Notify {
        &self.0.callbacks
    }

    pub(crate) fn watch(&self) -> &candidates::Watch {
        &self.0.watch
    }

    pub(crate) fn desk(&self) -> &announce::Desk {
        &self.0.desk
    }

    pub(crate) fn feed(&self) -> &index::Feed {
        &self.0.feed
    }
}
