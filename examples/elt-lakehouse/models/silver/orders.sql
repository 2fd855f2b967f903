-- Every order with its present status.
select
    id as order_id,
    customer_id,
    status,
    total,
    placed_at,
    cast(placed_at as date) as placed_on,
    updated_at,
    status <> 'cancelled' as counts
from ({{ newest(source('bronze', 'orders')) }}) as orders
