-- How many events arrived in each minute, and of how many users.
select
    date_trunc('minute', appended_at) as arrived_minute,
    count(*) as events,
    count(distinct user_id) as users
from {{ ref('user_changes') }}
group by date_trunc('minute', appended_at)
