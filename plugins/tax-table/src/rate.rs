//! Rates and what they make of an amount.

/// The rates of one place, in millionths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rates {
    /// What the law calls the tax.
    pub name: String,
    /// For everything that has no rate of its own.
    pub general: u32,
    /// For groceries.
    pub food: u32,
    /// For printed books.
    pub books: u32,
    /// Whether shipping carries the general rate.
    pub taxes_shipping: bool,
}

impl Rates {
    /// The rate of a tax class.
    pub fn of_class(&self, class: Option<&str>) -> u32 {
        match class {
            Some("food") => self.food,
            Some("books") => self.books,
            Some("exempt") => 0,
            _ => self.general,
        }
    }
}

/// Millionths in one.
const ONE: i128 = 1_000_000;

/// The tax on, or in, an amount: rounded half up to the minor unit, never negative.
pub fn tax(amount: i64, rate_ppm: u32, inclusive: bool) -> i64 {
    let rate = i128::from(rate_ppm);
    let whole = if inclusive { ONE + rate } else { ONE };
    let part = i128::from(amount.max(0)) * rate;
    // Half a unit added before the division rounds half up.
    i64::try_from((2 * part + whole) / (2 * whole)).unwrap_or(i64::MAX)
}

/// Reads a percentage such as `8.25` exactly into millionths.
pub fn percent(text: &str) -> Option<u32> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.trim_end_matches('0').len() > 4 {
        return None;
    }
    let fraction = fraction.get(..4).unwrap_or(fraction);
    let scale = 10u32.pow(4 - u32::try_from(fraction.len()).ok()?);
    let below = if fraction.is_empty() { 0 } else { fraction.parse::<u32>().ok()? * scale };
    let rate = whole.parse::<u32>().ok()?.checked_mul(10_000)?.checked_add(below)?;
    // Above 100 % it is a mistake, such as millionths in place of percent.
    (rate <= 1_000_000).then_some(rate)
}
