//! What SQLite is asked: opening, and the claim, read and write of a batch.

mod bulk;
mod claim;
mod open;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use bulk::{Bulk, Row};
pub(crate) use claim::{claim, keys};
pub(crate) use open::{checkpoint, open};
pub(crate) use read::{head, levels, read};
pub(crate) use write::write;

use sqlx::{Executor as _, SqliteConnection};

use crate::Error;

/// Begins a transaction with the only write lock at once: one that is upgraded later gets `SQLITE_BUSY` whatever the
/// time-out. Written out, because the driver's own count of transactions does not survive SQLite's own roll back.
pub(crate) async fn begin(connection: &mut SqliteConnection) -> Result<(), Error> {
    connection.execute("begin immediate").await?;
    Ok(())
}

pub(crate) async fn commit(connection: &mut SqliteConnection) -> Result<(), Error> {
    connection.execute("commit").await?;
    Ok(())
}

/// Rolls back. SQLite may have done so already, after a full disk for instance; then this fails, rightly.
pub(crate) async fn rollback(connection: &mut SqliteConnection) {
    if let Err(error) = connection.execute("rollback").await {
        tracing::debug!(%error, "nothing to roll back");
    }
}
