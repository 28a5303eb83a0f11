//! Charts, drawn by the server: bars and lines over time, and bars of two sides. Whole numbers alone are computed with.

use super::text;

/// The drawing is 360 by 150, in its own units; its bars and lines lie within these.
const LEFT: u64 = 50;
const RIGHT: u64 = 352;
const TOP: u64 = 10;
const BOTTOM: u64 = 128;
/// The length of the longest bar of two sides.
const BAR: u64 = 1000;

/// Values over time.
pub struct Chart {
    /// Names its parts for those who cannot see it.
    pub id: &'static str,
    pub title: &'static str,
    /// What it shows, in a sentence.
    pub summary: String,
    /// What each colour stands for.
    pub keys: Vec<Key>,
    pub bars: Vec<Bar>,
    pub lines: Vec<Line>,
    pub levels: Vec<Level>,
    pub moments: Vec<Moment>,
    /// The same as a table.
    pub rows: Vec<(String, Vec<String>)>,
}

/// A colour and its name.
pub struct Key {
    pub name: String,
    pub colour: &'static str,
}

/// A part of a stacked bar.
pub struct Bar {
    pub x: u64,
    pub y: u64,
    pub width: u64,
    pub height: u64,
    pub colour: &'static str,
    /// What it says when it is pointed at.
    pub hint: String,
}

/// Connected points.
pub struct Line {
    pub points: String,
    pub dots: Vec<(u64, u64)>,
    pub colour: &'static str,
}

/// A height with its value.
pub struct Level {
    pub y: u64,
    pub label: String,
}

/// A place on the axis of time.
pub struct Moment {
    pub x: u64,
    pub anchor: &'static str,
    pub label: String,
}

/// Values of one kind, one for each piece of time; none where there is nothing to say.
pub struct Series {
    pub name: String,
    pub colour: &'static str,
    pub values: Vec<Option<u64>>,
}

/// What charts over the same time have in common.
pub struct Axis {
    /// When each piece begins, for people.
    pub times: Vec<String>,
    /// The same, short enough to stand below a chart.
    pub labels: Vec<String>,
}

/// How a value is written.
pub type Write = fn(u64) -> String;

/// The colours, told apart by everybody in light and dark.
pub const COLOURS: [&str; 6] = ["c0", "c1", "c2", "c3", "c4", "c5"];

/// The colour of the n-th of several.
pub fn colour(n: usize) -> &'static str {
    COLOURS[n % COLOURS.len()]
}

impl Chart {
    /// Bars, stacked.
    pub fn stacked(id: &'static str, title: &'static str, axis: &Axis, series: Vec<Series>, write: Write) -> Self {
        let sum = |piece: usize| series.iter().filter_map(|one| one.values[piece]).sum::<u64>();
        let top = nice((0..axis.times.len()).map(sum).max().unwrap_or(0));
        let mut bars = Vec::new();
        for (piece, time) in axis.times.iter().enumerate() {
            let (x, width) = axis.slot(piece);
            let mut below = 0;
            for one in &series {
                let Some(value) = one.values[piece].filter(|value| *value > 0) else { continue };
                // Edges are rounded, not heights: a stack is as high as its sum.
                let (low, high) = (height(below, top), height(below + value, top));
                let high = high.max(low + 1);
                let hint = format!("{time}: {} {}", write(value), one.name);
                bars.push(Bar { x, y: BOTTOM - high, width, height: high - low, colour: one.colour, hint });
                below += value;
            }
        }
        Self { bars, ..Self::empty(id, title, axis, series, top, write) }
    }

    /// Lines.
    pub fn lines(id: &'static str, title: &'static str, axis: &Axis, series: Vec<Series>, write: Write) -> Self {
        let top = nice(series.iter().flat_map(|one| one.values.iter().flatten()).copied().max().unwrap_or(0));
        let line = |one: &Series| {
            let point = |(piece, value): (usize, &Option<u64>)| {
                let (x, width) = axis.slot(piece);
                value.map(|value| (x + width / 2, BOTTOM - height(value, top)))
            };
            let dots: Vec<(u64, u64)> = one.values.iter().enumerate().filter_map(point).collect();
            let points: Vec<String> = dots.iter().map(|(x, y)| format!("{x},{y}")).collect();
            Line { points: points.join(" "), dots, colour: one.colour }
        };
        let lines = series.iter().map(line).collect();
        Self { lines, ..Self::empty(id, title, axis, series, top, write) }
    }

    /// Whether there is nothing to draw.
    pub fn is_empty(&self) -> bool {
        self.bars.is_empty() && self.lines.iter().all(|line| line.dots.is_empty())
    }

    fn empty(id: &'static str, title: &'static str, axis: &Axis, series: Vec<Series>, top: u64, write: Write) -> Self {
        let has_any = |piece: &usize| series.iter().any(|one| one.values[*piece].is_some());
        let row = |piece: usize| {
            let cell = |one: &Series| one.values[piece].map(write).unwrap_or_default();
            (axis.times[piece].clone(), series.iter().map(cell).collect())
        };
        let rows: Vec<_> = (0..axis.times.len()).filter(has_any).map(row).collect();
        let names: Vec<&str> = series.iter().map(|one| one.name.as_str()).collect();
        let span = match (axis.times.first(), axis.times.last()) {
            (Some(first), Some(last)) => format!("from {first} to {last} in UTC"),
            _ => String::new(),
        };
        let levels = [0, top / 2, top].map(|value| Level { y: BOTTOM - height(value, top), label: text::short(value) });
        Self {
            id,
            title,
            summary: format!("{title} ({}) {span}; the scale ends at {}.", names.join(", "), write(top)),
            bars: Vec::new(),
            lines: Vec::new(),
            levels: levels.into(),
            moments: axis.moments(),
            rows,
            keys: series.into_iter().map(|one| Key { name: one.name, colour: one.colour }).collect(),
        }
    }
}

