-- Every event that names its user and time, typed.
with fields as (
    select
        topic_offset,
        "at" as appended_at,
        {{ json_text('value', 'type') }} as event_type,
        {{ json_text('value', 'user_id') }} as user_id,
        {{ json_text('value', 'email') }} as email,
        {{ json_text('value', 'country') }} as country,
        try_cast({{ json_text('value', 'age') }} as integer) as age,
        try_cast({{ json_text('value', 'event_time') }} as timestamp) as event_time
    from {{ source('raw_data', 'users_topic') }}
)

select *
from fields
where user_id is not null
    and email is not null
    and age is not null
    and event_time is not null
