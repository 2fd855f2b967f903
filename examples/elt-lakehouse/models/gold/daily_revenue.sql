-- What each day's orders are worth; cancelled ones do not count.
select
    placed_on,
    count(*) as orders,
    count(distinct customer_id) as customers,
    cast(sum(total) as decimal(18, 2)) as revenue,
    cast(max(total) as decimal(18, 2)) as largest
from {{ ref('orders') }}
where counts
group by placed_on
