//! Single situations that went wrong elsewhere, or nearly did here.

use domain::command::{Command, DECLINE_CODE_CHARS_MAX, HOLDS_MAX, PAYMENTS_MAX, PROVIDER_MESSAGE_CHARS_MAX};
use domain::command::{PaymentFact, Refusal, TaskResult};
use domain::event::Event;
use domain::ids::RefundId;
use domain::order::{HoldSource, Refund, TaskKind};
use domain::status::{EventKind, OrderStatus, PaymentStatus};
use domain::time::Timestamp;
use domain::transition::apply;

use crate::baskets::{RETRY_SECONDS, START, small};
use crate::story::{Story, asked, declined, done, unknown};

const PRICE: i64 = 1_999;
const TOTAL: i64 = 3 * PRICE;

fn placed() -> Story {
    let (draft, plan) = small(PRICE, None);
    Story::place(&draft, &plan)
}

fn cancel() -> Command {
    Command::Cancel { reason: "changed my mind".to_owned() }
}

fn pay() -> Command {
    Command::Pay { payment_method_id: "pm_other".to_owned() }
}

fn hold() -> Command {
    Command::Hold { source: HoldSource::Manual, reason: "call them".to_owned() }
}

/// Resolves the only task that works on a payment.
fn resolve(story: &mut Story, result: TaskResult) -> usize {
    let tasks: Vec<_> = story.order.tasks.iter().filter(|t| t.kind.payment_id().is_some()).collect();
    assert_eq!(tasks.len(), 1, "{tasks:?}");
    let task_id = tasks[0].task_id;
    story.must(&Command::Resolved { task_id, result }, START)
}

fn succeed(story: &mut Story) {
    let task = story.order.tasks.iter().find(|t| t.kind.payment_id().is_some()).expect("there is a task").clone();
    let result = done(asked(&story.order, task.kind));
    story.must(&Command::Resolved { task_id: task.task_id, result }, START);
}

fn action() -> TaskResult {
    TaskResult::ActionRequired { url: "https://provider.example/3ds".to_owned(), until: START.plus_seconds(600) }
}

fn last_kinds(story: &Story, count: usize) -> Vec<EventKind> {
    let kinds = story.kinds();
    kinds[kinds.len() - count..].to_vec()
}

fn payment_statuses(story: &Story) -> Vec<PaymentStatus> {
    story.order.payments.iter().map(|p| p.status).collect()
}

#[test]
fn a_cancel_takes_back_the_invitation_to_confirm_and_still_learns_the_outcome() {
    let mut story = placed();
    assert_eq!(resolve(&mut story, action()), 1);
    assert!(story.order.payment().unwrap().next_action.is_some());
    assert_eq!(resolve(&mut story, action()), 0, "the same again is no news");
    story.must(&cancel(), START);
    assert_eq!(story.order.payment().unwrap().next_action, None);
    assert_eq!(payment_statuses(&story), [PaymentStatus::RequiresAction], "the provider still waits");
    assert!(story.order.wake_at().is_some(), "and is still asked");
    succeed(&mut story);
    assert!(matches!(story.order.tasks[0].kind, TaskKind::Void { .. }));
    story.finish(START);
}

#[test]
fn a_cancel_of_a_parked_order_leaves_nothing_to_do() {
    let (draft, plan) = small(PRICE, Some(HoldSource::Risk));
    let mut story = Story::place(&draft, &plan);
    story.must(&hold(), START);
    story.must(&cancel(), START);
    assert_eq!((story.order.holds.len(), story.order.tasks.len()), (0, 0));
    assert_eq!(payment_statuses(&story), [PaymentStatus::Voided]);
    assert_eq!(story.send(&Command::Release, START), Err(Refusal::NotHeld));
    assert_eq!(story.must(&cancel(), START), 0, "a repeated cancel answers the same");
}

#[test]
fn freeing_an_order_begins_its_payment_once() {
    let (draft, plan) = small(PRICE, Some(HoldSource::Risk));
    let mut story = Story::place(&draft, &plan);
    story.must(&Command::Release, START.plus_seconds(60));
    assert_eq!(story.order.status, OrderStatus::PaymentPending);
    assert_eq!(story.order.wake_at(), Some(START.plus_seconds(60)), "the payment is due when it is freed");
    story.must(&hold(), START);
    story.must(&Command::Release, START);
    assert_eq!(story.order.tasks.len(), 1);
}

