//! What SQLite is asked: opening, and the claim, read and write of a batch. Another database is another such module.

mod bulk;
mod claim;
pub(crate) mod columns;
mod open;
mod read;
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

#[cfg(test)]
mod tests {
    use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _};

    use super::*;

    /// A statement that scans a table is fast in every test and ruinous with a million orders.
    #[tokio::test]
    async fn no_statement_of_the_write_path_scans_a_table() {
        let directory = tempfile::tempdir().unwrap();
        let store = crate::Store::open(crate::Config::new(directory.path())).await.unwrap();
        let path = directory.path().join("orderwright.db");
        let mut connection = sqlx::sqlite::SqliteConnectOptions::new().filename(path).connect().await.unwrap();
        for statement in [claim::STATEMENTS, read::STATEMENTS, write::STATEMENTS].concat() {
            for text in [statement.text(1), statement.text(4)] {
                let explain = sqlx::query(AssertSqlSafe(format!("explain query plan {text}")));
                for row in explain.fetch_all(&mut connection).await.unwrap() {
                    let step: String = row.get("detail");
                    let of_list = step.contains("VALUES CLAUSE") || step.contains("CONSTANT ROW") || step == "SCAN v";
                    assert!(!step.contains("SCAN") || of_list, "{step}: {text}");
                    assert!(!step.contains("AUTOMATIC"), "{step}: {text}");
                }
            }
        }
        store.shutdown().await.unwrap();
    }
}
