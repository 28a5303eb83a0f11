//! Placing an order: facts, policies, one commit, and the payment begins.

mod decide;

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::hooks::{Destination, Hook, routing};
use domain::ids::{CustomerId, ExternalId, OrderId, SellerId, Sku};
use domain::money::Currency;
use domain::order::{Order, Personal};
use domain::placement::{self, Draft, Shortage};
use domain::time::Date;
use store::{Changeset, OrderChange, Outcome};
use uuid::Uuid;

use crate::effects::Begun;
use crate::merchant::Caller;
use crate::policies::{PolicyFailed, Round};
use crate::{App, Error, Idempotency, clock, idempotency};

/// A basket to be ordered. Amounts are minor units of `currency`.
#[derive(Debug, Clone)]
pub struct Request {
    /// 1 to 1,000.
    pub items: Vec<Item>,
    /// The currency of every amount.
    pub currency: Currency,
    /// Whether prices contain the tax.
    pub prices_include_tax: bool,
    /// As given.
    pub discount_codes: Vec<String>,
    /// The merchant's name for the customer.
    pub customer_id: Option<CustomerId>,
    /// Names, address lines, e-mail address, phone number.
    pub personal: Personal,
    /// Where it goes.
    pub destination: Destination,
    /// Where the bill goes.
    pub billing: Option<Destination>,
    /// The customer's exemption certificate.
    pub tax_exemption: Option<String>,
    /// Where given, it replaces the rate table.
    pub shipping_cost: Option<i64>,
    /// What the customer pays with.
    pub payment_method_id: String,
    /// `standard`, `express` and the like.
    pub delivery_preference: Option<String>,
    /// The day the customer asked for.
    pub requested_delivery_date: Option<Date>,
    /// The merchant's own number.
    pub external_id: Option<ExternalId>,
    /// A JSON object, as text.
    pub metadata: Option<String>,
}

/// A line of a basket.
#[derive(Debug, Clone)]
pub struct Item {
    /// What.
    pub sku: Sku,
    /// 1 to 1,000,000.
    pub quantity: u32,
    /// Of one unit.
    pub price: i64,
    /// For people.
    pub title: Option<String>,
    /// Whose warehouses ship it.
    pub seller_id: Option<SellerId>,
    /// The merchant's tax class.
    pub tax_code: Option<String>,
}

/// An order that was placed or changed.
#[derive(Debug, Clone)]
pub struct Done {
    /// The order; for a replay, as it was when the key was used.
    pub order: Arc<Order>,
    /// Whether this is the answer to an earlier request with the same key.
    pub replayed: bool,
}

/// Why an order is not placed.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The idempotency key cannot be used.
    #[error(transparent)]
    Idempotency(#[from] idempotency::Refusal),
    /// The locked stock cannot serve it.
    #[error("not enough stock")]
    OutOfStock(Vec<Shortage>),
    /// The risk policy refused it.
    #[error("the order was refused by the merchant's risk policy")]
    Rejected {
        /// The policy's reasons.
        reasons: Vec<String>,
    },
    /// Another order has this external id.
    #[error("the external id belongs to {0}")]
    DuplicateExternalId(OrderId),
    /// The sum is beyond what is computed with.
    #[error(transparent)]
    TotalTooLarge(#[from] placement::TotalTooLarge),
    /// The order is larger than the store keeps.
    #[error("the order takes {bytes} bytes, at most {limit} are kept")]
    DocumentTooLarge {
        /// What it would take.
        bytes: usize,
        /// What is kept.
        limit: usize,
    },
    /// A policy failed, and the merchant wants no order then.
    #[error("the {} policy failed: {message}", hook.name())]
    PolicyFailed {
        /// Which.
        hook: Hook,
        /// How.
        message: String,
    },
    /// Something else.
    #[error(transparent)]
    Error(#[from] Error),
}

impl From<PolicyFailed> for Refusal {
    fn from(failed: PolicyFailed) -> Self {
        Self::PolicyFailed { hook: failed.hook, message: failed.message }
    }
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::DocumentTooLarge { bytes, limit } => Self::DocumentTooLarge { bytes, limit },
            other => Self::Error(other.into()),
        }
    }
}

impl App {
    /// Places an order. Runs in a task of its own, so that a client that hangs up does not stop it half way.
    ///
    /// # Errors
    /// [`Refusal`]; nothing is kept, and the key is not used up.
    pub async fn place(&self, caller: Arc<Caller>, request: Request, key: Idempotency) -> Result<Done, Refusal> {
        let app = self.clone();
        tokio::spawn(async move { app.place_now(&caller, request, key).await }).await.map_err(Error::from)?
    }

