//! The ledger inside a write transaction.

use super::{DUE, EVENTS, Error, INTENTS, KEY_EXPIRY, KEYS, LEDGER, REFERENCES, REFUNDS, SETTINGS, database};
use crate::ids::{IntentId, RefundId};
use crate::intent::{Change, Intent};
use crate::records::{Entry, KeyRecord, Refund};
use crate::webhook::{Endpoint, Event};
use jiff::Timestamp;
use redb::{ReadableTable, Table, WriteTransaction};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Names the endpoint among the settings.
pub(super) const ENDPOINT: &str = "webhook_endpoint";
/// The time of what waits to be released.
const HELD: i64 = i64::MAX;

/// The tables of one write transaction, and its time.
pub struct Book<'t> {
    now: Timestamp,
    /// Whether what is written now is answered at once.
    is_answered: bool,
    sequence: u64,
    intents: Table<'t, &'static str, &'static [u8]>,
    references: Table<'t, (&'static str, &'static str), ()>,
    due: Table<'t, (i64, &'static str), ()>,
    refunds: Table<'t, &'static str, &'static [u8]>,
    ledger: Table<'t, u64, &'static [u8]>,
    events: Table<'t, (i64, u64), &'static [u8]>,
    settings: Table<'t, &'static str, &'static [u8]>,
    keys: Table<'t, &'static str, &'static [u8]>,
    key_expiry: Table<'t, (i64, &'static str), ()>,
}

impl<'t> Book<'t> {
    pub(super) fn open(transaction: &'t WriteTransaction, now: Timestamp, sequence: u64) -> Result<Self, Error> {
        Ok(Self {
            now,
            is_answered: false,
            sequence,
            intents: transaction.open_table(INTENTS).map_err(database)?,
            references: transaction.open_table(REFERENCES).map_err(database)?,
            due: transaction.open_table(DUE).map_err(database)?,
            refunds: transaction.open_table(REFUNDS).map_err(database)?,
            ledger: transaction.open_table(LEDGER).map_err(database)?,
            events: transaction.open_table(EVENTS).map_err(database)?,
            settings: transaction.open_table(SETTINGS).map_err(database)?,
            keys: transaction.open_table(KEYS).map_err(database)?,
            key_expiry: transaction.open_table(KEY_EXPIRY).map_err(database)?,
        })
    }

