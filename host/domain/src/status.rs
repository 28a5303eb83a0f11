//! The states of an order, a shipment and a payment, and the tables that say how they follow each other.

use serde::{Deserialize, Serialize};

macro_rules! states {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            /// Every state, in its usual order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in the API, in SQL and in documents.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|s| s.name() == text).ok_or_else(|| {
                    let names: Vec<_> = Self::ALL.iter().map(|s| s.name()).collect();
                    format!("must be one of {}", names.join(", "))
                })
            }
        }
    };
}

states!(/// Where an order stands.
OrderStatus {
    /// Accepted, nothing authorised yet.
    Placed = "placed",
    /// The payment is being authorised and captured.
    PaymentPending = "payment_pending",
    /// The payment was declined; the stock is held until `retry_until`.
    PaymentFailed = "payment_failed",
    /// Paid, or nothing to pay.
    PaymentConfirmed = "payment_confirmed",
    /// A warehouse has begun.
    Processing = "processing",
    /// Some shipments have left.
    PartiallyShipped = "partially_shipped",
    /// Every shipment has left.
    Shipped = "shipped",
    /// Every shipment is with the last courier or delivered.
    OutForDelivery = "out_for_delivery",
    /// Every shipment has arrived.
    Delivered = "delivered",
    /// Everything came back.
    Returned = "returned",
    /// Over, nothing ships.
    Cancelled = "cancelled",
});

states!(/// Where a shipment stands.
ShipmentStatus {
    /// Not begun.
    Pending = "pending",
    /// Packed, waiting for the carrier.
    Packed = "packed",
    /// Handed to the carrier.
    Shipped = "shipped",
    /// On its way.
    InTransit = "in_transit",
    /// With the last courier.
    OutForDelivery = "out_for_delivery",
    /// Arrived.
    Delivered = "delivered",
    /// Something went wrong on the way.
    Exception = "exception",
    /// Will not ship.
    Cancelled = "cancelled",
});

states!(/// Where a payment stands.
PaymentStatus {
    /// Not yet authorised.
    Pending = "pending",
    /// The customer must confirm.
    RequiresAction = "requires_action",
    /// Authorised, not captured.
    Authorized = "authorized",
    /// Captured in part.
    PartiallyCaptured = "partially_captured",
    /// Captured.
    Captured = "captured",
    /// Given back in part.
    PartiallyRefunded = "partially_refunded",
    /// Given back.
    Refunded = "refunded",
    /// Given up without a charge.
    Voided = "voided",
    /// Declined.
    Failed = "failed",
    /// Nobody knows; an operator must look.
    Unknown = "unknown",
});

states!(/// What happened to an order; the `type` of its events.
EventKind {
    /// The order was accepted and its stock reserved.
    Placed = "order.placed",
    /// There is nothing to pay.
    PaymentNotRequired = "order.payment_not_required",
    /// Another payment was tried.
    PaymentAttempted = "order.payment_attempted",
    /// The customer must confirm the payment.
    PaymentActionRequired = "order.payment_action_required",
    /// The provider authorised the payment.
    PaymentAuthorized = "order.payment_authorized",
    /// The provider declined the payment.
    PaymentDeclined = "order.payment_declined",
    /// The payment was captured.
    PaymentCaptured = "order.payment_captured",
    /// A payment that was never sent was given up.
    PaymentAbandoned = "order.payment_abandoned",
    /// An authorisation was given up.
    PaymentVoided = "order.payment_voided",
    /// Captured money was given back.
    PaymentRefunded = "order.payment_refunded",
    /// Somebody gives money back.
    RefundRequested = "order.refund_requested",
    /// The outcome of a payment operation could not be learnt.
    PaymentUnknown = "order.payment_unknown",
    /// A refund that the provider had accepted did not arrive.
    PaymentRefundFailed = "order.payment_refund_failed",
    /// The customer's bank asks for captured money.
    PaymentDisputed = "order.payment_disputed",
    /// A dispute is over.
    PaymentDisputeClosed = "order.payment_dispute_closed",
    /// The order was parked.
    HoldPlaced = "order.hold_placed",
    /// The order was freed.
    HoldReleased = "order.hold_released",
    /// Some units were cancelled.
    ItemsCancelled = "order.items_cancelled",
    /// A shipment was packed.
    ShipmentPacked = "order.shipment_packed",
    /// A shipment was divided in two.
    ShipmentSplit = "order.shipment_split",
    /// A shipment was handed to its carrier.
    ShipmentShipped = "order.shipment_shipped",
    /// A shipment is on its way.
    ShipmentInTransit = "order.shipment_in_transit",
    /// A shipment is with the last courier.
    ShipmentOutForDelivery = "order.shipment_out_for_delivery",
    /// A shipment has arrived.
    ShipmentDelivered = "order.shipment_delivered",
    /// Something went wrong with a shipment on its way.
    ShipmentException = "order.shipment_exception",
    /// More became known about a shipment on its way.
    ShipmentUpdated = "order.shipment_updated",
    /// The order was cancelled.
    Cancelled = "order.cancelled",
});

