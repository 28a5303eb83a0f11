//! Years, months and days of the calendar, in UTC.

use std::fmt;

use jiff::civil::Date;

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// A span of calendar time that a query names: a year, a month of it or a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// A whole year.
    Year(i16),
    /// A month: year, then 1 to 12.
    Month(i16, i8),
    /// A day: year, month, then 1 to 31.
    Day(i16, i8, i8),
}

impl Period {
    /// The first microsecond, counted from 1970 in UTC.
    #[must_use]
    pub fn start_micros(self) -> i64 {
        micros(self.first_day())
    }

    /// The first microsecond that is no longer part of it.
    #[must_use]
    pub fn end_micros(self) -> i64 {
        let next = match self {
            Self::Year(year) => year.checked_add(1).and_then(|next| Date::new(next, 1, 1).ok()),
            Self::Month(year, 12) => year.checked_add(1).and_then(|next| Date::new(next, 1, 1).ok()),
            Self::Month(year, month) => Date::new(year, month + 1, 1).ok(),
            Self::Day(..) => self.first_day().tomorrow().ok(),
        };
        // The calendar ends with the year 9999; what ends there has no end.
        next.map_or(i64::MAX, micros)
    }

    fn first_day(self) -> Date {
        let (year, month, day) = match self {
            Self::Year(year) => (year, 1, 1),
            Self::Month(year, month) => (year, month, 1),
            Self::Day(year, month, day) => (year, month, day),
        };
        Date::new(year, month, day).unwrap_or(Date::MIN)
    }

    /// Reads `2026`, `2026-03` or `2026-03-14`, each with all its digits.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let year: i16 = digits(parts.next()?, 4)?.try_into().ok()?;
        let month = parts.next();
        let day = parts.next();
        if parts.next().is_some() {
            return None;
        }
        let two = |part: &str| digits(part, 2).and_then(|n| i8::try_from(n).ok());
        let period = match (month, day) {
            (None, _) => Self::Year(year),
            (Some(month), None) => Self::Month(year, two(month)?),
            (Some(month), Some(day)) => Self::Day(year, two(month)?, two(day)?),
        };
        match period {
            Self::Year(_) => true,
            Self::Month(year, month) => Date::new(year, month, 1).is_ok(),
            Self::Day(year, month, day) => Date::new(year, month, day).is_ok(),
        }
        .then_some(period)
    }
}

fn digits(text: &str, count: usize) -> Option<u16> {
    (text.len() == count && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

fn micros(date: Date) -> i64 {
    let days = date.duration_since(Date::constant(1970, 1, 1)).as_hours() / 24;
    days * MICROS_PER_DAY
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Year(year) => write!(f, "{year:04}"),
            Self::Month(year, month) => write!(f, "{year:04}-{month:02}"),
            Self::Day(year, month, day) => write!(f, "{year:04}-{month:02}-{day:02}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_begin_and_end_at_midnight() {
        let day = Period::parse("2026-03-14").unwrap();
        assert_eq!(day.start_micros(), 1_773_446_400_000_000);
        assert_eq!(day.end_micros() - day.start_micros(), MICROS_PER_DAY);
        let leap = Period::parse("2024-02").unwrap();
        assert_eq!(leap.end_micros() - leap.start_micros(), 29 * MICROS_PER_DAY);
        assert_eq!(Period::parse("2025-12").unwrap().end_micros(), Period::parse("2026").unwrap().start_micros());
        assert!(Period::parse("0000").unwrap().start_micros() < 0);
        assert_eq!(Period::parse("9999-12-31").unwrap().end_micros(), i64::MAX);
        assert_eq!(Period::parse("9999").unwrap().end_micros(), i64::MAX);
    }

    #[test]
    fn only_days_of_the_calendar_are_dates() {
        for bad in
            ["", "26", "2026-3", "2026-13", "2026-00", "2026-02-30", "2026-03-", "2026-03-14-1", "-2026", "２０２６"]
        {
            assert_eq!(Period::parse(bad), None, "{bad}");
        }
    }
}
