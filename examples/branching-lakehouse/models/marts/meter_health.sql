-- Each meter: its model, how much it sent, and when it was last heard.
select
    meter_id,
    model,
    count(*) as readings,
    max(read_at) as last_read_at,
    max(batch) as last_batch
from {{ ref('readings') }}
group by meter_id, model
