//! Asking the merchant's policies: which component is bound to which hook, what happens when it fails, and the record
//! that every call leaves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::hooks::{Context, FailurePolicy, Hook, PersonalFields, Question, Slot};
use domain::ids::{DecisionId, OrderId, TenantId};
use domain::time::Timestamp;
use plugin_host::{Call, CallContext, Plugin};
use store::Role;
use uuid::Uuid;

use crate::candidates::{Beside, Candidate, Mode};
use crate::{App, Error};

/// A component at work for a merchant.
#[derive(Clone)]
pub struct Binding {
    /// The component, compiled.
    pub plugin: Arc<Plugin>,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// A JSON object that the component understands.
    pub config: String,
    /// What happens when it fails.
    pub on_failure: FailurePolicy,
    /// The hosts that an adapter may speak to, `host:port`.
    pub hosts: Vec<String>,
    /// The secrets that an adapter may use: those that the merchant lists, and those that its configuration names.
    pub secrets: BTreeSet<String>,
    /// The personal fields that it may have: those that it asks for and the merchant grants.
    pub fields: PersonalFields,
    /// A version that decides beside it or in its place, with how.
    pub candidate: Option<(Arc<Binding>, Arc<Candidate>)>,
}

/// A merchant's components.
#[derive(Default)]
pub struct Bindings {
    policies: BTreeMap<Hook, Arc<Binding>>,
    /// By the name of the binding.
    adapters: BTreeMap<Hook, BTreeMap<String, Arc<Binding>>>,
}

impl Bindings {
    /// What decides a policy's hook, where it is not the native default.
    #[must_use]
    pub fn policy(&self, hook: Hook) -> Option<&Arc<Binding>> {
        self.policies.get(&hook)
    }

    /// An adapter by the name of its binding.
    #[must_use]
    pub fn adapter(&self, hook: Hook, name: &str) -> Option<&Arc<Binding>> {
        self.adapters.get(&hook)?.get(name)
    }

    fn insert(&mut self, slot: &Slot, binding: Binding) {
        let binding = Arc::new(binding);
        match slot.binding() {
            None => self.policies.insert(slot.hook(), binding),
            Some(name) => self.adapters.entry(slot.hook()).or_default().insert(name.to_owned(), binding),
        };
    }
}

/// What asking the policies of one placement has brought so far.
pub(crate) struct Round {
    tenant: TenantId,
    order_id: OrderId,
    now: Timestamp,
    bindings: Arc<Bindings>,
    /// The record of each call.
    pub decisions: Vec<store::Decision>,
    /// Why the order has to be parked because a policy failed.
    pub holds: Vec<String>,
    /// What is to be asked again, of the one that did not count.
    pub beside: Vec<Beside>,
}

/// A trial that a decision is part of.
struct Trial {
    /// Whether the one that counts is the canary.
    is_canary: bool,
    /// Who is asked beside it, for which candidate, and what.
    question: Option<(Arc<Binding>, Arc<Candidate>, Arc<str>)>,
}

/// A policy failed, and its binding says `reject`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PolicyFailed {
    pub hook: Hook,
    pub message: String,
}

impl Round {
    pub(crate) fn new(tenant: TenantId, order_id: OrderId, now: Timestamp, bindings: Arc<Bindings>) -> Self {
        Self { tenant, order_id, now, bindings, decisions: Vec::new(), holds: Vec::new(), beside: Vec::new() }
    }

    /// The clock and configuration that a hook's policy is told.
    pub(crate) fn context(&self, hook: Hook) -> Context {
        let config = self.bindings.policy(hook).map_or_else(|| "{}".to_owned(), |b| b.config.clone());
        Context { now: self.now, config }
    }

    /// Whether a component decides it.
    pub(crate) fn is_bound(&self, hook: Hook) -> bool {
        self.bindings.policy(hook).is_some()
    }

    /// Asks the policy that is bound, or the native default where none is.
    /// The policy is not shown the personal fields that it may not have: they are taken out of the question.
    pub(crate) async fn ask<Q: Question>(
        &mut self,
        question: &mut Q,
        fallback: impl Fn(&Q) -> Q::Answer,
    ) -> Result<Q::Answer, PolicyFailed> {
        let Some(binding) = self.binding(Q::HOOK) else { return Ok(fallback(question)) };
        let beside = self.beside(&binding, question);
        question.withhold(binding.fields);
        let call = binding.plugin.call(self.call_context(), question).await;
        self.settle(binding, question, call, beside, fallback)
    }

