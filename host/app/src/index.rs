//! Keeping the search index up to date with the event log, and searching it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use domain::ids::{OrderId, TenantId};
use domain::order::{Order, Personal};
use search::query::Amount;
use search::{Cursor, Index, OrderDocument, Query, SearchOptions};
use store::Touched;

use crate::{App, Error, clock};

/// Changes become searchable after at most this and the time of a commit. Commits cost about 20 ms each, so that more
/// of them would take away what they give.
const COMMIT_INTERVAL: Duration = Duration::from_millis(300);

/// The index and how far it has come.
pub(crate) struct Feed {
    index: Index,
    /// The position of the log that is searchable.
    searchable: AtomicU64,
    /// The moment of the oldest event that is taken but not searchable yet, microseconds since 1970; 0 where there is none.
    pending_since: AtomicI64,
}

impl Feed {
    pub fn new(index: Index) -> Result<Self, search::Error> {
        let searchable = index.indexer().position()?;
        Ok(Self { index, searchable: AtomicU64::new(searchable), pending_since: AtomicI64::new(0) })
    }

    pub fn indexer(&self) -> search::Indexer {
        self.index.indexer()
    }

    /// Lets go of the index's folder. What was not committed is read again from the log by the next to open it.
    pub fn close(&self) {
        self.index.close();
    }

    /// How many positions of the log are not searchable yet.
    pub fn lag(&self, head: u64) -> u64 {
        head.saturating_sub(self.searchable.load(Ordering::Relaxed))
    }
}

/// A page of orders that match.
#[derive(Debug, Clone)]
pub struct SearchAnswer {
    /// The hits in order, as the store has them now.
    pub orders: Vec<Arc<Order>>,
    /// How many match in all.
    pub total: u64,
    /// Where the next page begins.
    pub next: Option<Cursor>,
    /// How long the search took, in milliseconds.
    pub took_ms: u64,
    /// How far the index is behind the log, in milliseconds; 0 where it has caught up.
    pub lag_ms: u64,
}

/// Takes the log's events into the index. Its position lives in the index, in the same commit as the documents.
struct Indexing {
    app: App,
    indexer: search::Indexer,
    reached: u64,
}

impl bus::Consumer for Indexing {
    type Event = Touched;
    type Error = Error;

    fn name(&self) -> &'static str {
        "search"
    }

    async fn resume(&mut self) -> Result<u64, Error> {
        let indexer = self.indexer.clone();
        tokio::task::spawn_blocking(move || indexer.resume()).await?.map_err(Error::internal)
    }

    async fn take(&mut self, events: Vec<Touched>, position: u64) -> Result<(), Error> {
        let since = events.first().map_or(0, |event| event.at.micros());
        let pending = &self.app.feed().pending_since;
        // An older event that waits already stays the oldest.
        let _ = pending.compare_exchange(0, since, Ordering::Relaxed, Ordering::Relaxed);
        // An index that cannot be written, on a full disk say, comes no further than this: its lag must show all the same.
        self.app.show_lag();
        // Of an order's events the last counts: they come in the order of its versions.
        let touched = events.iter().map(|event| ((event.tenant, event.order_id), event.version)).collect();
        let documents = self.app.documents(touched).await?;
        let indexer = self.indexer.clone();
        tokio::task::spawn_blocking(move || indexer.apply(documents, Vec::new(), position))
            .await?
            .map_err(Error::internal)?;
        self.reached = position;
        Ok(())
    }

    async fn commit(&mut self) -> Result<(), Error> {
        let indexer = self.indexer.clone();
        fail::fail_point!("index.before_commit");
        tokio::task::spawn_blocking(move || indexer.commit()).await?.map_err(Error::internal)?;
        fail::fail_point!("index.after_commit");
        self.app.note_searchable(self.reached);
        Ok(())
    }
}

/// The store's event log, as consumers follow it.
pub(crate) struct StoreLog(pub App);

impl bus::Log for StoreLog {
    type Event = Touched;
    type Error = store::Error;

    async fn after(&self, position: u64, limit: u32) -> Result<Vec<(u64, Touched)>, store::Error> {
        let events = self.0.store().touched_after(position, limit).await?;
        Ok(events.into_iter().map(|event| (event.position, event)).collect())
    }

