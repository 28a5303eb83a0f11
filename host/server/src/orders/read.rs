//! From a file to orders, or to the reason why a line is none. Pure: the same file gives the same orders and keys.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use anyhow::{Context as _, bail};
use ring::digest::{SHA256, digest};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::Format;
use super::columns::{self, Column};
use crate::remote::place::Place;

/// What a file holds.
#[derive(Debug, Default)]
pub struct Read {
    pub orders: Vec<Order>,
    /// Why a line is no order, by the line where it begins.
    pub refused: BTreeMap<u64, String>,
}

/// An order to be placed.
#[derive(Debug, PartialEq, Eq)]
pub struct Order {
    /// Where it begins in the file, from 1.
    pub line: u64,
    /// The request's body.
    pub body: String,
    /// Names what is placed, so that it is placed once: its content, and which of the orders with that content it is.
    pub key: String,
}

impl Place for Order {
    fn key(&self) -> Cow<'_, str> {
        self.key.as_str().into()
    }

    fn body(&self) -> &str {
        &self.body
    }
}

/// Reads a whole file.
///
/// # Errors
/// Where its form is broken as a whole: no UTF-8, no CSV, an unknown column.
pub fn read(bytes: &[u8], format: Format) -> anyhow::Result<Read> {
    let text = std::str::from_utf8(bytes).context("it is not UTF-8")?.trim_start_matches('\u{feff}');
    let mut read = Read::default();
    let mut alike = HashMap::new();
    let mut take = |line: u64, body: Result<String, String>| match body {
        Ok(body) => {
            let key = key(&body, &mut alike);
            read.orders.push(Order { line, body, key });
        }
        Err(reason) => _ = read.refused.insert(line, reason),
    };
    match format {
        Format::Ndjson => {
            let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
            lines.for_each(|(number, line)| take(number, document(line)));
        }
        Format::Csv => csv(text, &mut take)?,
    }
    Ok(read)
}

fn document(line: &str) -> Result<String, String> {
    match serde_json::from_str::<HashMap<String, &RawValue>>(line) {
        Ok(_) => Ok(line.trim().to_owned()),
        Err(error) => Err(format!("is no JSON object: {error}")),
    }
}

fn key(body: &str, alike: &mut HashMap<Vec<u8>, u32>) -> String {
    let hash = digest(&SHA256, body.as_bytes()).as_ref()[..16].to_vec();
    let mut key = "import-".to_owned();
    for byte in &hash {
        let _ = write!(key, "{byte:02x}");
    }
    let number = alike.entry(hash).and_modify(|number| *number += 1).or_insert(1);
    let _ = write!(key, "-{number}");
    key
}

/// An order as its rows are read one after the other.
struct Begun {
    line: u64,
    external_id: String,
    order: Map<String, Value>,
    items: Vec<Value>,
    fault: Option<String>,
}

fn csv(text: &str, take: &mut impl FnMut(u64, Result<String, String>)) -> anyhow::Result<()> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let headers = reader.headers().context("the first line")?.clone();
    let known = || columns::ORDER.into_iter().chain(columns::LINE);
    if let Some(unknown) = headers.iter().find(|name| !known().any(|column| column.0 == *name)) {
        let names: Vec<&str> = known().map(|column| column.0).collect();
        bail!("there is no column `{unknown}`; known are {}", names.join(", "));
    }
    let mut begun: Option<Begun> = None;
    for record in reader.records() {
        let record = record?;
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |name: &str| headers.iter().position(|known| known == name).and_then(|at| record.get(at));
        let external_id = cell("external_id").unwrap_or_default();
        let goes_on = begun.as_ref().is_some_and(|begun| !external_id.is_empty() && begun.external_id == external_id);
        if !goes_on {
            finish(begun.take(), take);
        }
        let order = begun.get_or_insert_with(|| Begun {
            line,
            external_id: external_id.to_owned(),
            order: Map::new(),
            items: Vec::new(),
            fault: None,
        });
        if let Err(reason) = order.add(line, &cell) {
            order.fault.get_or_insert(reason);
        }
    }
    finish(begun, take);
    Ok(())
}

fn finish(begun: Option<Begun>, take: &mut impl FnMut(u64, Result<String, String>)) {
    let Some(Begun { line, mut order, items, fault, .. }) = begun else { return };
    order.insert("items".to_owned(), items.into());
    take(line, fault.map_or_else(|| Ok(Value::from(order).to_string()), Err));
}