    async fn place_now(&self, caller: &Caller, request: Request, key: Idempotency) -> Result<Done, Refusal> {
        let tenant = caller.tenant();
        let skus: BTreeSet<Sku> = request.items.iter().map(|item| item.sku.clone()).collect();
        let stock = self.store().stock(tenant, skus).await?;
        let order_id = OrderId::new(Uuid::now_v7());
        let mut round = Round::new(tenant, order_id, clock::now(), self.bindings(tenant).await?);
        let routing = self.routing_input(caller, &request, round.context(Hook::Routing), &stock).await?;
        let (draft, plans, seal_key) = match self.decide(caller, request, &mut round, order_id, routing).await {
            Ok(decided) => decided,
            Err(refusal) => {
                // The commit looks at the key, and a key is almost always new. Only who is not let through to the commit
                // may still have been served before.
                if let Some(done) = self.replay_of(tenant, Some(&key)).await? {
                    return Ok(done);
                }
                self.decide_beside(caller, std::mem::take(&mut round.beside));
                self.keep_decisions(caller, round).await;
                return Err(refusal);
            }
        };
        let mut changeset = Changeset::new(tenant, caller.actor());
        let lease = self.lease_for_new_task();
        let leased = lease.is_some();
        let begun = if leased { self.begin_payment(&draft, &mut changeset).await? } else { None };
        changeset.order = OrderChange::Place { draft: Arc::new(draft), plans, lease };
        changeset.key = Some(key.claim(201, None));
        changeset.decisions.append(&mut round.decisions);
        changeset.seal_keys = seal_key.iter().cloned().collect();
        match self.commit(changeset).await? {
            Outcome::Committed(committed) => {
                let stored = self.stored_order(committed)?;
                if let Some(row) = &seal_key {
                    self.remember_seal_key(tenant, row);
                }
                metrics::counter!("orderwright_orders_placed_total").increment(1);
                self.decide_beside(caller, round.beside);
                let order = stored.order.clone();
                if leased && order.wake_at().is_some() {
                    self.hand_over(stored, 0, begun);
                }
                Ok(Done { order, replayed: false })
            }
            Outcome::SameKey(stored) => Ok(self.replay(tenant, &key, &stored).await?),
            Outcome::OutOfStock(shortages) => Err(Refusal::OutOfStock(shortages)),
            Outcome::DuplicateExternalId(order_id) => Err(Refusal::DuplicateExternalId(order_id)),
            other => Err(Error::Internal(format!("unexpected outcome of a placement: {other:?}")).into()),
        }
    }

    /// The authorisation's request goes into the commit that places the order. Which plan serves the order is only known
    /// under the lock, and does not matter to the payment.
    async fn begin_payment(&self, draft: &Draft, changeset: &mut Changeset) -> Result<Option<Begun>, Error> {
        if draft.amounts.total == 0 {
            return Ok(None);
        }
        let (order, _) = draft.place(&routing::Plan { allocations: Vec::new() });
        self.begin_next(&order, 0, changeset).await
    }

    /// The order as it was when the key was used.
    pub(crate) async fn replay(
        &self,
        tenant: domain::ids::TenantId,
        key: &Idempotency,
        stored: &store::StoredKey,
    ) -> Result<Done, ReplayError> {
        key.matches(stored)?;
        let missing = || Error::Internal("a used key stands for an order that is not there".to_owned());
        let (order_id, version) = stored.order_id.zip(stored.order_version).ok_or(idempotency::Refusal::KeyReused)?;
        let order = self.order_at(tenant, order_id, version).await?.ok_or_else(missing)?;
        Ok(Done { order, replayed: true })
    }

    /// What the policies said about an order that was then refused is kept all the same: somebody will ask.
    async fn keep_decisions(&self, caller: &Caller, round: Round) {
        if round.decisions.is_empty() {
            return;
        }
        let mut changeset = Changeset::new(caller.tenant(), caller.actor());
        changeset.decisions = round.decisions;
        if let Err(error) = self.store().commit(changeset).await {
            tracing::warn!(%error, "the decisions about a refused order could not be kept");
        }
    }
}

/// What can go wrong when an earlier answer is given again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplayError {
    #[error(transparent)]
    Idempotency(#[from] idempotency::Refusal),
    #[error(transparent)]
    Error(#[from] Error),
}

impl From<ReplayError> for Refusal {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Idempotency(refusal) => refusal.into(),
            ReplayError::Error(error) => error.into(),
        }
    }
}
