//! *Raw*: the rows that a run left in its database, written again straight through the driver.
//!
//! No decision, no HTTP, no conflict, no reading: only the rows, in bulk statements, into a new database with the same
//! schema, indexes, settings and durability, on the same disk. What this reaches is the limit of any write path that
//! keeps the same rows in the same database, and so the yardstick of ours.

mod bulk;
mod capture;
mod cells;
mod copy;
mod write;

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;

pub use capture::{Captured, acknowledged};

/// Which of the captured rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// What a placement writes: its 201 promises that these are on the disk.
    Placement,
    /// All that the run had put on the disk: the above, and of the payment saga what had happened by then.
    Everything,
}

/// How fast it went with one size of batch.
#[derive(Debug, Clone, Serialize)]
pub struct Speed {
    pub orders_per_transaction: usize,
    pub orders_per_second: f64,
    pub cpu_us_per_order: f64,
}

/// The limit for the rows of one run.
#[derive(Debug, Clone, Serialize)]
pub struct Raw {
    /// What was written.
    pub rows: String,
    pub orders: usize,
    pub rows_per_order: f64,
    pub bytes_per_order: f64,
    pub speeds: Vec<Speed>,
}

impl Raw {
    /// The best batch size's rate.
    pub fn best(&self) -> f64 {
        self.speeds.iter().map(|speed| speed.orders_per_second).fold(0.0, f64::max)
    }
}

/// Reads a sample of the orders whose external ids begin with this name.
pub async fn capture(database: &Path, name: &str, orders_max: usize) -> anyhow::Result<Captured> {
    capture::capture(database, name, orders_max).await.with_context(|| format!("capturing the rows of run {name}"))
}

/// Writes captured rows in each size of batch, each time into a new database.
pub async fn measure(
    captured: &Captured,
    rows: Rows,
    what: &str,
    sizes: &[usize],
    directory: &Path,
) -> anyhow::Result<Raw> {
    let empty = directory.join("raw-empty.db");
    copy::empty(&captured.source, &empty).await.context("preparing an empty database")?;
    let mut speeds = Vec::new();
    for size in sizes {
        let file = directory.join(format!("raw-{size}.db"));
        std::fs::copy(&empty, &file)?;
        // The copy itself must not be flushed on the time of the writes.
        std::fs::File::open(&file)?.sync_all()?;
        let (took, cpu) = write::write(captured, rows, &file, *size).await.context("writing the rows")?;
        copy::remove(&file);
        let each = |time: Duration| time.as_secs_f64() / captured.orders.len().max(1) as f64;
        speeds.push(Speed {
            orders_per_transaction: *size,
            orders_per_second: 1.0 / each(took).max(1e-9),
            cpu_us_per_order: each(cpu) * 1e6,
        });
    }
    copy::remove(&empty);
    let (count, bytes) = captured.size(rows);
    let orders = captured.orders.len();
    Ok(Raw {
        rows: what.to_owned(),
        orders,
        rows_per_order: count as f64 / orders.max(1) as f64,
        bytes_per_order: bytes as f64 / orders.max(1) as f64,
        speeds,
    })
}

#[cfg(test)]
mod tests;