#[test]
fn freeing_an_order_without_anything_to_pay_confirms_it() {
    let (draft, plan) = small(0, Some(HoldSource::Risk));
    let mut story = Story::place(&draft, &plan);
    assert_eq!(story.must(&Command::Release, START), 2);
    assert_eq!(story.kinds(), [EventKind::Placed, EventKind::PaymentNotRequired, EventKind::HoldReleased]);
    assert_eq!(story.order.status, OrderStatus::PaymentConfirmed);
    assert_eq!((story.order.payments.len(), story.order.wake_at()), (0, None));
    story.must(&cancel(), START);
    assert_eq!(story.order.tasks, []);
}

#[test]
fn an_unknown_payment_parks_the_order_once_and_is_tried_again_when_freed() {
    for steps_before in 0..2 {
        for is_cancelled in [false, true] {
            let mut story = placed();
            (0..steps_before).for_each(|_| succeed(&mut story));
            let status_before = payment_statuses(&story);
            if is_cancelled {
                story.must(&cancel(), START);
            }
            assert_eq!(resolve(&mut story, unknown()), 1);
            assert_eq!(resolve(&mut story, unknown()), 0, "the same news parks it once");
            assert_eq!(story.order.holds.len(), 1);
            assert_eq!(story.order.wake_at(), None, "nothing is tried behind the operator's back");
            let later = START.plus_seconds(3600);
            story.must(&Command::Release, later);
            assert_eq!(payment_statuses(&story), status_before);
            assert_eq!(story.order.wake_at(), Some(later));
            story.finish(later);
        }
    }
}

#[test]
fn cancelling_a_parked_order_does_not_try_an_unknown_payment_again() {
    let mut story = placed();
    succeed(&mut story);
    resolve(&mut story, unknown());
    story.must(&cancel(), START);
    assert!(story.order.is_held());
    assert_eq!(story.order.wake_at(), None, "a capture that may have been done is looked at first");
    story.must(&Command::Release, START);
    assert_eq!(resolve(&mut story, declined()), 1);
    assert!(matches!(story.order.tasks[0].kind, TaskKind::Void { .. }));
    story.finish(START);
}

#[test]
fn a_late_answer_settles_an_unknown_payment_but_the_operator_frees_the_order() {
    let mut story = placed();
    resolve(&mut story, unknown());
    succeed(&mut story);
    assert_eq!(payment_statuses(&story), [PaymentStatus::Authorized]);
    assert_eq!(story.order.wake_at(), None);
    story.must(&Command::Release, START);
    assert!(story.order.wake_at().is_some());
    story.finish(START);
}

#[test]
fn another_payment_may_be_tried_while_the_first_is_still_given_up() {
    let mut story = placed();
    succeed(&mut story);
    resolve(&mut story, declined());
    assert_eq!(story.order.status, OrderStatus::PaymentFailed);
    assert_eq!(story.order.payment().unwrap().retry_until, Some(START.plus_seconds(i64::from(RETRY_SECONDS))));
    story.must(&pay(), START);
    let kinds: Vec<_> = story.order.tasks.iter().map(|t| t.kind).collect();
    let [first, second] = [story.order.payments[0].payment_id, story.order.payments[1].payment_id];
    assert_eq!(kinds, [TaskKind::Void { payment_id: first }, TaskKind::Authorize { payment_id: second }]);
    assert!(story.order.payments.iter().all(|p| p.retry_until.is_none()), "another payment is under way");
    let authorize = story.order.tasks[1].task_id;
    story.succeed(authorize, START);
    let capture = story.order.tasks[1].task_id;
    story.succeed(capture, START);
    assert_eq!(story.order.status, OrderStatus::PaymentConfirmed);
    let void = story.order.tasks[0].task_id;
    let refused = Command::Resolved { task_id: void, result: declined() };
    assert_eq!(story.must(&refused, START), 1);
    assert_eq!(last_kinds(&story, 1), [EventKind::PaymentUnknown], "an undo that is refused is for a person");
    assert_eq!(story.must(&refused, START), 0);
    story.finish(START);
    assert_eq!(payment_statuses(&story), [PaymentStatus::Voided, PaymentStatus::Captured]);
}

