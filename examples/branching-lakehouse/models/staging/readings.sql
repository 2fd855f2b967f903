-- Every reading beside the meter that took it.
select
    entries.entry_id,
    entries.batch,
    entries.meter_id,
    meters.model,
    meters.patient,
    entries.read_at,
    cast(entries.mg_dl as double) as mg_dl
from {{ source('raw', 'glucose_entries') }} as entries
inner join {{ source('raw', 'meters') }} as meters on meters.meter_id = entries.meter_id
