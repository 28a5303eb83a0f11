//! Many rows in one statement: an array for each column, taken apart by `unnest`.

use sqlx::postgres::{PgArguments, PgQueryResult, PgRow};
use sqlx::{Arguments as _, Encode, PgConnection, Postgres, Type};
use uuid::Uuid;

use crate::Error;

/// The columns of many rows, in the order of a statement's placeholders.
#[derive(Default)]
pub(super) struct Table(PgArguments);

impl Table {
    pub fn ids(self, ids: impl Iterator<Item = Uuid>) -> Self {
        self.add(ids.map(Uuid::into_bytes).collect::<Vec<[u8; 16]>>())
    }

    pub fn optional_ids(self, ids: impl Iterator<Item = Option<Uuid>>) -> Self {
        self.add(ids.map(|id| id.map(Uuid::into_bytes)).collect::<Vec<Option<[u8; 16]>>>())
    }

    pub fn hashes<'h>(self, hashes: impl Iterator<Item = &'h [u8; 32]>) -> Self {
        self.add(hashes.map(<[u8; 32]>::as_slice).collect::<Vec<&[u8]>>())
    }

    pub fn bytes<'b>(self, bytes: impl Iterator<Item = &'b [u8]>) -> Self {
        self.add(bytes.collect::<Vec<&[u8]>>())
    }

    pub fn texts<'t>(self, texts: impl Iterator<Item = &'t str>) -> Self {
        self.add(texts.collect::<Vec<&str>>())
    }

    pub fn optional_texts<'t>(self, texts: impl Iterator<Item = Option<&'t str>>) -> Self {
        self.add(texts.collect::<Vec<Option<&str>>>())
    }

    pub fn numbers(self, numbers: impl Iterator<Item = i64>) -> Self {
        self.add(numbers.collect::<Vec<i64>>())
    }

    pub fn optional_numbers(self, numbers: impl Iterator<Item = Option<i64>>) -> Self {
        self.add(numbers.collect::<Vec<Option<i64>>>())
    }

    /// A value that is the same for all rows.
    pub fn one<'v, T: Encode<'v, Postgres> + Type<Postgres>>(self, value: T) -> Self {
        self.add(value)
    }

    fn add<'v, T: Encode<'v, Postgres> + Type<Postgres>>(mut self, value: T) -> Self {
        self.0.add(value).expect("texts, numbers and bytes can always be bound");
        self
    }

    pub async fn execute(self, on: &mut PgConnection, statement: &'static str) -> Result<PgQueryResult, Error> {
        Ok(sqlx::query_with(statement, self.0).execute(on).await?)
    }

    pub async fn fetch(self, on: &mut PgConnection, statement: &'static str) -> Result<Vec<PgRow>, Error> {
        Ok(sqlx::query_with(statement, self.0).fetch_all(on).await?)
    }
}
