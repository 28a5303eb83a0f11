-- Flat tables for reporting, read out of the documents. Ids are texts here, as the API shows them; amounts are minor
-- units. Nothing in the program reads them.

create view order_items as
select
    o.document::json ->> 'tenant_id' as tenant_id,
    o.document::json ->> 'order_id' as order_id,
    o.document::json ->> 'placed_at' as placed_at,
    o.status as order_status,
    (l.value ->> 'line_id')::bigint as line_id,
    l.value ->> 'sku' as sku,
    (l.value ->> 'quantity')::bigint as quantity,
    (l.value ->> 'price')::bigint as price_minor,
    (l.value #>> '{tax,amount}')::bigint as tax_minor,
    o.currency as currency,
    l.value ->> 'title' as title,
    l.value ->> 'seller_id' as seller_id,
    l.value ->> 'status' as status
from orders as o cross join lateral json_array_elements(o.document::json -> 'lines') as l (value);

create view shipments as
select
    o.document::json ->> 'tenant_id' as tenant_id,
    o.document::json ->> 'order_id' as order_id,
    s.value ->> 'shipment_id' as shipment_id,
    s.value ->> 'warehouse_id' as warehouse_id,
    s.value ->> 'status' as status,
    (i.value ->> 'line_id')::bigint as line_id,
    i.value ->> 'sku' as sku,
    (i.value ->> 'quantity')::bigint as quantity
from orders as o
    cross join lateral json_array_elements(o.document::json -> 'shipments') as s (value)
    cross join lateral json_array_elements(s.value -> 'items') as i (value);

create view payments as
select
    o.document::json ->> 'tenant_id' as tenant_id,
    o.document::json ->> 'order_id' as order_id,
    p.value ->> 'payment_id' as payment_id,
    p.value ->> 'payment_method_id' as payment_method_id,
    p.value ->> 'status' as status,
    (p.value ->> 'amount')::bigint as amount_minor,
    (p.value ->> 'authorized')::bigint as authorized_minor,
    (p.value ->> 'captured')::bigint as captured_minor,
    (p.value ->> 'refunded')::bigint as refunded_minor,
    o.currency as currency,
    p.value ->> 'reference' as reference
from orders as o cross join lateral json_array_elements(o.document::json -> 'payments') as p (value);
