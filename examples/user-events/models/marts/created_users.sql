-- Users by the hour in which they were created.
select
    date_trunc('hour', event_time) as created_hour,
    count(*) as users,
    count(distinct country) as countries,
    cast(avg(age) as decimal(5, 1)) as average_age
from {{ ref('user_changes') }}
where event_type = 'created'
group by date_trunc('hour', event_time)
