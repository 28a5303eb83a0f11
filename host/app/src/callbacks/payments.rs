//! What a payment provider's notice means for an order. Pure.

use domain::command::{PaymentFact, TaskResult};
use domain::hooks::payment::{News, Notice};
use domain::ids::{PaymentId, RefundId};
use domain::order::{Order, Payment, TaskKind};
use domain::status::PaymentStatus;

/// What of an order a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A payment.
    Payment(PaymentId),
    /// A refund of a payment.
    Refund(PaymentId, RefundId),
}

/// What is to be done about a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// A task of the order has ended so.
    Ends(u32, TaskResult),
    /// The order has to take it in, whatever it was doing.
    Fact(PaymentFact),
    /// The order knows it, or it changes nothing.
    Known,
    /// What must have come before is not recorded yet.
    Early,
}

impl Subject {
    /// What of an order this id of ours names; none where it has no such part.
    pub fn find(order: &Order, ours: &str) -> Option<Self> {
        let (payment, refund) = (ours.parse::<PaymentId>().ok(), ours.parse::<RefundId>().ok());
        order.payments.iter().find_map(|known| {
            let found = known.refunds.iter().find(|known| Some(known.refund_id) == refund);
            match found {
                Some(found) => Some(Self::Refund(known.payment_id, found.refund_id)),
                None => (Some(known.payment_id) == payment).then_some(Self::Payment(known.payment_id)),
            }
        })
    }

    /// The payment.
    pub const fn payment_id(self) -> PaymentId {
        match self {
            Self::Payment(payment_id) | Self::Refund(payment_id, _) => payment_id,
        }
    }
}

/// What a notice means for the order that it is about.
pub fn meaning(order: &Order, subject: Subject, notice: &Notice) -> Meaning {
    let payment_id = subject.payment_id();
    let Some(payment) = order.payments.iter().find(|payment| payment.payment_id == payment_id) else {
        return Meaning::Known;
    };
    let open = |kind: TaskKind| order.tasks.iter().find(|task| task.kind == kind).map(|task| task.task_id);
    let (authorize, capture) = (open(TaskKind::Authorize { payment_id }), open(TaskKind::Capture { payment_id }));
    let done = |amount| TaskResult::Done { reference: notice.reference.clone(), amount };
    let no = |code: &str, message: &str| TaskResult::Declined { code: code.to_owned(), message: message.to_owned() };
    let ends = |task: Option<u32>, result| task.map_or(Meaning::Known, |task_id| Meaning::Ends(task_id, result));
    match (&notice.news, subject) {
        (News::Authorized { amount }, _) => ends(authorize, done(*amount)),
        (News::Captured { amount }, _) => match capture {
            Some(task_id) => Meaning::Ends(task_id, done(*amount)),
            // The authorisation is not recorded yet: its own notice, or the answer to our request, is still to come.
            None if authorize.is_some() && payment.captured == 0 => Meaning::Early,
            None => Meaning::Known,
        },
        (News::Voided, _) => match open(TaskKind::Void { payment_id }) {
            Some(task_id) => Meaning::Ends(task_id, done(payment.authorized)),
            None => ends(authorize.or(capture), no("voided", "the provider gave the authorisation up")),
        },
        (News::Declined { code, message }, _) => ends(authorize.or(capture), no(code, message)),
        (News::Expired, _) => ends(authorize.or(capture), no("authorization_expired", "the authorisation has ended")),
        (News::Refunded { amount }, Subject::Refund(_, refund_id)) => {
            ends(open(TaskKind::Refund { payment_id, refund_id }), done(*amount))
        }
        (News::RefundFailed { code, message }, Subject::Refund(_, refund_id)) => {
            match open(TaskKind::Refund { payment_id, refund_id }) {
                Some(task_id) => Meaning::Ends(task_id, no(code, message)),
                None => {
                    Meaning::Fact(PaymentFact::RefundFailed { refund_id, code: code.clone(), message: message.clone() })
                }
            }
        }
        (News::Disputed { dispute_id, amount, reason, respond_by }, _) => match is_captured(payment) {
            true => Meaning::Fact(PaymentFact::Disputed {
                dispute_id: dispute_id.clone(),
                amount: *amount,
                reason: reason.clone(),
                respond_by: *respond_by,
            }),
            false => Meaning::Early,
        },
        (News::DisputeClosed { dispute_id, won }, _) => {
            match payment.disputes.iter().any(|dispute| dispute.dispute_id == *dispute_id) {
                true => Meaning::Fact(PaymentFact::DisputeClosed { dispute_id: dispute_id.clone(), won: *won }),
                false => Meaning::Early,
            }
        }
        // Of a refund the notice names only the payment: which one is not said, and asking the provider settles it.
        (News::Refunded { .. } | News::RefundFailed { .. }, Subject::Payment(_)) | (News::Other, _) => Meaning::Known,
    }
}

fn is_captured(payment: &Payment) -> bool {
    payment.captured > 0 || payment.status == PaymentStatus::Unknown
}
