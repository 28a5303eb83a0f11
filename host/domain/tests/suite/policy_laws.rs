//! What policies may answer: the native answers pass, every broken law is refused by name, and an answer that is
//! changed at random is either still right by an independent count or refused.

use std::collections::BTreeMap;

use domain::hooks::risk::{self, Verdict};
use domain::hooks::routing::{self, Allocation, PLANS_MAX, Plan};
use domain::hooks::tax::{self, Charge, LineTax};
use domain::hooks::{Context, LawBroken};
use domain::ids::{OrderId, WarehouseId};
use domain::native::{accept, allocate, no_tax};
use proptest::prelude::*;
use uuid::Uuid;

use crate::baskets::{START, allocation, cut, destination, inputs, routed_line, routing_input, seller, sku, warehouse};

fn context() -> Context {
    Context { now: START, config: "{}".to_owned() }
}

/// Checks that the answer is refused and that the refusal names the law.
fn refused<T: std::fmt::Debug>(case: &str, answer: Result<T, LawBroken>, named: &str) {
    match answer {
        Err(LawBroken(why)) => assert!(why.contains(named), "{case}: {why}"),
        Ok(answer) => panic!("{case}: accepted {answer:?}"),
    }
}

fn two_lines() -> routing::Input {
    let lines = vec![routed_line(1, sku(0), 3, None), routed_line(2, sku(1), 1, seller(1))];
    routing_input(lines, vec![warehouse(1, "US", 0, None), warehouse(2, "US", 0, seller(1))], Vec::new())
}

#[test]
fn routing_answers_keep_the_laws() {
    let input = two_lines();
    let right = vec![allocation(1, 1, 2), allocation(1, 1, 1), allocation(2, 2, 1)];
    let with = |allocations: Vec<Allocation>| routing::Answer { plans: vec![Plan { allocations }] };
    assert!(routing::validate(&input, with(right.clone())).is_ok());
    let changed = |change: &dyn Fn(&mut Vec<Allocation>)| {
        let mut allocations = right.clone();
        change(&mut allocations);
        with(allocations)
    };
    let cases = [
        ("a foreign line", changed(&|a| a[2].line_id = 3), "plan 1: line 3 is not in the order"),
        ("zero units", changed(&|a| a.push(allocation(1, 1, 0))), "zero units"),
        ("an unknown warehouse", changed(&|a| a[0].warehouse_id = WarehouseId::parse("WH-9").unwrap()), "not known"),
        ("another seller's warehouse", changed(&|a| a[2] = allocation(2, 1, 1)), "seller of line 2"),
        ("a seller's warehouse for an own line", changed(&|a| a[0] = allocation(1, 2, 2)), "seller of line 1"),
        ("too few units", changed(&|a| drop(a.remove(0))), "orders 3 units, but 1 are allocated"),
        ("too many units", changed(&|a| a[0].quantity = 3), "orders 3 units, but 4 are allocated"),
        ("units beyond 32 bits", changed(&|a| (0..2).for_each(|n| a[n].quantity = u32::MAX)), "8589934590"),
        ("a line left out", changed(&|a| drop(a.pop())), "line 2 orders 1 units, but 0"),
        ("nothing", with(Vec::new()), "but 0 are allocated"),
    ];
    for (case, answer, named) in cases {
        refused(case, routing::validate(&input, answer), named);
    }
}

#[test]
fn only_the_first_plans_count() {
    let input = two_lines();
    let right = Plan { allocations: vec![allocation(1, 1, 3), allocation(2, 2, 1)] };
    let wrong = Plan { allocations: Vec::new() };
    let mut plans = vec![right; PLANS_MAX];
    plans.push(wrong.clone());
    let answer =
        routing::validate(&input, routing::Answer { plans: plans.clone() }).expect("the last is not looked at");
    assert_eq!(answer.plans, plans[..PLANS_MAX]);
    plans[PLANS_MAX - 1] = wrong;
    refused("a wrong plan among them", routing::validate(&input, routing::Answer { plans }), "plan 4: line 1");
    let empty = routing::Answer { plans: Vec::new() };
    assert_eq!(routing::validate(&input, empty.clone()), Ok(empty), "no plan says that there is no stock");
}

