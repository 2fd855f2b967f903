-- When customers were last active: accounts by the hour of their latest movement.
select
    date_trunc('hour', updated_at) as active_hour,
    count(distinct customer_id) as customers,
    count(*) as accounts,
    cast(sum(balance) as decimal(18, 2)) as balance
from {{ ref('customer_accounts') }}
group by date_trunc('hour', updated_at)
