-- Flat tables for reporting, read out of the documents. Ids are texts here, as the API shows them; amounts are minor
-- units. Nothing in the program reads them.

create view order_items as
select
    o.document ->> '$.tenant_id' as tenant_id,
    o.document ->> '$.order_id' as order_id,
    o.document ->> '$.placed_at' as placed_at,
    o.status as order_status,
    l.value ->> '$.line_id' as line_id,
    l.value ->> '$.sku' as sku,
    l.value ->> '$.quantity' as quantity,
    l.value ->> '$.price' as price_minor,
    l.value ->> '$.tax.amount' as tax_minor,
    o.currency as currency,
    l.value ->> '$.title' as title,
    l.value ->> '$.seller_id' as seller_id,
    l.value ->> '$.status' as status
from orders as o, json_each(o.document, '$.lines') as l;

create view shipments as
select
    o.document ->> '$.tenant_id' as tenant_id,
    o.document ->> '$.order_id' as order_id,
    s.value ->> '$.shipment_id' as shipment_id,
    s.value ->> '$.warehouse_id' as warehouse_id,
    s.value ->> '$.status' as status,
    i.value ->> '$.line_id' as line_id,
    i.value ->> '$.sku' as sku,
    i.value ->> '$.quantity' as quantity
from orders as o, json_each(o.document, '$.shipments') as s, json_each(s.value, '$.items') as i;

create view payments as
select
    o.document ->> '$.tenant_id' as tenant_id,
    o.document ->> '$.order_id' as order_id,
    p.value ->> '$.payment_id' as payment_id,
    p.value ->> '$.payment_method_id' as payment_method_id,
    p.value ->> '$.status' as status,
    p.value ->> '$.amount' as amount_minor,
    p.value ->> '$.authorized' as authorized_minor,
    p.value ->> '$.captured' as captured_minor,
    p.value ->> '$.refunded' as refunded_minor,
    o.currency as currency,
    p.value ->> '$.reference' as reference
from orders as o, json_each(o.document, '$.payments') as p;