/// What an event makes of an order's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Next {
    /// It is this one now.
    Status(OrderStatus),
    /// It stays what it was.
    Same,
    /// What the shipments say: see [`DERIVATIONS`].
    Derived,
}

/// One row of the transition table: in any of these statuses an event of this kind may happen, and this follows.
#[derive(Debug, Clone, Copy)]
pub struct Transition {
    /// What happens.
    pub kind: EventKind,
    /// Where the order stands before.
    pub from: &'static [OrderStatus],
    /// What follows.
    pub next: Next,
}

/// Every event that may happen to an order, with the statuses in which it may. Kinds that are facts of the outside world
/// (a provider's answer, a carrier's report) are accepted in every status in which they can arrive, cancelled included.
pub const TRANSITIONS: &[Transition] = {
    use EventKind as E;
    use OrderStatus::{
        Cancelled, Delivered, OutForDelivery, PartiallyShipped, PaymentConfirmed, PaymentFailed, PaymentPending,
        Placed, Processing, Shipped,
    };
    const fn row(kind: EventKind, from: &'static [OrderStatus], next: Next) -> Transition {
        Transition { kind, from, next }
    }
    /// Money may have been taken.
    const PAID: &[OrderStatus] =
        &[PaymentConfirmed, Processing, PartiallyShipped, Shipped, OutForDelivery, Delivered, Cancelled];
    /// A payment has begun, and something can still be said of it.
    const BEGUN: &[OrderStatus] = &[
        PaymentPending,
        PaymentFailed,
        PaymentConfirmed,
        Processing,
        PartiallyShipped,
        Shipped,
        OutForDelivery,
        Delivered,
        Cancelled,
    ];
    /// Something may still be kept from being sent.
    const UNSENT: &[OrderStatus] =
        &[Placed, PaymentPending, PaymentFailed, PaymentConfirmed, Processing, PartiallyShipped];
    /// Something has not left yet, and a warehouse may begin.
    const READY: &[OrderStatus] = &[PaymentConfirmed, Processing, PartiallyShipped];
    /// Something is on its way.
    const SENT: &[OrderStatus] = &[PartiallyShipped, Shipped, OutForDelivery];
    &[
        row(E::PaymentNotRequired, &[Placed], Next::Status(PaymentConfirmed)),
        // Freeing an order that was parked at placement begins its payment.
        row(E::HoldReleased, &[Placed], Next::Status(PaymentPending)),
        row(E::PaymentActionRequired, &[PaymentPending, Cancelled], Next::Same),
        row(E::PaymentAuthorized, &[PaymentPending, Cancelled], Next::Same),
        row(E::PaymentCaptured, &[PaymentPending], Next::Status(PaymentConfirmed)),
        row(E::PaymentDeclined, &[PaymentPending], Next::Status(PaymentFailed)),
        row(E::PaymentAttempted, &[PaymentFailed], Next::Status(PaymentPending)),
        // A cancelled order still takes in what the provider did, and gives it back.
        row(E::PaymentCaptured, &[Cancelled], Next::Same),
        row(E::PaymentDeclined, &[Cancelled], Next::Same),
        row(E::PaymentAbandoned, &[Cancelled], Next::Same),
        row(E::PaymentRefunded, PAID, Next::Same),
        row(
            E::RefundRequested,
            &[PaymentConfirmed, Processing, PartiallyShipped, Shipped, OutForDelivery, Delivered],
            Next::Same,
        ),
        // A declined capture is followed by giving up its authorisation, while another payment may already be tried, or
        // what it pays for may be on its way.
        row(E::PaymentVoided, BEGUN, Next::Same),
        row(E::PaymentUnknown, BEGUN, Next::Same),
        // What has left the warehouse whole can no longer be parked.
        row(E::HoldPlaced, UNSENT, Next::Same),
        row(E::HoldReleased, BEGUN, Next::Same),
        row(
            E::Cancelled,
            &[Placed, PaymentPending, PaymentFailed, PaymentConfirmed, Processing],
            Next::Status(Cancelled),
        ),
        row(E::ShipmentPacked, READY, Next::Derived),
        row(E::ShipmentSplit, UNSENT, Next::Derived),
        row(E::ItemsCancelled, UNSENT, Next::Derived),
        row(E::ShipmentShipped, READY, Next::Derived),
        row(E::ShipmentInTransit, SENT, Next::Derived),
        row(E::ShipmentOutForDelivery, &[PartiallyShipped, Shipped], Next::Derived),
        row(E::ShipmentDelivered, SENT, Next::Derived),
        row(E::ShipmentException, SENT, Next::Derived),
        row(E::ShipmentUpdated, &[PartiallyShipped, Shipped, OutForDelivery, Delivered], Next::Derived),
    ]
};

