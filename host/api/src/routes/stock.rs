//! Warehouses and what they hold.

pub mod inventory;
pub mod warehouses;
