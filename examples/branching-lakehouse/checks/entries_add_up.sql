-- All tables of a branch are merged in one transaction, so they agree at every commit.
select batches.batch, batches.entries, count(entries.entry_id) as found
from raw.batches as batches
left join raw.glucose_entries as entries on entries.batch = batches.batch
group by batches.batch, batches.entries
having count(entries.entry_id) <> batches.entries
