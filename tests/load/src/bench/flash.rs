//! Everybody wants the same: one hot SKU with stock without limit, and sales of a hundred.

use std::sync::Arc;

use anyhow::Context as _;

use super::Bench;
use crate::run;
use crate::shop::{Keeper, PLENTY};
use crate::traffic::{Basket, Orders};

/// How many clients want one of the hundred.
const CLIENTS: usize = 1000;
/// How many there are.
const UNITS: u64 = 100;

fn one(name: &str, sku: &str) -> Arc<Orders> {
    Arc::new(Orders::new(name, Basket::One { sku: sku.to_owned() }))
}

/// One line each: out of the whole assortment, of one SKU in one warehouse, of one SKU in ten.
pub async fn hot(bench: &mut Bench) -> anyhow::Result<()> {
    let (target, _) = bench.server()?;
    let mut keeper = Keeper::new(&target).await?;
    keeper.stock("LOAD-HOT-1", 1, PLENTY).await?;
    keeper.warehouses(10).await?;
    keeper.stock("LOAD-HOT-10", 10, PLENTY).await?;

    let spread = Arc::new(Orders::new("s64", Basket::Assortment { lines: 1 }));
    let hot_1 = one("h1", "LOAD-HOT-1");
    let hot_10 = one("h10", "LOAD-HOT-10");
    let limit = bench.closed("one line out of 10,000 SKUs, 64 connections", &spread, 64, bench.plan.hot).await?.rate();
    bench.drain().await?;
    let in_one = bench.closed("one hot SKU in one warehouse, 64 connections", &hot_1, 64, bench.plan.hot).await?.rate();
    bench.drain().await?;
    let in_ten =
        bench.closed("one hot SKU in ten warehouses, 64 connections", &hot_10, 64, bench.plan.hot).await?.rate();
    bench.drain().await?;
    let limit = Some((limit, "one line of 10,000 SKUs"));
    bench.report.figure("one hot SKU, one warehouse", in_one, "orders/s", limit, "≥ 0.8");
    bench.report.figure("one hot SKU, ten warehouses", in_ten, "orders/s", limit, "≥ 0.8");
    Ok(())
}

/// A thousand clients at once on a SKU of which there are a hundred.
pub async fn sales(bench: &mut Bench) -> anyhow::Result<()> {
    for (name, sku, warehouses) in [("f1", "LOAD-FLASH-1", 1), ("f10", "LOAD-FLASH-10", 10)] {
        let what = format!("{CLIENTS} clients on {UNITS} units in {warehouses} warehouse(s)");
        bench.step(&what);
        let (target, pid) = bench.server()?;
        let units = UNITS / u64::try_from(warehouses)?;
        Keeper::new(&target).await?.stock(sku, warehouses, units).await.context("stocking the sale")?;
        let run = run::burst(&target, &one(name, sku), CLIENTS, Some(pid)).await;
        bench.report.run(&what, &run);
        bench.report.figure(what.as_str(), run.done() as f64, "orders", Some((UNITS as f64, "units")), "exactly 1.00");
        let refused = run.statuses.get(&422).copied().unwrap_or_default();
        if run.done() != UNITS || refused != CLIENTS as u64 - UNITS {
            bench.report.fault(format!("{what}: {} placed, {refused} refused", run.done()));
        }
    }
    Ok(())
}
