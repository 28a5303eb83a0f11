//! Asking the policies about a basket, in the order in which each needs what the one before has said.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::hooks::{Context, Hook, pricing, risk, routing, shipping, tax};
use domain::ids::OrderId;
use domain::native;
use domain::order::{AppliedDiscount, HoldSource, Line, LineStatus};
use domain::placement::{self, Draft};

use super::{Item, Refusal, Request};
use crate::merchant::Caller;
use crate::policies::Round;
use crate::{App, Error};

impl App {
    pub(super) async fn routing_input(
        &self,
        caller: &Caller,
        request: &Request,
        context: Context,
        stock: &[store::StockRow],
    ) -> Result<routing::Input, Error> {
        let warehouses = self.warehouses(caller.tenant()).await?;
        let holding: BTreeSet<_> = stock.iter().map(|row| &row.warehouse_id).collect();
        let line = |(line_id, item): (u32, &Item)| routing::Line {
            line_id,
            sku: item.sku.clone(),
            quantity: item.quantity,
            price: Some(item.price),
            seller_id: item.seller_id.clone(),
        };
        let available = |row: &store::StockRow| routing::Stock {
            sku: row.sku.clone(),
            warehouse_id: row.warehouse_id.clone(),
            available: row.on_hand - row.reserved,
        };
        Ok(routing::Input {
            context,
            destination: request.destination.clone(),
            delivery_preference: request.delivery_preference.clone(),
            requested_delivery_date: request.requested_delivery_date,
            currency: Some(request.currency),
            lines: (1..).zip(&request.items).map(line).collect(),
            warehouses: warehouses.iter().filter(|w| holding.contains(&w.warehouse_id)).map(Into::into).collect(),
            stock: stock.iter().map(available).filter(|s| s.available > 0).collect(),
        })
    }

    /// Asks the policies and prices the basket.
    pub(super) async fn decide(
        &self,
        caller: &Caller,
        request: Request,
        round: &mut Round,
        order_id: OrderId,
        mut routing: routing::Input,
    ) -> Result<(Draft, Vec<routing::Plan>, Option<store::SealKey>), Refusal> {
        let settings = &caller.merchant.settings;
        let now = round.context(Hook::Routing).now;
        let plans = round.ask(&mut routing, native::route).await?.plans;
        let mut lines = lines_of(&request.items);
        // The sum is checked before a policy sees it, so that no policy has to deal with what cannot be ordered.
        placement::add_up(&lines, request.shipping_cost.unwrap_or(0), 0, request.prices_include_tax)?;
        let discounts = take_off(&request, &mut lines, round).await?;
        let offer = self.delivery(caller, &request, &lines, &routing, plans.first(), round).await?;
        let shipping_cost = request.shipping_cost.unwrap_or(offer.cost);
        let mut asked = tax_input(&request, &lines, shipping_cost, round.context(Hook::Tax));
        let tax = round.ask(&mut asked, native::no_tax).await?;
        for line in &mut lines {
            if let Some(taxed) = tax.lines.iter().find(|t| t.line_id == line.line_id) {
                line.tax = taxed.charge.clone();
            }
        }
        let amounts = placement::add_up(&lines, shipping_cost, tax.shipping.amount, request.prices_include_tax)?;
        let mut risk_input = risk_input(&request, &lines, order_id, amounts.total, round.context(Hook::Risk));
        let verdict = round.ask(&mut risk_input, native::accept).await?;
        let mut holds: Vec<_> = round.holds.iter().map(|why| (HoldSource::PolicyFailure, why.clone())).collect();
        match verdict.verdict {
            risk::Verdict::Accept => {}
            risk::Verdict::Review => holds.push((HoldSource::Risk, reason_of(&verdict.reasons))),
            risk::Verdict::Reject => return Err(Refusal::Rejected { reasons: verdict.reasons }),
        }
        let (personal, seal_key) =
            self.seal_personal(caller.tenant(), order_id, request.customer_id.as_ref(), &request.personal)?;
        let draft = Draft {
            order_id,
            tenant_id: caller.tenant(),
            placed_at: now,
            external_id: request.external_id,
            customer_id: request.customer_id,
            currency: request.currency,
            prices_include_tax: request.prices_include_tax,
            lines,
            discounts,
            amounts,
            shipping_tax: tax.shipping,
            payment_method_id: request.payment_method_id,
            holds,
            destination: request.destination,
            billing: request.billing,
            personal,
            delivery_preference: request.delivery_preference,
            requested_delivery_date: request.requested_delivery_date,
            estimated_delivery: offer.arrives,
            discount_codes: request.discount_codes,
            tax_exemption: request.tax_exemption,
            metadata: request.metadata,
            payment_retry_seconds: settings.payment_retry_seconds,
            shipping_refund: settings.shipping_refund,
            routing: Arc::new(routing),
        };
        Ok((draft, plans, seal_key))
    }