impl Begun {
    /// Adds a row, which may leave out what an earlier one has said of the order.
    fn add<'c>(&mut self, line: u64, cell: &impl Fn(&str) -> Option<&'c str>) -> Result<(), String> {
        let read = |column: &Column| {
            let text = cell(column.0).filter(|text| !text.is_empty())?;
            let read = columns::value(column.2, text);
            Some(read.map_err(|why| format!("line {line}: {} {why}, not {text:?}", column.0)))
        };
        for column in &columns::ORDER {
            let Some(value) = read(column).transpose()? else { continue };
            let path = column.1.join("/");
            match Value::from(self.order.clone()).pointer(&format!("/{path}")) {
                Some(known) if *known != value => {
                    return Err(format!("line {line}: {} is {value}, and {known} on an earlier line", column.0));
                }
                Some(_) => {}
                None => columns::put(&mut self.order, column.1, value),
            }
        }
        let mut item = Map::new();
        for column in &columns::LINE {
            if let Some(value) = read(column).transpose()? {
                columns::put(&mut item, column.1, value);
            }
        }
        self.items.push(item.into());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn bodies(read: &Read) -> Vec<Value> {
        read.orders.iter().map(|order| serde_json::from_str(&order.body).unwrap()).collect()
    }

    #[test]
    fn orders_that_are_alike_have_keys_of_their_own_and_the_same_ones_again() {
        let file = b"{\"a\":1}\n\n{\"a\":2}\n{\"a\":1}\nnothing\n[1]\n";
        let first = read(file, Format::Ndjson).unwrap();
        assert_eq!(first.orders.iter().map(|order| order.line).collect::<Vec<_>>(), [1, 3, 4]);
        assert_eq!(first.refused.keys().copied().collect::<Vec<_>>(), [5, 6]);
        assert_ne!(first.orders[0].key, first.orders[2].key);
        // A line put right, in another place: the others are who they were.
        let again = read(b"{\"a\":3}\n{\"a\":1}\n{\"a\":1}\n", Format::Ndjson).unwrap();
        assert_eq!(again.orders[1].key, first.orders[0].key);
        assert_eq!(again.orders[2].key, first.orders[2].key);
        assert_ne!(again.orders[0].key, first.orders[1].key);
    }

    #[test]
    fn rows_of_one_number_are_one_order() {
        let file = "\u{feff}external_id,sku_id,quantity,price,customer_name,shipping_country,payment_method_id,metadata\n\
                    W-1,MUG,2,29.90,\"Lee, Ann\",US,pm_ok,\"{\"\"a\"\":1}\"\n\
                    W-1,TEA,1,7.5,,,,\n\
                    ,MUG,1,1,,DE,pm_ok,\n\
                    ,MUG,1,1,,DE,pm_ok,\n";
        let read = read(file.as_bytes(), Format::Csv).unwrap();
        assert_eq!(read.orders.iter().map(|order| order.line).collect::<Vec<_>>(), [2, 4, 5]);
        let first = json!({
            "external_id": "W-1", "customer": {"name": "Lee, Ann"}, "shipping_address": {"country": "US"},
            "payment_method_id": "pm_ok", "metadata": {"a": 1},
            "items": [{"sku_id": "MUG", "quantity": 2, "price": "29.90"}, {"sku_id": "TEA", "quantity": 1, "price": "7.5"}],
        });
        assert_eq!(bodies(&read)[0], first);
        assert_ne!(read.orders[1].key, read.orders[2].key);
    }

    #[test]
    fn faults_say_the_line_and_the_column() {
        let file =
            "external_id,sku_id,quantity,currency\nW-1,MUG,two,USD\nW-2,MUG,1,USD\nW-2,MUG,1,EUR\nW-3,MUG,1,USD\n";
        let found = read(file.as_bytes(), Format::Csv).unwrap();
        assert_eq!(found.orders.len(), 1);
        assert_eq!(found.refused[&2], "line 2: quantity must be a whole number, not \"two\"");
        assert_eq!(found.refused[&3], "line 4: currency is \"EUR\", and \"USD\" on an earlier line");
        let unknown = read(b"sku_id,colour\nMUG,red\n", Format::Csv).unwrap_err().to_string();
        assert!(unknown.contains("`colour`") && unknown.contains("quantity"), "{unknown}");
        assert!(read(b"\xff", Format::Ndjson).is_err());
    }
}
