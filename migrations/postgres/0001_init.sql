-- The schema of the store that several nodes share.
--
-- Tables and columns are those of the embedded store, so that reads are written once (decision 0012): ids are the 16
-- bytes of the UUID, moments are microseconds since 1970, amounts are minor units, hashes are 32 bytes, and what is
-- hashed is text, never jsonb. Texts that are sorted are sorted by their bytes. What there is more of serves several
-- writers: claims of external ids, calls counted in `log_head`, marks of the writers, partitions.

create function is_json(document text) returns boolean language plpgsql immutable strict parallel safe as $$
begin
    perform document::json;
    return true;
exception when others then
    return false;
end
$$;

create table tenants (
    tenant_id  bytea  not null,
    name       text   not null,
    currency   text   not null,
    settings   text   not null,
    created_at bigint not null,
    constraint tenants_pk primary key (tenant_id),
    constraint tenants_id_length check (length(tenant_id) = 16),
    constraint tenants_settings_json check (is_json(settings))
);

create table api_keys (
    tenant_id  bytea  not null,
    key_id     bytea  not null,
    name       text   not null,
    hash       bytea  not null,
    scopes     text   not null,
    last4      text,
    created_at bigint not null,
    constraint api_keys_pk primary key (tenant_id, key_id),
    constraint api_keys_hash unique (hash),
    constraint api_keys_tenant foreign key (tenant_id) references tenants (tenant_id),
    constraint api_keys_scopes_json check (is_json(scopes))
);

create table warehouses (
    tenant_id    bytea not null,
    warehouse_id text  collate "C" not null,
    document     text  not null,
    constraint warehouses_pk primary key (tenant_id, warehouse_id),
    constraint warehouses_tenant foreign key (tenant_id) references tenants (tenant_id),
    constraint warehouses_document_json check (is_json(document))
);

-- A hot row is updated once a commit: with room on its page, each new version needs no new entry in the index.
create table inventory (
    tenant_id    bytea  not null,
    sku          text   collate "C" not null,
    warehouse_id text   collate "C" not null,
    on_hand      bigint not null,
    reserved     bigint not null,
    constraint inventory_pk primary key (tenant_id, sku, warehouse_id),
    constraint inventory_on_hand_not_negative check (on_hand >= 0),
    constraint inventory_reserved_not_negative check (reserved >= 0),
    constraint inventory_reserved_within_on_hand check (reserved <= on_hand)
) with (fillfactor = 50);

create table orders (
    tenant_id   bytea  not null,
    order_id    bytea  not null,
    version     bigint not null,
    status      text   collate "C" not null,
    customer_id text   collate "C",
    external_id text   collate "C",
    placed_at   bigint not null,
    total_minor bigint not null,
    currency    text   not null,
    -- When something is next to be done, and who is doing it until when. Both lie outside of the version.
    wake_at     bigint,
    lease_owner text,
    lease_until bigint,
    -- The hash of the last event.
    head_hash   bytea  not null,
    document    text   not null,
    constraint orders_pk primary key (tenant_id, order_id),
    constraint orders_tenant foreign key (tenant_id) references tenants (tenant_id),
    constraint orders_version_positive check (version >= 1),
    constraint orders_status check (status in (
        'placed', 'payment_pending', 'payment_failed', 'payment_confirmed', 'processing', 'partially_shipped',
        'shipped', 'out_for_delivery', 'delivered', 'returned', 'cancelled')),
    constraint orders_lease_whole check ((lease_owner is null) = (lease_until is null)),
    constraint orders_head_hash_length check (length(head_hash) = 32),
    -- Placed with at most 512 kB; what happens to an order later must find room.
    constraint orders_document_size check (octet_length(document) <= 1048576)
);

create unique index orders_external_id on orders (tenant_id, external_id) where external_id is not null;
create index orders_history on orders (tenant_id, placed_at, order_id);
create index orders_of_customer on orders (tenant_id, customer_id, placed_at, order_id) where customer_id is not null;
create index orders_by_status on orders (tenant_id, status, placed_at, order_id);
create index orders_due on orders (wake_at, lease_until) where wake_at is not null;

