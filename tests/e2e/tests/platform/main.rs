//! What a merchant meets: the story of an order, payment, refusals, crowds, policies.

mod adapters;
mod bindings;
mod bulk;
mod callbacks;
mod concurrency;
mod disconnects;
mod hooks;
mod kit;
mod messages;
mod no_fast_path;
mod observed;
mod operations;
mod plugins;
mod policies;
mod refunds;
mod refusals;
mod saga;
mod scenarios;
mod shipping;
mod stock;
mod story;
mod uploads;
