-- One row for each event. A reason in "rejected" sends it to the dead letters, as it came; all other
-- columns are those of the view and of the accepted events. Judge each event by itself.
with parsed as (
    select topic_offset, case when json_valid(value) then value end as body
    from events
),

typed as (
    select
        topic_offset,
        body is not null as is_json,
        try_cast(body ->> 'event_id' as bigint) as event_id,
        body ->> 'type' as event_type,
        try_cast(body ->> 'user_id' as uuid) as user_id,
        body ->> 'first_name' as first_name,
        body ->> 'last_name' as last_name,
        body ->> 'email' as email,
        body ->> 'username' as username,
        try_cast(body ->> 'age' as integer) as age,
        body ->> 'country' as country,
        body ->> 'city' as city,
        body ->> 'post_code' as post_code,
        try_cast(body ->> 'event_time' as timestamptz) as event_time
    from parsed
)

select
    t.* exclude (is_json),
    c.continent,
    case
        when not is_json then 'it is not JSON'
        when event_id is null then 'event_id is missing, or no number'
        when event_type is null or event_type not in ('created', 'updated')
            then 'type is neither created nor updated'
        when user_id is null then 'user_id is missing, or no UUID'
        when email is null or email not like '_%@_%' then 'email is missing, or no address'
        when age is null then 'age is missing, or no number'
        when event_time is null then 'event_time is missing, or no time'
    end as rejected
from typed t
left join read_csv('stream/countries.csv') c using (country)
