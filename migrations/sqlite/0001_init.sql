-- The schema of the embedded store.
--
-- Ids are the 16 bytes of the UUID, moments are microseconds since 1970, amounts are minor units, hashes are 32 bytes.
-- Every merchant's row begins with the merchant. Wide rows live in rowid tables, narrow ones in `without rowid` tables:
-- a wide row inside of an index would spill into overflow pages. Foreign keys guard what the write path relies on;
-- where a batch writes thousands of rows that it has just resolved itself, the audit checks instead.

create table tenants (
    tenant_id  blob    not null,
    name       text    not null,
    currency   text    not null,
    settings   text    not null,
    created_at integer not null,
    constraint tenants_pk primary key (tenant_id),
    constraint tenants_id_length check (length(tenant_id) = 16),
    constraint tenants_settings_json check (json_valid(settings))
) strict, without rowid;

create table api_keys (
    tenant_id  blob    not null,
    key_id     blob    not null,
    name       text    not null,
    hash       blob    not null,
    scopes     text    not null,
    last4      text,
    created_at integer not null,
    constraint api_keys_pk primary key (tenant_id, key_id),
    constraint api_keys_hash unique (hash),
    constraint api_keys_tenant foreign key (tenant_id) references tenants (tenant_id),
    constraint api_keys_scopes_json check (json_valid(scopes))
) strict, without rowid;

create table warehouses (
    tenant_id    blob not null,
    warehouse_id text not null,
    document     text not null,
    constraint warehouses_pk primary key (tenant_id, warehouse_id),
    constraint warehouses_tenant foreign key (tenant_id) references tenants (tenant_id),
    constraint warehouses_document_json check (json_valid(document))
) strict, without rowid;

create table inventory (
    tenant_id    blob    not null,
    sku          text    not null,
    warehouse_id text    not null,
    on_hand      integer not null,
    reserved     integer not null,
    constraint inventory_pk primary key (tenant_id, sku, warehouse_id),
    constraint inventory_on_hand_not_negative check (on_hand >= 0),
    constraint inventory_reserved_not_negative check (reserved >= 0),
    constraint inventory_reserved_within_on_hand check (reserved <= on_hand)
) strict, without rowid;

create table orders (
    tenant_id   blob    not null,
    order_id    blob    not null,
    version     integer not null,
    status      text    not null,
    customer_id text,
    external_id text,
    placed_at   integer not null,
    total_minor integer not null,
    currency    text    not null,
    -- When something is next to be done, and who is doing it until when. Both lie outside of the version.
    wake_at     integer,
    lease_owner text,
    lease_until integer,
    -- The hash of the last event.
    head_hash   blob    not null,
    document    text    not null,
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
) strict;

create unique index orders_external_id on orders (tenant_id, external_id) where external_id is not null;
create index orders_history on orders (tenant_id, placed_at, order_id);
create index orders_of_customer on orders (tenant_id, customer_id, placed_at, order_id) where customer_id is not null;
create index orders_by_status on orders (tenant_id, status, placed_at, order_id);
create index orders_due on orders (wake_at, lease_until) where wake_at is not null;

create table reservations (
    tenant_id    blob    not null,
    order_id     blob    not null,
    sku          text    not null,
    warehouse_id text    not null,
    quantity     integer not null,
    constraint reservations_pk primary key (tenant_id, order_id, sku, warehouse_id),
    constraint reservations_quantity_positive check (quantity > 0)
) strict, without rowid;

create table order_events (
    -- Gap-free over all merchants, in the order of commits.
    position    integer primary key,
    tenant_id   blob    not null,
    order_id    blob    not null,
    version     integer not null,
    event_id    blob    not null,
    type        text    not null,
    from_status text,
    to_status   text    not null,
    actor       text    not null,
    reason      text,
    at          integer not null,
    payload     text    not null,
    hash        blob    not null,
    constraint order_events_version unique (tenant_id, order_id, version),
    constraint order_events_order foreign key (tenant_id, order_id) references orders (tenant_id, order_id),
    constraint order_events_position_positive check (position >= 1),
    constraint order_events_version_positive check (version >= 1),
    constraint order_events_hash_length check (length(hash) = 32)
) strict;

create index order_events_of_tenant on order_events (tenant_id, position);

create trigger order_events_never_change before update on order_events
begin
    select raise(abort, 'order_events is append-only');
end;

create trigger order_events_never_vanish before delete on order_events
begin
    select raise(abort, 'order_events is append-only');
end;

create table log_head (
    only_row integer not null,
    position integer not null,
    constraint log_head_pk primary key (only_row),
    constraint log_head_only_row check (only_row = 1)
) strict;

