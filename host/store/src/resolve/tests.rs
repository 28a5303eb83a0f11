//! `resolve` against a model that takes one changeset at a time.

#[path = "../../tests/support/sample.rs"]
pub(crate) mod sample;

pub(crate) mod model;
pub(crate) mod random;

use std::sync::Arc;

use proptest::prelude::*;
use proptest::strategy::ValueTree;

use super::*;
use crate::changeset::{Changeset, KeyClaim, OrderChange};
use model::Model;
use random::Scene;
use sample::{all_from, draft, sku, tenant, warehouse};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 600 }))]

    /// The batch, taken at once, ends as it would have ended one by one, and leaves the same rows.
    #[test]
    fn a_batch_ends_like_its_changesets_one_by_one(scene in random::scene()) {
        let mut model = Model::new(&scene);
        let batch = scene.prepare();
        let borrowed: Vec<&Prepared> = batch.iter().collect();
        let (verdicts, net) = resolve(&borrowed, scene.snapshot());
        for (prepared, verdict) in batch.iter().zip(&verdicts) {
            let expected = model.take(prepared);
            prop_assert_eq!(model::summary(verdict), expected);
        }
        model.compare(&scene, &borrowed, &net)?;
        model.check_laws()?;
    }

    /// Cutting a batch in two and resolving the halves in turn, as bisecting does, changes nothing either.
    #[test]
    fn a_cut_batch_ends_alike(scene in random::scene(), cut in 0usize..12) {
        let batch = scene.prepare();
        let borrowed: Vec<&Prepared> = batch.iter().collect();
        let (first, second) = borrowed.split_at(cut.min(borrowed.len()));
        let (whole, _) = resolve(&borrowed, scene.snapshot());
        let (begun, net) = resolve(first, scene.snapshot());
        let (ended, _) = resolve(second, model::apply(scene.snapshot(), first, &net));
        let summary = |verdicts: &[Verdict]| verdicts.iter().map(model::summary).collect::<Vec<_>>();
        let halves: Vec<_> = summary(&begun).into_iter().chain(summary(&ended)).collect();
        prop_assert_eq!(summary(&whole), halves);
    }
}

#[test]
fn a_hot_sku_is_one_row_however_many_orders_take_of_it() {
    let (tenant, place) = (tenant(1), warehouse("NYC"));
    let batch: Vec<Prepared> = (0..50)
        .map(|_| {
            let draft = Arc::new(draft(tenant, &[(sku("HOT"), 2)], std::slice::from_ref(&place)));
            let plans = vec![all_from(&draft, &place)];
            let order = OrderChange::Place { draft, plans, lease: None };
            Prepared::new(Changeset { order, ..Changeset::new(tenant, "ann") }).unwrap()
        })
        .collect();
    let borrowed: Vec<&Prepared> = batch.iter().collect();
    let level = Level { tenant, sku: sku("HOT"), warehouse: place, on_hand: 70, reserved: 5 };
    let (verdicts, net) = resolve(&borrowed, Snapshot { stock: vec![level.clone()], ..Snapshot::default() });
    let accepted = verdicts.iter().filter(|v| matches!(v, Verdict::Accepted(_))).count();
    assert_eq!(accepted, 32);
    assert_eq!(net.stock, [Level { reserved: 69, ..level }]);
    let Verdict::Refused(Outcome::OutOfStock(short)) = &verdicts[49] else { panic!("{:?}", verdicts[49]) };
    assert_eq!(*short, [Shortage { sku: sku("HOT"), requested: 2, available: 1 }]);
}

#[test]
fn the_native_allocator_makes_the_last_attempt_on_the_locked_stock() {
    let (tenant, nyc, lax) = (tenant(1), warehouse("NYC"), warehouse("LAX"));
    let draft = Arc::new(draft(tenant, &[(sku("A"), 3)], &[nyc.clone(), lax.clone()]));
    // The policy saw three in New York; since then one was sold, and only both warehouses together can serve.
    let plans = vec![all_from(&draft, &nyc), all_from(&draft, &lax)];
    let order = OrderChange::Place { draft, plans, lease: None };
    let prepared = Prepared::new(Changeset { order, ..Changeset::new(tenant, "ann") }).unwrap();
    let level = |warehouse: &WarehouseId, on_hand| Level {
        tenant,
        sku: sku("A"),
        warehouse: warehouse.clone(),
        on_hand,
        reserved: 0,
    };
    let snapshot = Snapshot { stock: vec![level(&nyc, 2), level(&lax, 1)], ..Snapshot::default() };
    let (verdicts, net) = resolve(&[&prepared], snapshot);
    let Verdict::Accepted(Accepted { order: Some(order), .. }) = &verdicts[0] else { panic!("{verdicts:?}") };
    assert_eq!(order.reservations(), [(sku("A"), lax, 1), (sku("A"), nyc, 2)]);
    assert_eq!(net.held.len(), 2);
}

#[test]
fn a_failed_changeset_uses_up_neither_key_nor_stock() {
    let (tenant, place) = (tenant(1), warehouse("NYC"));
    let claim =
        |fingerprint| Some(KeyClaim { key: "k".into(), fingerprint: [fingerprint; 32], status: 201, response: None });
    let order = |lines: &[(Sku, u32)]| {
        let draft = Arc::new(draft(tenant, lines, std::slice::from_ref(&place)));
        OrderChange::Place { plans: vec![all_from(&draft, &place)], draft, lease: None }
    };
    // There is enough of A but not of B.
    let failing =
        Changeset { order: order(&[(sku("A"), 5), (sku("B"), 1)]), key: claim(1), ..Changeset::new(tenant, "ann") };
    let fitting = Changeset { order: order(&[(sku("A"), 5)]), key: claim(2), ..Changeset::new(tenant, "ann") };
    let late = Changeset { order: order(&[(sku("A"), 5)]), key: claim(3), ..Changeset::new(tenant, "ann") };
    let batch = [failing, fitting, late].map(|c| Prepared::new(c).unwrap());
    let level = Level { tenant, sku: sku("A"), warehouse: place.clone(), on_hand: 5, reserved: 0 };
    let (verdicts, net) = resolve(&batch.each_ref(), Snapshot { stock: vec![level], ..Snapshot::default() });
    assert!(matches!(verdicts[0], Verdict::Refused(Outcome::OutOfStock(_))));
    assert!(matches!(verdicts[1], Verdict::Accepted(_)));
    let Verdict::Refused(Outcome::SameKey(stored)) = &verdicts[2] else { panic!("{verdicts:?}") };
    assert_eq!(stored.fingerprint, [2; 32]);
    assert_eq!(net.keys.len(), 1);
    assert_eq!(net.stock[0].reserved, 5);
}

#[test]
fn a_scene_reaches_every_outcome() {
    // The property is worth nothing if its random scenes only ever agree on easy things.
    let mut seen = std::collections::BTreeSet::new();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..400 {
        let scene: Scene = random::scene().new_tree(&mut runner).unwrap().current();
        let batch = scene.prepare();
        let (verdicts, _) = resolve(&batch.iter().collect::<Vec<_>>(), scene.snapshot());
        seen.extend(verdicts.iter().map(|v| model::summary(v).name()));
    }
    let all = [
        "accepted",
        "conflict",
        "duplicate",
        "faulty",
        "reserved",
        "same key",
        "short",
        "too large",
        "unknown warehouse",
    ];
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), all);
}