    /// The time of the transaction, in whole milliseconds.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    pub(super) fn sequence(&self) -> u64 {
        self.sequence
    }

    pub(super) fn last_entry(&self) -> Result<Option<Entry>, Error> {
        match self.ledger.last().map_err(database)? {
            Some((_, bytes)) => Ok(Some(serde_json::from_slice(bytes.value())?)),
            None => Ok(None),
        }
    }

    /// The intent as it is now: what was due has happened, and is written.
    pub fn intent(&mut self, id: &IntentId) -> Result<Option<Intent>, Error> {
        let Some(mut intent) = get::<Intent>(&self.intents, id.as_str())? else {
            return Ok(None);
        };
        if let Some(change) = intent.settle(self.now) {
            self.put_intent(&intent, &change, None)?;
        }
        Ok(Some(intent))
    }

    /// Writes an intent together with what happened to it.
    pub fn put_intent(&mut self, intent: &Intent, change: &Change, refund: Option<&Refund>) -> Result<(), Error> {
        let id = intent.id.as_str();
        match get::<Intent>(&self.intents, id)?.map(|before| before.due_at()) {
            Some(Some(due)) => {
                self.due.remove((due.as_millisecond(), id)).map_err(database)?;
            }
            Some(None) => {}
            None => {
                self.references.insert((intent.reference.as_str(), id), ()).map_err(database)?;
            }
        }
        if let Some(due) = intent.due_at() {
            self.due.insert((due.as_millisecond(), id), ()).map_err(database)?;
        }
        put(&mut self.intents, id, intent)?;
        for posting in &change.postings {
            self.sequence += 1;
            let entry = Entry {
                sequence: self.sequence,
                at: self.now,
                kind: posting.kind,
                payment_intent: intent.id.clone(),
                reference: intent.reference.clone(),
                amount: posting.amount,
                currency: intent.currency.clone(),
                refund: refund.map(|refund| refund.id.clone()),
            };
            let bytes = serde_json::to_vec(&entry)?;
            self.ledger.insert(self.sequence, bytes.as_slice()).map_err(database)?;
            self.tell(&Event::of(posting, intent, refund, self.now))?;
        }
        Ok(())
    }

    /// The same as [`Self::put_intent`], of what the request that led to it is answered with.
    pub fn put_answered(&mut self, intent: &Intent, change: &Change, refund: Option<&Refund>) -> Result<(), Error> {
        self.is_answered = true;
        let put = self.put_intent(intent, change, refund);
        self.is_answered = false;
        put
    }

    /// Sets where events are sent.
    pub fn put_endpoint(&mut self, endpoint: &Endpoint) -> Result<(), Error> {
        put(&mut self.settings, ENDPOINT, endpoint)
    }

    /// Keeps an event to be sent, where there is somebody to send it to.
    pub fn tell(&mut self, event: &Event) -> Result<(), Error> {
        let Some(endpoint) = get::<Endpoint>(&self.settings, ENDPOINT)? else { return Ok(()) };
        if self.is_answered && !endpoint.all {
            return Ok(());
        }
        let delay = i64::try_from(endpoint.delay_ms).unwrap_or(0);
        self.put_event(event, if endpoint.hold { HELD } else { self.now.as_millisecond() + delay })
    }

    /// Keeps an event to be sent at a time.
    pub fn put_event(&mut self, event: &Event, at: i64) -> Result<(), Error> {
        let last = self.events.range((at, 0)..=(at, u64::MAX)).map_err(database)?.next_back();
        let number = last.transpose().map_err(database)?.map_or(0, |(key, _)| key.value().1 + 1);
        let bytes = serde_json::to_vec(event)?;
        self.events.insert((at, number), bytes.as_slice()).map_err(database)?;
        Ok(())
    }

    /// Forgets an event.
    pub fn remove_event(&mut self, key: (i64, u64)) -> Result<(), Error> {
        self.events.remove(key).map_err(database)?;
        Ok(())
    }

    /// Lets go what was held; how many that is.
    pub fn release_events(&mut self, reversed: bool) -> Result<usize, Error> {
        let mut held = Vec::new();
        for row in self.events.range((HELD, 0)..).map_err(database)? {
            let (key, bytes) = row.map_err(database)?;
            held.push((key.value(), serde_json::from_slice::<Event>(bytes.value())?));
        }
        if reversed {
            held.reverse();
        }
        for (key, event) in &held {
            self.remove_event(*key)?;
            self.put_event(event, self.now.as_millisecond())?;
        }
        Ok(held.len())
    }

    /// One refund.
    pub fn refund(&self, id: &RefundId) -> Result<Option<Refund>, Error> {
        get(&self.refunds, id.as_str())
    }

    /// Writes a refund.
    pub fn put_refund(&mut self, refund: &Refund) -> Result<(), Error> {
        put(&mut self.refunds, refund.id.as_str(), refund)
    }

    /// Lets up to `limit` intents settle that are due, and says how many did.
    pub fn settle_due(&mut self, limit: usize) -> Result<usize, Error> {
        let due = until(&self.due, self.now, limit)?;
        for (_, id) in &due {
            self.intent(&IntentId::from_client(id.as_str()))?;
        }
        Ok(due.len())
    }

    /// What is known of an idempotency key that has not expired.
    pub fn key(&self, key: &str) -> Result<Option<KeyRecord>, Error> {
        let record = get::<KeyRecord>(&self.keys, key)?;
        Ok(record.filter(|record| record.expires_at > self.now))
    }

    /// Writes what is known of an idempotency key.
    pub fn put_key(&mut self, key: &str, record: &KeyRecord) -> Result<(), Error> {
        if let Some(before) = get::<KeyRecord>(&self.keys, key)? {
            self.key_expiry.remove((before.expires_at.as_millisecond(), key)).map_err(database)?;
        }
        self.key_expiry.insert((record.expires_at.as_millisecond(), key), ()).map_err(database)?;
        put(&mut self.keys, key, record)
    }

    /// Forgets up to `limit` expired keys, and says how many.
    pub fn forget_keys(&mut self, limit: usize) -> Result<usize, Error> {
        let expired = until(&self.key_expiry, self.now, limit)?;
        for (at, key) in &expired {
            self.key_expiry.remove((*at, key.as_str())).map_err(database)?;
            self.keys.remove(key.as_str()).map_err(database)?;
        }
        Ok(expired.len())
    }
}

/// The first entries of a timetable that are not later than `now`.
fn until(
    table: &Table<'_, (i64, &'static str), ()>,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<(i64, String)>, Error> {
    let end = (now.as_millisecond() + 1, "");
    let mut found = Vec::new();
    for row in table.range(..end).map_err(database)?.take(limit) {
        let (key, _) = row.map_err(database)?;
        let (at, name) = key.value();
        found.push((at, name.to_owned()));
    }
    Ok(found)
}

fn get<T: DeserializeOwned>(
    table: &impl ReadableTable<&'static str, &'static [u8]>,
    key: &str,
) -> Result<Option<T>, Error> {
    match table.get(key).map_err(database)? {
        Some(bytes) => Ok(Some(serde_json::from_slice(bytes.value())?)),
        None => Ok(None),
    }
}

fn put(table: &mut Table<'_, &'static str, &'static [u8]>, key: &str, record: &impl Serialize) -> Result<(), Error> {
    let bytes = serde_json::to_vec(record)?;
    table.insert(key, bytes.as_slice()).map_err(database)?;
    Ok(())
}
