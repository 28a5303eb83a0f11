//! Many rows in one statement.
//!
//! A statement through the driver costs as much as dozens of rows, so a batch is one statement a table. The rows are
//! bound as parameters of a `values` list: measured against the same rows as one JSON parameter taken apart by
//! `json_each`, half the time for rows with documents, which JSON escapes, parses and unescapes.
//!
//! The list's length is rounded up to a power of two and the rest left null, so that few prepared statements serve
//! every length. Null rows are kept out by `column1 is not null`, or because a null joins nothing.

use std::sync::{Arc, OnceLock};

use serde::de::DeserializeOwned;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments as _, AssertSqlSafe, Encode, Sqlite, SqliteConnection, Type};

use crate::Error;

/// The longest list is two to this power. Longer input takes several statements.
const POWER_MAX: usize = 8;

/// A statement over a list of rows: `head`, the list, `tail`.
pub(crate) struct Bulk {
    head: &'static str,
    columns: usize,
    tail: &'static str,
    texts: [OnceLock<Arc<str>>; POWER_MAX + 1],
}

/// Binds the columns of one row, left to right.
pub(crate) struct Row<'a> {
    arguments: &'a mut SqliteArguments,
}

impl Row<'_> {
    /// Binds the next column.
    pub fn bind<'q, T: Encode<'q, Sqlite> + Type<Sqlite>>(&mut self, value: T) -> &mut Self {
        self.arguments.add(value).expect("texts, numbers and bytes can always be bound");
        self
    }
}

impl Bulk {
    pub const fn new(head: &'static str, columns: usize, tail: &'static str) -> Self {
        Self { head, columns, tail, texts: [const { OnceLock::new() }; POWER_MAX + 1] }
    }

    /// Runs it over all rows, for its effect.
    pub async fn execute<T>(
        &'static self,
        connection: &mut SqliteConnection,
        rows: &[T],
        bind: impl Fn(&T, &mut Row<'_>),
    ) -> Result<(), Error> {
        for chunk in rows.chunks(1 << POWER_MAX) {
            self.query(chunk, &bind).execute(&mut *connection).await?;
        }
        Ok(())
    }

    /// Runs it over all rows, for its answer.
    pub async fn fetch<T>(
        &'static self,
        connection: &mut SqliteConnection,
        rows: &[T],
        bind: impl Fn(&T, &mut Row<'_>),
    ) -> Result<Vec<SqliteRow>, Error> {
        let mut found = Vec::new();
        for chunk in rows.chunks(1 << POWER_MAX) {
            found.append(&mut self.query(chunk, &bind).fetch_all(&mut *connection).await?);
        }
        Ok(found)
    }

    /// Runs it over all rows; the answer of each statement is one JSON array, made with `json_group_array`.
    ///
    /// A row costs the driver a copy of each value and a hand-over between threads. Where an answer has many small rows
    /// this costs more than everything else, and one text with all of them a fraction of it.
    pub async fn fetch_json<T, R: DeserializeOwned>(
        &'static self,
        connection: &mut SqliteConnection,
        rows: &[T],
        bind: impl Fn(&T, &mut Row<'_>),
    ) -> Result<Vec<R>, Error> {
        let mut found = Vec::new();
        for chunk in rows.chunks(1 << POWER_MAX) {
            let row = self.query(chunk, &bind).fetch_one(&mut *connection).await?;
            let text: &str = sqlx::Row::try_get(&row, 0)?;
            let mut part: Vec<R> = serde_json::from_str(text).map_err(|e| Error::Damaged(e.to_string()))?;
            found.append(&mut part);
        }
        Ok(found)
    }

    fn query<T>(
        &'static self,
        chunk: &[T],
        bind: &impl Fn(&T, &mut Row<'_>),
    ) -> Query<'static, Sqlite, SqliteArguments> {
        let mut arguments = SqliteArguments::default();
        arguments.reserve(chunk.len() * self.columns, 0);
        for item in chunk {
            bind(item, &mut Row { arguments: &mut arguments });
        }
        debug_assert_eq!(arguments.len(), chunk.len() * self.columns);
        sqlx::query_with(AssertSqlSafe(self.text(chunk.len())), arguments)
    }

    pub(super) fn text(&self, rows: usize) -> Arc<str> {
        let power = rows.next_power_of_two().trailing_zeros() as usize;
        let text = self.texts[power].get_or_init(|| {
            let row = format!("({})", vec!["?"; self.columns].join(","));
            let list = vec![row.as_str(); 1 << power].join(",");
            format!("{}(values {list}){}", self.head, self.tail).into()
        });
        text.clone()
    }
}
