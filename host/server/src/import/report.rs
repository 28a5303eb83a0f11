//! What came of an import, for people and for scripts.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use domain::money::Currency;
use serde_json::{Value, json};

use super::mapping::{CURRENCY, Kind, Mapped, Refused};
use super::sheet::Sheet;
use super::stock::Raised;

/// How many of a kind are named before the rest is counted.
const NAMED_MAX: usize = 3;

/// The figures. The sum and the zero totals are of the orders that are on the server, or in a dry run of those that
/// would be.
pub struct Report {
    lines: usize,
    invoices: usize,
    sales: usize,
    dry_run: bool,
    pub placed: usize,
    pub already_there: usize,
    pub zero_totals: usize,
    pub sum_minor: i64,
    pub stock: Raised,
    pub stopped: bool,
    refused: Vec<(Kind, String, String)>,
    cancellations: Vec<String>,
}

impl Report {
    /// What the file alone says.
    pub fn new(sheet: &Sheet, mapped: &Mapped, dry_run: bool) -> Self {
        let refused = mapped.refused.iter().map(|r| (r.kind, r.invoice.clone(), r.reason.clone())).collect();
        let mut report = Self {
            lines: sheet.lines,
            invoices: sheet.invoices.len(),
            sales: mapped.orders.len(),
            dry_run,
            placed: 0,
            already_there: 0,
            zero_totals: 0,
            sum_minor: 0,
            stock: Raised::default(),
            stopped: false,
            refused,
            cancellations: mapped.cancellations.clone(),
        };
        if dry_run {
            report.zero_totals = mapped.orders.iter().filter(|order| order.total_minor == 0).count();
            report.sum_minor = mapped.orders.iter().map(|order| order.total_minor).sum();
        }
        report
    }

    /// Adds a refusal.
    pub fn refuse(&mut self, refused: Refused) {
        self.refused.push((refused.kind, refused.invoice, refused.reason));
    }

    /// Sales of the file that are not on the server.
    fn left_over(&self) -> usize {
        let known = self.placed + self.already_there + self.refused_by_server();
        if self.dry_run { 0 } else { self.sales.saturating_sub(known) }
    }

    fn refused_by_server(&self) -> usize {
        self.refused.iter().filter(|(kind, ..)| *kind == Kind::Server).count()
    }

    /// Whether every sale of the file is on the server. What is no sale does not count.
    pub fn is_complete(&self) -> bool {
        let lost = self.refused.iter().any(|(kind, ..)| *kind != Kind::StockAdjustment);
        !lost && !self.stopped && self.left_over() == 0
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |label: &str, value: String| {
            let _ = writeln!(text, "{label:<15} {value}");
        };
        line("read", format!("{} lines, {} invoices", self.lines, self.invoices));
        if self.dry_run {
            line("would place", format!("{} orders, {} of them with a total of zero", self.sales, self.zero_totals));
        } else {
            line("placed", format!("{} orders", self.placed));
            line("already there", format!("{} orders", self.already_there));
            if let Some(warehouse) = &self.stock.warehouse {
                line("stock raised", format!("{} units of {} SKUs in {warehouse}", self.stock.units, self.stock.skus));
            }
        }
        line("sum", format!("{} {CURRENCY}", self.sum()));
        if !self.dry_run {
            line("zero totals", format!("{} of these orders", self.zero_totals));
        }
        line("refused", format!("{} invoices", self.refused.len()));
        for (kind, invoices) in self.by_kind() {
            line("", format!("{} {}: {}", invoices.len(), kind.title(), named(&invoices, self.reason_shown(kind))));
        }
        line(
            "cancellations",
            format!("{} invoices, left for later: {}", self.cancellations.len(), self.some_cancelled()),
        );
        if self.left_over() > 0 {
            line("not placed yet", format!("{} orders", self.left_over()));
        }
        if self.stopped {
            text.push_str("\nStopped. Run the same command again to go on: what is there is recognised.\n");
        }
        text
    }

