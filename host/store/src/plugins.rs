//! What merchants upload and bind: components by digest, versions of plugins, bindings with their history.
//!
//! Each change is one statement on the writer's connection, past the queue, and so its own transaction.

use domain::ids::{PluginId, TenantId};

use crate::backend::Scope;
use crate::reads::own;
use crate::records::{Binding, PluginVersion};
use crate::sql::{self, Columns, Row, count, id, text};
use crate::{Error, Store};

/// Of a component that is written at once: some milliseconds, in which no order is committed.
const PART_BYTES: usize = 256 << 10;

/// How often a version is numbered anew because another node was quicker.
const NUMBERING_TRIES_MAX: usize = 10;

impl Store {
    /// Keeps a component's bytes; the same digest is kept once.
    ///
    /// Orders are committed between its parts. Where this breaks off, the next time goes on.
    ///
    /// # Errors
    /// What the database said.
    pub async fn put_component(&self, digest: &str, wasm: &[u8]) -> Result<(), Error> {
        for (part, bytes) in (0i64..).zip(wasm.chunks(PART_BYTES)) {
            let insert = "insert into component_parts (digest, part, bytes) values ($1, $2, $3) on conflict do nothing";
            let query = sql::query(insert).bind(text(digest)).bind(part).bind(bytes.to_vec());
            self.execute(Scope::All, query).await?;
        }
        let insert = "insert into components (digest, wasm) values ($1, $2) on conflict (digest) do nothing";
        self.execute(Scope::All, sql::query(insert).bind(text(digest)).bind(Vec::new())).await?;
        Ok(())
    }

    /// A component's bytes.
    ///
    /// # Errors
    /// What the database said.
    pub async fn component(&self, digest: &str) -> Result<Option<Vec<u8>>, Error> {
        let query = sql::query("select wasm from components where digest = $1").bind(text(digest));
        let row = self.fetch_optional(Scope::All, query).await?;
        let whole: Option<Vec<u8>> = row.map(|row| Columns::new(&row).get()).transpose()?;
        if whole.as_ref().is_none_or(|whole| !whole.is_empty()) {
            return Ok(whole);
        }
        let select = "select bytes from component_parts where digest = $1 order by part";
        let parts = self.fetch_all(Scope::All, sql::query(select).bind(text(digest))).await?;
        let parts: Vec<Vec<u8>> = parts.iter().map(|row| Columns::new(row).get()).collect::<Result<_, _>>()?;
        Ok(Some(parts.concat()))
    }

    /// Adds the next version of a plugin, whose component is kept already; the plugin gets the version's id where it is
    /// new. None where the plugin has a version with this digest.
    ///
    /// # Errors
    /// [`Error::Refused`] where the component is not kept, otherwise what the database said.
    pub async fn add_plugin_version(
        &self,
        tenant: TenantId,
        version: &PluginVersion,
    ) -> Result<Option<PluginVersion>, Error> {
        let sql = "insert into plugin_ids (tenant_id, plugin_id, plugin, created_at) values ($1, $2, $3, $4) \
                   on conflict (tenant_id, plugin) do nothing";
        let query = sql::query(sql)
            .bind(own(tenant))
            .bind(id(version.plugin_id.uuid()))
            .bind(text(&version.plugin))
            .bind(version.created_at.micros());
        self.execute(tenant, query).await?;
        let sql = "insert into plugins (tenant_id, plugin, version, digest, hook, status, report, created_at) \
                   select $1, $2, cast(1 + (select coalesce(max(cast(version as integer)), 0) from plugins \
                   where tenant_id = $1 and plugin = $2) as text), $3, $4, $5, $6, $7 where not exists \
                   (select 1 from plugins where tenant_id = $1 and plugin = $2 and digest = $3)";
        let query = sql::query(sql)
            .bind(own(tenant))
            .bind(text(&version.plugin))
            .bind(text(&version.digest))
            .bind(text(&version.hook))
            .bind(text(&version.status))
            .bind(text(&version.report))
            .bind(version.created_at.micros());
        let mut added = self.execute(tenant, query.clone()).await;
        // Another node may have given out the same number meanwhile: the next one is free.
        for _ in 0..NUMBERING_TRIES_MAX {
            if !matches!(&added, Err(Error::Refused { constraint }) if constraint == "plugins_pk") {
                break;
            }
            added = self.execute(tenant, query.clone()).await;
        }
        if added? == 0 {
            return Ok(None);
        }
        let versions = self.plugin_versions(tenant).await?;
        Ok(versions.into_iter().find(|known| known.plugin == version.plugin && known.digest == version.digest))
    }

    /// Says what checking a version has come to.
    ///
    /// # Errors
    /// What the database said.
    pub async fn judge_plugin_version(
        &self,
        tenant: TenantId,
        plugin: &str,
        version: &str,
        status: &str,
        report: &str,
    ) -> Result<(), Error> {
        let sql = "update plugins set status = $1, report = $2 where tenant_id = $3 and plugin = $4 and version = $5";
        let query = sql::query(sql)
            .bind(text(status))
            .bind(text(report))
            .bind(own(tenant))
            .bind(text(plugin))
            .bind(text(version));
        self.execute(tenant, query).await?;
        Ok(())
    }

    /// The versions of a merchant's plugins, by plugin, oldest first.
    ///
    /// # Errors
    /// What the database said.
    pub async fn plugin_versions(&self, tenant: TenantId) -> Result<Vec<PluginVersion>, Error> {
        let sql = "select i.plugin_id, p.plugin, p.version, p.digest, p.hook, p.status, p.report, p.created_at \
                   from plugins as p join plugin_ids as i on i.tenant_id = p.tenant_id and i.plugin = p.plugin \
                   where p.tenant_id = $1 order by p.plugin, cast(p.version as integer)";
        let rows = self.fetch_all(tenant, sql::query(sql).bind(own(tenant))).await?;
        rows.iter().map(|row| plugin_version(&mut Columns::new(row))).collect()
    }

