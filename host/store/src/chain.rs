//! The exact bytes behind an event's hash and a daily root. They do not depend on the database.
//!
//! A *field* is the length of a text in bytes as eight big-endian bytes, followed by its UTF-8 bytes. An *optional
//! field* is one zero byte, or a one byte and a field. Numbers are eight big-endian bytes. Ids are their text form,
//! moments are microseconds since 1970.
//!
//! Event: SHA-256 over, in this order,
//! 1. the 24 ASCII bytes `orderwright/chain/event1` and the hash of the event before, or 32 zero bytes for the first;
//! 2. fields `tenant_id`, `order_id`; number `version`; fields `event_id`, `type`; optional field `from`; field `to`;
//!    field `actor`; optional field `reason`; number `at`; field `payload`, exactly as stored.
//!
//! The position is not among them: it is given out when the batch commits. The audit checks it by itself.
//!
//! Root: SHA-256 over the 24 ASCII bytes `orderwright/chain/roots1`, then for each order, sorted by id: field
//! `order_id`, number `version`, the 32 bytes of the hash of that version's event.
//!
//! Signed message: the 24 ASCII bytes `orderwright/chain/daily1`, fields `tenant_id` and `day`, numbers `position` and
//! `orders`, the 32 bytes of the root, and the 32 bytes of the merchant's root before it (zero bytes for the first).

use domain::ids::{EventId, OrderId, TenantId};
use domain::status::OrderStatus;
use domain::time::Timestamp;
use ring::digest::{Context, SHA256};

/// SHA-256.
pub type Hash = [u8; 32];

/// What an order's first event is chained to.
pub const GENESIS: Hash = [0; 32];

/// Everything of an event that its hash covers.
#[derive(Debug, Clone, Copy)]
pub struct Link<'e> {
    /// Whose.
    pub tenant: TenantId,
    /// Of which order.
    pub order_id: OrderId,
    /// Its number within the order.
    pub version: u64,
    /// Its id.
    pub event_id: EventId,
    /// The name of its kind.
    pub kind: &'e str,
    /// The status before.
    pub from: Option<OrderStatus>,
    /// The status after.
    pub to: OrderStatus,
    /// Who.
    pub actor: &'e str,
    /// Why.
    pub reason: Option<&'e str>,
    /// When.
    pub at: Timestamp,
    /// As stored.
    pub payload: &'e str,
}

impl Link<'_> {
    /// The event's hash, after an event with the hash `previous`.
    #[must_use]
    pub fn hash(&self, previous: &Hash) -> Hash {
        let mut bytes = Bytes::new(b"orderwright/chain/event1");
        bytes.raw(previous);
        bytes.field(&self.tenant.to_string());
        bytes.field(&self.order_id.to_string());
        bytes.number(self.version);
        bytes.field(&self.event_id.to_string());
        bytes.field(self.kind);
        bytes.optional(self.from.map(OrderStatus::name));
        bytes.field(self.to.name());
        bytes.field(self.actor);
        bytes.optional(self.reason);
        bytes.raw(&self.at.micros().to_be_bytes());
        bytes.field(self.payload);
        bytes.finish()
    }
}

/// Computes a root. Orders must come sorted by id.
pub struct Root(Bytes);

impl Default for Root {
    fn default() -> Self {
        Self(Bytes::new(b"orderwright/chain/roots1"))
    }
}

impl Root {
    /// Adds the next order.
    pub fn add(&mut self, order_id: OrderId, version: u64, hash: &Hash) {
        self.0.field(&order_id.to_string());
        self.0.number(version);
        self.0.raw(hash);
    }

    /// The root over what was added.
    #[must_use]
    pub fn finish(self) -> Hash {
        self.0.finish()
    }
}

/// The message that a daily root's signature signs.
#[must_use]
pub fn signed_message(root: &crate::DailyRoot, previous: &Hash) -> Vec<u8> {
    let mut out = b"orderwright/chain/daily1".to_vec();
    for text in [root.tenant.to_string().as_str(), &root.day] {
        out.extend((text.len() as u64).to_be_bytes());
        out.extend(text.as_bytes());
    }
    out.extend(root.position.to_be_bytes());
    out.extend(root.orders.to_be_bytes());
    out.extend(root.root);
    out.extend(previous);
    out
}

struct Bytes(Context);

impl Bytes {
    fn new(tag: &[u8; 24]) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(tag);
        Self(context)
    }

    fn raw(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn number(&mut self, number: u64) {
        self.raw(&number.to_be_bytes());
    }

    fn field(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.raw(text.as_bytes());
    }

    fn optional(&mut self, text: Option<&str>) {
        match text {
            None => self.raw(&[0]),
            Some(text) => {
                self.raw(&[1]);
                self.field(text);
            }
        }
    }

    fn finish(self) -> Hash {
        self.0.finish().as_ref().try_into().expect("SHA-256 gives 32 bytes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link() -> Link<'static> {
        let id = uuid::Uuid::from_u128;
        Link {
            tenant: TenantId::new(id(1)),
            order_id: OrderId::new(id(2)),
            version: 3,
            event_id: EventId::new(id(4)),
            kind: "order.cancelled",
            from: Some(OrderStatus::Placed),
            to: OrderStatus::Cancelled,
            actor: "ann",
            reason: Some("why"),
            at: Timestamp::from_micros(5),
            payload: "{}",
        }
    }

    /// The stored chains of every installation depend on this layout: a new value here is a broken audit there.
    #[test]
    fn the_layout_is_frozen() {
        assert_eq!(
            domain::bytes::to_hex(&link().hash(&GENESIS)),
            "195a19cde7e74291472a8afb5aafc6f3acd50a729404892694cd1f9ad16dfb16"
        );
    }

    #[test]
    fn the_hash_covers_every_column() {
        let id = uuid::Uuid::from_u128;
        let base = link();
        let changed = [
            Link { tenant: TenantId::new(id(9)), ..base },
            Link { order_id: OrderId::new(id(9)), ..base },
            Link { version: 9, ..base },
            Link { event_id: EventId::new(id(9)), ..base },
            Link { kind: "order.placed", ..base },
            Link { from: None, ..base },
            Link { to: OrderStatus::Placed, ..base },
            Link { actor: "anna", ..base },
            Link { reason: None, ..base },
            Link { reason: Some(""), ..base },
            Link { at: Timestamp::from_micros(6), ..base },
            Link { payload: "[]", ..base },
            // A byte that moves from one field to its neighbour.
            Link { actor: "an", reason: Some("nwhy"), ..base },
        ];
        let mut hashes: Vec<Hash> = changed.iter().map(|l| l.hash(&GENESIS)).collect();
        hashes.push(base.hash(&GENESIS));
        hashes.push(base.hash(&[1; 32]));
        let count = hashes.len();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), count);
    }
}
