//! From columns to domain values and back.

use std::sync::Arc;

use domain::status::OrderStatus;
use domain::time::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Database, Decode, Postgres, Row as _, Sqlite, Type};
use uuid::Uuid;

use super::Row;
use crate::Error;
use crate::chain::Hash;

/// An id as it is stored.
pub(crate) fn id(id: Uuid) -> Vec<u8> {
    id.as_bytes().to_vec()
}

/// A text as the driver takes it without another copy.
pub(crate) fn text(text: &str) -> Arc<str> {
    text.into()
}

/// A count as it is stored.
pub(crate) fn count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A row of either database, borrowed.
#[derive(Clone, Copy)]
pub(crate) enum RowRef<'r> {
    Sqlite(&'r SqliteRow),
    Postgres(&'r PgRow),
}

impl<'r> From<&'r Row> for RowRef<'r> {
    fn from(row: &'r Row) -> Self {
        match row {
            Row::Sqlite(row) => Self::Sqlite(row),
            Row::Postgres(row) => Self::Postgres(row),
        }
    }
}

impl<'r> From<&'r SqliteRow> for RowRef<'r> {
    fn from(row: &'r SqliteRow) -> Self {
        Self::Sqlite(row)
    }
}

impl<'r> From<&'r PgRow> for RowRef<'r> {
    fn from(row: &'r PgRow) -> Self {
        Self::Postgres(row)
    }
}

/// What either database can give.
pub(crate) trait Column<'r>: In<'r, Sqlite> + In<'r, Postgres> {}
impl<'r, T: In<'r, Sqlite> + In<'r, Postgres>> Column<'r> for T {}

pub(crate) trait In<'r, D: Database>: Decode<'r, D> + Type<D> {}
impl<'r, D: Database, T: Decode<'r, D> + Type<D>> In<'r, D> for T {}

/// Reads columns by place, left to right.
pub(crate) struct Columns<'r> {
    row: RowRef<'r>,
    next: usize,
}

impl<'r> Columns<'r> {
    pub fn new(row: impl Into<RowRef<'r>>) -> Self {
        Self { row: row.into(), next: 0 }
    }

    pub fn get<T: Column<'r>>(&mut self) -> Result<T, Error> {
        let column = self.next;
        self.next += 1;
        Ok(match self.row {
            RowRef::Sqlite(row) => row.try_get(column)?,
            RowRef::Postgres(row) => row.try_get(column)?,
        })
    }

    /// An id of any kind: `columns.id(OrderId::new)`.
    pub fn id<T>(&mut self, make: impl Fn(Uuid) -> T) -> Result<T, Error> {
        self.optional_id(make)?.ok_or_else(|| Error::Damaged("an id is missing".into()))
    }

    pub fn optional_id<T>(&mut self, make: impl Fn(Uuid) -> T) -> Result<Option<T>, Error> {
        let bytes: Option<&[u8]> = self.get()?;
        bytes.map(|b| Uuid::from_slice(b).map(&make)).transpose().map_err(|e| Error::Damaged(e.to_string()))
    }

    /// A text id: `columns.name(Sku::parse)`.
    pub fn name<T>(&mut self, parse: impl Fn(&str) -> Result<T, String>) -> Result<T, Error> {
        parse(self.get()?).map_err(Error::Damaged)
    }

    pub fn optional_name<T>(&mut self, parse: impl Fn(&str) -> Result<T, String>) -> Result<Option<T>, Error> {
        let text: Option<&str> = self.get()?;
        text.map(parse).transpose().map_err(Error::Damaged)
    }

    pub fn hash(&mut self) -> Result<Hash, Error> {
        let bytes: &[u8] = self.get()?;
        bytes.try_into().map_err(|_| Error::Damaged("a hash is not 32 bytes long".into()))
    }

    /// A count, which is never negative.
    pub fn count(&mut self) -> Result<u64, Error> {
        let number: i64 = self.get()?;
        u64::try_from(number).map_err(|_| Error::Damaged(format!("{number} is not a count")))
    }

    pub fn small(&mut self) -> Result<u32, Error> {
        let number: i64 = self.get()?;
        u32::try_from(number).map_err(|_| Error::Damaged(format!("{number} is not a small count")))
    }

    /// An HTTP status.
    pub fn status_code(&mut self) -> Result<u16, Error> {
        let number: i64 = self.get()?;
        u16::try_from(number).map_err(|_| Error::Damaged(format!("{number} is no status")))
    }

    pub fn time(&mut self) -> Result<Timestamp, Error> {
        Ok(Timestamp::from_micros(self.get()?))
    }

    pub fn optional_time(&mut self) -> Result<Option<Timestamp>, Error> {
        Ok(self.get::<Option<i64>>()?.map(Timestamp::from_micros))
    }

    pub fn status(&mut self) -> Result<OrderStatus, Error> {
        self.get::<&str>()?.parse().map_err(Error::Damaged)
    }

    pub fn optional_status(&mut self) -> Result<Option<OrderStatus>, Error> {
        self.get::<Option<&str>>()?.map(str::parse).transpose().map_err(Error::Damaged)
    }

    pub fn json<T: serde::de::DeserializeOwned>(&mut self) -> Result<T, Error> {
        serde_json::from_str(self.get()?).map_err(|e| Error::Damaged(e.to_string()))
    }
}
