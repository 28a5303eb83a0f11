//! A JSON number as written: digits and a power of ten, never a float.

/// A number whose text follows the grammar of JSON.
pub(super) struct Number<'n> {
    text: &'n str,
    negative: bool,
    /// Without zeros at either end; empty for zero.
    digits: String,
    /// The value is `digits` times ten to this power; none where the power itself is beyond computing.
    exponent: Option<i64>,
}

impl<'n> Number<'n> {
    pub(super) fn parse(text: &'n str) -> Self {
        let (negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, power) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let digits = all.trim_end_matches('0');
        let zeros_cut = all.len() - digits.len();
        let digits = digits.trim_start_matches('0').to_owned();
        let exponent = if digits.is_empty() {
            Some(0)
        } else {
            let shift = zeros_cut as i64 - fraction.len() as i64;
            power.parse::<i64>().ok().and_then(|power| power.checked_add(shift))
        };
        Self { text, negative, digits, exponent }
    }

    /// Whether nothing stands after the point. A number with a power beyond computing counts by the power's sign.
    pub(super) fn is_integral(&self) -> bool {
        self.exponent.map_or_else(|| !self.text.contains("e-") && !self.text.contains("E-"), |exponent| exponent >= 0)
    }

    /// The number times 10^places, rounded half away from zero; none where it does not fit.
    pub(super) fn scaled(&self, places: u32) -> Option<i64> {
        let shift = self.exponent?.checked_add(i64::from(places))?;
        if self.digits.is_empty() {
            return Some(0);
        }
        let magnitude = if shift >= 0 {
            let zeros = usize::try_from(shift).ok().filter(|zeros| self.digits.len() + zeros <= 19)?;
            format!("{}{}", self.digits, "0".repeat(zeros)).parse::<i64>().ok()?
        } else {
            let cut = usize::try_from(shift.unsigned_abs()).ok()?;
            if cut > self.digits.len() {
                return Some(0);
            }
            let (kept, rest) = self.digits.split_at(self.digits.len() - cut);
            let kept = if kept.is_empty() { 0 } else { kept.parse::<i64>().ok()? };
            kept.checked_add(i64::from(rest.as_bytes().first().is_some_and(|digit| *digit >= b'5')))?
        };
        Some(if self.negative { -magnitude } else { magnitude })
    }

    /// One text for every way of writing the same number.
    pub(super) fn canonical(&self) -> String {
        let sign = if self.negative { "-" } else { "" };
        match self.exponent {
            _ if self.digits.is_empty() => "0".to_owned(),
            Some(0) => format!("{sign}{}", self.digits),
            Some(exponent) => format!("{sign}{}e{exponent}", self.digits),
            // Nobody computes with such a number; its own text is the best name for it.
            None => self.text.to_owned(),
        }
    }
}
