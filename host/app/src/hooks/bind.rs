//! Binding a version of a plugin, and going back.

use domain::hooks::{Hook, MAIN, PersonalFields, Slot};
use domain::ids::{PluginId, TenantId};
use uuid::Uuid;

use super::{Bound, NATIVE, Refusal, Wanted, WantedCandidate, usual_policy, way_back};
use crate::candidates::{self, Candidate, Mode};
use crate::merchant::Caller;
use crate::plugins::{Status, Version};
use crate::{App, Error, clock};

impl App {
    /// Binds a policy to its hook, or an adapter under a name. The component is loaded before, so that what is bound can
    /// decide at once; the change is everywhere within [`crate::CACHE_SECONDS`]. `revision` is the one that it replaces,
    /// where that matters; 0 is nothing.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn bind(
        &self,
        caller: &Caller,
        slot: Slot,
        wanted: Wanted,
        revision: Option<u64>,
    ) -> Result<Bound, Refusal> {
        let (tenant, hook) = (caller.tenant(), slot.hook());
        // What it would be bound for is not there: a binding that does nothing would only look like one.
        if hook == Hook::Notification || (hook == Hook::Payment && slot.binding() != Some(MAIN)) {
            return Err(Refusal::NotAsked(slot));
        }
        let version = match wanted.plugin.as_str() {
            NATIVE if hook.is_adapter() => return Err(Refusal::NoNative),
            NATIVE => None,
            plugin => Some(self.version_to_bind(tenant, hook, plugin, wanted.version.as_deref()).await?),
        };
        let (plugin, number, digest) = match version {
            Some(version) => (version.plugin, version.version, Some(version.digest)),
            None => (NATIVE.to_owned(), String::new(), None),
        };
        let now = self.bound_at(tenant, &slot).await?;
        let granted = if now.plugin == plugin { now.fields } else { PersonalFields::default() };
        let candidate = match wanted.candidate {
            None => None,
            // Decisions of an order are compared by their hook, and of notification it has many (decision 0014).
            Some(_) if digest.is_none() || hook.is_adapter() || hook == Hook::Notification => {
                return Err(Refusal::NoCandidate);
            }
            Some(candidate) => Some(self.candidate(tenant, hook, &plugin, candidate).await?),
        };
        let to_bind = Bound {
            slot,
            plugin,
            version: number,
            digest,
            config: wanted.config,
            on_failure: wanted.on_failure.unwrap_or(usual_policy(hook)),
            hosts: wanted.hosts,
            secrets: wanted.secrets,
            fields: wanted.fields.unwrap_or(granted),
            candidate,
            revision: 0,
            actor: caller.actor(),
            updated_at: None,
        };
        if wanted.fields.is_none() {
            self.asks_for_no_more(tenant, &now, &to_bind, granted).await?;
        }
        // What is taken over from the present binding must not undo what somebody else has changed meanwhile.
        let takes_over = wanted.fields.is_none() || to_bind.candidate.is_some();
        let revision = if takes_over { revision.or(Some(now.revision)) } else { revision };
        self.put_bound(tenant, to_bind, revision).await
    }

    /// Ends an adapter's binding. Its operations under way wait until something is bound there again.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn unbind(&self, caller: &Caller, slot: &Slot, revision: Option<u64>) -> Result<(), Refusal> {
        let tenant = caller.tenant();
        let now = self.bound_at(tenant, slot).await?;
        if now.is_nothing() {
            return Err(Refusal::NotBound(slot.clone()));
        }
        let nothing = Bound { actor: caller.actor(), ..super::unbound(slot.clone()) };
        self.put_bound(tenant, nothing, Some(revision.unwrap_or(now.revision))).await.map(drop)
    }

    /// Binds again what was bound before the present binding.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn roll_back(&self, caller: &Caller, slot: &Slot, revision: Option<u64>) -> Result<Bound, Refusal> {
        let tenant = caller.tenant();
        let history = self.bound_before(tenant, slot).await?;
        let (Some(now), Some(before)) = (history.first(), way_back(&history)) else {
            return Err(Refusal::NothingBefore);
        };
        let again = Bound { actor: caller.actor(), candidate: None, ..before.clone() };
        self.put_bound(tenant, again, Some(revision.unwrap_or(now.revision))).await
    }

    /// Lets a policy's candidate decide everything.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn promote(&self, caller: &Caller, hook: Hook, revision: Option<u64>) -> Result<Bound, Refusal> {
        let tenant = caller.tenant();
        let now = self.bound_at(tenant, &Slot::usual(hook)).await?;
        let Some(candidate) = now.candidate else { return Err(Refusal::NothingToPromote) };
        let promoted = Bound {
            version: candidate.version,
            digest: Some(candidate.digest),
            candidate: None,
            actor: caller.actor(),
            ..now
        };
        self.put_bound(tenant, promoted, Some(revision.unwrap_or(now.revision))).await
    }

    /// Takes a candidate out of a hook's binding; false where it is no longer there.
    pub(crate) async fn drop_candidate(
        &self,
        tenant: TenantId,
        hook: Hook,
        salt: &str,
        actor: String,
    ) -> Result<bool, Refusal> {
        let now = self.bound_at(tenant, &Slot::usual(hook)).await?;
        if now.candidate.as_ref().is_none_or(|candidate| candidate.salt != salt) {
            return Ok(false);
        }
        let revision = now.revision;
        match self.put_bound(tenant, Bound { candidate: None, actor, ..now }, Some(revision)).await {
            Ok(_) => Ok(true),
            // Somebody has bound something else meanwhile.
            Err(Refusal::Changed { .. }) => Ok(false),
            Err(refusal) => Err(refusal),
        }
    }

    /// Refuses a component that asks for more personal fields than were `granted`, where nobody has said that it must do
    /// without.
    async fn asks_for_no_more(
        &self,
        tenant: TenantId,
        now: &Bound,
        to_bind: &Bound,
        granted: PersonalFields,
    ) -> Result<(), Refusal> {
        fn digests(bound: &Bound) -> [Option<&String>; 2] {
            [bound.digest.as_ref(), bound.candidate.as_ref().map(|candidate| &candidate.digest)]
        }
        let mut asked = PersonalFields::default();
        // What decides or is tried already has been looked at, and may have been granted less than it asks for.
        let at_work = if now.plugin == to_bind.plugin { digests(now) } else { [None, None] };
        for digest in digests(to_bind).into_iter().flatten().filter(|digest| !at_work.contains(&Some(digest))) {
            asked = asked.or(self.plugin(tenant, to_bind.hook(), digest).await?.fields());
        }
        let missing = asked.without(granted);
        if missing.is_empty() { Ok(()) } else { Err(Refusal::NeedsApproval { asked, granted, missing }) }
    }

    /// The candidate as it is kept. As long as the same version decides in the same way it keeps its salt and its beginning:
    /// its orders stay its own, and what it has shown counts.
    async fn candidate(
        &self,
        tenant: TenantId,
        hook: Hook,
        plugin: &str,
        wanted: WantedCandidate,
    ) -> Result<Candidate, Refusal> {
        let version = self.version_to_bind(tenant, hook, plugin, Some(&wanted.version)).await?;
        let percent = match wanted.mode {
            Mode::Canary => wanted.percent.ok_or(Refusal::NoPercent)?,
            Mode::Shadow => 0,
        };
        let now = self.bound_at(tenant, &Slot::usual(hook)).await?.candidate;
        let (salt, since) = match now.filter(|now| (&now.digest, now.mode) == (&version.digest, wanted.mode)) {
            Some(now) => (now.salt, now.since),
            None => (Uuid::now_v7().simple().to_string(), clock::now()),
        };
        self.plugin(tenant, hook, &version.digest).await?;
        Ok(Candidate {
            version: version.version,
            digest: version.digest,
            mode: wanted.mode,
            percent,
            max_failure_percent: wanted.max_failure_percent.unwrap_or(candidates::FAILURE_PERCENT),
            max_drift_percent: wanted.max_drift_percent,
            salt,
            since,
        })
    }

    pub(super) async fn put_bound(
        &self,
        tenant: TenantId,
        mut bound: Bound,
        revision: Option<u64>,
    ) -> Result<Bound, Refusal> {
        if let Some(digest) = &bound.digest {
            self.plugin(tenant, bound.hook(), digest).await?;
        }
        let expected = match revision {
            Some(0) => Some(self.revision_of_nothing(tenant, &bound.slot).await?),
            given => given,
        };
        let at = clock::now();
        let row = store::Binding {
            hook: bound.slot.to_string(),
            plugin: bound.plugin.clone(),
            version: bound.version.clone(),
            digest: bound.digest.clone(),
            config: bound.config.clone(),
            on_failure: bound.on_failure.name().to_owned(),
            hosts: bound.hosts.clone(),
            secrets: bound.secrets.clone(),
            fields: bound.fields,
            candidate: bound.candidate.as_ref().map(serde_json::to_string).transpose().map_err(Error::from)?,
            revision: 0,
            actor: bound.actor.clone(),
            updated_at: at,
        };
        let Some(new) = self.store().put_binding(tenant, &row, expected).await? else {
            return Err(Refusal::Changed { current: self.bound_at(tenant, &bound.slot).await?.revision });
        };
        self.caches().bindings.invalidate(&tenant).await;
        self.watch().keep_only(tenant, bound.hook(), bound.candidate.as_ref());
        (bound.revision, bound.updated_at) = (new, Some(at));
        Ok(bound)
    }

    /// What the store calls the revision of a slot at which nothing is bound: revisions count on beyond an unbinding.
    async fn revision_of_nothing(&self, tenant: TenantId, slot: &Slot) -> Result<u64, Error> {
        let now = self.bound_at(tenant, slot).await?;
        Ok(if now.is_nothing() { now.revision } else { 0 })
    }

    async fn version_to_bind(
        &self,
        tenant: TenantId,
        hook: Hook,
        plugin: &str,
        version: Option<&str>,
    ) -> Result<Version, Refusal> {
        let id: Option<PluginId> = plugin.parse().ok();
        let mut versions = self.versions(tenant).await?;
        versions.retain(|version| version.plugin == plugin || Some(version.plugin_id) == id);
        let Some(newest) = versions.last() else { return Err(Refusal::NoPlugin(plugin.to_owned())) };
        if newest.hook != hook {
            return Err(Refusal::OtherHook(newest.hook));
        }
        let found = match version {
            Some(number) => versions.iter().find(|version| version.version == number),
            None => versions.iter().rev().find(|version| version.status == Status::Ready).or(Some(newest)),
        };
        let found = found.ok_or_else(|| Refusal::NoVersion(version.unwrap_or_default().to_owned()))?;
        match found.status {
            Status::Ready => Ok(found.clone()),
            status => Err(Refusal::NotReady { version: found.version.clone(), status }),
        }
    }
}
