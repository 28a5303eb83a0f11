//! Figures beside their limits, as Markdown and as JSON.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use crate::machine::Machine;
use crate::raw::Raw;
use crate::run::Run;

/// What is measured, and what it is measured against.
#[derive(Debug, Serialize)]
pub struct Figure {
    pub what: String,
    pub value: f64,
    pub unit: &'static str,
    pub limit: Option<Limit>,
    /// What it should come to.
    pub aim: &'static str,
}

/// The limit of a figure, from the same run.
#[derive(Debug, Serialize)]
pub struct Limit {
    pub value: f64,
    pub what: &'static str,
}

/// A run of traffic.
#[derive(Debug, Serialize)]
struct Row {
    run: String,
    per_second: f64,
    done: u64,
    failed: u64,
    p50_ms: f64,
    p99_ms: f64,
    p999_ms: f64,
    max_ms: f64,
    server_cpu_us: f64,
    provider_cpu_us: f64,
    client_cpu_us: f64,
}

/// Everything that a bench found out.
#[derive(Debug, Serialize)]
pub struct Report {
    machine: Machine,
    load_average_before: String,
    quick: bool,
    seconds: f64,
    figures: Vec<Figure>,
    runs: Vec<Row>,
    raw: Vec<Raw>,
    notes: Vec<String>,
    /// What must not be. The bench fails where there is one.
    faults: Vec<String>,
}

impl Report {
    pub fn new(quick: bool) -> Self {
        Self {
            machine: Machine::look(),
            load_average_before: crate::machine::load_average(),
            quick,
            seconds: 0.0,
            figures: Vec::new(),
            runs: Vec::new(),
            raw: Vec::new(),
            notes: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// Adds a figure with its limit.
    pub fn figure(
        &mut self,
        what: impl Into<String>,
        value: f64,
        unit: &'static str,
        limit: Option<(f64, &'static str)>,
        aim: &'static str,
    ) {
        let limit = limit.map(|(value, what)| Limit { value, what });
        self.figures.push(Figure { what: what.into(), value, unit, limit, aim });
    }

    /// Adds a run's line; what went wrong in it becomes a note.
    pub fn run(&mut self, name: &str, run: &Run) {
        self.runs.push(Row {
            run: name.to_owned(),
            per_second: run.rate(),
            done: run.done(),
            failed: run.failed(),
            p50_ms: run.ms(0.5),
            p99_ms: run.ms(0.99),
            p999_ms: run.ms(0.999),
            max_ms: run.ms(1.0),
            server_cpu_us: run.us_each(run.cpu.server),
            provider_cpu_us: run.us_each(run.cpu.children),
            client_cpu_us: run.us_each(run.cpu.client),
        });
        // That a sale runs out of stock is what it is for.
        if let Some(refusal) = run.refusal.as_ref().filter(|refusal| !refusal.contains("out_of_stock")) {
            self.note(format!(
                "{name}: answers by status {:?}; the first refusal: `{}`",
                run.statuses,
                refusal.replace('`', "'")
            ));
        }
        if run.lost > 0 {
            self.note(format!("{name}: {} requests got no answer", run.lost));
        }
    }

    pub fn raw(&mut self, raw: Raw) {
        self.raw.push(raw);
    }

    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    pub fn fault(&mut self, fault: impl Into<String>) {
        self.faults.push(fault.into());
    }

    pub fn faults(&self) -> &[String] {
        &self.faults
    }

    pub fn took(&mut self, time: Duration) {
        self.seconds = time.as_secs_f64();
    }

    /// For scripts.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("numbers and texts can always be written as JSON")
    }

    /// For people.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        let machine = &self.machine;
        let _ = writeln!(
            text,
            "# Results of `load bench{}`\n\n{}, on {} × {}, {} MB of memory, Linux {}; load average before: {}. The whole \
             bench took {:.0} s.\nServer, payment provider, database and this tool share the machine.\n",
            if self.quick { " --quick" } else { "" },
            machine.date,
            machine.cores,
            machine.cpu,
            machine.memory_mb,
            machine.kernel,
            self.load_average_before,
            self.seconds,
        );
        for fault in &self.faults {
            let _ = writeln!(text, "**Fault:** {fault}\n");
        }
        self.figures_table(&mut text);
        self.runs_table(&mut text);
        self.raw_table(&mut text);
        let _ = writeln!(text, "## What the figures mean\n\n{}", include_str!("report/meaning.md").trim_end());
        if !self.notes.is_empty() {
            text.push_str("\n## Notes of this run\n\n");
            for note in &self.notes {
                let _ = writeln!(text, "- {note}");
            }
        }
        text
    }

    fn figures_table(&self, text: &mut String) {
        text.push_str("## Figures, each beside its limit from this run\n\n| figure | value | limit | ratio | aim |\n|---|--:|--:|--:|---|\n");
        for figure in &self.figures {
            let limit = figure.limit.as_ref().map(|l| format!("{} {} ({})", number(l.value), figure.unit, l.what));
            let ratio = figure.limit.as_ref().map(|limit| format!("{:.2}", figure.value / limit.value.max(1e-9)));
            let _ = writeln!(
                text,
                "| {} | {} {} | {} | {} | {} |",
                figure.what,
                number(figure.value),
                figure.unit,
                limit.unwrap_or_default(),
                ratio.unwrap_or_default(),
                figure.aim
            );
        }
    }

    fn runs_table(&self, text: &mut String) {
        text.push_str(
            "\n## Runs\n\nLatencies are of successes. CPU is microseconds for each success: of the server, of the payment \
             provider, of this tool.\n\n\
             | run | per second | successes | others | p50 ms | p99 ms | p99.9 ms | max ms | server µs | provider µs | tool µs |\n\
             |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
        );
        for row in &self.runs {
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {:.2} | {:.2} | {:.2} | {:.2} | {:.0} | {:.0} | {:.0} |",
                row.run,
                number(row.per_second),
                row.done,
                row.failed,
                row.p50_ms,
                row.p99_ms,
                row.p999_ms,
                row.max_ms,
                row.server_cpu_us,
                row.provider_cpu_us,
                row.client_cpu_us
            );
        }
    }

    fn raw_table(&self, text: &mut String) {
        if self.raw.is_empty() {
            return;
        }
        text.push_str("\n## Raw, by orders in a transaction\n\n| rows of | rows an order | bytes an order | orders a transaction | orders/s | CPU µs an order |\n|---|--:|--:|--:|--:|--:|\n");
        for raw in &self.raw {
            for speed in &raw.speeds {
                let _ = writeln!(
                    text,
                    "| {} | {:.1} | {:.0} | {} | {} | {:.0} |",
                    raw.rows,
                    raw.rows_per_order,
                    raw.bytes_per_order,
                    speed.orders_per_transaction,
                    number(speed.orders_per_second),
                    speed.cpu_us_per_order
                );
            }
        }
        text.push('\n');
    }
}

/// As many digits as mean something.
fn number(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_stands_beside_its_limit() {
        let mut report = Report::new(true);
        report.figure("placing", 1500.0, "orders/s", Some((3000.0, "raw")), "≥ 0.3");
        report.figure("restart", 0.5, "s", None, "< 2 s");
        report.fault("an order was lost");
        let text = report.markdown();
        assert!(text.contains("| placing | 1500 orders/s | 3000 orders/s (raw) | 0.50 | ≥ 0.3 |"), "{text}");
        assert!(text.contains("| restart | 0.50 s |  |  | < 2 s |") && text.contains("**Fault:** an order was lost"));
        let json: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!(json["figures"][0]["limit"]["value"], 3000.0);
    }
}