    /// The versions that nobody has judged yet, of all merchants.
    ///
    /// # Errors
    /// What the database said.
    pub async fn unjudged_plugin_versions(&self) -> Result<Vec<(TenantId, PluginVersion)>, Error> {
        let sql = "select i.plugin_id, p.plugin, p.version, p.digest, p.hook, p.status, p.report, p.created_at, p.tenant_id \
                   from plugins as p join plugin_ids as i on i.tenant_id = p.tenant_id and i.plugin = p.plugin \
                   where p.status = 'compiling' order by p.created_at";
        let rows = self.fetch_all(Scope::All, sql::query(sql)).await?;
        let with_tenant = |row: &Row| {
            let mut columns = Columns::new(row);
            let version = plugin_version(&mut columns)?;
            Ok((columns.id(TenantId::new)?, version))
        };
        rows.iter().map(with_tenant).collect()
    }

    /// Binds a hook, or an adapter's binding such as `payment/main`, in place of what was bound; `revision` and the time before are remembered. `expected` is the revision
    /// that it replaces, 0 for a hook that was never bound. Answers the new revision, none where another is bound.
    ///
    /// # Errors
    /// What the database said.
    pub async fn put_binding(
        &self,
        tenant: TenantId,
        binding: &Binding,
        expected: Option<u64>,
    ) -> Result<Option<u64>, Error> {
        let sql = "insert into hook_bindings (tenant_id, hook, plugin, version, digest, config, on_failure, hosts, candidate, \
                   actor, updated_at, fields, secrets) select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13 \
                   where $14 is null or $14 = coalesce( \
                   (select revision from hook_bindings where tenant_id = $1 and hook = $2), 0) \
                   on conflict (tenant_id, hook) do update set plugin = excluded.plugin, version = excluded.version, \
                   digest = excluded.digest, config = excluded.config, on_failure = excluded.on_failure, \
                   hosts = excluded.hosts, candidate = excluded.candidate, actor = excluded.actor, updated_at = excluded.updated_at, \
                   fields = excluded.fields, secrets = excluded.secrets, revision = hook_bindings.revision + 1 \
                   where $14 is null or $14 = hook_bindings.revision returning revision";
        let query = sql::query(sql)
            .bind(own(tenant))
            .bind(text(&binding.hook))
            .bind(text(&binding.plugin))
            .bind(text(&binding.version))
            .bind(binding.digest.clone())
            .bind(text(&binding.config))
            .bind(text(&binding.on_failure))
            .bind(serde_json::to_string(&binding.hosts).map_err(|e| Error::Inconsistent(e.to_string()))?)
            .bind(binding.candidate.clone())
            .bind(text(&binding.actor))
            .bind(binding.updated_at.micros())
            .bind(serde_json::to_string(&binding.fields).map_err(|e| Error::Inconsistent(e.to_string()))?)
            .bind(serde_json::to_string(&binding.secrets).map_err(|e| Error::Inconsistent(e.to_string()))?)
            .bind(expected.map(count));
        self.execute_returning(tenant, query).await?.first().map(|row| Columns::new(row).count()).transpose()
    }

    /// What decides a merchant's hooks. A hook without a row is decided by the built-in default.
    ///
    /// # Errors
    /// What the database said.
    pub async fn bindings(&self, tenant: TenantId) -> Result<Vec<Binding>, Error> {
        let sql = "select hook, plugin, version, digest, config, on_failure, hosts, candidate, revision, actor, updated_at, fields, secrets \
                   from hook_bindings where tenant_id = $1 order by hook";
        let rows = self.fetch_all(tenant, sql::query(sql).bind(own(tenant))).await?;
        rows.iter().map(binding).collect()
    }

    /// What was ever bound to a hook, newest first: the first is bound now.
    ///
    /// # Errors
    /// What the database said.
    pub async fn binding_history(&self, tenant: TenantId, hook: &str) -> Result<Vec<Binding>, Error> {
        let sql = "select hook, plugin, version, digest, config, on_failure, hosts, candidate, revision, actor, updated_at, fields, secrets \
                   from hook_binding_history where tenant_id = $1 and hook = $2 order by revision desc";
        let query = sql::query(sql).bind(own(tenant)).bind(text(hook));
        self.fetch_all(tenant, query).await?.iter().map(binding).collect()
    }
}

fn plugin_version(columns: &mut Columns<'_>) -> Result<PluginVersion, Error> {
    Ok(PluginVersion {
        plugin_id: columns.id(PluginId::new)?,
        plugin: columns.get()?,
        version: columns.get()?,
        digest: columns.get()?,
        hook: columns.get()?,
        status: columns.get()?,
        report: columns.get()?,
        created_at: columns.time()?,
    })
}

fn binding(row: &Row) -> Result<Binding, Error> {
    let mut columns = Columns::new(row);
    Ok(Binding {
        hook: columns.get()?,
        plugin: columns.get()?,
        version: columns.get()?,
        digest: columns.get()?,
        config: columns.get()?,
        on_failure: columns.get()?,
        hosts: columns.json()?,
        candidate: columns.get()?,
        revision: columns.count()?,
        actor: columns.get()?,
        updated_at: columns.time()?,
        fields: columns.json()?,
        secrets: columns.json()?,
    })
}
