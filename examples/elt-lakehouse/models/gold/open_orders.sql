-- Orders that wait for somebody, by what they wait for.
select
    status,
    count(*) as orders,
    cast(sum(total) as decimal(18, 2)) as amount,
    min(updated_at) as waiting_since
from {{ ref('orders') }}
where status in ('placed', 'paid', 'shipped')
group by status
