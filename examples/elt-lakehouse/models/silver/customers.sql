-- Every customer as of the last sync.
select
    id as customer_id,
    name as customer_name,
    lower(email) as email,
    country,
    created_at
from ({{ newest(source('bronze', 'customers')) }}) as customers
