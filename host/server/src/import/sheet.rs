//! The file as it is: rows, grouped by invoice in the order in which they first appear.

use std::collections::HashMap;
use std::io::Read;

use anyhow::{Context as _, bail};

/// The columns, by the names of both editions of the data set.
const COLUMNS: [&[&str]; 8] = [
    &["InvoiceNo", "Invoice"],
    &["StockCode"],
    &["Description"],
    &["Quantity"],
    &["InvoiceDate"],
    &["UnitPrice", "Price"],
    &["CustomerID", "Customer ID"],
    &["Country"],
];

/// Everything that the file says.
pub struct Sheet {
    pub lines: usize,
    pub invoices: Vec<Invoice>,
}

/// The rows that carry one invoice number.
pub struct Invoice {
    pub number: String,
    pub rows: Vec<Row>,
}

/// One line of the file, untouched but for the blanks around each value.
#[derive(Default)]
pub struct Row {
    /// In the file, the header being line 1.
    pub line: u64,
    pub stock_code: String,
    pub description: String,
    pub quantity: String,
    pub date: String,
    pub price: String,
    pub customer: String,
    pub country: String,
}

/// Reads the whole file.
pub fn read(file: impl Read) -> anyhow::Result<Sheet> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(file);
    let places = places(reader.byte_headers().context("the first line")?)?;
    let mut sheet = Sheet { lines: 0, invoices: Vec::new() };
    let mut by_number: HashMap<String, usize> = HashMap::new();
    for record in reader.byte_records() {
        let record = record?;
        let line = record.position().map_or(0, csv::Position::line);
        let value = |column: usize| text(record.get(places[column]).unwrap_or_default());
        let number = value(0);
        let row = Row {
            line,
            stock_code: value(1),
            description: value(2),
            quantity: value(3),
            date: value(4),
            price: value(5),
            customer: value(6),
            country: value(7),
        };
        sheet.lines += 1;
        let index = *by_number.entry(number.clone()).or_insert_with(|| {
            sheet.invoices.push(Invoice { number, rows: Vec::new() });
            sheet.invoices.len() - 1
        });
        sheet.invoices[index].rows.push(row);
    }
    Ok(sheet)
}

fn places(headers: &csv::ByteRecord) -> anyhow::Result<[usize; 8]> {
    let names: Vec<String> = headers.iter().map(|name| text(name).trim_start_matches('\u{feff}').to_owned()).collect();
    let mut places = [0; 8];
    for (place, wanted) in places.iter_mut().zip(COLUMNS) {
        let found = names.iter().position(|name| wanted.iter().any(|w| name.eq_ignore_ascii_case(w)));
        let Some(found) = found else {
            bail!("there is no column `{}`; the columns are: {}", wanted[0], names.join(", "));
        };
        *place = found;
    }
    Ok(places)
}

/// UTF-8, or else the Latin-1 in which the data set was first published.
fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.trim().to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect::<String>().trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

    #[test]
    fn rows_are_grouped_wherever_they_stand() {
        let file = format!("{HEAD}1,A,\"A, big\",2,d,1.5,7.0,EIRE\n2,B,,1,d,1,,France\n1,C,,1,d,1,7.0,EIRE\n");
        let sheet = read(file.as_bytes()).unwrap();
        let numbers: Vec<_> = sheet.invoices.iter().map(|i| (i.number.as_str(), i.rows.len())).collect();
        assert_eq!((sheet.lines, numbers), (3, vec![("1", 2), ("2", 1)]));
        assert_eq!((sheet.invoices[0].rows[0].line, sheet.invoices[0].rows[0].description.as_str()), (2, "A, big"));
    }

    #[test]
    fn the_second_edition_and_latin_1_are_read() {
        let mut file =
            b"\xef\xbb\xbfInvoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\r\n".to_vec();
        file.extend(b"1,A,PAINT \xa31,1,d,1,2,France\r\n");
        assert_eq!(read(file.as_slice()).unwrap().invoices[0].rows[0].description, "PAINT £1");
    }

    #[test]
    fn another_file_is_refused_with_its_columns() {
        let error = read("a,b\n1,2\n".as_bytes()).err().unwrap().to_string();
        assert!(error.contains("InvoiceNo") && error.contains("a, b"), "{error}");
    }
}
