-- What the accounts opened on each day hold now.
select
    cast(opened_at as date) as opened_on,
    count(*) as accounts,
    count(distinct customer_id) as customers,
    cast(sum(balance) as decimal(18, 2)) as balance,
    cast(max(balance) as decimal(18, 2)) as largest
from {{ ref('customer_accounts') }}
group by cast(opened_at as date)
