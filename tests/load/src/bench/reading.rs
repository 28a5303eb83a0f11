//! Reading orders and searching them.

use std::sync::Arc;

use super::Bench;
use crate::traffic::{Reads, searches};

pub async fn reads(bench: &mut Bench) -> anyhow::Result<()> {
    let nothing = Arc::new(Reads { paths: vec!["/livez".to_owned()] });
    let limit = bench.closed("GET /livez, 64 connections", &nothing, 64, bench.plan.reads).await?.rate();
    let paths: Vec<String> = bench.ids.iter().map(|id| format!("/api/v1/orders/{id}")).collect();
    if !paths.is_empty() {
        let orders = Arc::new(Reads { paths });
        let rate = bench.closed("GET /orders/{id}, 64 connections", &orders, 64, bench.plan.reads).await?.rate();
        let limit = Some((limit, "GET /livez"));
        bench.report.figure("reading an order, 64 connections", rate, "reads/s", limit, "");
    }
    let run = bench.closed("search mix, 8 clients", &Arc::new(searches()), 8, bench.plan.reads).await?;
    bench.report.figure("search mix, 8 clients", run.rate(), "searches/s", Some((limit, "GET /livez")), "");
    bench.report.figure("search mix, 8 clients, p99", run.ms(0.99), "ms", None, "< 20 ms (at a million orders)");
    Ok(())
}
