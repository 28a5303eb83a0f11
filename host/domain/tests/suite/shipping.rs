//! The table of shipping rates: the first row that fits counts.

use domain::native::{self, ShippingRate, default_rates};
use domain::time::{Date, Timestamp};

use crate::baskets::START;

fn rate(country: Option<&str>, preference: Option<&str>, cost: i64) -> ShippingRate {
    ShippingRate { country: country.map(str::to_owned), preference: preference.map(str::to_owned), cost, days: 2 }
}

fn cost(rates: &[ShippingRate], country: &str, preference: Option<&str>) -> Option<i64> {
    native::rate(rates, country, preference, START).map(|(rate, _)| rate.cost)
}

#[test]
fn the_default_table_knows_home_and_abroad() {
    let rates = default_rates("DE");
    let cases = [
        ("DE", None, 500, 4),
        ("DE", Some("standard"), 500, 4),
        ("DE", Some("express"), 1500, 1),
        ("DE", Some("by donkey"), 500, 4),
        ("US", None, 1500, 8),
        ("US", Some("standard"), 1500, 8),
        ("US", Some("express"), 3500, 3),
    ];
    for (country, preference, cost, days) in cases {
        let (rate, arrival) = native::rate(&rates, country, preference, START).expect("every country is served");
        assert_eq!((rate.cost, rate.days), (cost, days), "{country} {preference:?}");
        assert_eq!(arrival, START.plus_seconds(i64::from(days) * 86_400).date());
    }
}

#[test]
fn rows_count_in_their_order() {
    let general_first = [rate(None, None, 1), rate(Some("DE"), None, 2)];
    assert_eq!(cost(&general_first, "DE", None), Some(1));
    let special_first = [rate(Some("DE"), None, 2), rate(None, None, 1)];
    assert_eq!(cost(&special_first, "DE", None), Some(2));
    assert_eq!(cost(&special_first, "FR", None), Some(1));
}

#[test]
fn no_preference_means_standard() {
    let rates = [rate(None, Some("express"), 9), rate(None, Some("standard"), 3)];
    assert_eq!(cost(&rates, "DE", None), Some(3));
    assert_eq!(cost(&rates, "DE", Some("express")), Some(9));
    assert_eq!(cost(&rates, "DE", Some("pickup")), None);
}

#[test]
fn a_place_that_no_row_serves_has_no_rate() {
    assert_eq!(cost(&[rate(Some("DE"), None, 2)], "FR", None), None);
    assert_eq!(cost(&[], "DE", None), None);
}

#[test]
fn an_arrival_goes_over_months_and_stops_at_the_end_of_time() {
    let rates = [ShippingRate { country: None, preference: None, cost: 0, days: u16::MAX }];
    let arrival = |now: Timestamp| native::rate(&rates, "DE", None, now).map(|(_, date)| date);
    let late_february: Timestamp = "2024-02-28T23:59:59Z".parse().unwrap();
    let two_days = native::rate(&[rate(None, None, 0)], "DE", None, late_february).map(|(_, date)| date);
    assert_eq!(two_days, Some(Date::constant(2024, 3, 1)));
    assert_eq!(arrival(Timestamp::MAX), Some(Timestamp::MAX.date()));
    assert_eq!(arrival(START), Some(START.plus_seconds(65_535 * 86_400).date()));
}