impl Axis {
    /// Where a piece of time begins on the drawing, and how wide its bar is.
    fn slot(&self, piece: usize) -> (u64, u64) {
        let at = |piece: usize| LEFT + (RIGHT - LEFT) * piece as u64 / (self.times.len() as u64).max(1);
        let (from, to) = (at(piece), at(piece + 1));
        (from, (to - from).saturating_sub(1).max(1))
    }

    fn moments(&self) -> Vec<Moment> {
        let Some(last) = self.labels.len().checked_sub(1) else { return Vec::new() };
        let label = |piece: usize| self.labels[piece].clone();
        let middle = Moment { x: self.slot(last / 2).0, anchor: "middle", label: label(last / 2) };
        vec![
            Moment { x: LEFT, anchor: "start", label: label(0) },
            middle,
            Moment { x: RIGHT, anchor: "end", label: label(last) },
        ]
    }
}

/// Two sides of one measure: bars and what stands beside them.
pub struct Pair {
    pub name: String,
    pub before: String,
    pub now: String,
    /// Lengths of at most [`BAR`].
    pub before_length: u64,
    pub now_length: u64,
}

impl Pair {
    /// A measure as it was written on both sides, in the same digits.
    pub fn new(name: String, before: String, now: String) -> Self {
        let (was, is) = (digits(&before), digits(&now));
        let most = was.max(is).max(1);
        let length = |value: u128| u64::try_from(value * u128::from(BAR) / most).unwrap_or(BAR);
        Self { name, before_length: length(was), now_length: length(is), before, now }
    }
}

/// A part of a whole, as the length of its bar.
pub fn share(part: u64, whole: u64) -> u64 {
    u64::try_from(u128::from(part) * u128::from(BAR) / u128::from(whole.max(1))).unwrap_or(BAR)
}

/// A number's size in its last digit, whatever its sign.
fn digits(number: &str) -> u128 {
    let digits: String = number.chars().filter(char::is_ascii_digit).take(30).collect();
    digits.parse().unwrap_or(0)
}

fn height(value: u64, top: u64) -> u64 {
    let height = u128::from(value) * u128::from(BOTTOM - TOP) / u128::from(top.max(1));
    u64::try_from(height).unwrap_or(u64::MAX).min(BOTTOM - TOP)
}

/// The next number that is easily halved and read.
fn nice(value: u64) -> u64 {
    let mut unit = 1_u64;
    loop {
        let found = [2, 4, 6, 8, 10].into_iter().map(|n| unit.saturating_mul(n)).find(|nice| *nice >= value);
        match found {
            Some(nice) => return nice,
            None => unit = unit.saturating_mul(10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(pieces: usize) -> Axis {
        let times: Vec<String> = (0..pieces).map(|n| format!("t{n}")).collect();
        Axis { labels: times.clone(), times }
    }

    fn series(name: &str, values: &[Option<u64>]) -> Series {
        Series { name: name.into(), colour: colour(0), values: values.to_vec() }
    }

    #[test]
    fn a_stack_is_as_high_as_its_sum() {
        let values = [series("a", &[Some(3), None]), series("b", &[Some(5), Some(1)])];
        let chart = Chart::stacked("id", "Calls", &axis(2), values.into(), |n| n.to_string());
        let first: Vec<&Bar> = chart.bars.iter().filter(|bar| bar.x == LEFT).collect();
        assert_eq!(first.iter().map(|bar| bar.height).sum::<u64>(), BOTTOM - TOP, "the scale ends at 8");
        assert_eq!(first[1].y, TOP);
        assert_eq!(first[0].y, first[1].y + first[1].height);
        assert_eq!(chart.bars.len(), 3);
        assert_eq!(chart.rows[1], ("t1".to_owned(), vec![String::new(), "1".to_owned()]));
        assert!(!chart.is_empty());
        assert!(Chart::stacked("id", "Calls", &axis(2), vec![], |n| n.to_string()).is_empty());
    }

    #[test]
    fn lines_leave_out_what_is_not_known_and_stay_inside() {
        let values = vec![series("p99", &[Some(0), None, Some(u64::MAX)])];
        let chart = Chart::lines("id", "Latency", &axis(3), values, |n| n.to_string());
        assert_eq!(chart.lines[0].dots.len(), 2);
        assert!(chart.lines[0].dots.iter().all(|(x, y)| (LEFT..=RIGHT).contains(x) && (TOP..=BOTTOM).contains(y)));
        assert!(Chart::lines("id", "t", &axis(0), vec![], |n| n.to_string()).moments.is_empty());
    }

    #[test]
    fn two_sides_are_measured_alike() {
        let pair = Pair::new("tax USD".into(), "10.00".into(), "-2.50".into());
        assert_eq!((pair.before_length, pair.now_length), (BAR, BAR / 4));
        let none = Pair::new("x".into(), "0".into(), "0".into());
        assert_eq!((none.before_length, none.now_length), (0, 0));
        assert_eq!((share(1, 4), share(0, 0)), (250, 0));
    }

    #[test]
    fn scales_end_at_round_numbers() {
        for (value, expected) in [(0, 2), (2, 2), (3, 4), (9, 10), (11, 20), (4001, 6000)] {
            assert_eq!(nice(value), expected);
        }
        assert_eq!(nice(u64::MAX), u64::MAX);
    }
}
