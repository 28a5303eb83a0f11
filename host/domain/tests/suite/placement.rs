//! From a basket and a plan to an order: what ships, what it costs, and where it begins.

use std::collections::{BTreeMap, BTreeSet};

use domain::hooks::routing::{Answer, validate};
use domain::ids::{ShipmentId, Sku, WarehouseId};
use domain::money::AMOUNT_MAX;
use domain::order::{HoldSource, Line, Order, TaskKind};
use domain::placement::{Draft, TotalTooLarge, add_up};
use domain::status::{EventKind, OrderStatus, PaymentStatus};
use proptest::prelude::*;

use crate::baskets::{RETRY_SECONDS, START, drafts, small};
use crate::story::Story;

fn check_shipments(order: &Order) {
    for line in &order.lines {
        let items: Vec<_> =
            order.shipments.iter().flat_map(|s| &s.items).filter(|i| i.line_id == line.line_id).collect();
        assert!(items.iter().all(|i| i.sku == line.sku && i.quantity > 0));
        assert_eq!(items.iter().map(|i| i.quantity).sum::<u32>(), line.quantity, "line {}", line.line_id);
    }
    let warehouses: BTreeSet<_> = order.shipments.iter().map(|s| &s.warehouse_id).collect();
    assert_eq!(warehouses.len(), order.shipments.len(), "one shipment a warehouse");
    let ids: BTreeSet<ShipmentId> = order.shipments.iter().map(|s| s.shipment_id).collect();
    assert_eq!(ids.len(), order.shipments.len());
    for shipment in &order.shipments {
        let lines: BTreeSet<_> = shipment.items.iter().map(|i| i.line_id).collect();
        assert_eq!(lines.len(), shipment.items.len(), "one entry a line");
    }
}

fn check_amounts(order: &Order) {
    let amounts = order.amounts;
    let subtotal: i64 = order.lines.iter().map(|l| l.price * i64::from(l.quantity)).sum();
    let taxes: i64 = order.lines.iter().map(|l| l.tax.amount).sum::<i64>() + order.shipping_tax.amount;
    assert_eq!((amounts.subtotal, amounts.tax, amounts.discount), (subtotal, taxes, 0));
    let on_top = if order.prices_include_tax { 0 } else { taxes };
    assert_eq!(amounts.total, subtotal + amounts.shipping_cost + on_top);
    assert_eq!(order.payments.iter().map(|p| p.amount).sum::<i64>(), amounts.total);
}

fn check_beginning(draft: &Draft, story: &Story) {
    let order = &story.order;
    let (held, free) = (!draft.holds.is_empty(), order.amounts.total == 0);
    let (status, kinds) = match (held, free) {
        (true, _) => (OrderStatus::Placed, vec![EventKind::Placed]),
        (false, true) => (OrderStatus::PaymentConfirmed, vec![EventKind::Placed, EventKind::PaymentNotRequired]),
        (false, false) => (OrderStatus::PaymentPending, vec![EventKind::Placed]),
    };
    assert_eq!((order.status, story.kinds()), (status, kinds));
    assert_eq!(order.holds.len(), draft.holds.len());
    assert_eq!(order.payments.len(), usize::from(!free));
    assert!(order.payments.iter().all(|p| p.status == PaymentStatus::Pending));
    let tasks: Vec<_> = order.tasks.iter().map(|t| (t.task_id, t.kind, t.due)).collect();
    match order.payment() {
        Some(payment) if !held => {
            assert_eq!(tasks, [(1, TaskKind::Authorize { payment_id: payment.payment_id }, START)]);
        }
        _ => assert_eq!(tasks, []),
    }
}

