//! The ledger of an order: what its history says about money, entry by entry. A pure fold over the events, so that it can
//! be made anew at any time and never disagrees with them.

use std::collections::BTreeMap;

use crate::event::Event;
use crate::ids::{PaymentId, RefundId};
use crate::time::Timestamp;

/// What an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// The customer owes so much: the order was placed.
    Ordered,
    /// The customer need not pay so much: something was cancelled.
    Cancelled,
    /// The provider holds so much for us.
    Authorized,
    /// The provider said no to so much.
    Declined,
    /// The provider holds so much no longer, and we have not got it.
    Voided,
    /// The customer has paid so much.
    Captured,
    /// The customer shall get so much back.
    RefundRequested,
    /// The customer has got so much back.
    Refunded,
    /// So much that the customer had got back has come back.
    RefundFailed,
    /// The customer's bank asks for so much.
    Disputed,
    /// We keep so much that the customer's bank had asked for.
    DisputeWon,
    /// The customer's bank has taken so much.
    DisputeLost,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::Ordered,
        Self::Cancelled,
        Self::Authorized,
        Self::Declined,
        Self::Voided,
        Self::Captured,
        Self::RefundRequested,
        Self::Refunded,
        Self::RefundFailed,
        Self::Disputed,
        Self::DisputeWon,
        Self::DisputeLost,
    ];

    /// The name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ordered => "ordered",
            Self::Cancelled => "cancelled",
            Self::Authorized => "authorized",
            Self::Declined => "declined",
            Self::Voided => "voided",
            Self::Captured => "captured",
            Self::RefundRequested => "refund_requested",
            Self::Refunded => "refunded",
            Self::RefundFailed => "refund_failed",
            Self::Disputed => "disputed",
            Self::DisputeWon => "dispute_won",
            Self::DisputeLost => "dispute_lost",
        }
    }

    /// What an entry adds to the money that we have of the customer's: 1, -1 or nothing.
    #[must_use]
    pub const fn sign(self) -> i64 {
        match self {
            Self::Captured | Self::RefundFailed => 1,
            Self::Refunded | Self::DisputeLost => -1,
            Self::Ordered
            | Self::Cancelled
            | Self::Authorized
            | Self::Declined
            | Self::Voided
            | Self::RefundRequested
            | Self::Disputed
            | Self::DisputeWon => 0,
        }
    }
}

/// An entry of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The order's version that made it.
    pub version: u64,
    /// When.
    pub at: Timestamp,
    /// What it is about.
    pub kind: Kind,
    /// Minor units, from zero up.
    pub amount: i64,
    /// The payment that it is about.
    pub payment_id: Option<PaymentId>,
    /// The refund that it is about.
    pub refund_id: Option<RefundId>,
    /// What we have of the customer's after it: captured, and not given back.
    pub balance: i64,
}

/// The ledger of an order, from its events, oldest first.
#[must_use]
pub fn ledger<'e>(events: impl IntoIterator<Item = (&'e Event, Timestamp)>) -> Vec<Entry> {
    let mut book = Book::default();
    for (version, (event, at)) in (1..).zip(events) {
        book.enter(version, event, at);
    }
    book.entries
}

#[derive(Default)]
struct Book {
    entries: Vec<Entry>,
    /// The provider holds so much for us, by payment.
    held: BTreeMap<PaymentId, i64>,
    /// Given back, by refund.
    refunded: BTreeMap<RefundId, i64>,
    /// Asked for by the customer's bank, by dispute.
    disputed: BTreeMap<String, i64>,
    /// To be paid, by payment.
    asked: BTreeMap<PaymentId, i64>,
    /// The payment that waits for somebody to free the order.
    waiting: Option<PaymentId>,
    /// What was ordered and not cancelled.
    owed: i64,
    balance: i64,
}

/// What an event says: kind, amount, payment and refund.
type Said = (Kind, i64, Option<PaymentId>, Option<RefundId>);

impl Book {
    fn enter(&mut self, version: u64, event: &Event, at: Timestamp) {
        let Some((kind, amount, payment_id, refund_id)) = self.read(event) else { return };
        self.balance += kind.sign() * amount;
        let balance = self.balance;
        self.entries.push(Entry { version, at, kind, amount, payment_id, refund_id, balance });
    }

    fn read(&mut self, event: &Event) -> Option<Said> {
        match event {
            Event::Placed(order) => {
                self.owed = order.amounts.total;
                self.asked.extend(order.payments.iter().map(|p| (p.payment_id, p.amount)));
                self.waiting = order.payment().filter(|_| order.is_held()).map(|p| p.payment_id);
                Some((Kind::Ordered, self.owed, None, None))
            }
            Event::HoldReleased {} => {
                self.waiting = None;
                None
            }
            Event::PaymentAttempted { payment_id, .. } => {
                self.asked.insert(*payment_id, self.owed);
                None
            }
            Event::PaymentAuthorized { payment_id, amount, .. } => {
                *self.held.entry(*payment_id).or_default() += amount;
                Some((Kind::Authorized, *amount, Some(*payment_id), None))
            }
            Event::PaymentDeclined { payment_id, .. } => {
                let asked = self.held.get(payment_id).or_else(|| self.asked.get(payment_id));
                Some((Kind::Declined, asked.copied().unwrap_or(0), Some(*payment_id), None))
            }
            Event::PaymentVoided { payment_id } => {
                let held = self.held.remove(payment_id).unwrap_or(0);
                Some((Kind::Voided, held, Some(*payment_id), None))
            }
            Event::PaymentCaptured { payment_id, amount } => {
                *self.held.entry(*payment_id).or_default() -= amount;
                Some((Kind::Captured, *amount, Some(*payment_id), None))
            }
            Event::RefundRequested { amount, .. } => Some((Kind::RefundRequested, *amount, None, None)),
            Event::PaymentRefunded { payment_id, refund_id, amount } => {
                self.refunded.insert(*refund_id, *amount);
                Some((Kind::Refunded, *amount, Some(*payment_id), Some(*refund_id)))
            }
            Event::PaymentRefundFailed { payment_id, refund_id, .. } => {
                let amount = self.refunded.get(refund_id).copied().unwrap_or(0);
                Some((Kind::RefundFailed, amount, Some(*payment_id), Some(*refund_id)))
            }
            Event::PaymentDisputed { payment_id, dispute_id, amount, .. } => {
                self.disputed.insert(dispute_id.clone(), *amount);
                Some((Kind::Disputed, *amount, Some(*payment_id), None))
            }
            Event::PaymentDisputeClosed { payment_id, dispute_id, won } => {
                let amount = self.disputed.get(dispute_id).copied().unwrap_or(0);
                let kind = if *won { Kind::DisputeWon } else { Kind::DisputeLost };
                Some((kind, amount, Some(*payment_id), None))
            }
            Event::ItemsCancelled { items, shipping, .. } => {
                let amount = items.iter().map(|item| item.amount).sum::<i64>() + shipping;
                self.owed -= amount;
                self.asked.extend(self.waiting.map(|payment_id| (payment_id, self.owed)));
                Some((Kind::Cancelled, amount, None, None))
            }
            Event::Cancelled { .. } => Some((Kind::Cancelled, std::mem::take(&mut self.owed), None, None)),
            _ => None,
        }
    }
}