    /// Who decides about this order: what is bound, or a canary in its place.
    fn binding(&self, hook: Hook) -> Option<Arc<Binding>> {
        let bound = self.bindings.policy(hook)?;
        let canary = bound.candidate.as_ref().filter(|(_, candidate)| candidate.takes(self.order_id));
        Some(Arc::clone(canary.map_or(bound, |(binding, _)| binding)))
    }

    /// Whether a trial is on, and what the one of the two is asked afterwards that does not count: with the personal fields
    /// that it may have itself.
    fn beside<Q: Question>(&self, counting: &Arc<Binding>, question: &Q) -> Option<Trial> {
        let bound = self.bindings.policy(Q::HOOK)?;
        let (other, candidate) = bound.candidate.as_ref()?;
        let is_canary = Arc::ptr_eq(other, counting);
        let asked = if is_canary { bound } else { other };
        // A canary is compared on its own orders, a shadow on all.
        let is_asked = is_canary || candidate.mode == Mode::Shadow;
        let question = is_asked.then(|| {
            let mut question = question.clone();
            question.withhold(asked.fields);
            let input = serde_json::to_string(&question).expect("hook inputs serialise");
            (Arc::clone(asked), Arc::clone(candidate), input.into())
        });
        Some(Trial { is_canary, question })
    }

    fn call_context(&self) -> CallContext {
        CallContext::order(self.tenant)
    }

    /// Records a call and applies the binding's failure policy.
    fn settle<Q: Question>(
        &mut self,
        binding: Arc<Binding>,
        input: &Q,
        call: Call<Q::Answer>,
        beside: Option<Trial>,
        fallback: impl Fn(&Q) -> Q::Answer,
    ) -> Result<Q::Answer, PolicyFailed> {
        let hook = Q::HOOK;
        let mut decision = record(self.order_id, hook, &binding, input, &call, self.now);
        if let Some(beside) = beside {
            if beside.is_canary {
                decision.role = Role::Canary;
            }
            if let Some((asked, candidate, input)) = beside.question {
                self.beside.push(Beside { hook, binding: asked, candidate, input, counted: decision.clone() });
            }
        }
        self.decisions.push(decision);
        let failure = match call.result {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        metrics::counter!("orderwright_policy_failures_total", "hook" => hook.name(), "code" => failure.code())
            .increment(1);
        tracing::warn!(tenant = %self.tenant, order_id = %self.order_id, hook = hook.name(), plugin = binding.name, code = failure.code(), %failure, "policy failed");
        match binding.on_failure {
            FailurePolicy::Fallback => Ok(fallback(input)),
            FailurePolicy::Hold => {
                self.holds.push(format!("the {} policy failed: {failure}", hook.name()));
                Ok(fallback(input))
            }
            FailurePolicy::Reject => Err(PolicyFailed { hook, message: failure.to_string() }),
        }
    }
}

/// The record of one call.
pub(crate) fn record<I: serde::Serialize, A>(
    order_id: OrderId,
    hook: Hook,
    binding: &Binding,
    input: &I,
    call: &Call<A>,
    at: Timestamp,
) -> store::Decision {
    let input = serde_json::to_string(input).expect("hook inputs serialise").into();
    record_json(order_id, hook, binding, input, call, at)
}

/// The same, where the input is JSON already.
pub(crate) fn record_json<A>(
    order_id: OrderId,
    hook: Hook,
    binding: &Binding,
    input: Arc<str>,
    call: &Call<A>,
    at: Timestamp,
) -> store::Decision {
    store::Decision {
        decision_id: DecisionId::new(Uuid::now_v7()),
        order_id,
        hook,
        plugin: binding.name.clone(),
        plugin_version: binding.version.clone(),
        digest: Some(binding.plugin.digest().to_owned()),
        outcome: call.outcome().to_owned(),
        fuel: call.fuel,
        duration_us: call.duration_us,
        input,
        output: call.output_json.as_deref().map(Into::into),
        logs: serde_json::to_string(&call.logs).expect("log lines serialise").into(),
        error: call.result.as_ref().err().map(ToString::to_string),
        at,
        role: Role::Active,
    }
}

impl App {
    /// What is bound for a merchant, cached for [`crate::CACHE_SECONDS`].
    ///
    /// # Errors
    /// Where the store cannot be read or a stored component no longer loads.
    pub(crate) async fn bindings(&self, tenant: TenantId) -> Result<Arc<Bindings>, Error> {
        let app = self.clone();
        let load = async move { app.load_bindings(tenant).await.map(Arc::new) };
        self.caches().bindings.try_get_with(tenant, load).await.map_err(|error| (*error).clone())
    }