insert into log_head (only_row, position) values (1, 0);

-- Rowids grow with time, so the oldest keys are found without an index of their own.
create table idempotency_keys (
    tenant_id     blob    not null,
    key           text    not null,
    fingerprint   blob    not null,
    order_id      blob,
    order_version integer,
    status        integer not null,
    response      text,
    created_at    integer not null,
    constraint idempotency_keys_pk primary key (tenant_id, key),
    constraint idempotency_keys_fingerprint_length check (length(fingerprint) = 32)
) strict;

-- The keys that seal personal data. Destroying a row is the erasure.
create table seal_keys (
    tenant_id   blob not null,
    seal_key_id blob not null,
    customer_id text,
    order_id    blob,
    wrapped_key blob not null,
    constraint seal_keys_pk primary key (tenant_id, seal_key_id)
) strict, without rowid;

create index seal_keys_of_customer on seal_keys (tenant_id, customer_id) where customer_id is not null;

create table decisions (
    tenant_id      blob    not null,
    order_id       blob    not null,
    decision_id    blob    not null,
    hook           text    not null,
    plugin         text    not null,
    plugin_version text    not null,
    digest         text,
    outcome        text    not null,
    fuel           integer not null,
    duration_us    integer not null,
    input          text    not null,
    output         text,
    logs           text    not null,
    error          text,
    at             integer not null,
    constraint decisions_pk primary key (tenant_id, order_id, decision_id)
) strict;

-- What is being done at an outside provider. The pinned component finishes what it began.
create table operations (
    tenant_id       blob    not null,
    order_id        blob    not null,
    task_id         integer not null,
    plugin          text    not null,
    digest          text,
    idempotency_key text    not null,
    operation       text    not null,
    attempts        integer not null,
    next_at         integer,
    state           text    not null,
    last_error      text,
    first_sent_at   integer,
    constraint operations_pk primary key (tenant_id, order_id, task_id),
    constraint operations_order foreign key (tenant_id, order_id) references orders (tenant_id, order_id)
) strict;

create table journal (
    tenant_id blob    not null,
    order_id  blob    not null,
    task_id   integer not null,
    seq       integer not null,
    at        integer not null,
    kind      text    not null,
    payload   text    not null,
    constraint journal_pk primary key (tenant_id, order_id, task_id, seq),
    constraint journal_kind check (kind in ('request', 'result'))
) strict;

create table consumer_cursors (
    consumer text    not null,
    position integer not null,
    constraint consumer_cursors_pk primary key (consumer)
) strict, without rowid;

create table dead_letters (
    consumer text    not null,
    position integer not null,
    event_id blob    not null,
    payload  text    not null,
    error    text    not null,
    at       integer not null,
    constraint dead_letters_pk primary key (consumer, position)
) strict;

create table daily_roots (
    tenant_id blob    not null,
    day       text    not null,
    position  integer not null,
    orders    integer not null,
    root      blob    not null,
    signature blob    not null,
    constraint daily_roots_pk primary key (tenant_id, day),
    constraint daily_roots_root_length check (length(root) = 32)
) strict, without rowid;

create table components (
    digest text not null,
    wasm   blob not null,
    constraint components_pk primary key (digest)
) strict;

create table plugins (
    tenant_id  blob    not null,
    plugin     text    not null,
    version    text    not null,
    digest     text    not null,
    hook       text    not null,
    created_at integer not null,
    constraint plugins_pk primary key (tenant_id, plugin, version),
    constraint plugins_tenant foreign key (tenant_id) references tenants (tenant_id),
    constraint plugins_component foreign key (digest) references components (digest)
) strict, without rowid;

create table hook_bindings (
    tenant_id  blob    not null,
    hook       text    not null,
    plugin     text    not null,
    version    text    not null,
    digest     text,
    config     text    not null,
    on_failure text    not null,
    hosts      text    not null,
    updated_at integer not null,
    constraint hook_bindings_pk primary key (tenant_id, hook),
    constraint hook_bindings_tenant foreign key (tenant_id) references tenants (tenant_id),
    constraint hook_bindings_on_failure check (on_failure in ('fallback', 'hold', 'reject')),
    constraint hook_bindings_config_json check (json_valid(config)),
    constraint hook_bindings_hosts_json check (json_valid(hosts))
) strict, without rowid;

create table secrets (
    tenant_id    blob not null,
    name         text not null,
    sealed_value blob not null,
    constraint secrets_pk primary key (tenant_id, name),
    constraint secrets_tenant foreign key (tenant_id) references tenants (tenant_id)
) strict, without rowid;