create table reservations (
    tenant_id    bytea  not null,
    order_id     bytea  not null,
    sku          text   collate "C" not null,
    warehouse_id text   collate "C" not null,
    quantity     bigint not null,
    constraint reservations_pk primary key (tenant_id, order_id, sku, warehouse_id),
    constraint reservations_quantity_positive check (quantity > 0)
);

-- By month of the event: old months can be moved or dropped in one piece. A position is unique because `log_head` gives
-- each out once, and an order's version because its row is locked while one is added; the audit recomputes both.
create table order_events (
    -- Gap-free over all merchants, in the order of commits.
    position    bigint not null,
    tenant_id   bytea  not null,
    order_id    bytea  not null,
    version     bigint not null,
    event_id    bytea  not null,
    type        text   collate "C" not null,
    from_status text,
    to_status   text   not null,
    actor       text   not null,
    reason      text,
    at          bigint not null,
    payload     text   not null,
    hash        bytea  not null,
    constraint order_events_pk primary key (position, at),
    constraint order_events_version unique (tenant_id, order_id, version, at),
    constraint order_events_position_positive check (position >= 1),
    constraint order_events_version_positive check (version >= 1),
    constraint order_events_hash_length check (length(hash) = 32)
) partition by range (at);

create index order_events_of_tenant on order_events (tenant_id, position);

-- What no month was made for in time.
create table order_events_default partition of order_events default;

-- Makes the partitions of the months from one moment to another, where they are missing. A month whose events lie in
-- the default partition already stays there.
create function make_event_months(first_micros bigint, last_micros bigint) returns void language plpgsql as $$
declare
    month timestamp := date_trunc('month', to_timestamp(first_micros / 1000000) at time zone 'utc');
    last timestamp := to_timestamp(last_micros / 1000000) at time zone 'utc';
    name text;
begin
    perform pg_advisory_xact_lock(hashtext('orderwright make_event_months'));
    while month <= last loop
        name := 'order_events_' || to_char(month, 'YYYYMM');
        if to_regclass(quote_ident(name)) is null then
            begin
                execute format('create table %I partition of order_events for values from (%s) to (%s)', name,
                    (extract(epoch from month) * 1000000)::bigint,
                    (extract(epoch from month + interval '1 month') * 1000000)::bigint);
            exception when check_violation then
                raise notice 'events of % lie in the default partition', name;
            end;
        end if;
        month := month + interval '1 month';
    end loop;
end
$$;

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'order_events is append-only' using errcode = 'integrity_constraint_violation';
end
$$;

create trigger order_events_never_change before update on order_events for each row execute function refuse_change();
create trigger order_events_never_vanish before delete on order_events for each row execute function refuse_change();

-- Locked last in each commit, so that positions, and the places of policy calls, are gap-free in the order of commits.
create table log_head (
    only_row bigint not null,
    position bigint not null,
    calls    bigint not null,
    constraint log_head_pk primary key (only_row),
    constraint log_head_only_row check (only_row = 1)
) with (fillfactor = 10);

insert into log_head (only_row, position, calls) values (1, 0, 0);

-- The last batch of each writer. Where a connection is lost in a commit, it says whether that was done.
create table writers (
    writer_id bytea  not null,
    batch     bigint not null,
    seen_at   bigint not null,
    constraint writers_pk primary key (writer_id)
) with (fillfactor = 10);

-- Claims must hold for ever, or at least over the end of a month: they are partitioned by their hash, never by time.
create table idempotency_keys (
    tenant_id     bytea  not null,
    key           text   collate "C" not null,
    fingerprint   bytea  not null,
    order_id      bytea,
    order_version bigint,
    status        bigint not null,
    response      text,
    created_at    bigint not null,
    constraint idempotency_keys_pk primary key (tenant_id, key),
    constraint idempotency_keys_fingerprint_length check (length(fingerprint) = 32)
) partition by hash (tenant_id, key);

create index idempotency_keys_by_age on idempotency_keys (created_at);

create table external_ids (
    tenant_id   bytea not null,
    external_id text  collate "C" not null,
    order_id    bytea not null,
    constraint external_ids_pk primary key (tenant_id, external_id)
) partition by hash (tenant_id, external_id);