    /// For scripts.
    pub fn json(&self) -> String {
        let refused: Vec<Value> = self
            .refused
            .iter()
            .map(|(kind, invoice, reason)| json!({"invoice": invoice, "kind": kind, "reason": reason}))
            .collect();
        let report = json!({
            "dry_run": self.dry_run, "lines": self.lines, "invoices": self.invoices, "sales": self.sales,
            "placed": self.placed, "already_there": self.already_there, "not_placed_yet": self.left_over(),
            "zero_totals": self.zero_totals, "sum": self.sum(), "currency": CURRENCY, "stock_raised": self.stock,
            "refused": refused, "cancellations": self.cancellations,
            "stopped": self.stopped, "complete": self.is_complete(),
        });
        serde_json::to_string_pretty(&report).expect("texts and numbers can always be written as JSON")
    }

    fn sum(&self) -> String {
        let currency: Currency = CURRENCY.parse().expect("ISO 4217 lists the pound");
        currency.format_minor(self.sum_minor)
    }

    fn by_kind(&self) -> BTreeMap<Kind, Vec<(&str, &str)>> {
        let mut kinds: BTreeMap<Kind, Vec<(&str, &str)>> = BTreeMap::new();
        for (kind, invoice, reason) in &self.refused {
            kinds.entry(*kind).or_default().push((invoice, reason));
        }
        kinds
    }

    /// Adjustments are many and alike; of the others every reason counts.
    fn reason_shown(&self, kind: Kind) -> usize {
        if kind == Kind::StockAdjustment { NAMED_MAX } else { usize::MAX }
    }

    fn some_cancelled(&self) -> String {
        let shown: Vec<&str> = self.cancellations.iter().take(NAMED_MAX).map(String::as_str).collect();
        let more = if self.cancellations.len() > NAMED_MAX { ", …" } else { "" };
        format!("{}{more}", shown.join(", "))
    }
}

fn named(invoices: &[(&str, &str)], shown: usize) -> String {
    let mut text: Vec<String> =
        invoices.iter().take(shown).map(|(invoice, reason)| format!("{invoice} ({reason})")).collect();
    if invoices.len() > shown {
        text.push("…".to_owned());
    }
    text.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::{mapping, sheet};

    const FILE: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n\
                        1,A,,2,d,1.25,,France\n2,A,,-2,d,0,,France\nC3,A,,-1,d,1,,France\n4,A,,1,d,0.0,,France\n";

    fn report(dry_run: bool) -> Report {
        let sheet = sheet::read(FILE.as_bytes()).unwrap();
        Report::new(&sheet, &mapping::map(&sheet), dry_run)
    }

    #[test]
    fn a_dry_run_says_what_would_be_placed() {
        let report = report(true);
        let text = report.text();
        assert!(text.contains("4 lines, 4 invoices"), "{text}");
        assert!(text.contains("2 orders, 1 of them with a total of zero"), "{text}");
        assert!(text.contains("2.50 GBP") && text.contains("2 (line 3: quantity -2)") && text.contains("C3"), "{text}");
        assert!(report.is_complete());
    }

    #[test]
    fn an_import_is_complete_when_every_sale_is_there() {
        let mut report = report(false);
        assert!(!report.is_complete());
        report.placed = 1;
        assert!(report.text().contains("not placed yet  1 orders"), "{}", report.text());
        report.already_there = 1;
        assert!(report.is_complete());
        report.refuse(Refused { invoice: "9".into(), reason: "out_of_stock: none".into(), kind: Kind::Server });
        assert!(!report.is_complete());
    }

    #[test]
    fn the_sum_in_json_keeps_its_digits() {
        let json = report(true).json();
        assert!(json.contains(r#""sum": "2.50""#), "{json}");
        let value: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["refused"][0]["kind"], "stock_adjustment");
    }
}
