//! `decide`: what a command does to an order, as events, or why not. Total and pure.

pub mod credits;
pub mod shipments;

use crate::event::Event;
use crate::ids::{PaymentId, RefundId, ShipmentId};
use crate::order::{HoldSource, Order, Part, Payment, Task, TaskKind};
use crate::status::{EventKind, OrderStatus, PaymentStatus, ShipmentStatus};
use crate::time::Timestamp;
use crate::transition;

/// The longest reason that a person may give, in characters.
pub const REASON_CHARS_MAX: usize = 500;
/// What is kept of a provider's message, in characters.
pub const PROVIDER_MESSAGE_CHARS_MAX: usize = 500;
/// What is kept of a provider's decline code, in characters.
pub const DECLINE_CODE_CHARS_MAX: usize = 100;
/// The most payments that may be tried for one order. A document that outgrew its limit could not take in what a
/// provider did, so everything that adds to it is counted.
pub const PAYMENTS_MAX: usize = 50;
/// The most disputes of a payment; see [`PAYMENTS_MAX`].
pub const DISPUTES_MAX: usize = 20;
/// The most holds that an order may carry at once; see [`PAYMENTS_MAX`].
pub const HOLDS_MAX: usize = 50;

/// What somebody or something wants of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Try another payment method after a decline.
    Pay {
        /// What the customer chose.
        payment_method_id: String,
    },
    /// Cancel the whole order.
    Cancel {
        /// For people.
        reason: String,
    },
    /// Cancel some units that have not left.
    CancelItems {
        /// Which.
        items: Vec<Part>,
        /// For people.
        reason: String,
    },
    /// Give money back.
    Refund {
        /// For what.
        what: credits::Refunded,
        /// For people.
        reason: String,
    },
    /// Park it.
    Hold {
        /// Who or what.
        source: HoldSource,
        /// For people.
        reason: String,
    },
    /// Free it of every hold.
    Release,
    /// Do something with a shipment.
    Shipment {
        /// Which.
        shipment_id: ShipmentId,
        /// What.
        action: shipments::Action,
    },
    /// A carrier reports on a shipment. This is a fact, and no news where it is known or overtaken.
    Tracked {
        /// Which.
        shipment_id: ShipmentId,
        /// What is reported.
        report: shipments::Report,
    },
    /// A task ended in the outside world. This is a fact: it is accepted in every status.
    Resolved {
        /// Which task; one that is no longer there was resolved before.
        task_id: u32,
        /// How it ended.
        result: TaskResult,
    },
    /// The provider tells, by itself, of captured money. This is a fact: it is accepted in every status.
    Told {
        /// About which payment.
        payment_id: PaymentId,
        /// What.
        fact: PaymentFact,
    },
    /// The time of a timer has come.
    Expire {
        /// Which task.
        task_id: u32,
    },
}

/// What a provider tells of captured money that it was not asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaymentFact {
    /// A refund that it had accepted did not arrive.
    RefundFailed {
        /// Which.
        refund_id: RefundId,
        /// The provider's code.
        code: String,
        /// For people.
        message: String,
    },
    /// The customer's bank asks for money.
    Disputed {
        /// The provider's name for the dispute.
        dispute_id: String,
        /// Minor units.
        amount: i64,
        /// The provider's word.
        reason: String,
        /// Until when the merchant may answer.
        respond_by: Option<Timestamp>,
    },
    /// A dispute is over.
    DisputeClosed {
        /// Which.
        dispute_id: String,
        /// Whether the merchant keeps the money.
        won: bool,
    },
}

/// How an operation at the provider ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskResult {
    /// It was done.
    Done {
        /// The provider's name for the payment or refund.
        reference: String,
        /// Minor units.
        amount: i64,
    },
    /// The provider said no, for good.
    Declined {
        /// The provider's code.
        code: String,
        /// For people.
        message: String,
    },
    /// The customer must confirm.
    ActionRequired {
        /// Where.
        url: String,
        /// Until when.
        until: Timestamp,
    },
    /// Nothing was ever sent, and nothing will be, because the order is cancelled.
    NotAttempted,
    /// Nobody knows; an operator must look.
    Unknown {
        /// What is known.
        message: String,
    },
}