do $$
begin
    for n in 0..7 loop
        execute format('create table idempotency_keys_%s partition of idempotency_keys for values with (modulus 8, remainder %s)', n, n);
        execute format('create table external_ids_%s partition of external_ids for values with (modulus 8, remainder %s)', n, n);
    end loop;
end
$$;

-- The keys that seal personal data. Destroying a row is the erasure.
create table seal_keys (
    tenant_id   bytea not null,
    seal_key_id bytea not null,
    customer_id text  collate "C",
    order_id    bytea,
    wrapped_key bytea not null,
    constraint seal_keys_pk primary key (tenant_id, seal_key_id)
);

create index seal_keys_of_customer on seal_keys (tenant_id, customer_id) where customer_id is not null;

create table decisions (
    -- Its place among all calls in the order of commits, as SQLite counts rows by itself.
    rowid          bigint not null,
    tenant_id      bytea  not null,
    order_id       bytea  not null,
    decision_id    bytea  not null,
    hook           text   collate "C" not null,
    plugin         text   collate "C" not null,
    plugin_version text   collate "C" not null,
    digest         text,
    outcome        text   not null,
    fuel           bigint not null,
    duration_us    bigint not null,
    input          text   not null,
    output         text,
    logs           text   not null,
    error          text,
    at             bigint not null,
    -- Whether the decision counted (`active`, `canary`), or was made beside the one that did (`shadow`).
    role           text   not null default 'active',
    constraint decisions_pk primary key (tenant_id, order_id, decision_id),
    constraint decisions_rowid unique (rowid),
    constraint decisions_role check (role in ('active', 'canary', 'shadow'))
);

-- What a plugin wrote, and where it failed, in the order of commits. Calls that wrote nothing and went well are not in
-- it, so that they cost a placement nothing.
create index decisions_that_wrote on decisions (tenant_id, plugin, rowid) where logs <> '[]' or outcome <> 'ok';

-- What is being done at an outside provider. The pinned component finishes what it began.
create table operations (
    tenant_id       bytea  not null,
    order_id        bytea  not null,
    task_id         bigint not null,
    plugin          text   not null,
    digest          text,
    idempotency_key text   not null,
    operation       text   not null,
    attempts        bigint not null,
    next_at         bigint,
    state           text   not null,
    last_error      text,
    first_sent_at   bigint,
    constraint operations_pk primary key (tenant_id, order_id, task_id)
);

create table journal (
    tenant_id bytea  not null,
    order_id  bytea  not null,
    task_id   bigint not null,
    seq       bigint not null,
    at        bigint not null,
    kind      text   not null,
    payload   text   not null,
    constraint journal_pk primary key (tenant_id, order_id, task_id, seq),
    constraint journal_kind check (kind in ('request', 'result'))
);

create table consumer_cursors (
    consumer text   collate "C" not null,
    position bigint not null,
    constraint consumer_cursors_pk primary key (consumer)
);

create table dead_letters (
    consumer text   collate "C" not null,
    position bigint not null,
    event_id bytea  not null,
    payload  text   not null,
    error    text   not null,
    at       bigint not null,
    constraint dead_letters_pk primary key (consumer, position)
);

create table daily_roots (
    tenant_id bytea  not null,
    day       text   collate "C" not null,
    position  bigint not null,
    orders    bigint not null,
    root      bytea  not null,
    signature bytea  not null,
    constraint daily_roots_pk primary key (tenant_id, day),
    constraint daily_roots_root_length check (length(root) = 32)
);

-- A component is kept in parts, each in a transaction of its own; the row in `components` comes last and says that all
-- of them are there.
create table components (
    digest text  collate "C" not null,
    wasm   bytea not null,
    constraint components_pk primary key (digest)
);

create table component_parts (
    digest text   collate "C" not null,
    part   bigint not null,
    bytes  bytea  not null,
    constraint component_parts_pk primary key (digest, part)
);

