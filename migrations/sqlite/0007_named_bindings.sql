-- An adapter's hook has bindings with names: the one that there was is `payment/main`. What is renamed here is no change
-- of a binding, so the history is renamed as well instead of being told.
drop trigger hook_bindings_are_remembered;
drop trigger hook_bindings_changes_are_remembered;

update hook_bindings set hook = hook || '/main' where hook in ('payment', 'carrier', 'channel');
update hook_binding_history set hook = hook || '/main' where hook in ('payment', 'carrier', 'channel');

-- The secrets that an adapter may use beside those that its configuration names: a JSON array of names. What was bound
-- before could use every one of its merchant's.
alter table hook_bindings add column secrets text not null default '[]'
    constraint hook_bindings_secrets_json check (json_type(secrets) = 'array');
alter table hook_binding_history add column secrets text not null default '[]';

update hook_bindings
set secrets = (select json_group_array(s.name) from secrets as s where s.tenant_id = hook_bindings.tenant_id)
where hook like '%/%';
update hook_binding_history
set secrets = (select json_group_array(s.name) from secrets as s where s.tenant_id = hook_binding_history.tenant_id)
where hook like '%/%';

create trigger hook_bindings_are_remembered after insert on hook_bindings
begin
    insert into hook_binding_history values (new.tenant_id, new.hook, new.revision, new.plugin, new.version, new.digest,
        new.config, new.on_failure, new.hosts, new.candidate, new.actor, new.updated_at, new.fields, new.secrets);
end;

create trigger hook_bindings_changes_are_remembered after update on hook_bindings
begin
    insert into hook_binding_history values (new.tenant_id, new.hook, new.revision, new.plugin, new.version, new.digest,
        new.config, new.on_failure, new.hosts, new.candidate, new.actor, new.updated_at, new.fields, new.secrets);
end;

-- Where providers and carriers call. Who is called is found by the token's hash (SHA-256); the token itself is sealed under
-- the instance's key, to be shown to the merchant. The newest generation is in force; whichever is older is good until the
-- earliest `earlier_until` of those after it.
create table callback_addresses (
    token_hash    blob    not null,
    tenant_id     blob    not null,
    hook          text    not null,
    generation    integer not null,
    sealed_token  text    not null,
    created_at    integer not null,
    earlier_until integer not null,
    constraint callback_addresses_pk primary key (token_hash),
    constraint callback_addresses_generation unique (tenant_id, hook, generation),
    constraint callback_addresses_hash_length check (length(token_hash) = 32),
    constraint callback_addresses_tenant foreign key (tenant_id) references tenants (tenant_id)
) strict, without rowid;

-- What providers and carriers have told, once per event, until it is old enough to be forgotten.
create table callback_events (
    tenant_id   blob    not null,
    hook        text    not null,
    -- The other side's name for it.
    event_id    text    not null,
    received_at integer not null,
    -- What it means, a JSON object of the app's.
    notice      text    not null,
    -- The call as it came, sealed; none once it is of no more use.
    sealed_call text,
    -- The order that it is about, once that is found.
    order_id    blob,
    state       text    not null,
    -- What became of it, for people.
    told        text,
    attempts    integer not null default 0,
    -- When to look at it again; none when that is over.
    next_at     integer,
    constraint callback_events_pk primary key (tenant_id, hook, event_id),
    constraint callback_events_state check (state in ('new', 'settled', 'unmatched')),
    constraint callback_events_notice_json check (json_valid(notice)),
    constraint callback_events_tenant foreign key (tenant_id) references tenants (tenant_id)
) strict;

create index callback_events_due on callback_events (next_at) where next_at is not null;
create index callback_events_of_order on callback_events (tenant_id, order_id) where order_id is not null;
