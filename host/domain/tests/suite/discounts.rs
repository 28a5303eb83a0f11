//! Discounts: whatever a pricing policy may answer, no line comes to less than nothing and no cent is lost.

use domain::hooks::pricing::{self, Answer, Discount, LineDiscount};
use domain::hooks::tax::Charge;
use domain::money::Currency;
use domain::order::{Line, LineStatus};
use domain::placement::{add_up, discount, line_cost};
use proptest::prelude::*;

use crate::baskets::{START, destination, sku};

fn line(line_id: u32, quantity: u32, price: i64) -> Line {
    Line {
        line_id,
        sku: sku(1),
        quantity,
        price,
        title: None,
        seller_id: None,
        tax_code: None,
        discount: 0,
        tax: Charge::default(),
        status: LineStatus::Active,
        cancelled: 0,
        credited_units: 0,
        credited: 0,
    }
}

fn asked(lines: &[Line]) -> pricing::Input {
    let line = |line: &Line| pricing::Line {
        line_id: line.line_id,
        sku: line.sku.clone(),
        quantity: line.quantity,
        price: line.price,
        seller_id: None,
    };
    pricing::Input {
        context: domain::hooks::Context { now: START, config: "{}".to_owned() },
        currency: "EUR".parse::<Currency>().expect("the euro is listed"),
        prices_include_tax: false,
        destination: destination("DE"),
        customer_id: None,
        discount_codes: vec!["SPRING".to_owned()],
        lines: lines.iter().map(line).collect(),
    }
}

fn off(amount: i64) -> Discount {
    Discount { amount, name: "Sale".to_owned(), code: None }
}

fn on(line_id: u32, amount: i64) -> LineDiscount {
    LineDiscount { line_id, discount: off(amount) }
}

#[test]
fn an_orders_discount_is_shared_by_what_the_lines_still_cost() {
    // 10.00 and 20.00, of which the second is reduced to 10.00: one cent of 1.01 goes to the first of equals.
    let mut lines = [line(1, 1, 1000), line(2, 2, 1000)];
    let applied = discount(&mut lines, Answer { lines: vec![on(2, 1000)], order: vec![off(101)] });
    assert_eq!((lines[0].discount, lines[1].discount), (51, 1050));
    assert_eq!(
        applied.iter().map(|d| (d.line_id, d.discount.amount)).collect::<Vec<_>>(),
        [(Some(2), 1000), (None, 101)]
    );
    let amounts = add_up(&lines, 500, 0, false).unwrap();
    assert_eq!((amounts.subtotal, amounts.discount, amounts.total), (3000, 1101, 2399));
}

proptest! {
    #[test]
    fn no_cent_is_lost_and_no_line_costs_less_than_nothing(
        basket in prop::collection::vec((1_u32..50, 0_i64..5_000), 1..8),
        shares in prop::collection::vec((0_usize..8, 0_i64..=100), 0..6),
        orders in prop::collection::vec(0_i64..=100, 0..5),
    ) {
        let mut lines: Vec<Line> = (1..).zip(&basket).map(|(id, (quantity, price))| line(id, *quantity, *price)).collect();
        // Percentages of what is left make answers that may be given.
        let mut left: Vec<i64> = lines.iter().map(line_cost).collect();
        let mut answer = Answer::default();
        for (index, percent) in shares {
            let index = index % lines.len();
            let amount = left[index] * percent / 100;
            left[index] -= amount;
            answer.lines.push(on(lines[index].line_id, amount));
        }
        let mut all_left: i64 = left.iter().sum();
        for percent in orders {
            let amount = all_left * percent / 100;
            all_left -= amount;
            answer.order.push(off(amount));
        }
        let answer = pricing::validate(&asked(&lines), answer).expect("it keeps the laws");
        let promised: i64 = answer.lines.iter().map(|l| l.discount.amount).chain(answer.order.iter().map(|d| d.amount)).sum();
        let _ = discount(&mut lines, answer);
        prop_assert_eq!(lines.iter().map(|line| line.discount).sum::<i64>(), promised);
        for line in &lines {
            prop_assert!((0..=line_cost(line)).contains(&line.discount), "{:?}", line);
        }
        let amounts = add_up(&lines, 0, 0, false).unwrap();
        prop_assert_eq!(amounts.total, all_left);
    }
}

#[test]
fn discounts_keep_the_laws() {
    let lines = [line(1, 1, 1000), line(2, 2, 1000)];
    let input = asked(&lines);
    let with_lines = |lines: Vec<LineDiscount>| Answer { lines, order: vec![] };
    let with_order = |order: Vec<Discount>| Answer { lines: vec![], order };
    let code = |code: &str| Discount { code: Some(code.to_owned()), ..off(1) };
    assert!(pricing::validate(&input, with_order(vec![code("SPRING")])).is_ok());
    assert!(pricing::validate(&input, Answer { lines: vec![on(1, 1000)], order: vec![off(2000)] }).is_ok());
    let cases = [
        (with_lines(vec![on(3, 1)]), "line 3 is not in the order"),
        (with_lines(vec![on(1, -1)]), "line 1: discount -1 is negative"),
        (with_lines(vec![on(1, 600), on(1, 401)]), "line 1 costs 1000, but 1001 are taken off"),
        (with_lines(vec![on(1, 1); 11]), "more than 10 discounts"),
        (with_order(vec![off(3001)]), "the goods cost 3000, but 3001 are taken off"),
        (with_order(vec![off(i64::MAX), off(i64::MAX)]), "are taken off"),
        (with_order(vec![off(1); 21]), "more than 20 discounts"),
        (with_order(vec![Discount { name: String::new(), ..off(1) }]), "name must not be empty"),
        (with_order(vec![code("SUMMER")]), "was not entered"),
    ];
    for (answer, named) in cases {
        let refusal = pricing::validate(&input, answer).expect_err(named);
        assert!(refusal.to_string().contains(named), "{refusal}");
    }
}