create table plugin_ids (
    tenant_id  bytea  not null,
    plugin_id  bytea  not null,
    plugin     text   collate "C" not null,
    created_at bigint not null,
    constraint plugin_ids_pk primary key (tenant_id, plugin_id),
    constraint plugin_ids_name unique (tenant_id, plugin),
    constraint plugin_ids_id_length check (length(plugin_id) = 16),
    constraint plugin_ids_tenant foreign key (tenant_id) references tenants (tenant_id)
);

create table plugins (
    tenant_id  bytea  not null,
    plugin     text   collate "C" not null,
    version    text   collate "C" not null,
    digest     text   collate "C" not null,
    hook       text   collate "C" not null,
    created_at bigint not null,
    -- `compiling` until it is known whether it can be used; then `ready` or `refused`.
    status     text   not null default 'ready',
    -- What the checks found, a JSON object of the app's.
    report     text   not null default '{}',
    constraint plugins_pk primary key (tenant_id, plugin, version),
    constraint plugins_tenant foreign key (tenant_id) references tenants (tenant_id),
    constraint plugins_component foreign key (digest) references components (digest),
    constraint plugins_status check (status in ('compiling', 'ready', 'refused')),
    constraint plugins_report_json check (is_json(report))
);

create table hook_bindings (
    tenant_id  bytea  not null,
    hook       text   collate "C" not null,
    plugin     text   not null,
    version    text   not null,
    digest     text,
    config     text   not null,
    on_failure text   not null,
    hosts      text   not null,
    updated_at bigint not null,
    -- Counts the changes of a binding; its `ETag`.
    revision   bigint not null default 1,
    -- A version that decides beside the bound one, or in place of it for some orders: a JSON object of the app's.
    candidate  text,
    -- Who bound it.
    actor      text   not null default 'system',
    -- The personal fields that a merchant lets a binding have: a JSON array of names.
    fields     text   not null default '["city","zip","customer_id","email_domain"]',
    constraint hook_bindings_pk primary key (tenant_id, hook),
    constraint hook_bindings_tenant foreign key (tenant_id) references tenants (tenant_id),
    constraint hook_bindings_on_failure check (on_failure in ('fallback', 'hold', 'reject')),
    constraint hook_bindings_config_json check (is_json(config)),
    constraint hook_bindings_hosts_json check (is_json(hosts)),
    constraint hook_bindings_candidate_json check (is_json(candidate)),
    constraint hook_bindings_fields_json check (is_json(fields) and fields like '[%')
);

-- Every binding that ever was. Written by a trigger, so that none can be missing.
create table hook_binding_history (
    tenant_id  bytea  not null,
    hook       text   collate "C" not null,
    revision   bigint not null,
    plugin     text   not null,
    version    text   not null,
    digest     text,
    config     text   not null,
    on_failure text   not null,
    hosts      text   not null,
    candidate  text,
    actor      text   not null,
    updated_at bigint not null,
    fields     text   not null default '["city","zip","customer_id","email_domain"]',
    constraint hook_binding_history_pk primary key (tenant_id, hook, revision)
);

create function remember_binding() returns trigger language plpgsql as $$
begin
    insert into hook_binding_history (tenant_id, hook, revision, plugin, version, digest, config, on_failure, hosts,
        candidate, actor, updated_at, fields)
    values (new.tenant_id, new.hook, new.revision, new.plugin, new.version, new.digest, new.config, new.on_failure,
        new.hosts, new.candidate, new.actor, new.updated_at, new.fields);
    return null;
end
$$;

create trigger hook_bindings_are_remembered after insert or update on hook_bindings
    for each row execute function remember_binding();

create table secrets (
    tenant_id    bytea not null,
    name         text  collate "C" not null,
    sealed_value bytea not null,
    constraint secrets_pk primary key (tenant_id, name),
    constraint secrets_tenant foreign key (tenant_id) references tenants (tenant_id)
);

-- Documents are long texts that repeat themselves: LZ4 packs them with a fraction of the work, where this server has it.
do $$
begin
    alter table orders alter column document set compression lz4;
    alter table order_events alter column payload set compression lz4;
    alter table order_events_default alter column payload set compression lz4;
    alter table decisions alter column input set compression lz4, alter column output set compression lz4;
    alter table journal alter column payload set compression lz4;
exception when feature_not_supported then
    null;
end
$$;