    async fn grown(&self, beyond: u64) {
        // Where the store has closed, nothing grows any more, and the stop signal ends the wait.
        if self.0.store().head().wait_for(|head| *head > beyond).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl App {
    /// Feeds the index until told to stop.
    pub(crate) async fn feed_index(&self) {
        let mut consumer = Indexing { app: self.clone(), indexer: self.feed().indexer(), reached: 0 };
        bus::follow(&StoreLog(self.clone()), &mut consumer, COMMIT_INTERVAL, self.runner().stop()).await;
    }

    fn note_searchable(&self, position: u64) {
        let feed = self.feed();
        feed.searchable.store(position, Ordering::Relaxed);
        feed.pending_since.store(0, Ordering::Relaxed);
        self.show_lag();
    }

    fn show_lag(&self) {
        let head = *self.store().head().borrow();
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and shows magnitudes")]
        metrics::gauge!("orderwright_index_lag_events").set(self.feed().lag(head) as f64);
    }

    /// The documents of orders that have come to these versions. What this process has just written need not be read.
    async fn documents(&self, touched: BTreeMap<(TenantId, OrderId), u64>) -> Result<Vec<OrderDocument>, Error> {
        let mut orders: Vec<Arc<Order>> = Vec::with_capacity(touched.len());
        let mut unknown = Vec::new();
        for (key, version) in touched {
            match self.caches().recent_orders.get(&key.1).filter(|order| order.version >= version) {
                Some(order) => orders.push(order),
                None => unknown.push(key),
            }
        }
        if !unknown.is_empty() {
            let read = self.store().orders_any_by_ids(&unknown).await?;
            orders.extend(read.into_iter().map(|stored| stored.order));
        }
        let borrowed: Vec<&Order> = orders.iter().map(AsRef::as_ref).collect();
        let personal = self.personal(&borrowed).await?;
        Ok(borrowed.into_iter().zip(personal).map(|(order, personal)| document(order, personal)).collect())
    }

    /// Searches a merchant's orders.
    ///
    /// # Errors
    /// [`SearchError`]
    pub async fn search(
        &self,
        tenant: TenantId,
        text: &str,
        options: SearchOptions,
    ) -> Result<SearchAnswer, SearchError> {
        let query = Query::parse(text).map_err(SearchError::Query)?;
        let begun = Instant::now();
        let searcher = self.feed().index.searcher();
        let run = move || searcher.search(&tenant.to_string(), &query, &options);
        let page = tokio::task::spawn_blocking(run).await.map_err(Error::from)?.map_err(SearchError::from_index)?;
        let ids: Vec<OrderId> = page.hits.iter().filter_map(|hit| hit.order_id.parse().ok()).collect();
        let found = self.store().orders_by_ids(tenant, &ids).await.map_err(Error::from)?;
        let mut found: HashMap<_, _> = found.into_iter().map(|stored| (stored.order.order_id, stored.order)).collect();
        let orders = ids.iter().filter_map(|id| found.remove(id)).collect();
        let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(SearchAnswer { orders, total: page.total, next: page.next, took_ms, lag_ms: self.index_lag_ms() })
    }

    fn index_lag_ms(&self) -> u64 {
        let feed = self.feed();
        if feed.lag(*self.store().head().borrow()) == 0 {
            return 0;
        }
        let now = clock::now().micros();
        // What is committed but not taken yet has only just happened.
        let since = Some(feed.pending_since.load(Ordering::Relaxed)).filter(|since| *since > 0).unwrap_or(now);
        u64::try_from((now - since) / 1000).unwrap_or(0).max(1)
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The query cannot be understood; the error says where.
    #[error(transparent)]
    Query(search::query::Error),
    /// The query, the cursor or the limit cannot be served.
    #[error("{0}")]
    Refused(String),
    /// Something else.
    #[error(transparent)]
    Error(#[from] Error),
}

impl SearchError {
    fn from_index(error: search::Error) -> Self {
        match error {
            search::Error::Limit(_) | search::Error::CursorSort(_) | search::Error::TooBroad { .. } => {
                Self::Refused(error.to_string())
            }
            other => Self::Error(Error::internal(other)),
        }
    }
}

/// What the index knows of an order.
fn document(order: &Order, personal: Option<Personal>) -> OrderDocument {
    let personal = personal.unwrap_or_default();
    let warehouses: BTreeSet<_> = order.shipments.iter().map(|s| s.warehouse_id.to_string()).collect();
    OrderDocument {
        tenant: order.tenant_id.to_string(),
        order_id: order.order_id.to_string(),
        version: order.version,
        status: order.status.name().to_owned(),
        payment_status: order.payment().map(|p| p.status.name().to_owned()).unwrap_or_default(),
        placed_at: order.placed_at.micros(),
        currency: order.currency.code().to_owned(),
        total: Amount::from_minor(order.amounts.total, order.currency.digits()),
        customer_id: order.customer_id.as_ref().map(ToString::to_string),
        external_id: order.external_id.as_ref().map(ToString::to_string),
        skus: order.lines.iter().map(|l| l.sku.to_string()).collect(),
        titles: order.lines.iter().filter_map(|l| l.title.clone()).collect(),
        country: order.destination.country.clone(),
        city: order.destination.city.clone(),
        zip: order.destination.zip.clone(),
        shipping_name: personal.shipping.name,
        shipping_street: personal.shipping.street,
        customer_name: personal.name,
        email: personal.email,
        phone: personal.phone,
        warehouses: warehouses.into_iter().collect(),
        holds: order.holds.iter().map(|h| h.reason.clone()).collect(),
    }
}

/// Opens the index, saying what was found.
pub(crate) fn open(folder: &std::path::Path) -> Result<Arc<Feed>, search::Error> {
    let index = Index::open(folder)?;
    if let search::indexer::Opened::Rebuilt { reason } = index.opened() {
        tracing::warn!(reason, "the search index was unusable and is built anew from the log");
    }
    Ok(Arc::new(Feed::new(index)?))
}
