-- Where users live now, by the latest of their events.
with ranked as (
    select
        user_id,
        country,
        age,
        row_number() over (partition by user_id order by event_time desc, topic_offset desc) as place
    from {{ ref('user_changes') }}
)

select
    country,
    count(*) as users,
    cast(avg(age) as decimal(5, 1)) as average_age
from ranked
where place = 1 and country is not null
group by country