#[test]
fn every_payment_that_was_tried_has_a_fair_end() {
    let mut story = placed();
    for n in 1..=5 {
        succeed(&mut story);
        resolve(&mut story, declined());
        succeed(&mut story);
        assert_eq!(story.order.payments.len(), n);
        story.must(&pay(), START);
    }
    story.finish(START);
    let captured: Vec<_> = story.order.payments.iter().map(|p| p.captured).collect();
    assert_eq!(captured, [0, 0, 0, 0, 0, TOTAL]);
}

#[test]
fn the_time_for_another_payment_ends() {
    let mut story = placed();
    resolve(&mut story, declined());
    let until = START.plus_seconds(i64::from(RETRY_SECONDS));
    let timer = story.order.tasks[0].task_id;
    assert_eq!(story.order.wake_at(), Some(until));
    let just_before = Timestamp::from_micros(until.micros() - 1);
    assert_eq!(story.must(&Command::Expire { task_id: timer }, just_before), 0);
    assert_eq!(story.send(&pay(), until), Err(Refusal::RetryExpired(until)));
    let mut paid = story.clone();
    assert_eq!(paid.must(&pay(), just_before), 1);
    assert_eq!(paid.must(&Command::Expire { task_id: timer }, until), 0, "the timer of a declined payment is gone");
    assert_eq!(story.must(&Command::Expire { task_id: timer }, until), 1);
    assert_eq!((story.order.status, story.order.wake_at()), (OrderStatus::Cancelled, None));
    assert_eq!(story.must(&Command::Expire { task_id: timer }, until), 0);
}

#[test]
fn only_a_timer_expires() {
    let mut story = placed();
    let authorize = story.order.tasks[0].task_id;
    assert_eq!(story.must(&Command::Expire { task_id: authorize }, Timestamp::MAX), 0);
    resolve(&mut story, declined());
    let timer = story.order.tasks[0].task_id;
    assert_eq!(story.must(&Command::Resolved { task_id: timer, result: done(1) }, START), 0);
}

#[test]
fn while_parked_nothing_is_captured() {
    let mut story = placed();
    story.must(&hold(), START);
    assert!(story.order.wake_at().is_some(), "an authorisation takes nothing");
    succeed(&mut story);
    assert_eq!(story.order.wake_at(), None);
    let mut captured = story.clone();
    succeed(&mut captured);
    assert_eq!(captured.order.status, OrderStatus::PaymentConfirmed, "one that was under way is still a fact");
    story.must(&Command::Release, START);
    assert!(story.order.wake_at().is_some());
}

#[test]
fn an_undo_is_never_left_undone() {
    let mut story = placed();
    succeed(&mut story);
    succeed(&mut story);
    story.must(&cancel(), START);
    assert_eq!(resolve(&mut story, TaskResult::NotAttempted), 0);
    assert!(matches!(story.order.tasks[0].kind, TaskKind::Refund { .. }));
    assert_eq!(resolve(&mut story, declined()), 1);
    story.finish(START);
    assert_eq!(story.order.payment().unwrap().refunded, TOTAL);
}

#[test]
fn what_was_never_sent_is_left_undone_only_when_the_order_is_over() {
    let mut story = placed();
    assert_eq!(resolve(&mut story, TaskResult::NotAttempted), 0);
    succeed(&mut story);
    assert_eq!(resolve(&mut story, TaskResult::NotAttempted), 0);
    story.must(&cancel(), START);
    assert_eq!(resolve(&mut story, TaskResult::NotAttempted), 1);
    assert!(matches!(story.order.tasks[0].kind, TaskKind::Void { .. }), "the authorisation was made");
    story.finish(START);
}