/// Whether a plan is right, counted unit by unit.
fn is_right(input: &routing::Input, plan: &Plan) -> bool {
    let mut units: BTreeMap<u32, i64> = input.lines.iter().map(|l| (l.line_id, i64::from(l.quantity))).collect();
    for part in &plan.allocations {
        let line = input.lines.iter().find(|l| l.line_id == part.line_id);
        let place = input.warehouses.iter().find(|w| w.warehouse_id == part.warehouse_id);
        match (line, place, units.get_mut(&part.line_id)) {
            (Some(line), Some(place), Some(left)) if line.seller_id == place.seller_id && part.quantity > 0 => {
                *left -= i64::from(part.quantity);
            }
            _ => return false,
        }
    }
    units.values().all(|left| *left == 0)
}

fn mutate(plan: &mut Plan, how: u8, at: usize, by: u32) {
    let count = plan.allocations.len();
    let at = at % count;
    match how {
        0 => drop(plan.allocations.remove(at)),
        1 => plan.allocations.push(plan.allocations[at].clone()),
        2 => plan.allocations[at].quantity = by % 13,
        3 => plan.allocations[at].line_id = by % 7,
        4 => plan.allocations[at].warehouse_id = crate::baskets::warehouse_id((by % 9) as u8),
        5 => plan.allocations.swap(at, by as usize % count),
        // Moves units between two parts: right where both are of one line.
        _ => {
            let other = by as usize % count;
            plan.allocations[at].quantity += 1;
            plan.allocations[other].quantity -= 1;
        }
    }
}

proptest! {
    #[test]
    fn a_changed_plan_is_still_right_or_refused(
        input in inputs(),
        cuts in prop::collection::vec(any::<u32>(), 1..20),
        changes in prop::collection::vec((0u8..7, any::<usize>(), any::<u32>()), 0..4),
    ) {
        let mut plan = cut(&input, &cuts);
        prop_assert!(is_right(&input, &plan));
        for (how, at, by) in changes {
            if plan.allocations.is_empty() || plan.allocations.iter().any(|a| a.quantity == 0) {
                break;
            }
            mutate(&mut plan, how, at, by);
        }
        let right = is_right(&input, &plan);
        let answer = routing::Answer { plans: vec![plan] };
        let validated = routing::validate(&input, answer.clone());
        prop_assert_eq!(validated.is_ok(), right);
        if right {
            prop_assert_eq!(validated, Ok(answer), "what is right is not changed");
        }
    }

    #[test]
    fn native_answers_keep_the_laws(input in inputs(), amounts in prop::collection::vec(0i64..1_000, 1..6), shipping in 0i64..1_000) {
        let boundless = |_: &_, _: &_| i64::MAX;
        let plan = allocate(&input, &boundless).expect("every seller has a warehouse");
        let answer = routing::Answer { plans: vec![plan] };
        prop_assert!(routing::validate(&input, answer).is_ok());
        let input = taxed(&amounts, shipping);
        let answer = no_tax(&input);
        prop_assert_eq!(answer.lines.iter().map(|l| l.charge.amount).sum::<i64>() + answer.shipping.amount, 0);
        prop_assert!(tax::validate(&input, answer).is_ok());
    }

    #[test]
    fn a_tax_is_accepted_exactly_within_its_base(base in 0i64..1_000, shipping in 0i64..1_000, amount in -10i64..1_010, ship: bool) {
        let input = taxed(&[base], shipping);
        let mut answer = no_tax(&input);
        let (taxed, base) =
            if ship { (&mut answer.shipping, shipping) } else { (&mut answer.lines[0].charge, base) };
        taxed.amount = amount;
        prop_assert_eq!(tax::validate(&input, answer).is_ok(), (0..=base).contains(&amount));
    }
}

