//! The facts that a placement needs before policies are asked, read for many placements at once.
//!
//! A statement through the driver costs about as much as deciding an order: placements that ask at the same time share
//! one statement a table, as commits share a transaction.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::sync::Arc;

use domain::ids::{Sku, TenantId};
use sqlx::SqliteConnection;
use tokio::sync::{mpsc, oneshot};

use crate::levels::Levels;
use crate::resolve::Level;
use crate::thread::{self, Finished};
use crate::{Error, StockRow, Store, StoredKey, sqlite};

/// The most placements read for at once.
const GROUP_MAX: usize = 256;

/// What a placement starts from. The commit looks again, under the lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// What the request's idempotency key stands for, where it was used before.
    pub stored_key: Option<StoredKey>,
    /// The stock of the SKUs, in every warehouse that has a row of it.
    pub stock: Vec<StockRow>,
}

pub(crate) struct Request {
    tenant: TenantId,
    key: Option<String>,
    skus: Vec<Sku>,
    reply: oneshot::Sender<Result<Facts, Error>>,
}

pub(crate) type Sender = mpsc::Sender<Request>;

/// The task that reads. It ends when this is dropped, or with the last sender.
pub(crate) struct Running {
    stop: oneshot::Sender<()>,
    finished: Finished,
}

impl Running {
    /// Waits until the connection is gone: a reader would keep the log from being emptied.
    pub async fn stop(self) {
        drop(self.stop);
        let _ended = self.finished.await;
    }
}

/// Starts the task that reads.
///
/// # Errors
/// Where the system gives no thread.
pub(crate) fn start(connection: SqliteConnection, levels: Arc<Levels>) -> io::Result<(Sender, Running)> {
    let (sender, receiver) = mpsc::channel(4 * GROUP_MAX);
    let (stop, stopped) = oneshot::channel();
    let reading = async move {
        tokio::select! {
            () = run(connection, levels, receiver) => {}
            _ = stopped => {}
        }
    };
    Ok((sender, Running { stop, finished: thread::spawn("store-facts", reading)? }))
}

async fn run(mut connection: SqliteConnection, levels: Arc<Levels>, mut receiver: mpsc::Receiver<Request>) {
    let mut group = Vec::with_capacity(GROUP_MAX);
    while receiver.recv_many(&mut group, GROUP_MAX).await > 0 {
        match read(&mut connection, &levels, &group).await {
            Ok(found) => {
                for request in group.drain(..) {
                    let facts = found.of(&request);
                    let _gone = request.reply.send(Ok(facts));
                }
            }
            Err(error) => {
                for request in group.drain(..) {
                    let _gone = request.reply.send(Err(error.clone()));
                }
            }
        }
    }
}

struct Found {
    keys: HashMap<(TenantId, String), StoredKey>,
    stock: HashMap<(TenantId, Sku), Vec<Level>>,
}

async fn read(connection: &mut SqliteConnection, levels: &Levels, group: &[Request]) -> Result<Found, Error> {
    let keys: BTreeSet<_> = group.iter().filter_map(|r| r.key.clone().map(|key| (r.tenant, key))).collect();
    let keys: Vec<_> = keys.iter().collect();
    let keys = sqlite::keys(connection, &keys).await?;
    let skus: BTreeSet<_> = group.iter().flat_map(|r| r.skus.iter().map(|sku| (r.tenant, sku.clone()))).collect();
    // What the reader reads is older than what the writer may have committed meanwhile, so that it is not kept.
    let (known, unknown) = levels.split(&skus);
    let read = sqlite::levels(connection, &unknown).await?;
    let mut stock: HashMap<_, Vec<_>> = HashMap::new();
    for level in known.into_iter().chain(read) {
        stock.entry((level.tenant, level.sku.clone())).or_default().push(level);
    }
    Ok(Found { keys, stock })
}

impl Found {
    fn of(&self, request: &Request) -> Facts {
        let skus: BTreeSet<_> = request.skus.iter().collect();
        let levels = skus.into_iter().filter_map(|sku| self.stock.get(&(request.tenant, sku.clone()))).flatten();
        let row = |level: &Level| StockRow {
            sku: level.sku.clone(),
            warehouse_id: level.warehouse.clone(),
            on_hand: level.on_hand,
            reserved: level.reserved,
        };
        let key = request.key.clone().map(|key| (request.tenant, key));
        Facts { stored_key: key.and_then(|key| self.keys.get(&key).cloned()), stock: levels.map(row).collect() }
    }
}

impl Store {
    /// Reads what a placement starts from, together with whatever other placements ask for. Sorted by SKU and warehouse.
    ///
    /// # Errors
    /// [`Error::Closed`] after a shutdown, otherwise what the database said.
    pub async fn placement_facts(&self, tenant: TenantId, key: Option<&str>, skus: &[Sku]) -> Result<Facts, Error> {
        let (reply, answer) = oneshot::channel();
        let request = Request { tenant, key: key.map(str::to_owned), skus: skus.to_vec(), reply };
        self.facts_sender().send(request).await.map_err(|_| Error::Closed)?;
        answer.await.unwrap_or(Err(Error::Closed))
    }
}
