-- An adapter's hook has bindings with names: the one that there was is `payment/main`. What is renamed here is no change
-- of a binding, so the history is renamed as well instead of being told.
alter table hook_bindings disable trigger hook_bindings_are_remembered;

update hook_bindings set hook = hook || '/main' where hook in ('payment', 'carrier', 'channel');
update hook_binding_history set hook = hook || '/main' where hook in ('payment', 'carrier', 'channel');

-- The secrets that an adapter may use beside those that its configuration names: a JSON array of names. What was bound
-- before could use every one of its merchant's.
alter table hook_bindings add column secrets text not null default '[]'
    constraint hook_bindings_secrets_json check (is_json(secrets) and secrets like '[%');
alter table hook_binding_history add column secrets text not null default '[]';

update hook_bindings as b
set secrets = (select coalesce(json_agg(s.name), '[]')::text from secrets as s where s.tenant_id = b.tenant_id)
where b.hook like '%/%';
update hook_binding_history as b
set secrets = (select coalesce(json_agg(s.name), '[]')::text from secrets as s where s.tenant_id = b.tenant_id)
where b.hook like '%/%';

create or replace function remember_binding() returns trigger language plpgsql as $$
begin
    insert into hook_binding_history (tenant_id, hook, revision, plugin, version, digest, config, on_failure, hosts,
        candidate, actor, updated_at, fields, secrets)
    values (new.tenant_id, new.hook, new.revision, new.plugin, new.version, new.digest, new.config, new.on_failure,
        new.hosts, new.candidate, new.actor, new.updated_at, new.fields, new.secrets);
    return null;
end
$$;

alter table hook_bindings enable trigger hook_bindings_are_remembered;

-- Where providers and carriers call. Who is called is found by the token's hash (SHA-256); the token itself is sealed under
-- the instance's key, to be shown to the merchant. The newest generation is in force; whichever is older is good until the
-- earliest `earlier_until` of those after it.
create table callback_addresses (
    token_hash    bytea  not null,
    tenant_id     bytea  not null,
    hook          text   collate "C" not null,
    generation    bigint not null,
    sealed_token  text   not null,
    created_at    bigint not null,
    earlier_until bigint not null,
    constraint callback_addresses_pk primary key (token_hash),
    constraint callback_addresses_generation unique (tenant_id, hook, generation),
    constraint callback_addresses_hash_length check (length(token_hash) = 32),
    constraint callback_addresses_tenant foreign key (tenant_id) references tenants (tenant_id)
);

-- What providers and carriers have told, once per event, until it is old enough to be forgotten.
create table callback_events (
    rowid       bigint generated always as identity,
    tenant_id   bytea  not null,
    hook        text   collate "C" not null,
    -- The other side's name for it.
    event_id    text   collate "C" not null,
    received_at bigint not null,
    -- What it means, a JSON object of the app's.
    notice      text   not null,
    -- The call as it came, sealed; none once it is of no more use.
    sealed_call text,
    -- The order that it is about, once that is found.
    order_id    bytea,
    state       text   not null,
    -- What became of it, for people.
    told        text,
    attempts    bigint not null default 0,
    -- When to look at it again; none when that is over.
    next_at     bigint,
    constraint callback_events_pk primary key (tenant_id, hook, event_id),
    constraint callback_events_state check (state in ('new', 'settled', 'unmatched')),
    constraint callback_events_notice_json check (is_json(notice)),
    constraint callback_events_tenant foreign key (tenant_id) references tenants (tenant_id)
);

create index callback_events_by_age on callback_events (rowid);
create index callback_events_due on callback_events (next_at) where next_at is not null;
create index callback_events_of_order on callback_events (tenant_id, order_id) where order_id is not null;

do $$
declare
    name text;
begin
    foreach name in array array['callback_addresses', 'callback_events'] loop
        execute format('alter table %I enable row level security', name);
        execute format('create policy %I on %I to orderwright_api using (tenant_id = (select own_tenant())) '
            'with check (tenant_id = (select own_tenant()))', name || '_of_the_merchant', name);
        execute format('create policy %I on %I to orderwright_runner using (true) with check (true)', name || '_of_all', name);
        execute format('grant select, insert, update, delete on %I to orderwright_api, orderwright_runner', name);
    end loop;
end
$$;

-- A call says whose it is by its address, and only then is its merchant known.
create policy callback_addresses_of_callers on callback_addresses for select to orderwright_callers using (true);
grant select on callback_addresses to orderwright_callers;
