//! Write an Orderwright policy in Rust: one function and one macro.
//!
//! ```
//! use orderwright_sdk::risk::{Answer, Input, Verdict};
//!
//! fn screen(input: Input) -> Result<Answer, String> {
//!     orderwright_sdk::info!("{} lines", input.lines.len());
//!     Ok(Answer { verdict: Verdict::Accept, score: 0, reasons: vec![] })
//! }
//!
//! orderwright_sdk::export_risk!(screen);
//! # fn main() {}
//! ```
//!
//! The types are those of the WIT package `orderwright:policy`, whose comments are the reference. Build the crate as a
//! `cdylib` for `wasm32-unknown-unknown` with `wasm-component-ld` as the linker. On any other target everything but the
//! log compiles and runs too, so a policy's logic is tested with a plain `cargo test`.

pub mod bindings;
pub mod bump;
pub mod config;
mod export;
pub mod log;

pub use bindings::shared::orderwright::policy::types::{Context, Destination};

/// The routing hook: which warehouse ships which line. See [`export_routing`].
pub mod routing {
    pub use crate::bindings::routing::exports::orderwright::policy::route::{
        Allocation, Answer, Input, Line, Plan, Stock, Warehouse,
    };
    pub use crate::{Context, Destination};
}

/// The tax hook: how much tax is due. See [`export_tax`].
pub mod tax {
    pub use crate::bindings::tax::exports::orderwright::policy::taxation::{Answer, Charge, Input, Line, LineTax};
    pub use crate::{Context, Destination};
}

/// The risk hook: whether an order may be placed. See [`export_risk`].
pub mod risk {
    pub use crate::bindings::risk::exports::orderwright::policy::screening::{Answer, Input, Line, Verdict};
    pub use crate::{Context, Destination};
}

/// The payment hook: an adapter for a provider. See [`export_payment`].
pub mod payment {
    pub use crate::Context;
    pub use crate::bindings::payment::exports::orderwright::policy::payment_adapter::{
        ActionRequired, Authorize, Basic, Blob, Body, Callback, Credential, Declined, Descriptor, Entry, Extract,
        Failed, Header, Move, Operation, Outcome, Query, Refund, Request, Response, Safety, State, Step,
        TransportError, VerifyHmac, Wait,
    };
}