#[test]
fn a_wrong_amount_is_for_a_person_and_not_for_the_books() {
    for wrong in [TOTAL - 1, TOTAL + 1, 0, -TOTAL, i64::MIN, i64::MAX] {
        for steps_before in 0..2 {
            let mut story = placed();
            (0..steps_before).for_each(|_| succeed(&mut story));
            assert_eq!(resolve(&mut story, done(wrong)), 1);
            assert_eq!(last_kinds(&story, 1), [EventKind::PaymentUnknown]);
            assert!(story.order.holds[0].reason.contains(&wrong.to_string()));
            story.finish(START);
        }
    }
}

#[test]
fn confirming_is_for_authorisations() {
    let mut story = placed();
    succeed(&mut story);
    assert_eq!(resolve(&mut story, action()), 1);
    assert_eq!(last_kinds(&story, 1), [EventKind::PaymentUnknown]);
    assert_eq!(story.order.payment().unwrap().next_action, None);
}

#[test]
fn a_payment_whose_confirmation_got_lost_asks_for_it_again() {
    let mut story = placed();
    resolve(&mut story, action());
    resolve(&mut story, unknown());
    assert_eq!(story.order.payment().unwrap().next_action, None, "nobody is sent to a page that may be gone");
    story.must(&Command::Release, START);
    assert_eq!(resolve(&mut story, action()), 1);
    assert!(story.order.payment().unwrap().next_action.is_some());
}

#[test]
fn clocks_that_go_backwards_do_not_turn_history() {
    let mut story = placed();
    let early = START.plus_seconds(-86_400);
    let task_id = story.order.tasks[0].task_id;
    story.must(&Command::Resolved { task_id, result: declined() }, early);
    assert_eq!(story.order.updated_at, START);
    let until = START.plus_seconds(i64::from(RETRY_SECONDS));
    assert_eq!(story.order.payment().unwrap().retry_until, Some(until));
    story.must(&hold(), Timestamp::MAX);
    assert_eq!(story.send(&pay(), early), Err(Refusal::RetryExpired(until)));
}

#[test]
fn the_end_of_time_is_no_overflow() {
    let (mut draft, plan) = small(PRICE, None);
    draft.placed_at = Timestamp::MAX;
    draft.payment_retry_seconds = u32::MAX;
    let mut story = Story::place(&draft, &plan);
    resolve(&mut story, declined());
    assert_eq!(story.order.payment().unwrap().retry_until, Some(Timestamp::MAX));
    let timer = story.order.tasks[0].task_id;
    assert_eq!(story.must(&Command::Expire { task_id: timer }, Timestamp::MAX), 1);
}

#[test]
fn what_a_provider_writes_is_kept_short_and_on_one_line() {
    let long = "n\u{0}o\n".repeat(100_000);
    let mut story = placed();
    resolve(&mut story, TaskResult::Declined { code: long.clone(), message: long.clone() });
    let Some((Event::PaymentDeclined { code, message, .. }, _)) = story.events.last() else { panic!("no decline") };
    for (text, chars_max) in [(code, DECLINE_CODE_CHARS_MAX), (message, PROVIDER_MESSAGE_CHARS_MAX)] {
        assert_eq!(text.chars().count(), chars_max);
        assert!(text.starts_with("n o ") && !text.chars().any(char::is_control));
    }
    story.must(&pay(), START);
    resolve(&mut story, TaskResult::Unknown { message: long });
    assert_eq!(story.order.holds[0].reason.chars().count(), PROVIDER_MESSAGE_CHARS_MAX);
}

#[test]
fn a_refund_is_counted_once_and_a_part_is_not_the_whole() {
    let mut story = placed();
    succeed(&mut story);
    succeed(&mut story);
    story.must(&cancel(), START);
    let mut order = story.order.clone();
    let payment_id = order.payments[0].payment_id;
    let first = order.payments[0].refunds[0].refund_id;
    let second = RefundId::derived(order.order_id, 2);
    order.payments[0].refunds[0].amount = 1;
    order.payments[0].refunds.push(Refund { refund_id: second, amount: TOTAL - 1, done: false, version: 0 });
    let steps = [
        (first, 1, 1, PaymentStatus::PartiallyRefunded),
        (first, 1, 1, PaymentStatus::PartiallyRefunded),
        (second, TOTAL - 1, TOTAL, PaymentStatus::Refunded),
    ];
    for (refund_id, amount, refunded, status) in steps {
        order = apply(order, &Event::PaymentRefunded { payment_id, refund_id, amount }, START);
        assert_eq!((order.payments[0].refunded, order.payments[0].status), (refunded, status));
    }
}