/// Why a command is not followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The order's status does not allow it.
    #[error("an order that is {from} cannot become {to}")]
    IllegalTransition {
        /// Where it stands.
        from: OrderStatus,
        /// Where the command would have brought it.
        to: &'static str,
    },
    /// Release of an order that is not held.
    #[error("the order is not on hold")]
    NotHeld,
    /// Nothing ships while an order is parked.
    #[error("the order is on hold")]
    OnHold,
    /// The order has no such shipment.
    #[error("the order has no such shipment")]
    NoShipment,
    /// The shipment's status does not allow it.
    #[error("a shipment that is {from} cannot become {to}")]
    IllegalShipment {
        /// Where it stands.
        from: ShipmentStatus,
        /// Where the command would have brought it.
        to: &'static str,
    },
    /// More units of a line than there are.
    #[error("line {line_id} has {left} units left for this")]
    TooManyUnits {
        /// The place in the list of what was asked for.
        index: usize,
        /// Of which line.
        line_id: u32,
        /// How many there are.
        left: u32,
    },
    /// More would be given back than was taken.
    #[error("{left} minor units can still be given back")]
    RefundExceedsCaptured {
        /// How much could be.
        left: i64,
    },
    /// What is to be given back comes to nothing.
    #[error("there is nothing to give back")]
    NothingToRefund,
    /// A shipment would be left empty.
    #[error("something must stay in the shipment")]
    NothingLeft,
    /// Another payment while the chance has passed.
    #[error("the time to try another payment ended at {0}")]
    RetryExpired(Timestamp),
}

/// What a command does. No events means that it has been done already or has nothing to do: the caller answers with the
/// order as it is.
///
/// # Errors
/// A [`Refusal`] that changes nothing.
pub fn decide(order: &Order, command: &Command, now: Timestamp) -> Result<Vec<Event>, Refusal> {
    match command {
        Command::Pay { payment_method_id } => pay(order, payment_method_id, now),
        Command::Cancel { reason } => cancel(order, reason),
        Command::CancelItems { items, reason } => credits::cancel_items(order, items, reason),
        Command::Refund { what, reason } => credits::refund(order, what, reason),
        Command::Hold { source, reason } => {
            allowed(order, EventKind::HoldPlaced, "on hold")?;
            room(order, order.holds.len(), HOLDS_MAX, "on hold once more")?;
            Ok(vec![Event::HoldPlaced { source: *source, reason: reason.clone() }])
        }
        Command::Release => release(order),
        Command::Shipment { shipment_id, action } => shipments::act(order, *shipment_id, action),
        Command::Tracked { shipment_id, report } => Ok(shipments::tracked(order, *shipment_id, report)),
        Command::Resolved { task_id, result } => {
            Ok(task(order, *task_id).map(|task| resolved(order, task, result, now)).unwrap_or_default())
        }
        Command::Told { payment_id, fact } => {
            let payment = order.payments.iter().find(|payment| payment.payment_id == *payment_id);
            Ok(payment.map(|payment| told(payment, fact)).unwrap_or_default())
        }
        Command::Expire { task_id } => {
            Ok(task(order, *task_id).map(|task| expire(order, task, now)).unwrap_or_default())
        }
    }
}

/// Decides and applies: the events with the document after them.
///
/// # Errors
/// As [`decide`].
pub fn execute(order: &Order, command: &Command, now: Timestamp) -> Result<(Order, Vec<Event>), Refusal> {
    // The history of an order does not run backwards, whatever the clocks of its nodes say.
    let now = now.max(order.updated_at);
    let events = decide(order, command, now)?;
    let after = events.iter().fold(order.clone(), |order, event| transition::apply(order, event, now));
    Ok((after, events))
}

fn allowed(order: &Order, kind: EventKind, to: &'static str) -> Result<(), Refusal> {
    order.status.after(kind).map(drop).ok_or(Refusal::IllegalTransition { from: order.status, to })
}

/// Refuses what would make the document grow beyond its limits.
fn room(order: &Order, count: usize, max: usize, to: &'static str) -> Result<(), Refusal> {
    if count < max { Ok(()) } else { Err(Refusal::IllegalTransition { from: order.status, to }) }
}

