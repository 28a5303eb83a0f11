//! What an operator puts into a data directory.

use domain::hooks::{FailurePolicy, Slot};
use domain::ids::{PluginId, TenantId};
use uuid::Uuid;

use super::{Bound, Refusal};
use crate::plugins::Status;
use crate::{App, Error, clock};

/// What an operator installs.
pub struct Install {
    /// For which hook, and which binding of an adapter's.
    pub slot: Slot,
    /// The plugin's name.
    pub name: String,
    /// The component.
    pub wasm: Vec<u8>,
    /// A JSON object.
    pub config: String,
    /// What happens when it fails.
    pub on_failure: FailurePolicy,
    /// The hosts that an adapter may speak to, `host:port`.
    pub hosts: Vec<String>,
    /// The secrets that an adapter may use beside those that its configuration names.
    pub secrets: Vec<String>,
}

impl App {
    /// Keeps a component and binds it, without trying it out: what an operator does to a data directory.
    ///
    /// # Errors
    /// Where it is refused (the text says why) or the store cannot be written.
    pub async fn install(&self, tenant: TenantId, install: Install) -> Result<(), Error> {
        let plugin =
            self.plugin_host().load(Some(tenant), &install.wasm, install.slot.hook()).await.map_err(Error::internal)?;
        let digest = plugin.digest().to_owned();
        self.store().put_component(&digest, &install.wasm).await?;
        let known = self.versions(tenant).await?;
        let known = known.into_iter().find(|version| version.plugin == install.name && version.digest == digest);
        let version = match known {
            Some(version) => version.version,
            None => {
                let row = store::PluginVersion {
                    plugin_id: PluginId::new(Uuid::now_v7()),
                    plugin: install.name.clone(),
                    version: String::new(),
                    digest: digest.clone(),
                    hook: install.slot.hook().name().to_owned(),
                    status: Status::Ready.name().to_owned(),
                    report: "{}".to_owned(),
                    created_at: clock::now(),
                };
                let added = self.store().add_plugin_version(tenant, &row).await?;
                added.ok_or_else(|| Error::Internal("a version came in twice".to_owned()))?.version
            }
        };
        let wanted = Bound {
            slot: install.slot,
            plugin: install.name,
            version,
            digest: Some(digest),
            config: install.config,
            on_failure: install.on_failure,
            hosts: install.hosts,
            secrets: install.secrets,
            fields: plugin.fields(),
            candidate: None,
            revision: 0,
            actor: "system".to_owned(),
            updated_at: None,
        };
        let now = self.bound_at(tenant, &wanted.slot).await?;
        let same =
            |now: &Bound| Bound { revision: 0, updated_at: None, actor: wanted.actor.clone(), ..now.clone() } == wanted;
        if same(&now) {
            return Ok(());
        }
        match self.put_bound(tenant, wanted, None).await {
            Ok(_) => Ok(()),
            Err(Refusal::Error(error)) => Err(error),
            Err(refusal) => Err(Error::internal(refusal)),
        }
    }
}
