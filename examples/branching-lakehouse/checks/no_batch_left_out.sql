-- Batches are numbered, and a run takes all after the last one: a gap means that one was skipped.
select batches.batch + 1 as missing
from raw.batches as batches
left join raw.batches as next on next.batch = batches.batch + 1
where next.batch is null and batches.batch < (select max(last.batch) from raw.batches as last)