/// Refuses what asks for more units of a line than there are, also where it names a line more than once.
fn enough(items: &[Part], units_of: impl Fn(u32) -> u32) -> Result<(), Refusal> {
    for (index, part) in items.iter().enumerate() {
        let same_line = items[..=index].iter().filter(|p| p.line_id == part.line_id);
        let asked: u64 = same_line.map(|p| u64::from(p.quantity)).sum();
        let left = units_of(part.line_id);
        if asked > u64::from(left) {
            return Err(Refusal::TooManyUnits { index, line_id: part.line_id, left });
        }
    }
    Ok(())
}

fn task(order: &Order, task_id: u32) -> Option<&Task> {
    order.tasks.iter().find(|t| t.task_id == task_id)
}

fn pay(order: &Order, payment_method_id: &str, now: Timestamp) -> Result<Vec<Event>, Refusal> {
    allowed(order, EventKind::PaymentAttempted, "payment_pending")?;
    if let Some(until) = order.payment().and_then(|p| p.retry_until).filter(|until| *until <= now) {
        return Err(Refusal::RetryExpired(until));
    }
    room(order, order.payments.len(), PAYMENTS_MAX, "payment_pending once more")?;
    let payment_id = PaymentId::derived(order.order_id, order.payments.len() as u32 + 1);
    Ok(vec![Event::PaymentAttempted { payment_id, payment_method_id: payment_method_id.to_owned() }])
}

fn cancel(order: &Order, reason: &str) -> Result<Vec<Event>, Refusal> {
    if order.status == OrderStatus::Cancelled {
        return Ok(Vec::new());
    }
    allowed(order, EventKind::Cancelled, "cancelled")?;
    Ok(vec![Event::Cancelled { reason: reason.to_owned() }])
}

fn release(order: &Order) -> Result<Vec<Event>, Refusal> {
    if !order.is_held() {
        return Err(Refusal::NotHeld);
    }
    let mut events = vec![Event::HoldReleased {}];
    if order.status == OrderStatus::Placed && order.amounts.total == 0 {
        // Nothing is to be paid, so that freeing it does not begin a payment.
        events = vec![Event::PaymentNotRequired {}, Event::HoldReleased {}];
    }
    Ok(events)
}

fn resolved(order: &Order, task: &Task, result: &TaskResult, now: Timestamp) -> Vec<Event> {
    let payment = task.kind.payment_id().and_then(|id| order.payments.iter().find(|p| p.payment_id == id));
    let Some(payment) = payment else {
        return Vec::new();
    };
    let payment_id = payment.payment_id;
    match result {
        TaskResult::Done { reference, amount } => match asked(payment, task.kind) {
            // Books that follow a wrong amount would no longer be the provider's.
            Some(asked) if asked != *amount => {
                unknown(payment, &format!("the provider moved {amount} minor units where {asked} were asked"))
            }
            _ => done(task.kind, reference, *amount).into_iter().collect(),
        },
        TaskResult::Declined { code, message } => declined(order, payment, task.kind, code, message, now),
        TaskResult::ActionRequired { url, until } => match task.kind {
            // Asking again while the customer has not acted tells nothing new.
            TaskKind::Authorize { .. } if payment.status == PaymentStatus::RequiresAction => Vec::new(),
            TaskKind::Authorize { .. } => {
                vec![Event::PaymentActionRequired { payment_id, url: url.clone(), until: *until }]
            }
            _ => unknown(payment, "the provider asks the customer to confirm what is no authorisation"),
        },
        // Only what takes money can be left undone, and only by an order that is over.
        TaskResult::NotAttempted => match task.kind {
            TaskKind::Authorize { .. } | TaskKind::Capture { .. } if order.status == OrderStatus::Cancelled => {
                vec![Event::PaymentAbandoned { payment_id }]
            }
            _ => Vec::new(),
        },
        TaskResult::Unknown { message } => unknown(payment, message),
    }
}

