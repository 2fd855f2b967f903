-- The catalogue; each sync brings it whole.
select
    id as product_id,
    name as product_name,
    category,
    price
from {{ source('bronze', 'products') }}