proptest! {
    #[test]
    fn an_order_is_what_was_asked_for((draft, plan) in drafts()) {
        let answer = Answer { plans: vec![plan.clone()] };
        prop_assert!(validate(&draft.routing, answer).is_ok());
        let story = Story::place(&draft, &plan);
        check_shipments(&story.order);
        check_amounts(&story.order);
        check_beginning(&draft, &story);
        prop_assert_eq!(&story.order.lines, &draft.lines);
        prop_assert_eq!(story.order.payment_retry_seconds, RETRY_SECONDS);
        let mut planned: BTreeMap<(Sku, WarehouseId), i64> = BTreeMap::new();
        for part in &plan.allocations {
            let line = draft.lines.iter().find(|l| l.line_id == part.line_id).unwrap();
            *planned.entry((line.sku.clone(), part.warehouse_id.clone())).or_default() += i64::from(part.quantity);
        }
        let planned: Vec<_> = planned.into_iter().map(|((sku, warehouse), units)| (sku, warehouse, units)).collect();
        prop_assert_eq!(story.order.reservations(), planned);
    }

    #[test]
    fn sums_are_exact_or_refused(
        prices in prop::collection::vec(
            // A few of the largest reach the limit, and one alone stays below it.
            prop_oneof![
                (0..=AMOUNT_MAX, 1u32..=1_000_000, 0..=AMOUNT_MAX),
                (0..=AMOUNT_MAX / 2, Just(1u32), 0..=AMOUNT_MAX / 4),
            ],
            1..4,
        ),
        shipping in 0..=AMOUNT_MAX / 4,
        inclusive: bool,
    ) {
        let lines: Vec<Line> = prices.iter().map(|&(price, quantity, tax)| line(price, quantity, tax)).collect();
        let exact = |values: &mut dyn Iterator<Item = i128>| values.sum::<i128>();
        let subtotal = exact(&mut prices.iter().map(|p| i128::from(p.0) * i128::from(p.1)));
        let tax = exact(&mut prices.iter().map(|p| i128::from(p.2)));
        let total = subtotal + i128::from(shipping) + if inclusive { 0 } else { tax };
        let fits = [subtotal, tax, total].iter().all(|v| *v <= i128::from(AMOUNT_MAX));
        match add_up(&lines, shipping, 0, inclusive) {
            Ok(amounts) => {
                prop_assert!(fits);
                prop_assert_eq!(i128::from(amounts.subtotal), subtotal);
                prop_assert_eq!(i128::from(amounts.tax), tax);
                prop_assert_eq!(i128::from(amounts.total), total);
            }
            Err(TotalTooLarge) => prop_assert!(!fits),
        }
    }
}

fn line(price: i64, quantity: u32, tax: i64) -> Line {
    let (draft, _) = small(0, None);
    let mut line = draft.lines[0].clone();
    line.price = price;
    line.quantity = quantity;
    line.tax.amount = tax;
    line
}

#[test]
fn the_largest_total_is_accepted_and_one_more_is_not() {
    let lines = [line(AMOUNT_MAX - 10, 1, 4)];
    assert_eq!(add_up(&lines, 5, 1, false).map(|a| a.total), Ok(AMOUNT_MAX));
    assert_eq!(add_up(&lines, 6, 1, false), Err(TotalTooLarge));
    assert_eq!(add_up(&lines, 10, 1, true).map(|a| a.total), Ok(AMOUNT_MAX));
    assert_eq!(add_up(&lines, 11, 1, true), Err(TotalTooLarge));
    assert_eq!(add_up(&[line(i64::MAX, u32::MAX, 0)], 0, 0, true), Err(TotalTooLarge));
}

#[test]
fn inclusive_prices_carry_their_tax_and_exclusive_ones_add_it() {
    let lines = [line(1_190, 1, 190)];
    let inclusive = add_up(&lines, 595, 95, true).unwrap();
    assert_eq!((inclusive.subtotal, inclusive.tax, inclusive.total), (1_190, 285, 1_785));
    let exclusive = add_up(&lines, 595, 95, false).unwrap();
    assert_eq!((exclusive.subtotal, exclusive.tax, exclusive.total), (1_190, 285, 2_070));
}

#[test]
fn allocations_to_one_warehouse_become_one_shipment() {
    let (draft, mut plan) = small(100, Some(HoldSource::Risk));
    plan.allocations.rotate_left(1);
    let (order, _) = draft.place(&plan);
    let shape: Vec<_> = order
        .shipments
        .iter()
        .map(|s| (s.warehouse_id.as_str(), s.items.iter().map(|i| (i.line_id, i.quantity)).collect::<Vec<_>>()))
        .collect();
    assert_eq!(shape, [("WH-2", vec![(1, 1), (2, 1)]), ("WH-1", vec![(1, 1)])]);
    plan.allocations = vec![plan.allocations[2].clone(); 2];
    let (order, _) = draft.place(&plan);
    assert_eq!(order.shipments[0].items[0].quantity, 2, "parts of one line are added up");
}
