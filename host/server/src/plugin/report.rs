//! What `orderwright plugin` prints for people.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::text;

/// Plugins and hooks.
pub fn list(plugins: &Value, hooks: &Value) -> String {
    let mut told = String::new();
    for plugin in plugins["data"].as_array().into_iter().flatten() {
        let [name, version, hook, status] = ["name", "version", "hook", "status"].map(|field| text(plugin, field));
        let _ = writeln!(told, "{name:<30} version {version:<4} {hook:<12} {status}");
    }
    if told.is_empty() {
        told.push_str("There is no plugin yet: upload one with `orderwright plugin push FILE --name NAME`.\n");
    }
    told.push_str("\nWhat decides:\n");
    for hook in hooks["data"].as_array().into_iter().flatten() {
        let [name, binding, plugin, version, on_failure] =
            ["hook", "binding", "plugin", "version", "on_failure"].map(|field| text(hook, field));
        let name = if binding.is_empty() { name.to_owned() } else { format!("{name}/{binding}") };
        let _ = writeln!(told, "  {name:<12} {plugin} {version}, on failure {on_failure}");
        let candidate = &hook["candidate"];
        if candidate.is_object() {
            let (version, mode, compared) =
                (text(candidate, "version"), text(candidate, "mode"), &candidate["compared"]);
            let share = if mode == "canary" { format!(" of {} %", candidate["percent"]) } else { String::new() };
            let _ = writeln!(
                told,
                "               {version} as its {mode}{share}: {} of {} answers differ, {} failed",
                compared["differing"], compared["pairs"], compared["failed"]
            );
        }
    }
    told
}

/// A dry run.
pub fn ran(ran: &Value) -> String {
    let mut told = match ran["error"].as_str() {
        Some(error) => format!("{}: {error}\n", text(ran, "outcome")),
        None => format!("{:#}\n", ran["output"]),
    };
    for line in ran["logs"].as_array().into_iter().flatten() {
        let _ = writeln!(told, "[{}] {}", text(line, "level"), text(line, "message"));
    }
    let _ = writeln!(told, "{} instructions, {} µs", ran["fuel"], ran["duration_us"]);
    told
}

/// A back-test: the sums of both sides that any side has, and the orders that changed most.
pub fn backtest(test: &Value) -> String {
    let report = &test["report"];
    let mut told = format!(
        "{} of {} decisions would be different ({} ms)\n\n{:<28} {:>20} {:>20}\n",
        report["differing"], report["decisions"], report["took_ms"], "", "then", "now"
    );
    let (then, now) = (rows(&report["before"]), rows(&report["now"]));
    let names: std::collections::BTreeSet<_> = then.keys().chain(now.keys()).collect();
    for name in names {
        let side = |rows: &Map<String, Value>| rows.get(name).map_or_else(|| "0".to_owned(), Value::to_string);
        let _ = writeln!(told, "{name:<28} {:>20} {:>20}", side(&then), side(&now));
    }
    let changes = report["changed_most"].as_array().filter(|changes| !changes.is_empty());
    if let Some(changes) = changes {
        told.push_str("\nThe orders that would change most:\n");
        for change in changes {
            let _ = writeln!(told, "  {}  {}", text(change, "order_id"), text(change, "what"));
        }
    }
    told
}

/// The measures as flat rows, without those that are zero.
fn rows(measures: &Value) -> Map<String, Value> {
    let mut rows = Map::new();
    for (name, value) in measures.as_object().into_iter().flatten() {
        let name = name.replace('_', " ");
        match value {
            Value::Object(parts) => {
                rows.extend(parts.iter().map(|(part, value)| (format!("{name} {part}"), value.clone())));
            }
            Value::Number(number) if number.as_f64() == Some(0.0) => {}
            other => {
                rows.insert(name, other.clone());
            }
        }
    }
    rows
}