/// Every move of a shipment: from each status to these.
pub const SHIPMENT_MOVES: &[(ShipmentStatus, &[ShipmentStatus])] = {
    use ShipmentStatus::{Cancelled, Delivered, Exception, InTransit, OutForDelivery, Packed, Pending, Shipped};
    &[
        // Who packs and hands over at once need not say both.
        (Pending, &[Packed, Shipped, Cancelled]),
        (Packed, &[Shipped, Cancelled]),
        // Carriers do not report every step.
        (Shipped, &[InTransit, OutForDelivery, Delivered, Exception]),
        (InTransit, &[OutForDelivery, Delivered, Exception]),
        // The courier found nobody.
        (OutForDelivery, &[InTransit, Delivered, Exception]),
        (Exception, &[InTransit, OutForDelivery, Delivered]),
        (Delivered, &[]),
        (Cancelled, &[]),
    ]
};

impl ShipmentStatus {
    /// Whether a shipment may go from here to there.
    #[must_use]
    pub fn may_become(self, to: Self) -> bool {
        SHIPMENT_MOVES.iter().any(|(from, targets)| *from == self && targets.contains(&to))
    }

    /// Whether it is still in the warehouse and will leave it.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Packed)
    }

    /// Whether it has left the warehouse. What went wrong on the way has left it all the same.
    #[must_use]
    pub const fn has_left(self) -> bool {
        matches!(self, Self::Shipped | Self::InTransit | Self::OutForDelivery | Self::Delivered | Self::Exception)
    }
}

impl EventKind {
    /// What a provider tells of captured money, unasked: it is taken in in every status, and changes none.
    pub const TOLD: [Self; 3] = [Self::PaymentRefundFailed, Self::PaymentDisputed, Self::PaymentDisputeClosed];
}

impl OrderStatus {
    /// What follows on an event of this kind, or none where the table has no such row.
    #[must_use]
    pub fn after(self, kind: EventKind) -> Option<Next> {
        if EventKind::TOLD.contains(&kind) {
            return Some(Next::Same);
        }
        TRANSITIONS.iter().find(|row| row.kind == kind && row.from.contains(&self)).map(|row| row.next)
    }

    /// What the shipments say about the order once they move, or none while no shipment has moved.
    ///
    /// Cancelled shipments do not count. A shipment with an exception counts as on its way.
    #[must_use]
    pub fn from_shipments(shipments: &[ShipmentStatus]) -> Option<Self> {
        let counted: Vec<ShipmentStatus> =
            shipments.iter().copied().filter(|s| *s != ShipmentStatus::Cancelled).collect();
        if counted.is_empty() {
            return (!shipments.is_empty()).then_some(Self::Cancelled);
        }
        DERIVATIONS.iter().find(|row| row.fits(&counted)).map(|row| row.order)
    }
}

/// One row of the table that derives an order's status from its shipments.
#[derive(Debug, Clone, Copy)]
pub struct Derivation {
    /// How many of the shipments that count the row is about.
    pub share: Share,
    /// The states that they must be in.
    pub states: &'static [ShipmentStatus],
    /// What the order then is.
    pub order: OrderStatus,
}

/// How many of the shipments that count a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// Every one.
    All,
    /// At least one.
    Any,
}

/// What the shipments say about the order; the first row that fits counts. Cancelled shipments do not count; where all
/// are cancelled, so is the order; where no row fits, no shipment has moved and the payment decides.
pub const DERIVATIONS: &[Derivation] = {
    use OrderStatus as O;
    use ShipmentStatus::{Delivered, Exception, InTransit, OutForDelivery, Packed, Shipped};
    // What went wrong on the way has left the warehouse all the same.
    const LEFT: &[ShipmentStatus] = &[Shipped, InTransit, OutForDelivery, Delivered, Exception];
    &[
        Derivation { share: Share::All, states: &[Delivered], order: O::Delivered },
        Derivation { share: Share::All, states: &[OutForDelivery, Delivered], order: O::OutForDelivery },
        Derivation { share: Share::All, states: LEFT, order: O::Shipped },
        Derivation { share: Share::Any, states: LEFT, order: O::PartiallyShipped },
        Derivation { share: Share::Any, states: &[Packed], order: O::Processing },
    ]
};

