//! A changeset: everything durable that one command changes, committed as a whole or not at all.

use std::sync::Arc;

use domain::event::Event;
use domain::hooks::Hook;
use domain::hooks::routing::Plan;
use domain::ids::{CustomerId, DecisionId, OrderId, SealKeyId, Sku, TenantId, WarehouseId};
use domain::order::Order;
use domain::placement::Draft;
use domain::time::Timestamp;

use crate::messages::{Announced, Noted};
use crate::records::{ApiKey, StoredOrder};

/// Everything durable that one command changes.
#[derive(Debug, Clone)]
pub struct Changeset {
    /// Whose.
    pub tenant: TenantId,
    /// Who does it; the audit trail's name.
    pub actor: Actor,
    /// What happens to an order.
    pub order: OrderChange,
    /// What happens to stock, in this order, before the order's own reservations. All or nothing.
    pub stock: Vec<StockChange>,
    /// The idempotency key of the request, used up if and only if this commits.
    pub key: Option<KeyClaim>,
    /// The policy calls that led here.
    pub decisions: Vec<Decision>,
    /// The state of outside operations, replacing what is stored of them.
    pub operations: Vec<Operation>,
    /// New entries of the effect journal.
    pub journal: Vec<JournalEntry>,
    /// Keys that seal the personal data in this changeset; one that is stored already stays as it is.
    pub seal_keys: Vec<SealKey>,
    /// New API keys.
    pub api_keys: Vec<ApiKey>,
    /// What a consumer has found that is to be asked about.
    pub noted: Option<Noted>,
    /// What a notification policy has answered.
    pub announced: Option<Announced>,
}

impl Changeset {
    /// A changeset that changes nothing yet.
    #[must_use]
    pub fn new(tenant: TenantId, actor: impl Into<String>) -> Self {
        Self {
            tenant,
            actor: Actor { name: actor.into() },
            order: OrderChange::None,
            stock: Vec::new(),
            key: None,
            decisions: Vec::new(),
            operations: Vec::new(),
            journal: Vec::new(),
            seal_keys: Vec::new(),
            api_keys: Vec::new(),
            noted: None,
            announced: None,
        }
    }
}

/// Who does something: the name of an API key, or of a part of the system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// As the audit trail shows it.
    pub name: String,
}

/// Who works on an order, until when. Leases lie outside of the order's version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The node.
    pub owner: String,
    /// When others may take over.
    pub until: Timestamp,
}

/// What happens to an order.
#[derive(Debug, Clone)]
pub enum OrderChange {
    /// Nothing.
    None,
    /// It comes into being, under the first plan that the locked stock can serve; where none fits, the native
    /// allocator tries on the locked stock.
    Place {
        /// All but the choice of warehouses.
        draft: Arc<Draft>,
        /// Ranked and validated. Those beyond the fourth are ignored.
        plans: Vec<Plan>,
        /// Who goes on with it.
        lease: Option<Lease>,
    },
    /// Events happened.
    Update {
        /// As it was read; its version is the one expected, its hash is what the first event is chained to.
        before: Arc<StoredOrder>,
        /// `before` with the events applied, at the moment `updated_at`.
        order: Box<Order>,
        /// At least one.
        events: Vec<Event>,
        /// Who goes on with it; none frees it.
        lease: Option<Lease>,
    },
    /// It is looked at again later. This lies outside of the version: nothing happens if the version has moved on.
    Defer {
        /// Which.
        order_id: OrderId,
        /// The version whose tasks are put off.
        expected_version: u64,
        /// When to look again.
        wake_at: Option<Timestamp>,
        /// Who goes on with it; none frees it.
        lease: Option<Lease>,
    },
}

/// What happens to the stock of a SKU in a warehouse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StockChange {
    /// It was counted.
    SetOnHand {
        /// Which SKU.
        sku: Sku,
        /// Where.
        warehouse: WarehouseId,
        /// Units, reserved ones included.
        on_hand: i64,
    },
    /// Some came or went.
    Adjust {
        /// Which SKU.
        sku: Sku,
        /// Where.
        warehouse: WarehouseId,
        /// Units.
        delta: i64,
    },
}

/// A claim to an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyClaim {
    /// As the client sent it.
    pub key: String,
    /// Of method, path and canonical body.
    pub fingerprint: [u8; 32],
    /// The HTTP status of the answer.
    pub status: u16,
    /// The answer where it cannot be made from the order, sealed by the caller where it must be.
    pub response: Option<String>,
}

/// A call of a policy, as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Decision {
    /// Its id.
    pub decision_id: DecisionId,
    /// The order it was about, placed or not.
    pub order_id: OrderId,
    /// Which hook.
    pub hook: Hook,
    /// What decided; `native` for the built-in default.
    pub plugin: String,
    /// Its version.
    pub plugin_version: String,
    /// The component's digest; none for the built-in default.
    pub digest: Option<String>,
    /// How it ended, such as `answered` or `trapped`.
    pub outcome: String,
    /// Fuel used.
    pub fuel: u64,
    /// How long it took, in microseconds.
    pub duration_us: u64,
    /// What was asked, JSON.
    pub input: Arc<str>,
    /// What was answered, JSON.
    pub output: Option<Arc<str>>,
    /// What the guest wrote.
    pub logs: Arc<str>,
    /// Why it failed.
    pub error: Option<String>,
    /// When.
    pub at: Timestamp,
    /// Whether it counted.
    pub role: Role,
}

/// Whether a decision counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// By what is bound.
    Active,
    /// By a candidate, in place of what is bound.
    Canary,
    /// It was made beside the one that counted, to be compared with it.
    Shadow,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Active, Self::Canary, Self::Shadow];

    /// The name in records and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Canary => "canary",
            Self::Shadow => "shadow",
        }
    }
}

/// What is being done at an outside provider for a task of an order.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Operation {
    /// Which order.
    pub order_id: OrderId,
    /// Which of its tasks.
    pub task_id: u32,
    /// What performs it.
    pub plugin: String,
    /// The digest that began it and that finishes it.
    pub digest: Option<String>,
    /// What the provider knows it by.
    pub idempotency_key: String,
    /// What is to be done, JSON.
    pub operation: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When to try again.
    pub next_at: Option<Timestamp>,
    /// Where it stands; the app's own word.
    pub state: String,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When its first request was journalled.
    pub first_sent_at: Option<Timestamp>,
}

/// An entry of the effect journal.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct JournalEntry {
    /// Which order.
    pub order_id: OrderId,
    /// Which of its tasks.
    pub task_id: u32,
    /// Its number within the task's journal. One that exists already makes the changeset fail.
    pub seq: u32,
    /// When.
    pub at: Timestamp,
    /// What it is.
    pub kind: JournalKind,
    /// JSON.
    pub payload: Arc<str>,
}

/// What an entry of the journal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JournalKind {
    /// Written before it is sent.
    Request,
    /// Written before it is used.
    Result,
}

impl JournalKind {
    /// The name in SQL.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Result => "result",
        }
    }
}

/// A key that seals personal data, itself encrypted under the master key.
#[derive(Clone, PartialEq, Eq)]
pub struct SealKey {
    /// Its id.
    pub seal_key_id: SealKeyId,
    /// Whose data it seals, where the customer is known.
    pub customer_id: Option<CustomerId>,
    /// The only order whose data it seals, where the customer is not known.
    pub order_id: Option<OrderId>,
    /// The encrypted key.
    pub wrapped_key: Vec<u8>,
}

impl std::fmt::Debug for SealKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealKey").field("seal_key_id", &self.seal_key_id).finish_non_exhaustive()
    }
}
