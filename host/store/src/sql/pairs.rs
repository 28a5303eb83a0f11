//! Many rows by pairs of ids, in one statement.

use sqlx::postgres::PgArguments;
use sqlx::{Arguments as _, PgConnection, SqliteConnection};
use uuid::Uuid;

use super::{Row, id};
use crate::Error;
use crate::sqlite::Bulk;

/// A statement over pairs of ids. Made by [`pairs!`].
pub(crate) struct Pairs {
    pub sqlite: Bulk,
    pub postgres: &'static str,
}

/// `pairs!("o.document", "orders as o on o.tenant_id = v.column1 and o.order_id = v.column2")`: columns, and how a table
/// joins the pairs `v (column1, column2)`. Either database begins with the pairs: no table is scanned for them.
macro_rules! pairs {
    ($columns:literal, $join:literal) => {
        crate::sql::Pairs {
            sqlite: crate::sqlite::Bulk::new(
                concat!("select ", $columns, " from "),
                2,
                concat!(" as v cross join ", $join),
            ),
            postgres: concat!(
                "select ",
                $columns,
                " from unnest($1::bytea[], $2::bytea[]) as v (column1, column2) join ",
                $join
            ),
        }
    };
}
pub(crate) use pairs;

impl Pairs {
    pub async fn sqlite(
        &'static self,
        connection: &mut SqliteConnection,
        pairs: &[(Uuid, Uuid)],
    ) -> Result<Vec<Row>, Error> {
        let bind = |(one, other): &(Uuid, Uuid), row: &mut crate::sqlite::Row<'_>| {
            row.bind(id(*one)).bind(id(*other));
        };
        Ok(self.sqlite.fetch(connection, pairs, bind).await?.into_iter().map(Row::Sqlite).collect())
    }

    pub async fn postgres(&self, connection: &mut PgConnection, pairs: &[(Uuid, Uuid)]) -> Result<Vec<Row>, Error> {
        let mut arguments = PgArguments::default();
        let (one, other): (Vec<_>, Vec<_>) = pairs.iter().map(|(one, other)| (id(*one), id(*other))).unzip();
        let added = arguments.add(one).and_then(|()| arguments.add(other));
        added.expect("bytes can always be bound");
        let rows = sqlx::query_with(self.postgres, arguments).fetch_all(connection).await?;
        Ok(rows.into_iter().map(Row::Postgres).collect())
    }
}