impl Derivation {
    fn fits(&self, shipments: &[ShipmentStatus]) -> bool {
        let mut inside = shipments.iter().map(|s| self.states.contains(s));
        match self.share {
            Share::All => inside.all(|it| it),
            Share::Any => inside.any(|it| it),
        }
    }
}

/// The transition table as a Markdown table, for the documentation.
#[must_use]
pub fn transitions_markdown() -> String {
    let mut out = String::from("| event | in | then |\n|---|---|---|\n");
    for row in TRANSITIONS {
        let next = match row.next {
            Next::Status(status) => format!("`{status}`"),
            Next::Same => "as before".to_owned(),
            Next::Derived => "as the shipments say".to_owned(),
        };
        out.push_str(&format!("| `{}` | {} | {next} |\n", row.kind, names(row.from)));
    }
    for kind in EventKind::TOLD {
        out.push_str(&format!("| `{kind}` | any | as before |\n"));
    }
    out
}

/// The table of [`SHIPMENT_MOVES`] as a Markdown table, for the documentation.
#[must_use]
pub fn shipment_moves_markdown() -> String {
    let mut out = String::from("| from | to |\n|---|---|\n");
    for (from, to) in SHIPMENT_MOVES {
        out.push_str(&format!(
            "| `{from}` | {} |\n",
            if to.is_empty() { "nothing more".to_owned() } else { names(to) }
        ));
    }
    out
}

fn names<S: std::fmt::Display>(states: &[S]) -> String {
    states.iter().map(|state| format!("`{state}`")).collect::<Vec<_>>().join(", ")
}

/// The table of [`DERIVATIONS`] as a Markdown table, for the documentation.
#[must_use]
pub fn derivations_markdown() -> String {
    let mut out = String::from("| shipments that are not cancelled | order |\n|---|---|\n");
    for row in DERIVATIONS {
        let states: Vec<_> = row.states.iter().map(|s| format!("`{s}`")).collect();
        let share = match row.share {
            Share::All => "each is",
            Share::Any => "at least one is",
        };
        out.push_str(&format!("| {share} {} | `{}` |\n", states.join(" or "), row.order));
    }
    out.push_str(&format!("| there are none | `{}` |\n", OrderStatus::Cancelled));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_table_says_one_thing_per_status_and_event() {
        for from in OrderStatus::ALL {
            for kind in EventKind::ALL {
                let rows = TRANSITIONS.iter().filter(|row| row.kind == *kind && row.from.contains(from)).count();
                assert!(rows <= 1, "{rows} rows for {kind} in {from}");
            }
        }
    }

    #[test]
    fn every_shipment_status_has_its_row() {
        let rows: Vec<ShipmentStatus> = SHIPMENT_MOVES.iter().map(|(from, _)| *from).collect();
        assert_eq!(rows.len(), ShipmentStatus::ALL.len());
        assert!(ShipmentStatus::ALL.iter().all(|status| rows.contains(status)));
        for status in ShipmentStatus::ALL {
            assert_eq!(status.is_open(), status.may_become(ShipmentStatus::Cancelled), "{status}");
            assert!(!status.may_become(*status));
        }
    }

    #[test]
    fn names_come_back() {
        for status in OrderStatus::ALL {
            assert_eq!(status.name().parse::<OrderStatus>().as_ref(), Ok(status));
        }
        assert!("shiped".parse::<OrderStatus>().unwrap_err().contains("partially_shipped"));
    }

    #[test]
    fn shipments_decide_the_order() {
        use OrderStatus as O;
        use ShipmentStatus::*;
        let cases: &[(&[ShipmentStatus], Option<O>)] = &[
            (&[], None),
            (&[Pending, Pending], None),
            (&[Packed, Pending], Some(O::Processing)),
            (&[Shipped, Pending], Some(O::PartiallyShipped)),
            (&[Shipped, Cancelled], Some(O::Shipped)),
            (&[Exception, Delivered], Some(O::Shipped)),
            (&[OutForDelivery, Delivered], Some(O::OutForDelivery)),
            (&[Delivered, Delivered, Cancelled], Some(O::Delivered)),
            (&[Cancelled, Cancelled], Some(O::Cancelled)),
        ];
        for (shipments, expected) in cases {
            assert_eq!(O::from_shipments(shipments), *expected, "{shipments:?}");
        }
    }

    proptest! {
        #[test]
        fn a_cancelled_shipment_never_counts_beside_others(mut states in prop::collection::vec(prop::sample::select(ShipmentStatus::ALL), 1..6)) {
            prop_assume!(states.iter().any(|s| *s != ShipmentStatus::Cancelled));
            let before = OrderStatus::from_shipments(&states);
            states.push(ShipmentStatus::Cancelled);
            prop_assert_eq!(OrderStatus::from_shipments(&states), before);
        }
    }
}
