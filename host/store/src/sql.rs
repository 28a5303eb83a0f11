//! A statement that either database understands, with its values.
//!
//! Reads and the single statements past the queue are written once: their text is SQL that both databases agree on, with
//! placeholders `$1`, `$2`, …, which SQLite takes for the numbers of its parameters too. Where the databases differ, a
//! statement has a text for each ([`each`]), with the same values and columns. The group commit is different: what it
//! asks is what makes a database fast, and so it has a module for each (decision 0012).

mod columns;
mod pairs;

use std::borrow::Cow;
use std::sync::Arc;

use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments as _, AssertSqlSafe, Postgres, Sqlite, SqliteConnection};

use crate::Error;

pub(crate) use columns::{Columns, count, id, text};
pub(crate) use pairs::{Pairs, pairs};

/// What a statement is given. Which of the types it is counts for a null too: PostgreSQL asks.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Number(Option<i64>),
    Text(Option<Arc<str>>),
    Bytes(Option<Vec<u8>>),
}

macro_rules! values {
    ($($from:ty => |$value:ident| $to:expr;)*) => {
        $(impl From<$from> for Value {
            fn from($value: $from) -> Self {
                $to
            }
        })*
    };
}

values! {
    i64 => |n| Self::Number(Some(n));
    Option<i64> => |n| Self::Number(n);
    Arc<str> => |t| Self::Text(Some(t));
    Option<Arc<str>> => |t| Self::Text(t);
    String => |t| Self::Text(Some(t.into()));
    Option<String> => |t| Self::Text(t.map(Into::into));
    Vec<u8> => |b| Self::Bytes(Some(b));
    Option<Vec<u8>> => |b| Self::Bytes(b);
}

#[derive(Debug, Clone)]
enum Text {
    Both(Cow<'static, str>),
    Each { sqlite: Cow<'static, str>, postgres: Cow<'static, str> },
}

/// A statement with its values.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    text: Text,
    values: Vec<Value>,
}

/// A statement in words that both databases understand.
pub(crate) fn query(text: impl Into<Cow<'static, str>>) -> Query {
    Query { text: Text::Both(text.into()), values: Vec::new() }
}

/// A statement that has to be said differently. Values and columns are the same.
pub(crate) fn each(sqlite: impl Into<Cow<'static, str>>, postgres: impl Into<Cow<'static, str>>) -> Query {
    Query { text: Text::Each { sqlite: sqlite.into(), postgres: postgres.into() }, values: Vec::new() }
}

/// Where a statement runs.
pub(crate) enum Handle<'h> {
    Sqlite(&'h mut SqliteConnection),
    Postgres(&'h mut PgConnection),
}

/// A row of either database.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Query {
    /// Binds the next value.
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Goes on with the text.
    pub fn push(&mut self, more: &str) -> &mut Self {
        match &mut self.text {
            Text::Both(text) => text.to_mut().push_str(more),
            Text::Each { sqlite, postgres } => {
                sqlite.to_mut().push_str(more);
                postgres.to_mut().push_str(more);
            }
        }
        self
    }

    /// Goes on with a placeholder and its value.
    pub fn push_bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        self.push(&format!("${}", self.values.len()))
    }

    /// Runs it for its rows.
    pub async fn fetch_all(self, on: Handle<'_>) -> Result<Vec<Row>, Error> {
        Ok(match on {
            Handle::Sqlite(connection) => {
                self.sqlite().fetch_all(connection).await?.into_iter().map(Row::Sqlite).collect()
            }
            Handle::Postgres(connection) => {
                self.postgres().fetch_all(connection).await?.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// Runs it for its only row, where there is one.
    pub async fn fetch_optional(self, on: Handle<'_>) -> Result<Option<Row>, Error> {
        Ok(match on {
            Handle::Sqlite(connection) => self.sqlite().fetch_optional(connection).await?.map(Row::Sqlite),
            Handle::Postgres(connection) => self.postgres().fetch_optional(connection).await?.map(Row::Postgres),
        })
    }

    /// Runs it for its effect; how many rows it touched.
    pub async fn execute(self, on: Handle<'_>) -> Result<u64, Error> {
        Ok(match on {
            Handle::Sqlite(connection) => self.sqlite().execute(connection).await?.rows_affected(),
            Handle::Postgres(connection) => self.postgres().execute(connection).await?.rows_affected(),
        })
    }

    fn sqlite(self) -> sqlx::query::Query<'static, Sqlite, SqliteArguments> {
        let (Text::Both(text) | Text::Each { sqlite: text, .. }) = self.text;
        let mut arguments = SqliteArguments::default();
        for value in self.values {
            let added = match value {
                Value::Number(number) => arguments.add(number),
                Value::Text(text) => arguments.add(text),
                Value::Bytes(bytes) => arguments.add(bytes),
            };
            added.expect("texts, numbers and bytes can always be bound");
        }
        sqlx::query_with(AssertSqlSafe(text), arguments)
    }

    fn postgres(self) -> sqlx::query::Query<'static, Postgres, PgArguments> {
        let (Text::Both(text) | Text::Each { postgres: text, .. }) = self.text;
        let mut arguments = PgArguments::default();
        for value in self.values {
            let added = match value {
                Value::Number(number) => arguments.add(number),
                Value::Text(text) => arguments.add(text.as_deref()),
                Value::Bytes(bytes) => arguments.add(bytes),
            };
            added.expect("texts, numbers and bytes can always be bound");
        }
        sqlx::query_with(AssertSqlSafe(text), arguments)
    }
}
