-- Pandera audits every branch before it is merged, so main must never show such a reading.
select entry_id, meter_id, mg_dl
from raw.glucose_entries
where mg_dl < 20 or mg_dl > 600
