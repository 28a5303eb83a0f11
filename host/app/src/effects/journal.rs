//! An operation's durable record, and what of it is not yet written.

use domain::hooks::exchange::{Callback, Entry, Request};
use domain::hooks::payment::Operation;
use domain::ids::TenantId;
use domain::order::{Order, Task, TaskKind};
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Changeset, Decision, JournalEntry, JournalKind};

use super::{ACTOR, Transcript, operation_of};
use crate::policies::Binding;
use crate::{Error, clock};

/// A request may be under way.
pub(crate) const RUNNING: &str = "running";
/// It starts over at `next_at`.
pub(crate) const RETRYING: &str = "retrying";
/// The adapter asked to come back at `next_at`.
pub(crate) const WAITING: &str = "waiting";
/// It is over.
pub(crate) const DONE: &str = "done";
/// An operator must look.
pub(crate) const PARKED: &str = "parked";

/// What a journal entry holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Note {
    /// A new attempt: the adapter starts from an empty transcript.
    Attempt(Asked),
    /// About to be sent.
    Request(Request),
    /// What came of the step before.
    Entry(Entry),
    /// A response body too large for the transcript.
    Blob(domain::bytes::Bytes),
}

impl Note {
    const fn kind(&self) -> JournalKind {
        match self {
            Self::Request(_) => JournalKind::Request,
            Self::Attempt(_) | Self::Entry(_) | Self::Blob(_) => JournalKind::Result,
        }
    }
}

/// What the adapter is asked to do in an attempt.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Asked {
    /// What is to be done, or asked about.
    pub operation: Operation,
    /// What the task moves, in minor units.
    pub amount: i64,
    /// How often the adapter itself failed, or a query brought nothing.
    pub failures: u32,
    /// Whether it waits, and a callback may end that.
    #[serde(default)]
    pub awaits_callback: bool,
}

/// An operation under way.
pub(crate) struct Run {
    /// Its row.
    pub operation: store::Operation,
    /// What the adapter is asked to do in this attempt.
    pub asked: Asked,
    /// The notes of this attempt.
    notes: Vec<Note>,
    /// Blobs of the whole operation, by sequence number.
    blobs: Vec<(u32, domain::bytes::Bytes)>,
    next_seq: u32,
    unsaved: Vec<JournalEntry>,
    pub decisions: Vec<Decision>,
}

impl Run {
    /// A new operation of a task.
    pub fn begin(order: &Order, task: &Task, binding: &Binding, now: Timestamp) -> Result<Self, Error> {
        let (operation, amount) = operation_of(order, task)
            .ok_or_else(|| Error::Internal(format!("task {} has no payment", task.task_id)))?;
        let asked = Asked { operation, amount, failures: 0, awaits_callback: false };
        let payment_id = task.kind.payment_id().ok_or_else(|| Error::Internal("a timer is no operation".into()))?;
        let operation = store::Operation {
            order_id: order.order_id,
            task_id: task.task_id,
            plugin: binding.name.clone(),
            digest: Some(binding.plugin.digest().to_owned()),
            idempotency_key: format!("{payment_id}-{}-{}", verb(task.kind), task.task_id),
            operation: serde_json::to_string(&asked)?,
            attempts: 0,
            next_at: Some(now),
            state: RUNNING.to_owned(),
            last_error: None,
            first_sent_at: None,
        };
        let mut run = Self {
            operation,
            asked: asked.clone(),
            notes: Vec::new(),
            blobs: Vec::new(),
            next_seq: 0,
            unsaved: Vec::new(),
            decisions: Vec::new(),
        };
        run.note(Note::Attempt(asked), now);
        Ok(run)
    }

    /// An operation that was begun before.
    pub fn resume(record: store::OperationRecord) -> Result<Self, Error> {
        let store::OperationRecord { operation, journal } = record;
        let asked: Asked = serde_json::from_str(&operation.operation)?;
        let next_seq = journal.iter().map(|e| e.seq + 1).max().unwrap_or(0);
        let mut run = Self {
            operation,
            asked,
            notes: Vec::new(),
            blobs: Vec::new(),
            next_seq,
            unsaved: Vec::new(),
            decisions: Vec::new(),
        };
        for entry in journal {
            match serde_json::from_str(&entry.payload)? {
                Note::Attempt(asked) => {
                    // What the attempt waits for stands in the operation alone.
                    run.asked = Asked { awaits_callback: run.asked.awaits_callback, ..asked };
                    run.notes.clear();
                }
                Note::Blob(bytes) => run.blobs.push((entry.seq, bytes)),
                note => run.notes.push(note),
            }
        }
        Ok(run)
    }

