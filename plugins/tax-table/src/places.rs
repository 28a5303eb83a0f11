//! The table. Rates are in hundredths of a percent or finer, written as percent times 10,000 (millionths).

use crate::rate::Rates;

/// Country, general, food, books.
type Row = (&'static str, u32, u32, u32);

/// Value added tax of the European Union's members, as of 2026.
const EU: [Row; 27] = [
    ("AT", 200_000, 100_000, 100_000),
    ("BE", 210_000, 60_000, 60_000),
    ("BG", 200_000, 200_000, 90_000),
    ("CY", 190_000, 50_000, 30_000),
    ("CZ", 210_000, 120_000, 0),
    ("DE", 190_000, 70_000, 70_000),
    ("DK", 250_000, 250_000, 250_000),
    ("EE", 240_000, 240_000, 90_000),
    ("ES", 210_000, 100_000, 40_000),
    ("FI", 255_000, 135_000, 135_000),
    ("FR", 200_000, 55_000, 55_000),
    ("GR", 240_000, 130_000, 60_000),
    ("HR", 250_000, 50_000, 50_000),
    ("HU", 270_000, 270_000, 50_000),
    ("IE", 230_000, 0, 0),
    ("IT", 220_000, 100_000, 40_000),
    ("LT", 210_000, 210_000, 50_000),
    ("LU", 170_000, 30_000, 30_000),
    ("LV", 210_000, 210_000, 50_000),
    ("MT", 180_000, 0, 50_000),
    ("NL", 210_000, 90_000, 90_000),
    ("PL", 230_000, 50_000, 50_000),
    ("PT", 230_000, 60_000, 60_000),
    ("RO", 210_000, 110_000, 110_000),
    ("SE", 250_000, 60_000, 60_000),
    ("SI", 220_000, 95_000, 50_000),
    ("SK", 230_000, 190_000, 50_000),
];

/// Other countries with one tax for the whole country; with what it is called.
const OTHERS: [(Row, &str); 14] = [
    (("AE", 50_000, 50_000, 50_000), "VAT"),
    (("AU", 100_000, 0, 100_000), "GST"),
    (("CH", 81_000, 26_000, 26_000), "VAT"),
    (("GB", 200_000, 0, 0), "VAT"),
    (("IL", 180_000, 180_000, 180_000), "VAT"),
    (("IS", 240_000, 110_000, 110_000), "VAT"),
    (("JP", 100_000, 80_000, 100_000), "consumption tax"),
    (("KR", 100_000, 0, 0), "VAT"),
    (("LI", 81_000, 26_000, 26_000), "VAT"),
    (("MX", 160_000, 0, 0), "IVA"),
    (("NO", 250_000, 150_000, 0), "VAT"),
    (("NZ", 150_000, 150_000, 150_000), "GST"),
    (("SG", 90_000, 90_000, 90_000), "GST"),
    (("ZA", 150_000, 150_000, 150_000), "VAT"),
];

/// Provinces of Canada: federal and provincial tax together. Basic groceries are free of both, books of the provincial.
const CANADA: [(&str, u32, &str); 13] = [
    ("AB", 50_000, "GST"),
    ("BC", 120_000, "GST and PST"),
    ("MB", 120_000, "GST and RST"),
    ("NB", 150_000, "HST"),
    ("NL", 150_000, "HST"),
    ("NS", 140_000, "HST"),
    ("NT", 50_000, "GST"),
    ("NU", 50_000, "GST"),
    ("ON", 130_000, "HST"),
    ("PE", 150_000, "HST"),
    ("QC", 149_750, "GST and QST"),
    ("SK", 110_000, "GST and PST"),
    ("YT", 50_000, "GST"),
];
/// The federal part, which is all that applies where the province is not known, and on books.
const CANADA_FEDERAL: u32 = 50_000;

/// States of the United States: state and local sales tax in the largest city, and on groceries.
const STATES: [(&str, u32, u32); 51] = [
    ("AK", 0, 0),
    ("AL", 100_000, 80_000),
    ("AR", 86_250, 0),
    ("AZ", 91_000, 0),
    ("CA", 97_500, 0),
    ("CO", 91_500, 0),
    ("CT", 63_500, 0),
    ("DC", 60_000, 0),
    ("DE", 0, 0),
    ("FL", 70_000, 0),
    ("GA", 89_000, 0),
    ("HI", 45_000, 45_000),
    ("IA", 70_000, 0),
    ("ID", 60_000, 60_000),
    ("IL", 102_500, 10_000),
    ("IN", 70_000, 0),
    ("KS", 75_000, 10_000),
    ("KY", 60_000, 0),
    ("LA", 100_000, 50_000),
    ("MA", 62_500, 0),
    ("MD", 60_000, 0),
    ("ME", 55_000, 0),
    ("MI", 60_000, 0),
    ("MN", 90_250, 0),
    ("MO", 89_750, 57_250),
    ("MS", 80_000, 60_000),
    ("MT", 0, 0),
    ("NC", 72_500, 20_000),
    ("ND", 80_000, 0),
    ("NE", 70_000, 0),
    ("NH", 0, 0),
    ("NJ", 66_250, 0),
    ("NM", 76_250, 0),
    ("NV", 83_750, 0),
    ("NY", 88_750, 0),
    ("OH", 80_000, 0),
    ("OK", 86_250, 41_250),
    ("OR", 0, 0),
    ("PA", 80_000, 0),
    ("RI", 70_000, 0),
    ("SC", 90_000, 0),
    ("SD", 62_000, 62_000),
    ("TN", 97_500, 67_500),
    ("TX", 82_500, 0),
    ("UT", 84_500, 30_000),
    ("VA", 60_000, 10_000),
    ("VT", 70_000, 0),
    ("WA", 105_500, 0),
    ("WI", 79_000, 0),
    ("WV", 70_000, 0),
    ("WY", 60_000, 0),
];

/// The rates at a place; none where the table has none.
pub fn rates(country: &str, region: Option<&str>) -> Option<Rates> {
    match country {
        "US" => STATES.iter().find(|row| Some(row.0) == region).map(state),
        "CA" => Some(CANADA.iter().find(|row| Some(row.0) == region).map_or_else(federal, province)),
        _ => EU.iter().find(|row| row.0 == country).map(|row| national(row, "VAT")).or_else(|| other(country)),
    }
}

fn other(country: &str) -> Option<Rates> {
    OTHERS.iter().find(|(row, _)| row.0 == country).map(|(row, name)| national(row, name))
}

fn national(&(_, general, food, books): &Row, name: &str) -> Rates {
    Rates { name: name.into(), general, food, books, taxes_shipping: true }
}

fn province(&(_, general, name): &(&str, u32, &str)) -> Rates {
    Rates { name: name.into(), general, food: 0, books: CANADA_FEDERAL, taxes_shipping: true }
}

fn federal() -> Rates {
    province(&("", CANADA_FEDERAL, "GST"))
}

fn state(&(code, general, food): &(&str, u32, u32)) -> Rates {
    // Shipping that is stated apart is free of tax in most states.
    Rates { name: format!("{code} sales tax"), general, food, books: general, taxes_shipping: false }
}
