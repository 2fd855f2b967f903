-- The lines of the orders; one never changes.
select
    id as order_item_id,
    order_id,
    product_id,
    quantity,
    amount
from ({{ newest(source('bronze', 'order_items')) }}) as order_items
