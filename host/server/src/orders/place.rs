//! Placing the orders of a file, many at a time.

use futures::{StreamExt as _, stream};
use reqwest::StatusCode;

use super::Report;
use super::read::Order;
use crate::remote::client::{Client, Error};
use crate::remote::progress;

/// What became of an order.
enum Fate {
    Placed,
    There,
    Refused(String),
}

/// Places the orders. After Ctrl-C those under way are finished and no more are begun.
///
/// # Errors
/// Where the server cannot be reached, or refuses the key.
pub async fn place(client: &Client, orders: &[Order], connections: usize, report: &mut Report) -> Result<(), Error> {
    let bar = progress::bar("placing", orders.len());
    let waiting = stream::iter(orders).take_while(|_| std::future::ready(!client.is_stopped()));
    let mut fates =
        waiting.map(async |order| (order.line, place_one(client, order).await)).buffer_unordered(connections);
    let mut stopped = None;
    while let Some((line, fate)) = fates.next().await {
        match fate {
            Ok(Fate::Placed) => report.placed += 1,
            Ok(Fate::There) => report.already_there += 1,
            Ok(Fate::Refused(reason)) => _ = report.refused.insert(line, reason),
            // The others under way are heard out, so that the report is true.
            Err(error) => stopped = stopped.or(Some(error)),
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    match stopped {
        Some(error) => Err(error),
        None if client.is_stopped() => Err(Error::Stopped),
        None => Ok(()),
    }
}

async fn place_one(client: &Client, order: &Order) -> Result<Fate, Error> {
    let answer = client.post(&["orders"], &order.key, &order.body).await?;
    Ok(match answer.status {
        StatusCode::CREATED if answer.replayed => Fate::There,
        StatusCode::CREATED => Fate::Placed,
        StatusCode::CONFLICT if answer.code() == "duplicate_external_id" => Fate::There,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(Error::Refused(answer.problem())),
        _ => Fate::Refused(answer.problem()),
    })
}
