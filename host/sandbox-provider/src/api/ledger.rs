//! `/v1/ledger`: every movement of money, to compare a merchant's books with.

use crate::problem::Problem;
use crate::provider::Provider;
use crate::store::Since;
use crate::view;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

const LIMIT_DEFAULT: usize = 1_000;
const LIMIT_MAX: usize = 10_000;

/// The query of the ledger.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerQuery {
    since: Option<String>,
    limit: Option<String>,
}

/// The entries after a sequence, or from a time on, oldest first.
pub async fn list(
    State(provider): State<Provider>,
    query: Result<Query<LedgerQuery>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Query(query) = query.map_err(|rejection| Problem::invalid("query_invalid", rejection.body_text()))?;
    let since = since(query.since.as_deref())?;
    let limit = limit(query.limit.as_deref())?;
    let ((entries, has_more), last) =
        provider.read(move |ledger| Ok((ledger.entries(since, limit)?, ledger.last_sequence()?))).await?;
    let mut list = view::list(entries.iter().map(view::entry).collect(), has_more);
    list["last_sequence"] = last.into();
    Ok(Json(list))
}

fn since(text: Option<&str>) -> Result<Since, Problem> {
    let text = text.unwrap_or("0");
    if let Ok(sequence) = text.parse() {
        return Ok(Since::Sequence(sequence));
    }
    text.parse::<Timestamp>().map(Since::Time).map_err(|_| {
        Problem::param(
            "parameter_invalid_since",
            "since",
            "'since' must be a sequence (entries after it) or an RFC 3339 time (entries from it on).",
        )
    })
}

fn limit(text: Option<&str>) -> Result<usize, Problem> {
    match text.map_or(Ok(LIMIT_DEFAULT), str::parse) {
        Ok(limit @ 1..=LIMIT_MAX) => Ok(limit),
        _ => Err(Problem::param(
            "parameter_invalid_integer",
            "limit",
            format!("'limit' must be a whole number from 1 to {LIMIT_MAX}."),
        )),
    }
}