    /// What the adapter sees.
    pub fn transcript(&self) -> Transcript {
        let entry = |note: &Note| if let Note::Entry(entry) = note { Some(entry.clone()) } else { None };
        self.notes.iter().filter_map(entry).collect()
    }

    /// The request that was journalled but has no response.
    pub fn unanswered(&self) -> Option<Request> {
        match self.notes.last() {
            Some(Note::Request(request)) => Some(request.clone()),
            _ => None,
        }
    }

    /// Where the operation had waited, the wait is over.
    pub fn wake(&mut self, now: Timestamp) {
        if self.operation.state == WAITING && self.unanswered().is_none() {
            self.entry(Entry::Waited);
        }
        self.asked.awaits_callback = false;
        self.operation.next_at = Some(now);
        self.operation.state = RUNNING.to_owned();
    }

    /// A callback ends the wait.
    pub fn called(&mut self, callback: Callback, now: Timestamp) {
        self.entry(Entry::Callback(callback));
        self.asked.awaits_callback = false;
        self.operation.next_at = Some(now);
        self.operation.state = RUNNING.to_owned();
    }

    /// Starts over, with the same idempotency key and an empty transcript.
    pub fn restart(&mut self, now: Timestamp) {
        self.operation.attempts += 1;
        self.operation.state = RETRYING.to_owned();
        self.asked.awaits_callback = false;
        let asked = self.asked.clone();
        self.notes.clear();
        self.note(Note::Attempt(asked), now);
        self.notes.clear();
    }

    /// Goes on with another question, such as a query after the key has expired.
    pub fn ask_instead(&mut self, operation: Operation) {
        self.asked.operation = operation;
        self.restart(clock::now());
    }

    /// About to be sent, once this is committed.
    pub fn request(&mut self, request: &Request) {
        let now = clock::now();
        self.operation.first_sent_at.get_or_insert(now);
        self.note(Note::Request(request.clone()), now);
    }

    pub fn entry(&mut self, entry: Entry) {
        self.note(Note::Entry(entry), clock::now());
    }

    /// The last entry tells of a request that was sent before: whether that arrived is not known.
    pub fn may_have_arrived(&mut self) {
        let Some(Note::Entry(Entry::TransportError { message, sent: false })) = self.notes.last() else { return };
        let entry = Note::Entry(Entry::TransportError { message: message.clone(), sent: true });
        if let Some(unsaved) = self.unsaved.last_mut() {
            unsaved.payload = serde_json::to_string(&entry).expect("journal notes serialise").into();
        }
        self.notes.pop();
        self.notes.push(entry);
    }

    /// Keeps a body that is too large for the transcript; its handle.
    pub fn blob(&mut self, bytes: domain::bytes::Bytes) -> u32 {
        let handle = self.next_seq;
        self.blobs.push((handle, bytes.clone()));
        self.note(Note::Blob(bytes), clock::now());
        self.notes.pop();
        handle
    }

    pub fn find_blob(&self, handle: u32) -> Option<&domain::bytes::Bytes> {
        self.blobs.iter().find(|(seq, _)| *seq == handle).map(|(_, bytes)| bytes)
    }

    fn note(&mut self, note: Note, at: Timestamp) {
        self.unsaved.push(JournalEntry {
            order_id: self.operation.order_id,
            task_id: self.operation.task_id,
            seq: self.next_seq,
            at,
            kind: note.kind(),
            payload: serde_json::to_string(&note).expect("journal notes serialise").into(),
        });
        self.next_seq += 1;
        if !matches!(note, Note::Attempt(_)) {
            self.notes.push(note);
        }
    }

    /// What is not yet written, taken out to be committed.
    pub fn flush(&mut self, tenant: TenantId) -> Changeset {
        let mut changeset = Changeset::new(tenant, ACTOR);
        self.flush_into(&mut changeset);
        changeset
    }

    /// The same, beside what else is to be committed.
    pub fn flush_into(&mut self, changeset: &mut Changeset) {
        self.operation.operation = serde_json::to_string(&self.asked).expect("operations serialise");
        changeset.operations.push(self.operation.clone());
        changeset.journal.append(&mut self.unsaved);
        changeset.decisions.append(&mut self.decisions);
    }

    pub fn into_changeset(mut self, tenant: TenantId) -> Changeset {
        self.flush(tenant)
    }
}

const fn verb(kind: TaskKind) -> &'static str {
    match kind {
        TaskKind::Authorize { .. } => "authorize",
        TaskKind::Capture { .. } => "capture",
        TaskKind::Void { .. } => "void",
        TaskKind::Refund { .. } => "refund",
        TaskKind::ExpirePayment => "expire",
    }
}
