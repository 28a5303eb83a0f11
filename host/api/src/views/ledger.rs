//! An order's ledger as the API shows it.

use app::command::Ledger;
use domain::ids::{PaymentId, RefundId};
use domain::ledger::Entry;
use domain::money::Currency;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Money, Time};

/// Every movement of an order's money.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Ledger)]
pub struct LedgerView {
    /// ISO 4217, of every amount.
    #[schema(value_type = String, example = "USD")]
    currency: Currency,
    /// What the customer is to pay in the end: the total, without what was cancelled or given back.
    due: Money,
    /// What we have of the customer's: captured, and not given back.
    balance: Money,
    data: Vec<EntryView>,
}

/// A movement of money.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LedgerEntry)]
struct EntryView {
    /// The order's version that made it.
    version: u64,
    time: Time,
    /// `ordered`, `cancelled`, `authorized`, `declined`, `voided`, `captured`, `refund_requested`, `refunded`,
    /// `refund_failed`, `disputed`, `dispute_won` or `dispute_lost`; more may come.
    r#type: &'static str,
    amount: Money,
    /// What we have of the customer's after it.
    balance: Money,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    payment_id: Option<PaymentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    refund_id: Option<RefundId>,
}

impl LedgerView {
    /// The ledger, in the order's currency.
    #[must_use]
    pub fn new(ledger: &Ledger) -> Self {
        let currency = ledger.order.currency;
        let balance = ledger.entries.last().map_or(0, |entry| entry.balance);
        Self {
            currency,
            due: Money::new(currency, ledger.order.due()),
            balance: Money::new(currency, balance),
            data: ledger.entries.iter().map(|entry| EntryView::new(currency, entry)).collect(),
        }
    }
}

impl EntryView {
    fn new(currency: Currency, entry: &Entry) -> Self {
        Self {
            version: entry.version,
            time: Time(entry.at),
            r#type: entry.kind.name(),
            amount: Money::new(currency, entry.amount),
            balance: Money::new(currency, entry.balance),
            payment_id: entry.payment_id,
            refund_id: entry.refund_id,
        }
    }
}