    async fn load_bindings(&self, tenant: TenantId) -> Result<Bindings, Error> {
        let mut bindings = Bindings::default();
        for row in self.store().bindings(tenant).await? {
            let slot = slot_named(&row.hook)?;
            let hook = slot.hook();
            // A binding without a component names the native default, or nothing.
            let Some(digest) = &row.digest else { continue };
            let mut binding = Binding {
                plugin: self.plugin(tenant, hook, digest).await?,
                on_failure: failure_policy_named(&row.on_failure)?,
                name: row.plugin,
                version: row.version,
                secrets: usable_secrets(row.secrets, &row.config),
                config: row.config,
                hosts: row.hosts,
                fields: PersonalFields::default(),
                candidate: None,
            };
            binding.fields = binding.plugin.may_have(row.fields);
            if let Some(candidate) = row.candidate {
                let candidate: Candidate = serde_json::from_str(&candidate)?;
                let plugin = self.plugin(tenant, hook, &candidate.digest).await?;
                let fields = plugin.may_have(row.fields);
                let other = Binding { plugin, fields, version: candidate.version.clone(), ..binding.clone() };
                binding.candidate = Some((Arc::new(other), Arc::new(candidate)));
            }
            bindings.insert(&slot, binding);
        }
        Ok(bindings)
    }

    /// A component by its digest, compiled at most once per process.
    pub(crate) async fn plugin(&self, tenant: TenantId, hook: Hook, digest: &str) -> Result<Arc<Plugin>, Error> {
        let app = self.clone();
        let key = digest.to_owned();
        let load = async move {
            let wasm = app.stored_component(&key).await?;
            let plugin = app.plugin_host().load(Some(tenant), &wasm, hook).await.map_err(Error::internal)?;
            Ok::<_, Error>(Arc::new(plugin))
        };
        self.caches().plugins.try_get_with((hook, digest.to_owned()), load).await.map_err(|error| (*error).clone())
    }
}

pub(crate) fn hook_named(name: &str) -> Result<Hook, Error> {
    let known = Hook::ALL.into_iter().find(|hook| hook.name() == name);
    known.ok_or_else(|| Error::Internal(format!("a stored plugin names the unknown hook {name:?}")))
}

pub(crate) fn slot_named(name: &str) -> Result<Slot, Error> {
    name.parse().map_err(|why| Error::Internal(format!("a stored binding stands at {name:?}: {why}")))
}

pub(crate) fn failure_policy_named(name: &str) -> Result<FailurePolicy, Error> {
    let known = FailurePolicy::ALL.into_iter().find(|policy| policy.name() == name);
    known.ok_or_else(|| Error::Internal(format!("a stored binding names the unknown failure policy {name:?}")))
}

/// The secrets that a binding may use. Whoever writes a secret's name into the configuration means that secret: any text
/// in it is such a name, wherever the component looks for it.
fn usable_secrets(listed: Vec<String>, config: &str) -> BTreeSet<String> {
    fn texts(value: serde_json::Value, found: &mut BTreeSet<String>) {
        match value {
            serde_json::Value::String(text) => {
                found.insert(text);
            }
            serde_json::Value::Array(values) => values.into_iter().for_each(|value| texts(value, found)),
            serde_json::Value::Object(members) => members.into_iter().for_each(|(_, value)| texts(value, found)),
            _ => {}
        }
    }
    let mut usable: BTreeSet<String> = listed.into_iter().collect();
    texts(serde_json::from_str(config).unwrap_or_default(), &mut usable);
    usable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binding_may_use_the_secrets_that_are_listed_or_configured() {
        let config = r#"{"base_url": "https://a.example", "accounts": [{"secret": "second", "key": 7}]}"#;
        let usable = usable_secrets(vec!["first".into()], config);
        let may_use = |name: &str| usable.contains(name);
        assert!(may_use("first") && may_use("second"));
        assert!(!may_use("secret") && !may_use("third") && !may_use("sec"));
        assert_eq!(usable_secrets(Vec::new(), "{}"), BTreeSet::new());
    }
}
