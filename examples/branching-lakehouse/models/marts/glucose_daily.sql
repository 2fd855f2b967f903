-- What all meters measured on each day.
select
    cast(read_at as date) as read_on,
    count(*) as readings,
    count(distinct meter_id) as meters,
    cast(avg(mg_dl) as decimal(6, 1)) as average,
    cast(min(mg_dl) as decimal(6, 1)) as lowest,
    cast(max(mg_dl) as decimal(6, 1)) as highest
from {{ ref('readings') }}
group by cast(read_at as date)
