//! The audit: seals the state of all orders day by day, and recomputes everything that the store promises.

mod order;
mod seal;
mod verify;

use domain::ids::{OrderId, Sku, TenantId, WarehouseId};

/// What an audit found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Orders checked.
    pub orders: u64,
    /// Events checked.
    pub events: u64,
    /// Daily roots checked.
    pub roots: u64,
    /// What is wrong: the first [`FAULTS_MAX`].
    pub faults: Vec<Fault>,
    /// How much is wrong in all.
    pub fault_count: u64,
}

/// The most faults that are listed: a report of a ruined database must still be readable.
pub const FAULTS_MAX: usize = 1000;

impl Report {
    /// Whether everything is as it must be.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.fault_count == 0
    }

    pub(crate) fn add(&mut self, fault: Fault) {
        self.fault_count += 1;
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(fault);
        }
    }
}

/// Something that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A stored event is not the one that was hashed, or its chain does not lead to it.
    #[error("order {order_id}: event {version} does not have the hash of its contents and predecessors")]
    EventChanged {
        /// Whose event.
        order_id: OrderId,
        /// Which.
        version: u64,
    },
    /// The versions of an order's events have a gap.
    #[error("order {order_id}: event {version} is missing")]
    EventMissing {
        /// Whose event.
        order_id: OrderId,
        /// Which.
        version: u64,
    },
    /// An order's events are not in the log in the order of their versions.
    #[error("order {order_id}: event {version} stands in the log before its predecessor")]
    EventMisplaced {
        /// Whose event.
        order_id: OrderId,
        /// Which.
        version: u64,
    },
    /// There are events of an order that does not exist.
    #[error("order {order_id} is missing, its events are not")]
    OrderMissing {
        /// Which.
        order_id: OrderId,
    },
    /// An order's version or head hash is not that of its last event.
    #[error("order {order_id} does not stand at its last event")]
    HeadDiffers {
        /// Which.
        order_id: OrderId,
    },
    /// Replaying an order's events does not give its document.
    #[error("order {order_id}: the document is not what its events give")]
    DocumentDiffers {
        /// Which.
        order_id: OrderId,
    },
    /// A column that was taken out of the document differs from it.
    #[error("order {order_id}: the column {column} differs from the document")]
    ColumnDiffers {
        /// Which.
        order_id: OrderId,
        /// The column.
        column: &'static str,
    },
    /// The reservations of an order are not what its document holds.
    #[error("order {order_id}: its reservations are not those of its document")]
    ReservationsDiffer {
        /// Which.
        order_id: OrderId,
    },
    /// What is reserved of a SKU is not the sum of its reservations.
    #[error("{tenant}: {reserved} units of {sku} are reserved in {warehouse}, the open reservations are {open}")]
    StockDiffers {
        /// Whose.
        tenant: TenantId,
        /// Of what.
        sku: Sku,
        /// Where.
        warehouse: WarehouseId,
        /// According to the stock.
        reserved: i64,
        /// According to the reservations.
        open: i64,
    },
    /// The positions of the log are not one to its head, each once.
    #[error("the log's head is {head}, it has {events} events, the last at {last}")]
    LogBroken {
        /// The stored head.
        head: u64,
        /// How many events there are.
        events: u64,
        /// The last event's position.
        last: u64,
    },
    /// The orders as of a daily root do not give it: one was deleted, cut short or changed.
    #[error("{tenant}: the orders do not give the root of {day}")]
    RootDiffers {
        /// Whose.
        tenant: TenantId,
        /// Which.
        day: String,
    },
    /// A daily root's signature is not right.
    #[error("{tenant}: the root of {day} is not signed rightly")]
    SignatureWrong {
        /// Whose.
        tenant: TenantId,
        /// Which.
        day: String,
    },
    /// A row cannot be understood.
    #[error("{tenant}: {what}")]
    Damaged {
        /// Whose.
        tenant: TenantId,
        /// What and why.
        what: String,
    },
}
