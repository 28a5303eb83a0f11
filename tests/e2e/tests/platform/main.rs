//! What a merchant meets: the story of an order, payment, refusals, crowds, policies.

mod concurrency;
mod disconnects;
mod no_fast_path;
mod operations;
mod plugins;
mod policies;
mod refusals;
mod saga;
mod scenarios;
mod stock;
mod story;
mod uploads;
