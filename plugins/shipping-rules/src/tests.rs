use orderwright_sdk::shipping::{Context, Destination, Line, Parcel};

use super::*;

/// 2026-01-02, a Friday.
const FRIDAY: i64 = 1_767_312_000_000_000;

fn order(country: &str, amount: i64, parcels: usize, preference: Option<&str>) -> Input {
    let parcel = |n: usize| Parcel {
        warehouse_id: format!("WH-{n}"),
        country: "DE".into(),
        region: None,
        zip: None,
        items: vec![],
    };
    Input {
        context: Context { now: FRIDAY, config: String::new() },
        currency: "EUR".into(),
        destination: Destination { country: country.into(), region: None, city: None, zip: None },
        delivery_preference: preference.map(Into::into),
        requested_delivery_date: None,
        lines: vec![Line { line_id: 1, sku: "A".into(), quantity: 1, amount }],
        parcels: (0..parcels).map(parcel).collect(),
    }
}

fn offers(input: &Input) -> Vec<(String, i64, String)> {
    let config = r#"{"zones": [
        {"countries": ["DE"], "services": [
            {"name": "express", "cost": 1290, "days": 1},
            {"name": "standard", "cost": 490, "parcel": 200, "days": 2, "free_from": 5000}]},
        {"countries": ["AQ"]},
        {"services": [{"name": "standard", "cost": 1490, "days": 8}]}]}"#;
    let config = serde_json::from_str(config).expect("a test's configuration is valid");
    let answer = decide(&config, input).expect("the country is served");
    answer.options.into_iter().map(|o| (o.service, o.cost, o.arrives.unwrap_or_default())).collect()
}

fn offer(service: &str, cost: i64, day: &str) -> (String, i64, String) {
    (service.into(), cost, day.into())
}

#[test]
fn the_wish_comes_first_and_weekends_are_no_working_days() {
    let standard = offer("standard", 490, "2026-01-06");
    let express = offer("express", 1290, "2026-01-05");
    assert_eq!(offers(&order("DE", 1000, 1, None)), [standard.clone(), express.clone()]);
    assert_eq!(offers(&order("DE", 1000, 1, Some("express"))), [express, standard]);
}

#[test]
fn parcels_cost_and_value_makes_it_free() {
    assert_eq!(offers(&order("DE", 1000, 3, None))[0].1, 890);
    assert_eq!(offers(&order("DE", 5000, 3, None))[0].1, 0);
    assert_eq!(offers(&order("DE", 1000, 0, None))[0].1, 490);
}

#[test]
fn a_country_without_a_service_is_not_served() {
    assert_eq!(offers(&order("US", 1000, 1, None)), [offer("standard", 1490, "2026-01-14")]);
    let config = serde_json::from_str(r#"{"zones": [{"countries": ["DE"], "services": []}]}"#).expect("valid");
    assert!(decide(&config, &order("DE", 1, 1, None)).unwrap_err().contains("DE"));
    assert!(decide(&config, &order("US", 1, 1, None)).unwrap_err().contains("US"));
}

#[test]
fn days_are_those_of_the_calendar() {
    let day = |days: i64| days::arrival(days * 86_400_000_000, 0, &[]);
    assert_eq!((day(0), day(59), day(-1)), ("1970-01-01".into(), "1970-03-01".into(), "1969-12-31".into()));
    assert_eq!((day(19_782), day(19_783)), ("2024-02-29".into(), "2024-03-01".into()));
    let week: Vec<_> = Weekday::Monday.cycle_forward().take(7).collect();
    assert_eq!(days::arrival(0, 1, &week), "1971-01-02", "it ends");
    // 1970-01-03 was a Saturday.
    let weekend = [Weekday::Saturday, Weekday::Sunday];
    let on_saturday = |days| days::arrival(2 * 86_400_000_000, days, &weekend);
    assert_eq!([0, 1, 2].map(on_saturday), ["1970-01-05", "1970-01-05", "1970-01-06"]);
}
