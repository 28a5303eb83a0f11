//! Reading the ledger.

use super::book::ENDPOINT;
use super::{DUE, EVENTS, Error, INTENTS, LEDGER, REFERENCES, REFUNDS, SETTINGS, database};
use crate::ids::{IntentId, RefundId};
use crate::intent::Intent;
use crate::records::{Entry, Refund};
use crate::webhook::{Endpoint, Event};
use jiff::Timestamp;
use redb::{ReadTransaction, ReadableTable};

/// An event that is to be sent, with its place among them.
type Due = ((i64, u64), Event);

/// The ledger as it was at one moment.
pub struct Snapshot {
    intents: redb::ReadOnlyTable<&'static str, &'static [u8]>,
    references: redb::ReadOnlyTable<(&'static str, &'static str), ()>,
    due: redb::ReadOnlyTable<(i64, &'static str), ()>,
    refunds: redb::ReadOnlyTable<&'static str, &'static [u8]>,
    ledger: redb::ReadOnlyTable<u64, &'static [u8]>,
    events: redb::ReadOnlyTable<(i64, u64), &'static [u8]>,
    settings: redb::ReadOnlyTable<&'static str, &'static [u8]>,
}

/// Where to start reading the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// After this sequence.
    Sequence(u64),
    /// At this time or later.
    Time(Timestamp),
}

impl Snapshot {
    pub(super) fn open(transaction: &ReadTransaction) -> Result<Self, Error> {
        Ok(Self {
            intents: transaction.open_table(INTENTS).map_err(database)?,
            references: transaction.open_table(REFERENCES).map_err(database)?,
            due: transaction.open_table(DUE).map_err(database)?,
            refunds: transaction.open_table(REFUNDS).map_err(database)?,
            ledger: transaction.open_table(LEDGER).map_err(database)?,
            events: transaction.open_table(EVENTS).map_err(database)?,
            settings: transaction.open_table(SETTINGS).map_err(database)?,
        })
    }

    /// When the next intent changes by itself.
    pub fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        let first = self.due.first().map_err(database)?;
        Ok(first.and_then(|(key, _)| Timestamp::from_millisecond(key.value().0).ok()))
    }

    /// Where events are sent.
    pub fn endpoint(&self) -> Result<Option<Endpoint>, Error> {
        match self.settings.get(ENDPOINT).map_err(database)? {
            Some(bytes) => Ok(Some(serde_json::from_slice(bytes.value())?)),
            None => Ok(None),
        }
    }

    /// The first events that are to be sent by `now`.
    pub fn due_events(&self, now: Timestamp, limit: usize) -> Result<Vec<Due>, Error> {
        let mut found = Vec::new();
        for row in self.events.range(..(now.as_millisecond() + 1, 0)).map_err(database)?.take(limit) {
            let (key, bytes) = row.map_err(database)?;
            found.push((key.value(), serde_json::from_slice(bytes.value())?));
        }
        Ok(found)
    }

    /// One intent.
    pub fn intent(&self, id: &IntentId) -> Result<Option<Intent>, Error> {
        match self.intents.get(id.as_str()).map_err(database)? {
            Some(bytes) => Ok(Some(serde_json::from_slice(bytes.value())?)),
            None => Ok(None),
        }
    }

    /// Up to `limit` intents of a reference, newest first, and whether there are more.
    pub fn intents_by_reference(&self, reference: &str, limit: usize) -> Result<(Vec<Intent>, bool), Error> {
        // Intent identifiers sort by age, and '~' sorts after all of them.
        let rows = self.references.range((reference, "")..(reference, "~")).map_err(database)?.rev();
        let mut found = Vec::new();
        for row in rows.take(limit + 1) {
            let (key, _) = row.map_err(database)?;
            found.extend(self.intent(&IntentId::from_client(key.value().1))?);
        }
        let has_more = found.len() > limit;
        found.truncate(limit);
        Ok((found, has_more))
    }

    /// One refund.
    pub fn refund(&self, id: &RefundId) -> Result<Option<Refund>, Error> {
        match self.refunds.get(id.as_str()).map_err(database)? {
            Some(bytes) => Ok(Some(serde_json::from_slice(bytes.value())?)),
            None => Ok(None),
        }
    }

    /// Up to `limit` entries from `since` on, and whether there are more.
    pub fn entries(&self, since: Since, limit: usize) -> Result<(Vec<Entry>, bool), Error> {
        let first = match since {
            Since::Sequence(sequence) => sequence.saturating_add(1),
            Since::Time(at) => self.first_at(at)?,
        };
        let mut entries = Vec::new();
        for row in self.ledger.range(first..).map_err(database)?.take(limit + 1) {
            let (_, bytes) = row.map_err(database)?;
            entries.push(serde_json::from_slice(bytes.value())?);
        }
        let has_more = entries.len() > limit;
        entries.truncate(limit);
        Ok((entries, has_more))
    }

    /// The last sequence, 0 for an empty ledger.
    pub fn last_sequence(&self) -> Result<u64, Error> {
        let last = self.ledger.last().map_err(database)?;
        Ok(last.map_or(0, |(sequence, _)| sequence.value()))
    }

    /// The first sequence that is not earlier than `at`, by bisection: sequences have no gaps, times never go back.
    fn first_at(&self, at: Timestamp) -> Result<u64, Error> {
        let (mut low, mut high) = (1, self.last_sequence()? + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            let entry: Option<Entry> = match self.ledger.get(middle).map_err(database)? {
                Some(bytes) => Some(serde_json::from_slice(bytes.value())?),
                None => None,
            };
            if entry.is_some_and(|entry| entry.at < at) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }
}
