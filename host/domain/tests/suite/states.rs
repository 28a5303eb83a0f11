//! The tables of states: what the documentation shows is what the code does.

use domain::status::{
    DERIVATIONS, OrderStatus, Share, ShipmentStatus, derivations_markdown, shipment_moves_markdown,
    transitions_markdown,
};
use proptest::prelude::*;

/// Set to write `STATES.md` anew.
const UPDATE: &str = "UPDATE_DOCS";

fn document() -> String {
    format!(
        "# The states of an order\n\n\
         Generated from `src/status.rs`: `{UPDATE}=1 cargo nextest run -p domain states` writes it anew.\n\n\
         ## What events do\n\n\
         An order begins as `placed` (to be looked at by a person, or with nothing to pay) or as `payment_pending`. In a status\n\
         that has no row for an event, what would cause the event is refused.\n\n{}\n\
         ## What a shipment may become\n\n{}\n\
         ## What shipments say\n\n\
         Once shipments move, the order's status is derived from them: the first row that fits counts. Where none fits, no\n\
         shipment has moved and the payment decides.\n\n{}",
        transitions_markdown(),
        shipment_moves_markdown(),
        derivations_markdown()
    )
}

#[test]
fn the_documented_tables_are_those_of_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/STATES.md");
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(path, document()).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(written, document(), "STATES.md is out of date: run with {UPDATE}=1");
}

#[test]
fn every_row_about_shipments_is_the_first_that_fits_for_some() {
    for row in DERIVATIONS {
        let mut shipments = vec![row.states[0]];
        if row.share == Share::Any {
            shipments.push(ShipmentStatus::Pending);
        }
        assert_eq!(OrderStatus::from_shipments(&shipments), Some(row.order), "{row:?}");
    }
}

proptest! {
    /// The API's words for it, written once more without the table.
    #[test]
    fn the_derivation_follows_the_contract(states in prop::collection::vec(prop::sample::select(ShipmentStatus::ALL), 0..6)) {
        use ShipmentStatus as S;
        let left = |s: &S| !matches!(s, S::Pending | S::Packed);
        let wanted: Vec<S> = states.iter().copied().filter(|s| *s != S::Cancelled).collect();
        let derived = OrderStatus::from_shipments(&states);
        if wanted.is_empty() {
            prop_assert_eq!(derived, (!states.is_empty()).then_some(OrderStatus::Cancelled));
        } else if wanted.iter().all(left) {
            let arrived = wanted.iter().all(|s| *s == S::Delivered);
            let near = wanted.iter().all(|s| matches!(s, S::Delivered | S::OutForDelivery));
            let expected = match (arrived, near) {
                (true, _) => OrderStatus::Delivered,
                (_, true) => OrderStatus::OutForDelivery,
                _ => OrderStatus::Shipped,
            };
            prop_assert_eq!(derived, Some(expected));
        } else if wanted.iter().any(left) {
            prop_assert_eq!(derived, Some(OrderStatus::PartiallyShipped));
        } else {
            prop_assert_eq!(derived, wanted.contains(&S::Packed).then_some(OrderStatus::Processing));
        }
        let mut turned = states;
        turned.reverse();
        prop_assert_eq!(OrderStatus::from_shipments(&turned), derived, "the order of shipments does not matter");
    }
}