/// What the order has not heard yet of this.
fn told(payment: &Payment, fact: &PaymentFact) -> Vec<Event> {
    let payment_id = payment.payment_id;
    let known = |id: &String| payment.disputes.iter().find(|dispute| dispute.dispute_id == *id);
    match fact {
        PaymentFact::RefundFailed { refund_id, code, message } => {
            let is_done = payment.refunds.iter().any(|refund| refund.refund_id == *refund_id && refund.done);
            let event = Event::PaymentRefundFailed {
                payment_id,
                refund_id: *refund_id,
                code: brief(code, DECLINE_CODE_CHARS_MAX),
                message: brief(&format!("a refund did not arrive: {message}"), PROVIDER_MESSAGE_CHARS_MAX),
            };
            if is_done { vec![event] } else { Vec::new() }
        }
        PaymentFact::Disputed { dispute_id, amount, reason, respond_by } => {
            let event = Event::PaymentDisputed {
                payment_id,
                dispute_id: dispute_id.clone(),
                amount: *amount,
                reason: brief(reason, PROVIDER_MESSAGE_CHARS_MAX),
                respond_by: *respond_by,
            };
            let is_new = known(dispute_id).is_none() && payment.disputes.len() < DISPUTES_MAX;
            if is_new { vec![event] } else { Vec::new() }
        }
        PaymentFact::DisputeClosed { dispute_id, won } => {
            let is_open = known(dispute_id).is_some_and(|dispute| dispute.won.is_none());
            let event = Event::PaymentDisputeClosed { payment_id, dispute_id: dispute_id.clone(), won: *won };
            if is_open { vec![event] } else { Vec::new() }
        }
    }
}

/// The minor units that a task is to move; none where any amount is right.
fn asked(payment: &Payment, kind: TaskKind) -> Option<i64> {
    match kind {
        TaskKind::Authorize { .. } => Some(payment.amount),
        TaskKind::Capture { .. } => Some(payment.authorized),
        TaskKind::Refund { refund_id, .. } => {
            payment.refunds.iter().find(|r| r.refund_id == refund_id).map(|r| r.amount)
        }
        TaskKind::Void { .. } | TaskKind::ExpirePayment => None,
    }
}

/// Parks the order for an operator, once: the same news again changes nothing until he has looked.
fn unknown(payment: &Payment, message: &str) -> Vec<Event> {
    if payment.status == PaymentStatus::Unknown {
        return Vec::new();
    }
    vec![Event::PaymentUnknown { payment_id: payment.payment_id, message: brief(message, PROVIDER_MESSAGE_CHARS_MAX) }]
}

/// The start of a text from outside, on one line.
fn brief(text: &str, chars_max: usize) -> String {
    text.chars().take(chars_max).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn done(kind: TaskKind, reference: &str, amount: i64) -> Option<Event> {
    match kind {
        TaskKind::Authorize { payment_id } => {
            Some(Event::PaymentAuthorized { payment_id, reference: reference.to_owned(), amount })
        }
        TaskKind::Capture { payment_id } => Some(Event::PaymentCaptured { payment_id, amount }),
        TaskKind::Void { payment_id } => Some(Event::PaymentVoided { payment_id }),
        TaskKind::Refund { payment_id, refund_id } => Some(Event::PaymentRefunded { payment_id, refund_id, amount }),
        TaskKind::ExpirePayment => None,
    }
}

/// A declined authorisation or capture lets the customer choose again. A void or refund that the provider refuses for
/// good is money in the wrong place: a person must look.
fn declined(order: &Order, payment: &Payment, kind: TaskKind, code: &str, message: &str, now: Timestamp) -> Vec<Event> {
    match kind {
        TaskKind::Authorize { payment_id } | TaskKind::Capture { payment_id } => {
            vec![Event::PaymentDeclined {
                payment_id,
                code: brief(code, DECLINE_CODE_CHARS_MAX),
                message: brief(message, PROVIDER_MESSAGE_CHARS_MAX),
                retry_until: now.plus_seconds(i64::from(order.payment_retry_seconds)),
            }]
        }
        TaskKind::Void { .. } | TaskKind::Refund { .. } => {
            unknown(payment, &format!("the provider refused to undo: {code}: {message}"))
        }
        TaskKind::ExpirePayment => Vec::new(),
    }
}

fn expire(order: &Order, task: &Task, now: Timestamp) -> Vec<Event> {
    let over = task.kind == TaskKind::ExpirePayment && task.due <= now && order.status == OrderStatus::PaymentFailed;
    if over { vec![Event::Cancelled { reason: "payment was not made in time".to_owned() }] } else { Vec::new() }
}
