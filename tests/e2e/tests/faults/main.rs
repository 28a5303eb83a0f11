//! Processes that are killed and disks that forget: what was acknowledged is there once, whatever happened.

mod full_disk;
mod kills;
mod messages;
mod power_loss;
mod stops;
