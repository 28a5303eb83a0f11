//! How long everything may take.

use std::time::Duration;

/// The lengths of the scenarios. Added up with starts, stocking and raw they stay below the promised time.
pub struct Plan {
    pub is_quick: bool,
    pub warm_up: Duration,
    pub closed: Duration,
    /// The same loop with totals of zero.
    pub free: Duration,
    pub open: Duration,
    pub hot: Duration,
    pub reads: Duration,
    pub isolation: Duration,
    /// The longest wait for payments.
    pub drain_max: Duration,
    /// All waits for payments together.
    pub drains_max: Duration,
    /// A probe that has no answer by then counts as this long.
    pub probe_max: Duration,
    /// When it is this late, the scenarios that are left are left out.
    pub late: Duration,
    /// How many orders raw writes.
    pub raw_orders: usize,
    /// In how many orders a transaction.
    pub raw_sizes: &'static [usize],
}

impl Plan {
    pub const fn full() -> Self {
        Self {
            is_quick: false,
            warm_up: Duration::from_secs(3),
            closed: Duration::from_secs(15),
            free: Duration::from_secs(6),
            open: Duration::from_secs(15),
            hot: Duration::from_secs(8),
            reads: Duration::from_secs(5),
            isolation: Duration::from_secs(5),
            drain_max: Duration::from_secs(40),
            drains_max: Duration::from_secs(90),
            probe_max: Duration::from_secs(20),
            late: Duration::from_secs(310),
            raw_orders: 16_384,
            raw_sizes: &[16, 64, 256, 1024],
        }
    }

    pub const fn quick() -> Self {
        Self {
            is_quick: true,
            warm_up: Duration::from_secs(1),
            closed: Duration::from_secs(5),
            free: Duration::from_secs(1),
            open: Duration::from_secs(5),
            hot: Duration::from_secs(3),
            reads: Duration::from_secs(2),
            isolation: Duration::from_secs(1),
            drain_max: Duration::from_secs(5),
            drains_max: Duration::from_secs(15),
            probe_max: Duration::from_secs(5),
            late: Duration::from_secs(75),
            raw_orders: 2048,
            raw_sizes: &[64, 256, 1024],
        }
    }
}
