-- What merchants tell: events that a notification policy is still to be asked about, and the messages that came of it.

-- Written with the consumer's cursor, removed with the messages that came of it: whatever happens in between, each event
-- is asked about until it has been answered once.
create table announcements (
    tenant_id  bytea  not null,
    position   bigint not null,
    order_id   bytea  not null,
    version    bigint not null,
    -- Who asks about it until when: an aid for several nodes. What is told twice is kept out by removing the note.
    owner      text,
    until      bigint,
    constraint announcements_pk primary key (tenant_id, position)
);

-- Nothing here names a person: the customer's name and address are filled in when a message is sent.
create table messages (
    tenant_id  bytea  not null,
    order_id   bytea  not null,
    message_id bytea  not null,
    -- The event that led to it.
    position   bigint not null,
    version    bigint not null,
    event      text   not null,
    channel    text   not null,
    -- An address of the merchant's own; null is the customer.
    recipient  text,
    subject    text,
    text       text   not null,
    html       text,
    status     text   not null,
    attempts   bigint not null,
    reference  text,
    last_error text,
    created_at bigint not null,
    updated_at bigint not null,
    constraint messages_pk primary key (tenant_id, order_id, message_id),
    constraint messages_order foreign key (tenant_id, order_id) references orders (tenant_id, order_id),
    constraint messages_status check (status in ('queued', 'sent', 'failed', 'parked'))
);

-- Notes are made for all merchants at once.
alter table announcements enable row level security;
create policy announcements_of_the_merchant on announcements to orderwright_api using (tenant_id = (select own_tenant()))
    with check (tenant_id = (select own_tenant()));
create policy announcements_of_all on announcements to orderwright_writer, orderwright_runner, orderwright_relay
    using (true) with check (true);
grant select, insert, update, delete on announcements to orderwright_api, orderwright_writer, orderwright_runner, orderwright_relay;

alter table messages enable row level security;
create policy messages_of_the_merchant on messages to orderwright_api using (tenant_id = (select own_tenant()))
    with check (tenant_id = (select own_tenant()));
create policy messages_of_the_batch on messages to orderwright_writer
    using (tenant_id = any ((select batch_tenants())::bytea[])) with check (tenant_id = any ((select batch_tenants())::bytea[]));
create policy messages_of_all on messages to orderwright_runner, orderwright_relay using (true) with check (true);
grant select, insert, update, delete on messages to orderwright_api, orderwright_writer, orderwright_runner;
grant select on messages to orderwright_relay;
