//! Placing orders, many at a time.

use std::borrow::Cow;

use futures::{StreamExt as _, stream};
use reqwest::StatusCode;
use serde_json::Value;

use super::client::{Client, Error};
use super::progress;

/// What can be placed.
pub trait Place {
    /// Names it, so that it is placed once.
    fn key(&self) -> Cow<'_, str>;

    /// The request's body.
    fn body(&self) -> &str;
}

/// What became of an order.
pub enum Fate {
    /// The server has it now, and shows it so.
    Placed(Value),
    /// The server had it under this key.
    There(Value),
    /// The server has another order with its external id.
    Duplicate,
    /// The server said no, for this reason.
    Refused(String),
}

/// Places the orders and tells what became of each. After Ctrl-C those under way are finished and no more are begun.
///
/// # Errors
/// Where the server cannot be reached, or refuses the key; [`Error::Stopped`] after Ctrl-C.
pub async fn place<O: Place>(
    client: &Client,
    orders: &[O],
    connections: usize,
    mut tell: impl FnMut(&O, Fate),
) -> Result<(), Error> {
    let bar = progress::bar("placing", orders.len());
    let waiting = stream::iter(orders).take_while(|_| std::future::ready(!client.is_stopped()));
    let mut fates = waiting.map(async |order| (order, place_one(client, order).await)).buffer_unordered(connections);
    let mut stopped = None;
    while let Some((order, fate)) = fates.next().await {
        match fate {
            Ok(fate) => tell(order, fate),
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

async fn place_one(client: &Client, order: &impl Place) -> Result<Fate, Error> {
    let answer = client.post(&["orders"], &order.key(), order.body()).await?;
    Ok(match answer.status {
        StatusCode::CREATED if answer.replayed => Fate::There(answer.body),
        StatusCode::CREATED => Fate::Placed(answer.body),
        StatusCode::CONFLICT if answer.code() == "duplicate_external_id" => Fate::Duplicate,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(Error::Refused(answer.problem())),
        _ => Fate::Refused(answer.problem()),
    })
}
