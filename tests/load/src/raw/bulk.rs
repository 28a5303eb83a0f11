//! Many rows in one statement: a `values` list whose length is rounded up to a power of two, the rest left null, so
//! that few prepared statements serve every length. It is what the store does too, and the fastest way that we know.

use std::sync::{Arc, OnceLock};

use sqlx::sqlite::SqliteArguments;
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::cells::Cell;

/// The longest list is two to this power.
const POWER_MAX: usize = 8;

/// A statement over a list of rows: `head`, the list, `tail`.
pub struct Bulk {
    head: String,
    columns: usize,
    tail: String,
    texts: [OnceLock<Arc<str>>; POWER_MAX + 1],
}

impl Bulk {
    pub fn new(head: impl Into<String>, columns: usize, tail: impl Into<String>) -> Self {
        Self { head: head.into(), columns, tail: tail.into(), texts: [const { OnceLock::new() }; POWER_MAX + 1] }
    }

    /// An insert into all columns of a table.
    pub fn insert(table: &str, columns: &[String]) -> Self {
        let head = format!("insert or rollback into {table} ({}) select * from ", columns.join(", "));
        Self::new(head, columns.len(), " where column1 is not null")
    }

    /// Runs it over these rows.
    pub async fn execute<'r>(
        &self,
        connection: &mut SqliteConnection,
        rows: impl IntoIterator<Item = &'r [Cell]>,
    ) -> Result<(), sqlx::Error> {
        let rows: Vec<&[Cell]> = rows.into_iter().collect();
        for chunk in rows.chunks(1 << POWER_MAX) {
            let mut arguments = SqliteArguments::default();
            for cell in chunk.iter().copied().flatten() {
                cell.bind(&mut arguments);
            }
            sqlx::query_with(AssertSqlSafe(self.text(chunk.len())), arguments).execute(&mut *connection).await?;
        }
        Ok(())
    }

    fn text(&self, rows: usize) -> Arc<str> {
        let power = rows.next_power_of_two().trailing_zeros() as usize;
        let text = self.texts[power].get_or_init(|| {
            let row = format!("({})", vec!["?"; self.columns].join(","));
            let list = vec![row.as_str(); 1 << power].join(",");
            format!("{}(values {list}){}", self.head, self.tail).into()
        });
        text.clone()
    }
}
