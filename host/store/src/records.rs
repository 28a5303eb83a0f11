//! What reads answer.

use std::sync::Arc;

use domain::event::Event;
use domain::hooks::{Hook, PersonalFields};
use domain::ids::{CustomerId, DecisionId, EventId, ExternalId, KeyId, OrderId, PluginId, Sku, TenantId, WarehouseId};
use domain::order::Order;
use domain::status::OrderStatus;
use domain::time::Timestamp;

use crate::Error;
use crate::changeset::{JournalEntry, Operation, Role};

/// An order with what its next event is chained to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredOrder {
    /// The document.
    pub order: Arc<Order>,
    /// The hash of its last event.
    pub head_hash: [u8; 32],
}

/// An event as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRecord {
    /// Its place in the log of all merchants: gap-free, in the order of commits. Never shown to merchants as it is.
    pub position: u64,
    /// Stable over redelivery.
    pub event_id: EventId,
    /// Whose.
    pub tenant: TenantId,
    /// Of which order.
    pub order_id: OrderId,
    /// Its number within the order.
    pub version: u64,
    /// The name of its kind, such as `order.placed`.
    pub kind: String,
    /// The order's status before; none for the first event.
    pub from: Option<OrderStatus>,
    /// The order's status after.
    pub to: OrderStatus,
    /// Who.
    pub actor: String,
    /// Why, where somebody said so.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
    /// The event as JSON, byte for byte as it was hashed.
    pub payload: String,
    /// Of this event and, through its predecessor's, of all before it.
    pub hash: [u8; 32],
}

impl EventRecord {
    /// The event itself.
    ///
    /// # Errors
    /// [`Error::Damaged`] where the payload is none.
    pub fn event(&self) -> Result<Event, Error> {
        serde_json::from_str(&self.payload).map_err(|e| Error::Damaged(format!("event {}: {e}", self.event_id)))
    }
}

/// An event of the log by what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Touched {
    /// Its place in the log.
    pub position: u64,
    /// Whose.
    pub tenant: TenantId,
    /// Of which order.
    pub order_id: OrderId,
    /// The order's version after it.
    pub version: u64,
    /// When.
    pub at: Timestamp,
}

/// What a list of orders is narrowed to. An empty filter is the whole history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only with this status.
    pub status: Option<OrderStatus>,
    /// Only of this customer.
    pub customer_id: Option<CustomerId>,
    /// Only with this number of the merchant's.
    pub external_id: Option<ExternalId>,
    /// Placed at this moment or later.
    pub placed_from: Option<Timestamp>,
    /// Placed before this moment.
    pub placed_to: Option<Timestamp>,
}

/// Stock of a SKU in a warehouse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockRow {
    /// Which SKU.
    pub sku: Sku,
    /// Where.
    pub warehouse_id: WarehouseId,
    /// Units there, reserved ones included.
    pub on_hand: i64,
    /// Units promised to orders.
    pub reserved: i64,
}

impl StockRow {
    /// What can be promised.
    #[must_use]
    pub const fn available(&self) -> i64 {
        self.on_hand - self.reserved
    }
}

/// A merchant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Its id.
    pub tenant_id: TenantId,
    /// For people.
    pub name: String,
    /// The ISO 4217 code of orders that name none.
    pub currency: String,
    /// A JSON object of the app's.
    pub settings: String,
    /// When.
    pub created_at: Timestamp,
}

/// An API key. The key itself is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Whose.
    pub tenant: TenantId,
    /// Its public name.
    pub key_id: KeyId,
    /// For people; the actor of what it does.
    pub name: String,
    /// Of the key.
    pub hash: [u8; 32],
    /// What it may do.
    pub scopes: Vec<String>,
    /// The last characters, so that a person recognises it.
    pub last4: Option<String>,
    /// When.
    pub created_at: Timestamp,
}

/// A warehouse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WarehouseRow {
    /// The merchant's name for it.
    pub warehouse_id: WarehouseId,
    /// A JSON object of the app's.
    pub document: String,
}

/// What decides a hook for a merchant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// `routing`, or `payment/main` for an adapter.
    pub hook: String,
    /// The plugin's name; `native` for the built-in default, which of an adapter's hook is nothing at all.
    pub plugin: String,
    /// The plugin's version.
    pub version: String,
    /// The component's digest; none for the built-in default.
    pub digest: Option<String>,
    /// The merchant's configuration of it, a JSON object.
    pub config: String,
    /// `fallback`, `hold` or `reject`.
    pub on_failure: String,
    /// The hosts it may send to.
    pub hosts: Vec<String>,
    /// A version that decides beside it or in its place, a JSON object of the app's.
    pub candidate: Option<String>,
    /// Counts the changes of the hook's binding, from 1.
    pub revision: u64,
    /// Who bound it.
    pub actor: String,
    /// When it was bound.
    pub updated_at: Timestamp,
    /// The personal fields that the merchant lets it have.
    pub fields: PersonalFields,
    /// The secrets that an adapter may use beside those that its configuration names.
    pub secrets: Vec<String>,
}

