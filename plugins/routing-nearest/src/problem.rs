//! One seller's part of an order: what is wanted, and who has it.

use orderwright_sdk::routing::{Allocation, Input};

use crate::geo;
use crate::names::Names;

/// How near a warehouse is: smaller is better, field by field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cost {
    /// Across a border.
    pub foreign: bool,
    /// In steps of ten kilometres: below that the priority decides.
    pub distance: u32,
    pub priority: i64,
}

/// A wanted line.
pub struct Line {
    id: u32,
    sku: usize,
    quantity: u32,
}

/// What is to be solved. Warehouses are numbered by their cost, the nearest first, and SKUs by their first line.
pub struct Problem<'a> {
    warehouses: Names<'a>,
    pub costs: Vec<Cost>,
    lines: Vec<Line>,
    skus: Names<'a>,
    /// Units wanted, by SKU.
    pub wanted: Vec<u64>,
    /// Who has how much, by SKU: warehouse and units, the nearest first.
    pub stock: Vec<Vec<(usize, u64)>>,
}

impl<'a> Problem<'a> {
    pub fn of(input: &'a Input, seller: Option<&str>) -> Self {
        let (mut skus, mut wanted, mut lines) = (Names::default(), Vec::new(), Vec::new());
        for line in input.lines.iter().filter(|line| line.seller_id.as_deref() == seller) {
            let sku = skus.add(&line.sku);
            wanted.resize(skus.len(), 0);
            wanted[sku] += u64::from(line.quantity);
            lines.push(Line { id: line.line_id, sku, quantity: line.quantity });
        }
        let destination = geo::destination(&input.destination);
        let mut warehouses: Vec<_> = input
            .warehouses
            .iter()
            .filter(|w| w.seller_id.as_deref() == seller)
            .map(|w| {
                let foreign = !w.country.eq_ignore_ascii_case(&input.destination.country);
                let distance = geo::distance(destination, geo::warehouse(w));
                (Cost { foreign, distance, priority: i64::from(w.priority) }, w.warehouse_id.as_str())
            })
            .collect();
        // The sort is stable: what is alike in everything stays in the merchant's order.
        warehouses.sort_by_key(|(cost, _)| *cost);
        let mut numbered = Names::default();
        warehouses.iter().for_each(|(_, name)| _ = numbered.add(name));
        let mut stock = vec![Vec::new(); skus.len()];
        for entry in &input.stock {
            let found = (skus.find(&entry.sku), numbered.find(&entry.warehouse_id));
            let (Some(sku), Some(place)) = found else { continue };
            // More than is wanted is no better than enough, and sums of it stay small.
            match u64::try_from(entry.available).map_or(0, |units| units.min(wanted[sku])) {
                0 => {}
                units => stock[sku].push((place, units)),
            }
        }
        stock.iter_mut().for_each(|holders: &mut Vec<_>| holders.sort_unstable());
        Self {
            warehouses: numbered,
            costs: warehouses.iter().map(|(cost, _)| *cost).collect(),
            lines,
            skus,
            wanted,
            stock,
        }
    }

    /// The SKUs that all warehouses together have too little of, for people.
    pub fn shortage(&self) -> String {
        let short = |sku: &usize| self.stock[*sku].iter().map(|(_, units)| units).sum::<u64>() < self.wanted[*sku];
        (0..self.skus.len()).filter(short).map(|sku| self.skus.name(sku)).take(10).collect::<Vec<_>>().join(", ")
    }

    /// Divides the lines among warehouses that together have enough. A line goes whole to the nearest that has all of
    /// it, and only where none has in parts.
    pub fn allocate(&self, warehouses: &[usize]) -> Vec<Allocation> {
        let of_plan =
            |holders: &Vec<_>| holders.iter().copied().filter(|(place, _)| warehouses.contains(place)).collect();
        let mut left: Vec<Vec<(usize, u64)>> = self.stock.iter().map(of_plan).collect();
        let mut parts = Vec::with_capacity(self.lines.len());
        for line in &self.lines {
            let mut missing = u64::from(line.quantity);
            let holders = &mut left[line.sku];
            if let Some(whole) = holders.iter().position(|(_, units)| *units >= missing) {
                holders[..=whole].rotate_right(1);
            }
            for (place, units) in holders.iter_mut() {
                let taken = missing.min(*units);
                if taken > 0 {
                    *units -= taken;
                    missing -= taken;
                    let quantity = u32::try_from(taken).expect("a part of a line is not larger than the line");
                    parts.push(Allocation {
                        line_id: line.id,
                        warehouse_id: self.warehouses.name(*place).to_owned(),
                        quantity,
                    });
                }
            }
            holders.sort_unstable();
        }
        parts
    }
}
