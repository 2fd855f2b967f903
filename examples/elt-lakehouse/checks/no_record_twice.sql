-- The records of a stream are numbered without a gap: a row here means that a sync which was
-- killed brought some of them twice, or not at all.
select 'orders' as stream, count(*) as records, count(distinct _seq) as numbers, max(_seq) as last
from bronze.orders having count(*) <> count(distinct _seq) or count(*) <> max(_seq)
union all
select 'order_items', count(*), count(distinct _seq), max(_seq)
from bronze.order_items having count(*) <> count(distinct _seq) or count(*) <> max(_seq)
union all
select 'customers', count(*), count(distinct _seq), max(_seq)
from bronze.customers having count(*) <> count(distinct _seq) or count(*) <> max(_seq)
