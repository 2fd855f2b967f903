-- What each customer is worth so far, and when the last order came.
select
    customers.customer_id,
    customers.customer_name,
    customers.country,
    count(orders.order_id) as orders,
    cast(coalesce(sum(orders.total), 0) as decimal(18, 2)) as revenue,
    max(orders.placed_at) as last_order_at,
    case
        when coalesce(sum(orders.total), 0) >= 5000 then 'gold'
        when coalesce(sum(orders.total), 0) >= 1000 then 'silver'
        else 'new'
    end as segment
from {{ ref('customers') }} as customers
left join {{ ref('orders') }} as orders
    on orders.customer_id = customers.customer_id and orders.counts
group by customers.customer_id, customers.customer_name, customers.country
