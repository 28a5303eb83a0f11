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
pub mod geo;
pub mod log;

pub use bindings::shared::orderwright::policy::types::{Context, Destination};

/// The routing hook: which warehouse ships which line. See [`export_routing`].
pub mod routing {
    pub use crate::bindings::routing::exports::orderwright::policy::route::{
        Allocation, Answer, Input, Line, Plan, Stock, Warehouse,
    };
    pub use crate::{Context, Destination};
}

/// Hooks whose world has changed in revision 0.2.
pub mod v0_2 {
    /// The routing hook, which knows what the goods are sold for. See [`export_routing_v0_2`](crate::export_routing_v0_2).
    pub mod routing {
        pub use crate::bindings::v0_2::routing::exports::orderwright::policy::route::{
            Allocation, Answer, Input, Line, Plan, Stock, Warehouse,
        };
        pub use crate::{Context, Destination};
    }
}

/// Hooks whose world has changed in revision 0.3.
pub mod v0_3 {
    /// The payment hook, whose adapters say what their provider can do, understand several events in one call, and list.
    /// See [`export_payment_v0_3`](crate::export_payment_v0_3).
    pub mod payment {
        pub use crate::Context;
        pub use crate::bindings::v0_3::payment::exports::orderwright::policy::payment_adapter::{
            ActionRequired, Authorize, Capabilities, ClosedDispute, Description, Dispute, LedgerEntry, Listing, Move,
            Movement, News, Notice, Operation, Outcome, Query, Refund, Settled, Standing, State, Step,
        };
        pub use crate::exchange::*;
    }
}

/// The pricing hook: what is taken off the prices. See [`export_pricing`].
pub mod pricing {
    pub use crate::bindings::pricing::exports::orderwright::policy::promotion::{
        Answer, Discount, Input, Line, LineDiscount,
    };
    pub use crate::{Context, Destination};
}

/// The shipping hook: what shipping costs and when the goods arrive. See [`export_shipping`].
pub mod shipping {
    pub use crate::bindings::shipping::exports::orderwright::policy::delivery::{
        Answer, Input, Item, Line, Offer, Parcel,
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

/// The notification hook: what is told to whom. See [`export_notification`].
pub mod notification {
    pub use crate::Context;
    pub use crate::bindings::notification::exports::orderwright::policy::announcement::{
        Answer, Event, Input, Line, Message, Order, Recipient, Shipment,
    };
}

/// What adapters have in common: requests, credentials, transcripts.
pub mod exchange {
    pub use crate::bindings::shared::orderwright::policy::exchange::{
        Basic, Blob, Body, Callback, Client, Credential, Declined, Descriptor, Encoding, Entry, Escape, Extract,
        Failed, Header, KeyHeader, Request, Response, Safety, Signature, TransportError, VerifyHmac, Wait,
    };
}

/// The payment hook: an adapter for a provider. See [`export_payment`].
pub mod payment {
    pub use crate::Context;
    pub use crate::bindings::payment::exports::orderwright::policy::payment_adapter::{
        ActionRequired, Authorize, Move, Operation, Outcome, Query, Refund, State, Step,
    };
    pub use crate::exchange::*;
}

/// The carrier hook: an adapter for a carrier. See [`export_carrier`].
pub mod carrier {
    pub use crate::bindings::carrier::exports::orderwright::policy::carrier_adapter::{
        BlobPart, Content, Document, Item, Label, LabelOrder, LabelReference, Offer, Operation, Origin, Outcome,
        Parcel, Query, Status, Step, Tracking,
    };
    pub use crate::exchange::*;
    pub use crate::{Context, Destination};
}

/// The channel hook: an adapter for somebody who delivers messages. See [`export_channel`].
pub mod channel {
    pub use crate::Context;
    pub use crate::bindings::channel::exports::orderwright::policy::channel_adapter::{
        Message, Operation, Outcome, Query, Receipt, State, Step,
    };
    pub use crate::exchange::*;
}
