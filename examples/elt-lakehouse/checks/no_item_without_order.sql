-- Items are pulled before orders, for the same reason.
select items.id, items.order_id
from bronze.order_items as items
left join bronze.orders as orders on orders.id = items.order_id
where orders.id is null
