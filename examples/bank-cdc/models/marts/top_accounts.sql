-- The hundred accounts that hold most, with their owners.
select
    account_id,
    customer_id,
    customer_name,
    email,
    kind,
    balance,
    row_number() over (order by balance desc, account_id) as place
from {{ ref('customer_accounts') }}
order by balance desc, account_id
limit 100
