-- How many readings of each patient lay in the range that doctors aim at (70 to 180 mg/dl).
select
    patient,
    count(*) as readings,
    sum(case when mg_dl < 70 then 1 else 0 end) as below,
    sum(case when mg_dl between 70 and 180 then 1 else 0 end) as in_range,
    sum(case when mg_dl > 180 then 1 else 0 end) as above
from {{ ref('readings') }}
group by patient
