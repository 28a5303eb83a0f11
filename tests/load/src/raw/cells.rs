//! Values of any column.

use std::sync::Arc;

use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments as _, Row as _, TypeInfo as _, ValueRef as _};

/// A value as SQLite keeps it. The schema is strict and knows no others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    Null,
    Integer(i64),
    Text(Arc<str>),
    Blob(Vec<u8>),
}

impl Cell {
    /// Binds it as the next parameter.
    pub fn bind(&self, arguments: &mut SqliteArguments) {
        let bound = match self {
            Self::Null => arguments.add(None::<i64>),
            Self::Integer(number) => arguments.add(*number),
            Self::Text(text) => arguments.add(text.clone()),
            Self::Blob(bytes) => arguments.add(bytes.clone()),
        };
        bound.expect("numbers, texts and bytes can always be bound");
    }

    /// The text, where it is one.
    pub fn text(&self) -> Option<&Arc<str>> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The number, where it is one.
    pub fn integer(&self) -> Option<i64> {
        if let Self::Integer(number) = self { Some(*number) } else { None }
    }

    /// About how many bytes it takes on the disk.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Null => 0,
            Self::Integer(_) => 6,
            Self::Text(text) => text.len(),
            Self::Blob(bytes) => bytes.len(),
        }
    }
}

/// All columns from this one on.
pub fn read(row: &SqliteRow, from: usize) -> Result<Vec<Cell>, sqlx::Error> {
    (from..row.len())
        .map(|column| {
            let value = row.try_get_raw(column)?;
            if value.is_null() {
                return Ok(Cell::Null);
            }
            let kind = value.type_info().name().to_owned();
            Ok(match kind.as_str() {
                "INTEGER" => Cell::Integer(row.try_get_unchecked(column)?),
                "BLOB" => Cell::Blob(row.try_get_unchecked(column)?),
                _ => Cell::Text(row.try_get_unchecked::<&str, _>(column)?.into()),
            })
        })
        .collect()
}