/// Where a provider or carrier calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackAddress {
    /// SHA-256 of the token in the address.
    pub token_hash: [u8; 32],
    /// Whose.
    pub tenant: TenantId,
    /// Such as `payment/main`.
    pub hook: String,
    /// The token, sealed by the caller.
    pub sealed_token: String,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when it is good, where another has replaced it.
    pub ends_at: Option<Timestamp>,
}

/// Something that a provider or carrier has told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackEvent {
    /// Whom.
    pub tenant: TenantId,
    /// Such as `payment/main`.
    pub hook: String,
    /// The other side's name for it, once for each binding.
    pub event_id: String,
    /// When it came.
    pub received_at: Timestamp,
    /// What it means, a JSON object of the app's.
    pub notice: String,
    /// The call as it came, sealed by the caller; none once it is of no more use.
    pub sealed_call: Option<String>,
    /// The order that it is about, once that is found.
    pub order_id: Option<OrderId>,
    /// How far it has come.
    pub state: CallbackState,
    /// What became of it, for people.
    pub told: Option<String>,
    /// How often it was looked at.
    pub attempts: u32,
    /// When to look at it again; none when that is over.
    pub next_at: Option<Timestamp>,
}

/// How far something that was told has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallbackState {
    /// It is still to be set against what is known.
    New,
    /// The order has taken it in, or knew it already.
    Settled,
    /// It is about nothing that is known.
    Unmatched,
}

impl CallbackState {
    /// The name in records and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Settled => "settled",
            Self::Unmatched => "unmatched",
        }
    }

    pub(crate) fn named(name: &str) -> Result<Self, String> {
        let known = [Self::New, Self::Settled, Self::Unmatched].into_iter().find(|state| state.name() == name);
        known.ok_or_else(|| format!("{name} is no state of a callback"))
    }
}

/// A version of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginVersion {
    /// The plugin's id.
    pub plugin_id: PluginId,
    /// The plugin's name.
    pub plugin: String,
    /// From 1 in the order of uploads.
    pub version: String,
    /// The component's digest; versions of a plugin have different ones.
    pub digest: String,
    /// Which hook it is for.
    pub hook: String,
    /// `compiling`, then `ready` or `refused`.
    pub status: String,
    /// What the checks found, a JSON object of the app's.
    pub report: String,
    /// When it was uploaded.
    pub created_at: Timestamp,
}

/// How a candidate's decisions compare with what is bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compared {
    /// Questions that both were asked.
    pub pairs: u64,
    /// Of these, how many they answered differently.
    pub differing: u64,
    /// In how many the candidate failed.
    pub failed: u64,
}

/// A policy call that wrote something or failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its place in the order of commits, over all merchants.
    pub position: u64,
    /// The decision.
    pub decision_id: DecisionId,
    /// About which order.
    pub order_id: OrderId,
    /// Of which hook.
    pub hook: Hook,
    /// The plugin's version.
    pub version: String,
    /// Whether it counted.
    pub role: Role,
    /// `ok`, or how it failed.
    pub outcome: String,
    /// Why it failed.
    pub error: Option<String>,
    /// What it wrote, JSON.
    pub logs: String,
    /// When it was made.
    pub at: Timestamp,
}

/// Calls of one version in one piece of time that came out the same and took the same time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallCount {
    /// The plugin's version.
    pub version: String,
    /// Which piece of the span, from 0.
    pub piece: usize,
    /// `ok`, or how they failed.
    pub outcome: String,
    /// How long each took.
    pub duration_us: u64,
    /// How many.
    pub calls: u64,
    /// Instructions that they used together.
    pub fuel: u64,
}

/// The calls of a plugin in a span of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallCounts {
    /// How many there were of each kind.
    pub rows: Vec<CallCount>,
    /// Where there were more than could be looked through: since when all of them are counted.
    pub since: Option<Timestamp>,
}

/// An outside operation with its journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationRecord {
    /// Where it stands.
    pub operation: Operation,
    /// What was sent and what came back, oldest first.
    pub journal: Vec<JournalEntry>,
}

/// An event that a consumer could not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Which consumer.
    pub consumer: String,
    /// Of the event.
    pub position: u64,
    /// The event.
    pub event_id: EventId,
    /// What was to be taken.
    pub payload: String,
    /// Why it was not.
    pub error: String,
    /// When.
    pub at: Timestamp,
}

/// The signed state of all of a merchant's orders at a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DailyRoot {
    /// Whose.
    pub tenant: TenantId,
    /// The day it was made for, `2026-03-18`.
    pub day: String,
    /// Up to and with this event of the log.
    pub position: u64,
    /// How many orders it covers.
    pub orders: u64,
    /// Over every order's id, version and head hash.
    pub root: [u8; 32],
    /// Of all of these and the root before.
    pub signature: Vec<u8>,
}
