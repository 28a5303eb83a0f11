-- What merchants upload and bind: ids of plugins, what checking a version found, candidates, and the history of bindings.

create table plugin_ids (
    tenant_id  blob    not null,
    plugin_id  blob    not null,
    plugin     text    not null,
    created_at integer not null,
    constraint plugin_ids_pk primary key (tenant_id, plugin_id),
    constraint plugin_ids_name unique (tenant_id, plugin),
    constraint plugin_ids_id_length check (length(plugin_id) = 16),
    constraint plugin_ids_tenant foreign key (tenant_id) references tenants (tenant_id)
) strict, without rowid;

insert into plugin_ids (tenant_id, plugin_id, plugin, created_at)
select tenant_id, randomblob(16), plugin, min(created_at) from plugins group by tenant_id, plugin;

-- `compiling` until it is known whether it can be used; then `ready` or `refused`.
alter table plugins add column status text not null default 'ready'
    constraint plugins_status check (status in ('compiling', 'ready', 'refused'));
-- What the checks found, a JSON object of the app's.
alter table plugins add column report text not null default '{}' constraint plugins_report_json check (json_valid(report));

-- Counts the changes of a binding; its `ETag`.
alter table hook_bindings add column revision integer not null default 1;
-- A version that decides beside the bound one, or in place of it for some orders: a JSON object of the app's.
alter table hook_bindings add column candidate text
    constraint hook_bindings_candidate_json check (candidate is null or json_valid(candidate));
-- Who bound it.
alter table hook_bindings add column actor text not null default 'system';

-- Every binding that ever was. Written by triggers, so that none can be missing.
create table hook_binding_history (
    tenant_id  blob    not null,
    hook       text    not null,
    revision   integer not null,
    plugin     text    not null,
    version    text    not null,
    digest     text,
    config     text    not null,
    on_failure text    not null,
    hosts      text    not null,
    candidate  text,
    actor      text    not null,
    updated_at integer not null,
    constraint hook_binding_history_pk primary key (tenant_id, hook, revision)
) strict, without rowid;

insert into hook_binding_history
select tenant_id, hook, revision, plugin, version, digest, config, on_failure, hosts, candidate, actor, updated_at
from hook_bindings;

create trigger hook_bindings_are_remembered after insert on hook_bindings
begin
    insert into hook_binding_history values (new.tenant_id, new.hook, new.revision, new.plugin, new.version, new.digest,
        new.config, new.on_failure, new.hosts, new.candidate, new.actor, new.updated_at);
end;

create trigger hook_bindings_changes_are_remembered after update on hook_bindings
begin
    insert into hook_binding_history values (new.tenant_id, new.hook, new.revision, new.plugin, new.version, new.digest,
        new.config, new.on_failure, new.hosts, new.candidate, new.actor, new.updated_at);
end;

-- Whether the decision counted (`active`, `canary`), or was made beside the one that did (`shadow`).
alter table decisions add column role text not null default 'active'
    constraint decisions_role check (role in ('active', 'canary', 'shadow'));
