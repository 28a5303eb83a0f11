//! What a back-test adds up, hook by hook: sums that are the same in whatever order the answers come in.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::hooks::{Hook, notification, pricing, risk, routing, shipping, tax};
use domain::ids::{DecisionId, OrderId, WarehouseId};
use domain::money::Currency;
use plugin_host::Call;
use serde::Deserialize;
use store::Decision;

use super::geo::{Point, distance_km};
use crate::Error;

/// How many of the orders that changed most are shown.
const CHANGES: usize = 20;

/// What a version would have changed.
#[derive(Debug, Clone)]
pub struct Report {
    /// The hook.
    pub hook: Hook,
    /// Decisions made again.
    pub decisions: u64,
    /// Of these, how many came out differently, in outcome or answer.
    pub differing: u64,
    /// What was decided then.
    pub before: Measures,
    /// What would be decided now.
    pub now: Measures,
    /// The orders that changed most, the most changed first.
    pub changed_most: Vec<Change>,
    /// How long it took.
    pub took: Duration,
}

/// What is summed up of one side.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Measures {
    /// Answers that kept the hook's laws.
    pub answers: u64,
    /// Failures, by code.
    pub failures: BTreeMap<String, u64>,
    /// Instructions used by all calls.
    pub fuel: u64,
    /// Of routing: warehouses that the best plans ship from, all orders together.
    pub shipments: u64,
    /// Of routing: how far these shipments travel together, in kilometres of the great circle, each rounded. A destination
    /// is the middle of its country, or of its state in the United States; so is a warehouse without coordinates.
    pub distance_km: u64,
    /// Of routing: shipments from or to a place that is not known, which are not in the distance.
    pub distance_unknown: u64,
    /// Of routing: orders whose best plan ships from more than one warehouse.
    pub split_orders: u64,
    /// Of routing: orders without any plan.
    pub without_plan: u64,
    /// Of pricing, shipping and tax: what is taken off, charged or due, in minor units, by currency.
    pub amounts: BTreeMap<Currency, i64>,
    /// Of notification: messages, by channel.
    pub messages: BTreeMap<String, u64>,
    /// Of risk: orders by verdict.
    pub verdicts: BTreeMap<&'static str, u64>,
    /// Of adapters: answers by the kind of step.
    pub steps: BTreeMap<String, u64>,
}

/// An order that would have been decided differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The order.
    pub order_id: OrderId,
    /// The decision of then.
    pub decision_id: DecisionId,
    /// How much: units from another warehouse, minor units, points of risk; the most for a failure.
    pub magnitude: u64,
    /// In words.
    pub what: String,
}

/// One side of a comparison.
struct Side<'d> {
    outcome: &'d str,
    output: Option<&'d str>,
    fuel: u64,
}

/// An answer in what is compared of it.
enum Answer {
    Routing(Route),
    /// Of pricing, shipping and tax, with what the amount is called.
    Amount(&'static str, Currency, i64),
    Risk(risk::Verdict, u16),
    /// Messages by channel.
    Messages(BTreeMap<String, u64>),
    /// The kind of an adapter's step.
    Step(String),
}

/// The best plan of a routing policy.
struct Route {
    /// Line and warehouse, with units.
    parts: BTreeMap<(u32, WarehouseId), u64>,
    /// How far each shipment travels, in kilometres; none where one of the places is not known.
    shipments: Vec<Option<u64>>,
}

impl Report {
    pub(super) fn new(hook: Hook) -> Self {
        Self {
            hook,
            decisions: 0,
            differing: 0,
            before: Measures::default(),
            now: Measures::default(),
            changed_most: Vec::new(),
            took: Duration::ZERO,
        }
    }

    /// Adds one decision and what it would be now.
    pub(super) fn add(&mut self, decision: &Decision, call: &Call<()>) -> Result<(), Error> {
        let then = Side { outcome: &decision.outcome, output: decision.output.as_deref(), fuel: decision.fuel };
        let now = Side { outcome: call.outcome(), output: call.output_json.as_deref(), fuel: call.fuel };
        self.decisions += 1;
        let before = self.before.add(decision, &then)?;
        let after = self.now.add(decision, &now)?;
        if (then.outcome, then.output) == (now.outcome, now.output) {
            return Ok(());
        }
        self.differing += 1;
        let (magnitude, what) = match (&before, &after) {
            (Some(before), Some(after)) => difference(before, after),
            _ => (u64::MAX, format!("{} → {}", then.outcome, now.outcome)),
        };
        self.changed_most.push(Change {
            order_id: decision.order_id,
            decision_id: decision.decision_id,
            magnitude,
            what,
        });
        if self.changed_most.len() > 2 * CHANGES {
            self.keep_the_most_changed();
        }
        Ok(())
    }

