//! Which warehouses: the smallest sets that have everything, the nearest first.
//!
//! Finding them is a set cover, which is exponential at worst. The search tries sets of one warehouse, then of two, and
//! so on, and always branches on the SKU that the fewest can supply; for real orders that is over at once. Where its
//! budget runs out, a greedy choice is made that any number of lines and warehouses allows.

use crate::problem::{Cost, Problem};

/// SKUs looked at in one search: some five milliseconds.
const BUDGET: usize = 2_000_000;
/// Sets collected, of which the best are answered.
const SETS: usize = 200;

/// The best sets of warehouses, at most `most`; none where stock does not suffice.
pub fn best(problem: &Problem<'_>, most: usize) -> Vec<Vec<usize>> {
    let have = |sku: usize| problem.stock[sku].iter().map(|(_, units)| units).sum::<u64>();
    if (0..problem.wanted.len()).any(|sku| have(sku) < problem.wanted[sku]) {
        return Vec::new();
    }
    let mut search = Search::of(problem);
    for size in 1..=problem.costs.len() {
        search.run(size);
        if search.found.len() >= most || search.budget == 0 {
            break;
        }
    }
    let mut found = search.found;
    if found.is_empty() {
        found.push(greedy(problem));
    }
    found.sort_by_cached_key(|set| rank(problem, set));
    found.truncate(most);
    found
}

/// How good a set is: smaller is better.
fn rank(problem: &Problem<'_>, set: &[usize]) -> (usize, usize, u64, i64) {
    let costs: Vec<Cost> = set.iter().map(|&place| problem.costs[place]).collect();
    let foreign = costs.iter().filter(|cost| cost.foreign).count();
    let distance = costs.iter().map(|cost| u64::from(cost.distance)).sum();
    (set.len(), foreign, distance, costs.iter().map(|cost| cost.priority).sum())
}

struct Search<'a> {
    problem: &'a Problem<'a>,
    /// Units by warehouse and SKU, a row a warehouse.
    units: Vec<i64>,
    chosen: Vec<usize>,
    /// Tried in an earlier branch: sets with it have been seen.
    excluded: Vec<bool>,
    /// Units still wanted, by SKU; below zero where there is more than enough.
    missing: Vec<i64>,
    found: Vec<Vec<usize>>,
    budget: usize,
}

impl<'a> Search<'a> {
    fn of(problem: &'a Problem<'a>) -> Self {
        let (places, skus) = (problem.costs.len(), problem.wanted.len());
        let mut units = vec![0; places * skus];
        for (sku, holders) in problem.stock.iter().enumerate() {
            holders.iter().for_each(|&(place, held)| units[place * skus + sku] = signed(held));
        }
        Self {
            problem,
            units,
            chosen: Vec::new(),
            excluded: vec![false; places],
            missing: problem.wanted.iter().map(|&wanted| signed(wanted)).collect(),
            found: Vec::new(),
            budget: BUDGET,
        }
    }

    /// Adds every set that covers everything with exactly so many warehouses more, none of them idle.
    fn run(&mut self, size: usize) {
        // Covered with fewer than the size: that set has been found before.
        let Some(sku) = self.scarcest() else { return };
        let problem = self.problem;
        let mut tried = Vec::new();
        for &(place, _) in &problem.stock[sku] {
            if self.budget == 0 || self.found.len() >= SETS {
                break;
            }
            if self.excluded[place] || self.chosen.contains(&place) {
                continue;
            }
            self.chosen.push(place);
            if size > 1 {
                self.take(place, -1);
                self.run(size - 1);
                self.take(place, 1);
            } else if self.finishes(place) {
                self.add();
            }
            self.chosen.pop();
            self.excluded[place] = true;
            tried.push(place);
        }
        tried.into_iter().for_each(|place| self.excluded[place] = false);
    }

    /// The SKU still missing that the fewest warehouses can supply.
    fn scarcest(&mut self) -> Option<usize> {
        self.spend();
        let missing = (0..self.missing.len()).filter(|&sku| self.missing[sku] > 0);
        missing.min_by_key(|&sku| self.problem.stock[sku].len())
    }

    /// Whether a warehouse has everything that is missing.
    fn finishes(&mut self, place: usize) -> bool {
        self.spend();
        self.missing.iter().zip(self.row(place)).all(|(missing, units)| missing <= units)
    }

    fn take(&mut self, place: usize, sign: i64) {
        self.spend();
        let skus = self.missing.len();
        let row = &self.units[place * skus..(place + 1) * skus];
        self.missing.iter_mut().zip(row).for_each(|(missing, units)| *missing += sign * units);
    }

    fn row(&self, place: usize) -> &[i64] {
        &self.units[place * self.missing.len()..][..self.missing.len()]
    }

    fn spend(&mut self) {
        self.budget = self.budget.saturating_sub(self.missing.len());
    }

    fn add(&mut self) {
        let mut set = self.chosen.clone();
        set.sort_unstable();
        // A set that contains a smaller one would ship the same from fewer.
        if !self.found.iter().any(|smaller| smaller.iter().all(|place| set.contains(place))) {
            self.found.push(set);
        }
    }
}

/// Units as the search counts them. A SKU's are at most a thousand lines' of four billion each.
fn signed(units: u64) -> i64 {
    i64::try_from(units).unwrap_or(i64::MAX)
}

/// Takes the warehouse that has the most of what is missing, again and again, then leaves out what proved needless.
fn greedy(problem: &Problem<'_>) -> Vec<usize> {
    let places = problem.costs.len();
    let mut missing = problem.wanted.clone();
    let mut set: Vec<usize> = Vec::new();
    while missing.iter().any(|&units| units > 0) {
        let mut gain = vec![0u64; places];
        for (sku, holders) in problem.stock.iter().enumerate() {
            holders.iter().for_each(|&(place, units)| gain[place] += units.min(missing[sku]));
        }
        set.iter().for_each(|&place| gain[place] = 0);
        // Of equal gains the nearest: warehouses are numbered by cost.
        let Some(next) = (0..places).max_by_key(|&place| (gain[place], std::cmp::Reverse(place))) else { break };
        if gain[next] == 0 {
            break;
        }
        set.push(next);
        for (sku, holders) in problem.stock.iter().enumerate() {
            holders.iter().filter(|(place, _)| *place == next).for_each(|(_, units)| {
                missing[sku] = missing[sku].saturating_sub(*units);
            });
        }
    }
    set.sort_unstable();
    for place in set.clone().into_iter().rev() {
        let without: Vec<_> = set.iter().copied().filter(|other| *other != place).collect();
        if covers(problem, &without) {
            set = without;
        }
    }
    set
}

fn covers(problem: &Problem<'_>, set: &[usize]) -> bool {
    problem.wanted.iter().zip(&problem.stock).all(|(wanted, holders)| {
        let here = holders.iter().filter(|(place, _)| set.binary_search(place).is_ok());
        here.fold(0u64, |sum, (_, units)| sum.saturating_add(*units)) >= *wanted
    })
}
