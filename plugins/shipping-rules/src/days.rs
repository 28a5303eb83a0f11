//! Working days.

use jiff::civil::{Date, Weekday};
use jiff::{Timestamp, ToSpan as _, tz::Offset};
use serde::{Deserialize, Deserializer};

/// No promise reaches further, whatever is configured.
const DAYS_MAX: i32 = 366;

/// The day, as `YYYY-MM-DD` in UTC, on which something sent now has been under way for so many working days.
pub fn arrival(now: i64, days: u16, closed: &[Weekday]) -> String {
    let today = Offset::UTC.to_datetime(Timestamp::from_microsecond(now).unwrap_or_default()).date();
    let later = |days: i32| today.checked_add(days.days()).unwrap_or(Date::MAX);
    let is_open = |day: &Date| !closed.contains(&day.weekday());
    let mut open = (0..=DAYS_MAX).map(later).filter(is_open);
    let first = open.next();
    // A day on which nothing moves is not even day nought.
    let sent_today = first == Some(today);
    let arrives = match usize::from(days) {
        0 => first,
        days if sent_today => open.nth(days - 1),
        1 => first,
        days => open.nth(days - 2),
    };
    arrives.unwrap_or_else(|| later(DAYS_MAX)).to_string()
}

/// Reads days of the week by their English names.
pub fn weekdays<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Weekday>, D::Error> {
    const WEEK: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let day = |name: String| {
        let offset = WEEK.iter().position(|known| *known == name);
        let offset = offset.and_then(|offset| i8::try_from(offset).ok());
        let day = offset.and_then(|offset| Weekday::from_monday_zero_offset(offset).ok());
        day.ok_or_else(|| serde::de::Error::custom(format!("{name:?} is none of {}", WEEK.join(", "))))
    };
    Vec::<String>::deserialize(from)?.into_iter().map(day).collect()
}
