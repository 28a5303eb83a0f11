//! Ships from as few warehouses as stock allows, and among those from the nearest.
//!
//! A plan is ranked by its shipments, then by how many of them cross a border, then by the distance they travel, then
//! by the warehouses' priorities. Of a line that several of a plan's warehouses hold, the nearest ships it. Up to four
//! plans are answered, so that another order that takes the last piece first does not end this one.
//!
//! There is nothing to configure. A destination has no coordinates: the middle of its state (in the United States) or
//! country stands for it, and for a warehouse that has none either.

mod cover;
mod geo;
mod names;
mod problem;

use orderwright_sdk::routing::{Allocation, Answer, Input, Plan};

use problem::Problem;

#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: orderwright_sdk::bump::Bump = orderwright_sdk::bump::Bump::new();

orderwright_sdk::export_routing!(plan);

/// How many plans the host looks at.
const PLANS: usize = 4;

/// The decision.
pub fn plan(input: Input) -> Result<Answer, String> {
    let mut sellers: Vec<_> = input.lines.iter().map(|line| &line.seller_id).collect();
    sellers.sort_unstable();
    sellers.dedup();
    let mut plans: Vec<Vec<Allocation>> = vec![Vec::new(); 1];
    // Warehouses never ship for another seller, so each seller's lines are a problem of their own.
    for seller in sellers {
        let problem = Problem::of(&input, seller.as_deref());
        let ways = cover::best(&problem, PLANS);
        if ways.is_empty() {
            orderwright_sdk::info!("stock does not suffice for {}", problem.shortage());
            return Ok(Answer { plans: vec![] });
        }
        plans = combine(plans, ways.iter().map(|way| problem.allocate(way)).collect());
    }
    let plan = |mut allocations: Vec<Allocation>| {
        allocations.sort_by_key(|part| part.line_id);
        Plan { allocations }
    };
    Ok(Answer { plans: plans.into_iter().map(plan).collect() })
}

/// The n-th plan takes each seller's n-th way, or its last.
fn combine(plans: Vec<Vec<Allocation>>, ways: Vec<Vec<Allocation>>) -> Vec<Vec<Allocation>> {
    let nth = |all: &[Vec<Allocation>], n: usize| all[n.min(all.len() - 1)].clone();
    let joined = |n| [nth(&plans, n), nth(&ways, n)].concat();
    (0..plans.len().max(ways.len())).map(joined).collect()
}

#[cfg(test)]
mod tests;
