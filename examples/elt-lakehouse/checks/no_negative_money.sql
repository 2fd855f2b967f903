-- The shop gives nothing away.
select id, total from bronze.orders where total <= 0
