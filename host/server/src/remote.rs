//! A running server as the command line's tools reach it: its address, its REST API, and Ctrl-C.

pub mod client;
pub mod place;
pub mod progress;
pub mod stop;
pub mod target;