    pub(super) fn finish(&mut self, took: Duration) {
        self.keep_the_most_changed();
        self.took = took;
    }

    fn keep_the_most_changed(&mut self) {
        self.changed_most.sort_by_key(|change| (std::cmp::Reverse(change.magnitude), change.decision_id));
        self.changed_most.truncate(CHANGES);
    }
}

/// In words, how far the answers of two decisions about the same question are apart.
pub(crate) fn in_words(before: &Decision, after: &Decision) -> Result<String, Error> {
    let answer = |made: &Decision| {
        let output = made.output.as_deref().filter(|_| made.outcome == "ok");
        output.map(|output| read(made, output)).transpose()
    };
    Ok(match (answer(before)?, answer(after)?) {
        (Some(before), Some(after)) => difference(&before, &after).1,
        _ => format!("{} → {}", before.outcome, after.outcome),
    })
}

impl Measures {
    fn add(&mut self, decision: &Decision, side: &Side<'_>) -> Result<Option<Answer>, Error> {
        self.fuel = self.fuel.saturating_add(side.fuel);
        let Some(output) = side.output.filter(|_| side.outcome == "ok") else {
            *self.failures.entry(side.outcome.to_owned()).or_default() += 1;
            return Ok(None);
        };
        self.answers += 1;
        let answer = read(decision, output)?;
        match &answer {
            Answer::Routing(Route { shipments, .. }) => {
                self.shipments += shipments.len() as u64;
                self.distance_km += shipments.iter().flatten().sum::<u64>();
                self.distance_unknown += shipments.iter().filter(|distance| distance.is_none()).count() as u64;
                self.split_orders += u64::from(shipments.len() > 1);
                self.without_plan += u64::from(shipments.is_empty());
            }
            Answer::Amount(_, currency, amount) => {
                let sum = self.amounts.entry(*currency).or_default();
                *sum = sum.saturating_add(*amount);
            }
            Answer::Risk(verdict, _) => *self.verdicts.entry(verdict_name(*verdict)).or_default() += 1,
            Answer::Messages(messages) => {
                for (channel, count) in messages {
                    *self.messages.entry(channel.clone()).or_default() += count;
                }
            }
            Answer::Step(step) => *self.steps.entry(step.clone()).or_default() += 1,
        }
        Ok(Some(answer))
    }
}

fn read(decision: &Decision, output: &str) -> Result<Answer, Error> {
    Ok(match decision.hook {
        Hook::Routing => {
            let answer: routing::Answer = serde_json::from_str(output)?;
            let mut parts: BTreeMap<_, u64> = BTreeMap::new();
            for part in answer.plans.into_iter().next().into_iter().flat_map(|plan| plan.allocations) {
                *parts.entry((part.line_id, part.warehouse_id)).or_default() += u64::from(part.quantity);
            }
            let asked: routing::Input = serde_json::from_str(&decision.input)?;
            let warehouses: BTreeSet<_> = parts.keys().map(|(_, warehouse)| warehouse).collect();
            let shipments = warehouses.into_iter().map(|warehouse| distance(&asked, warehouse)).collect();
            Answer::Routing(Route { parts, shipments })
        }
        Hook::Pricing => {
            let answer: pricing::Answer = serde_json::from_str(output)?;
            let lines = answer.lines.iter().map(|line| line.discount.amount);
            let order = answer.order.iter().map(|discount| discount.amount);
            Answer::Amount("discount", currency(decision)?, lines.chain(order).fold(0, i64::saturating_add))
        }
        Hook::Shipping => {
            let answer: shipping::Answer = serde_json::from_str(output)?;
            let charged = answer.options.first().map_or(0, |offer| offer.cost);
            Answer::Amount("shipping", currency(decision)?, charged)
        }
        Hook::Tax => {
            let answer: tax::Answer = serde_json::from_str(output)?;
            let lines = answer.lines.iter().map(|line| line.charge.amount);
            let sum = lines.fold(answer.shipping.amount, i64::saturating_add);
            Answer::Amount("tax", currency(decision)?, sum)
        }
        Hook::Notification => {
            let answer: notification::Answer = serde_json::from_str(output)?;
            let mut messages: BTreeMap<_, u64> = BTreeMap::new();
            for message in answer.messages {
                *messages.entry(message.channel).or_default() += 1;
            }
            Answer::Messages(messages)
        }
        Hook::Risk => {
            let answer: risk::Answer = serde_json::from_str(output)?;
            Answer::Risk(answer.verdict, answer.score)
        }
        Hook::Payment | Hook::Carrier | Hook::Channel => {
            let step: BTreeMap<String, serde_json::Value> = serde_json::from_str(output)?;
            Answer::Step(step.get("step").and_then(|step| step.as_str()).unwrap_or("?").to_owned())
        }
    })
}

/// How far a shipment from a warehouse travels, in kilometres.
fn distance(asked: &routing::Input, warehouse: &WarehouseId) -> Option<u64> {
    let from = asked.warehouses.iter().find(|offered| offered.warehouse_id == *warehouse)?;
    let from = match (from.latitude_e6, from.longitude_e6) {
        (Some(latitude), Some(longitude)) => Point::of_e6(latitude, longitude),
        _ => Point::of_region(&from.country, from.region.as_deref())?,
    };
    let to = Point::of_region(&asked.destination.country, asked.destination.region.as_deref())?;
    // At most half the earth's circumference.
    Some(distance_km(from, to).round() as u64)
}

/// The one thing that an answer with an amount does not say itself.
fn currency(decision: &Decision) -> Result<Currency, Error> {
    #[derive(Deserialize)]
    struct Asked {
        currency: Currency,
    }
    let asked: Asked = serde_json::from_str(&decision.input)?;
    Ok(asked.currency)
}

/// How far two answers to the same question are apart.
fn difference(before: &Answer, after: &Answer) -> (u64, String) {
    match (before, after) {
        (Answer::Routing(before), Answer::Routing(after)) => {
            let stays =
                |(key, units): (&(u32, WarehouseId), &u64)| before.parts.get(key).map_or(0, |then| *then.min(units));
            let total: u64 = after.parts.values().sum::<u64>().max(before.parts.values().sum());
            let moved = total - after.parts.iter().map(stays).sum::<u64>();
            let (then, now) = (before.shipments.len(), after.shipments.len());
            let km = |route: &Route| route.shipments.iter().copied().sum::<Option<u64>>();
            let travelled = match (km(before), km(after)) {
                (Some(then), Some(now)) => format!(", {then} → {now} km"),
                _ => String::new(),
            };
            (moved, format!("{moved} of {total} units from elsewhere, {then} → {now} shipments{travelled}"))
        }
        (Answer::Amount(what, currency, before), Answer::Amount(_, _, after)) => {
            let words = |amount: i64| format!("{} {currency}", currency.format_minor(amount));
            (before.abs_diff(*after), format!("{what} {} → {}", words(*before), words(*after)))
        }
        (Answer::Risk(before, then), Answer::Risk(after, now)) => {
            let severity = |verdict: &risk::Verdict| *verdict as u64 * 1000;
            let points = severity(before).abs_diff(severity(after)) + u64::from(then.abs_diff(*now));
            let (was, is) = (verdict_name(*before), verdict_name(*after));
            (points, format!("{was} ({then}) → {is} ({now})"))
        }
        (Answer::Messages(before), Answer::Messages(after)) => {
            let count = |messages: &BTreeMap<String, u64>| messages.values().sum::<u64>();
            let (then, now) = (count(before), count(after));
            (then.abs_diff(now).max(1), format!("{then} → {now} messages"))
        }
        (Answer::Step(before), Answer::Step(after)) => (1, format!("{before} → {after}")),
        // Both answer the same question.
        _ => (0, String::new()),
    }
}

const fn verdict_name(verdict: risk::Verdict) -> &'static str {
    match verdict {
        risk::Verdict::Accept => "accept",
        risk::Verdict::Review => "review",
        risk::Verdict::Reject => "reject",
    }
}
