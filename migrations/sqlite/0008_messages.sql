-- What merchants tell: events that a notification policy is still to be asked about, and the messages that came of it.

-- Written with the consumer's cursor, removed with the messages that came of it: whatever happens in between, each event
-- is asked about until it has been answered once.
create table announcements (
    tenant_id blob    not null,
    position  integer not null,
    order_id  blob    not null,
    version   integer not null,
    -- Who asks about it until when: an aid for several nodes. What is told twice is kept out by removing the note.
    owner     text,
    until     integer,
    constraint announcements_pk primary key (tenant_id, position)
) strict, without rowid;

-- Nothing here names a person: the customer's name and address are filled in when a message is sent.
create table messages (
    tenant_id  blob    not null,
    order_id   blob    not null,
    message_id blob    not null,
    -- The event that led to it.
    position   integer not null,
    version    integer not null,
    event      text    not null,
    channel    text    not null,
    -- An address of the merchant's own; null is the customer.
    recipient  text,
    subject    text,
    text       text    not null,
    html       text,
    status     text    not null,
    attempts   integer not null,
    reference  text,
    last_error text,
    created_at integer not null,
    updated_at integer not null,
    constraint messages_pk primary key (tenant_id, order_id, message_id),
    constraint messages_order foreign key (tenant_id, order_id) references orders (tenant_id, order_id),
    constraint messages_status check (status in ('queued', 'sent', 'failed', 'parked'))
) strict;
