//! What PostgreSQL's error codes mean, <https://www.postgresql.org/docs/current/errcodes-appendix.html>.

use std::sync::Arc;

use sqlx::postgres::PgDatabaseError;

use crate::Error;

/// The error of a statement that PostgreSQL refused; none where another database did.
pub(crate) fn from_postgres(error: &Arc<sqlx::Error>) -> Option<Error> {
    let sqlx::Error::Database(inner) = &**error else { return None };
    let inner = inner.try_downcast_ref::<PgDatabaseError>()?;
    let passing = || Error::Unavailable(Arc::clone(error));
    Some(match inner.code() {
        // Another transaction was in the way: nothing was kept, and the same again may well succeed.
        "40001" | "40P01" => Error::Contended(Arc::clone(error)),
        "53100" => Error::DiskFull,
        // A lock or a transaction that took too long; a server that is going down, or is a standby.
        "55P03" | "25P02" | "25P03" | "25006" => passing(),
        code => match code.get(..2).unwrap_or_default() {
            "22" | "23" => {
                let constraint = inner.constraint().unwrap_or_else(|| inner.message());
                Error::Refused { constraint: constraint.to_owned() }
            }
            "08" | "53" | "57" | "58" => passing(),
            _ => Error::Database(Arc::clone(error)),
        },
    })
}
