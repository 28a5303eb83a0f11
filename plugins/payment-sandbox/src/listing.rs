//! The provider's ledger, a page at a time.

use orderwright_sdk::v0_3::payment::{Entry, LedgerEntry, Listing, Movement, Outcome, Standing, Step};
use serde::Deserialize;

use crate::provider::{Answer, Provider, answer, escape};
use crate::{failed, time};

/// Entries of a page: so many have less than the 64 kB that an answer may have.
const PAGE: usize = 100;
/// The provider's times are whole milliseconds.
const MILLISECOND: i64 = 1000;

#[derive(Deserialize)]
struct Page {
    data: Vec<Line>,
    has_more: bool,
}

#[derive(Deserialize)]
struct Line {
    at: String,
    kind: String,
    payment_intent: String,
    refund: Option<String>,
    reference: String,
    amount: i64,
    currency: String,
}

/// Asks for the entries from a moment on.
pub fn step(provider: &Provider, since: i64, transcript: &[Entry]) -> Step {
    let Some(last) = transcript.last() else {
        let since = escape(&time::format(since));
        return provider.get(&format!("/v1/ledger?since={since}&limit={PAGE}"));
    };
    match answer::<Page>(last) {
        Answer::Is(page) => match listing(page, since) {
            Ok(listing) => Step::Done(Outcome::Listed(listing)),
            Err(why) => failed(why),
        },
        Answer::Missing => failed("the provider has no ledger"),
        Answer::State(error, _) => failed(error.message),
        Answer::Ends(step) => step,
    }
}

fn listing(page: Page, since: i64) -> Result<Listing, String> {
    let has_more = page.has_more;
    let entries: Vec<LedgerEntry> = page.data.into_iter().map(entry).collect::<Result<_, _>>()?;
    // What shares the last moment may come twice; where a whole page has one moment, the rest of that is passed over.
    let last = entries.last().map(|entry| if entry.at > since { entry.at } else { entry.at + MILLISECOND });
    Ok(Listing { entries, next: last.filter(|_| has_more) })
}

fn entry(line: Line) -> Result<LedgerEntry, String> {
    let (kind, standing) = match line.kind.as_str() {
        "authorize" => (Movement::Authorization, Standing::Done),
        "decline" => (Movement::Authorization, Standing::Failed),
        "capture" => (Movement::Capture, Standing::Done),
        "void" => (Movement::Void, Standing::Done),
        "refund" => (Movement::Refund, Standing::Done),
        "refund_failed" => (Movement::Refund, Standing::Failed),
        other => return Err(format!("the provider's ledger has an entry of the unknown kind {other:?}")),
    };
    let at = time::parse(&line.at).ok_or_else(|| format!("the provider's time {:?} cannot be read", line.at))?;
    Ok(LedgerEntry {
        reference: line.refund.unwrap_or(line.payment_intent),
        ours: Some(line.reference),
        kind,
        amount: line.amount,
        currency: line.currency,
        standing,
        at,
    })
}