fn taxed(amounts: &[i64], shipping: i64) -> tax::Input {
    let line =
        |(line_id, &amount): (u32, &i64)| tax::Line { line_id, sku: sku(0), tax_code: None, quantity: 1, amount };
    tax::Input {
        context: context(),
        currency: "USD".parse().expect("the dollar is listed"),
        prices_include_tax: false,
        destination: destination("US"),
        exemption: None,
        lines: (1..).zip(amounts).map(line).collect(),
        shipping,
    }
}

#[test]
fn tax_answers_keep_the_laws() {
    let input = taxed(&[1_000, 0], 500);
    let charge = |amount: i64, name: &str| Charge { amount, rate_ppm: 190_000, name: name.to_owned() };
    let entry = |line_id: u32, charge: Charge| LineTax { line_id, charge };
    let right = tax::Answer {
        lines: vec![entry(2, charge(0, "")), entry(1, charge(1_000, &"ü".repeat(100)))],
        shipping: charge(500, "VAT"),
    };
    assert_eq!(tax::validate(&input, right.clone()), Ok(right.clone()));
    let changed = |change: &dyn Fn(&mut tax::Answer)| {
        let mut answer = right.clone();
        change(&mut answer);
        answer
    };
    let cases = [
        ("a foreign line", changed(&|a| a.lines[0].line_id = 3), "line 3 is not in the order"),
        ("a line twice", changed(&|a| a.lines.push(a.lines[0].clone())), "line 2 is taxed twice"),
        ("a line left out", changed(&|a| drop(a.lines.pop())), "line 1 has no tax entry"),
        ("a negative tax", changed(&|a| a.lines[1].charge.amount = -1), "line 1: tax -1 is negative"),
        ("the most negative tax", changed(&|a| a.shipping.amount = i64::MIN), "shipping: tax"),
        ("more tax than money", changed(&|a| a.lines[1].charge.amount = 1_001), "line 1: tax 1001 is more"),
        ("tax on nothing", changed(&|a| a.lines[0].charge.amount = 1), "line 2: tax 1 is more"),
        ("more tax than shipping", changed(&|a| a.shipping.amount = 501), "shipping: tax 501 is more"),
        ("a long name", changed(&|a| a.lines[1].charge.name.push('x')), "at most 100 characters"),
        ("a name with a control character", changed(&|a| a.shipping.name = "V\u{0}T".into()), "control characters"),
    ];
    for (case, answer, named) in cases {
        refused(case, tax::validate(&input, answer), named);
    }
}

#[test]
fn risk_answers_keep_the_laws() {
    let input = risk::Input {
        context: context(),
        order_id: OrderId::new(Uuid::from_u128(1)),
        currency: "USD".parse().expect("the dollar is listed"),
        total: 1_000,
        lines: Vec::new(),
        destination: destination("US"),
        billing_country: None,
        customer_id: None,
        email_domain: None,
        payment_method_id: "pm_ok".to_owned(),
    };
    let native = accept(&input);
    assert_eq!((native.verdict, native.score), (Verdict::Accept, 0));
    assert!(risk::validate(&input, native).is_ok());
    let right = risk::Answer { verdict: Verdict::Review, score: 1000, reasons: vec!["é".repeat(200); 20] };
    assert_eq!(risk::validate(&input, right.clone()), Ok(right.clone()));
    let with = |reason: String| risk::Answer { reasons: vec![reason], ..right.clone() };
    let cases = [
        ("a score too high", risk::Answer { score: 1001, ..right.clone() }, "score 1001"),
        ("too many reasons", risk::Answer { reasons: vec!["no".to_owned(); 21], ..right.clone() }, "more than 20"),
        ("an empty reason", with(String::new()), "a reason is empty"),
        ("a long reason", with("x".repeat(201)), "longer than 200"),
        ("a reason with a control character", with("a\nb".to_owned()), "control characters"),
    ];
    for (case, answer, named) in cases {
        refused(case, risk::validate(&input, answer), named);
    }
}
