//! Parts that are given up or back, and the money for them, in numbers.

use domain::command::credits::Refunded;
use domain::command::shipments::Action;
use domain::command::{Command, Refusal};
use domain::order::{Part, ShippingRefund, TrackingNews};
use domain::status::{EventKind, OrderStatus, PaymentStatus};

use crate::baskets::{START, allocation, draft, routed_line, routing_input, sku, small, warehouse};
use crate::story::{Story, bounce};
use domain::hooks::routing::Plan;

fn units(line_id: u32, quantity: u32) -> Vec<Part> {
    vec![Part { line_id, quantity }]
}

fn cancel(line_id: u32, quantity: u32) -> Command {
    Command::CancelItems { items: units(line_id, quantity), reason: "too many".to_owned() }
}

fn give_back(what: Refunded) -> Command {
    Command::Refund { what, reason: "it came late".to_owned() }
}

/// Three at 1.00 with 19 % on top, one at 2.00 without tax, and shipping at 5.00 with 19 %.
fn paid(shipping_refund: ShippingRefund) -> Story {
    let lines = vec![routed_line(1, sku(0), 3, None), routed_line(2, sku(1), 1, None)];
    let input = routing_input(lines, vec![warehouse(1, "US", 0, None)], Vec::new());
    let plan = Plan { allocations: vec![allocation(1, 1, 3), allocation(2, 1, 1)] };
    let mut draft = draft(input, &[(100, 190_000), (200, 0)], 500, false);
    draft.shipping_refund = shipping_refund;
    let mut story = Story::place(&draft, &plan);
    story.finish(START);
    assert_eq!(story.order.amounts.total, 357 + 200 + 595);
    story
}

fn refunds(story: &Story) -> Vec<i64> {
    story.order.payments.iter().flat_map(|p| &p.refunds).map(|r| r.amount).collect()
}

#[test]
fn units_come_to_their_share_and_the_last_to_the_rest() {
    let mut story = paid(ShippingRefund::WithLast);
    for _ in 0..3 {
        assert_eq!(story.must(&cancel(1, 1), START), 1);
    }
    assert_eq!(refunds(&story), [119, 119, 119]);
    let mut other = paid(ShippingRefund::WithLast);
    other.order.lines[0].tax.amount = 58;
    // 3.58 for three: 1.19333, 2.38667 and 3.58.
    let credits = [1, 2, 3].map(|n| other.order.credit_for(&units(1, n)).amount());
    assert_eq!(credits, [119, 239, 358]);
}

#[test]
fn shipping_comes_back_as_it_was_agreed() {
    let after = |refund, parts: &[(u32, u32)]| {
        let story = paid(refund);
        let parts: Vec<Part> = parts.iter().map(|&(line_id, quantity)| Part { line_id, quantity }).collect();
        story.order.credit_for(&parts).shipping
    };
    let all = [(1, 3), (2, 1)];
    assert_eq!(after(ShippingRefund::Never, &all), 0);
    assert_eq!((after(ShippingRefund::WithLast, &[(1, 3)]), after(ShippingRefund::WithLast, &all)), (0, 595));
    // 5.95 by 3.57 to 2.00: 3.8136 and 2.1364.
    assert_eq!((after(ShippingRefund::Shared, &[(1, 3)]), after(ShippingRefund::Shared, &[(2, 1)])), (381, 214));
    assert_eq!(after(ShippingRefund::Shared, &all), 595);
    assert_eq!(after(ShippingRefund::Shared, &[(1, 1)]), 127);
}

#[test]
fn the_last_unit_ends_the_order() {
    let mut story = paid(ShippingRefund::Never);
    story.must(&cancel(1, 3), START);
    story.must(&cancel(2, 1), START);
    assert_eq!(story.order.status, OrderStatus::Cancelled);
    assert_eq!(refunds(&story), [357, 795], "who cancels all of it gets all of it");
}

#[test]
fn what_has_left_is_not_cancelled() {
    let mut story = paid(ShippingRefund::WithLast);
    let shipment_id = story.order.shipments[0].shipment_id;
    let apart = Action::Split { items: units(1, 2) };
    story.must(&Command::Shipment { shipment_id, action: apart }, START);
    story.must(&Command::Shipment { shipment_id, action: Action::Ship(TrackingNews::default()) }, START);
    assert_eq!(
        story.send(&cancel(1, 3), START),
        Err(Refusal::TooManyUnits { index: 0, line_id: 1, left: 2 }),
        "one of them is on its way"
    );
    story.must(&cancel(1, 2), START);
    assert_eq!((story.order.status, refunds(&story)), (OrderStatus::Shipped, vec![238]));
}

#[test]
fn an_order_that_is_not_paid_yet_costs_less() {
    let (mut draft, plan) = small(100, None);
    draft.shipping_refund = ShippingRefund::WithLast;
    let mut story = Story::place(&draft, &plan);
    story.must(&cancel(1, 1), START);
    // The authorisation was asked for before: what is too much is given back once it is there.
    story.finish(START);
    assert_eq!((story.order.payments[0].captured, refunds(&story)), (300, vec![100]));

    let (draft, plan) = small(100, Some(domain::order::HoldSource::Risk));
    let mut held = Story::place(&draft, &plan);
    held.must(&cancel(1, 1), START);
    held.finish(START);
    assert_eq!((held.order.payments[0].captured, refunds(&held)), (200, Vec::new()));
}

#[test]
fn no_more_is_given_back_than_was_taken() {
    let mut story = paid(ShippingRefund::WithLast);
    story.must(&give_back(Refunded::Amount(1_000)), START);
    let too_much = Refusal::RefundExceedsCaptured { left: 152 };
    assert_eq!(story.send(&give_back(Refunded::Amount(153)), START), Err(too_much), "what is on its way counts");
    story.must(&give_back(Refunded::Items(units(1, 1))), START);
    assert_eq!(story.order.payment().map(|p| p.status), Some(PaymentStatus::Captured), "nothing is given back yet");
    story.finish(START);
    assert_eq!(refunds(&story), [1_000, 119]);
    assert_eq!(story.order.payment().map(|p| p.status), Some(PaymentStatus::PartiallyRefunded));
}

#[test]
fn money_that_comes_back_is_given_once_more_when_somebody_has_looked() {
    let mut story = paid(ShippingRefund::WithLast);
    story.must(&give_back(Refunded::Amount(100)), START);
    story.finish(START);
    let refund_id = story.order.payments[0].refunds[0].refund_id;
    let failed = bounce(&story.order, refund_id);
    assert_eq!(story.must(&failed, START), 1);
    assert_eq!(story.order.payments[0].refunded, 0);
    assert!(story.order.is_held() && story.order.wake_at().is_none(), "a person looks first");
    story.must(&Command::Release, START);
    story.finish(START);
    assert_eq!((story.order.payments[0].refunded, refunds(&story)), (100, vec![100]));
    assert_eq!(story.kinds().iter().filter(|kind| **kind == EventKind::PaymentRefundFailed).count(), 1);
}