    /// What delivery costs and when the goods arrive.
    async fn delivery(
        &self,
        caller: &Caller,
        request: &Request,
        lines: &[Line],
        routing: &routing::Input,
        plan: Option<&routing::Plan>,
        round: &mut Round,
    ) -> Result<shipping::Offer, Refusal> {
        let rates = &caller.merchant.settings.shipping_rates;
        let line = |line: &Line| shipping::Line {
            line_id: line.line_id,
            sku: line.sku.clone(),
            quantity: line.quantity,
            amount: placement::line_cost(line) - line.discount,
        };
        let is_asked = round.is_bound(Hook::Shipping);
        let mut input = shipping::Input {
            context: round.context(Hook::Shipping),
            currency: request.currency,
            destination: request.destination.clone(),
            delivery_preference: request.delivery_preference.clone(),
            requested_delivery_date: request.requested_delivery_date,
            // The merchant's table needs neither, and most orders are priced by it.
            lines: if is_asked { lines.iter().map(line).collect() } else { Vec::new() },
            parcels: if is_asked { plan.map_or_else(Vec::new, |plan| parcels(plan, routing)) } else { Vec::new() },
        };
        let answer = round.ask(&mut input, |input| native::deliver(rates, input)).await?;
        let none = || Error::Internal("a shipping answer offers at least one option".to_owned());
        Ok(answer.options.into_iter().next().ok_or_else(none)?)
    }
}

/// Asks for discounts and takes them off the lines.
async fn take_off(request: &Request, lines: &mut [Line], round: &mut Round) -> Result<Vec<AppliedDiscount>, Refusal> {
    if !round.is_bound(Hook::Pricing) {
        return Ok(Vec::new());
    }
    let line = |line: &Line| pricing::Line {
        line_id: line.line_id,
        sku: line.sku.clone(),
        quantity: line.quantity,
        price: line.price,
        seller_id: line.seller_id.clone(),
    };
    let mut input = pricing::Input {
        context: round.context(Hook::Pricing),
        currency: request.currency,
        prices_include_tax: request.prices_include_tax,
        destination: request.destination.clone(),
        customer_id: request.customer_id.clone(),
        discount_codes: request.discount_codes.clone(),
        lines: lines.iter().map(line).collect(),
    };
    let answer = round.ask(&mut input, native::no_discount).await?;
    Ok(placement::discount(lines, answer))
}

/// What each warehouse sends by a plan.
fn parcels(plan: &routing::Plan, routing: &routing::Input) -> Vec<shipping::Parcel> {
    let mut parcels: Vec<shipping::Parcel> = Vec::new();
    for part in &plan.allocations {
        let item = shipping::Item { line_id: part.line_id, quantity: part.quantity };
        if let Some(parcel) = parcels.iter_mut().find(|parcel| parcel.warehouse_id == part.warehouse_id) {
            parcel.items.push(item);
        } else if let Some(from) = routing.warehouses.iter().find(|w| w.warehouse_id == part.warehouse_id) {
            parcels.push(shipping::Parcel {
                warehouse_id: from.warehouse_id.clone(),
                country: from.country.clone(),
                region: from.region.clone(),
                zip: from.zip.clone(),
                items: vec![item],
            });
        }
    }
    parcels
}

fn lines_of(items: &[Item]) -> Vec<Line> {
    let line = |(line_id, item): (u32, &Item)| Line {
        line_id,
        sku: item.sku.clone(),
        quantity: item.quantity,
        price: item.price,
        title: item.title.clone(),
        seller_id: item.seller_id.clone(),
        tax_code: item.tax_code.clone(),
        discount: 0,
        tax: tax::Charge::default(),
        status: LineStatus::Active,
        cancelled: 0,
        credited_units: 0,
        credited: 0,
    };
    (1..).zip(items).map(line).collect()
}

fn tax_input(request: &Request, lines: &[Line], shipping: i64, context: Context) -> tax::Input {
    let line = |line: &Line| tax::Line {
        line_id: line.line_id,
        sku: line.sku.clone(),
        tax_code: line.tax_code.clone(),
        quantity: line.quantity,
        amount: placement::line_cost(line) - line.discount,
    };
    tax::Input {
        context,
        currency: request.currency,
        prices_include_tax: request.prices_include_tax,
        destination: request.destination.clone(),
        exemption: request.tax_exemption.clone(),
        lines: lines.iter().map(line).collect(),
        shipping,
    }
}

fn risk_input(request: &Request, lines: &[Line], order_id: OrderId, total: i64, context: Context) -> risk::Input {
    let line = |line: &Line| risk::Line {
        line_id: line.line_id,
        sku: line.sku.clone(),
        quantity: line.quantity,
        price: line.price,
    };
    let email = request.personal.email.as_deref();
    risk::Input {
        context,
        order_id,
        currency: request.currency,
        total,
        lines: lines.iter().map(line).collect(),
        destination: request.destination.clone(),
        billing_country: request.billing.as_ref().map(|b| b.country.clone()),
        customer_id: request.customer_id.clone(),
        email_domain: email.and_then(|e| e.rsplit_once('@')).map(|(_, domain)| domain.to_lowercase()),
        payment_method_id: request.payment_method_id.clone(),
    }
}

fn reason_of(reasons: &[String]) -> String {
    if reasons.is_empty() { "the risk policy asks for a review".to_owned() } else { reasons.join("; ") }
}