#[test]
fn a_document_does_not_grow_without_bound() {
    let refused = |from, to| Err(Refusal::IllegalTransition { from, to });
    let mut story = placed();
    for _ in 0..HOLDS_MAX {
        story.must(&hold(), START);
    }
    assert_eq!(story.send(&hold(), START), refused(OrderStatus::PaymentPending, "on hold once more"));
    assert_eq!(resolve(&mut story, unknown()), 1, "a fact is always taken in");
    story.must(&Command::Release, START);
    for _ in 1..PAYMENTS_MAX {
        resolve(&mut story, declined());
        story.must(&pay(), START);
    }
    resolve(&mut story, declined());
    assert_eq!(story.send(&pay(), START), refused(OrderStatus::PaymentFailed, "payment_pending once more"));
    story.finish(START);
}

#[test]
fn a_refund_that_fails_after_it_was_made_is_looked_at_and_made_again() {
    let mut story = placed();
    succeed(&mut story);
    succeed(&mut story);
    story.must(&cancel(), START);
    let payment_id = story.order.payments[0].payment_id;
    let refund_id = story.order.payments[0].refunds[0].refund_id;
    let told = |refund_id| Command::Told {
        payment_id,
        fact: PaymentFact::RefundFailed { refund_id, code: "closed".to_owned(), message: "no account".to_owned() },
    };
    assert_eq!(story.must(&told(refund_id), START), 0, "it is not made yet: its own operation tells");
    succeed(&mut story);
    assert_eq!(story.order.payments[0].refunded, TOTAL);
    assert_eq!(story.must(&told(refund_id), START), 1);
    assert_eq!(last_kinds(&story, 1), [EventKind::PaymentRefundFailed]);
    assert_eq!(story.must(&told(refund_id), START), 0, "the same again is no news");
    assert_eq!(story.must(&told(RefundId::derived(story.order.order_id, 9)), START), 0, "nor is one of nobody's");
    assert_eq!((story.order.status, story.order.payments[0].refunded), (OrderStatus::Cancelled, 0));
    assert_eq!(story.order.wake_at(), None, "a person looks first");
    story.must(&Command::Release, START);
    succeed(&mut story);
    assert_eq!((story.order.payments[0].refunded, payment_statuses(&story)), (TOTAL, vec![PaymentStatus::Refunded]));
}

#[test]
fn disputed_money_is_not_given_back_besides() {
    let mut story = placed();
    succeed(&mut story);
    succeed(&mut story);
    let payment_id = story.order.payments[0].payment_id;
    let told = |fact| Command::Told { payment_id, fact };
    let disputed = |id: &str| PaymentFact::Disputed {
        dispute_id: id.to_owned(),
        amount: PRICE,
        reason: "fraudulent".to_owned(),
        respond_by: None,
    };
    let closed = |id: &str, won| PaymentFact::DisputeClosed { dispute_id: id.to_owned(), won };
    assert_eq!(story.must(&told(closed("dp_1", true)), START), 0, "it was never opened");
    for (fact, news) in [
        (disputed("dp_1"), 1),
        (disputed("dp_1"), 0),
        (disputed("dp_2"), 1),
        (closed("dp_2", true), 1),
        (closed("dp_2", false), 0),
    ] {
        assert_eq!(story.must(&told(fact.clone()), START), news, "{fact:?}");
    }
    assert!(story.order.holds.iter().all(|hold| hold.source == HoldSource::Dispute));
    assert_eq!(story.order.payments[0].refundable(), TOTAL - PRICE);
    story.must(&cancel(), START);
    assert_eq!(story.order.payments[0].refunds[0].amount, TOTAL - PRICE);
    story.must(&told(closed("dp_1", false)), START);
    assert_eq!(story.order.payments[0].refundable(), 0, "what is lost is lost");
}
