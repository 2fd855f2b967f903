-- Orders are pulled before customers, so every order's customer is there at the same commit.
select orders.id, orders.customer_id
from bronze.orders as orders
left join bronze.customers as customers on customers.id = orders.customer_id
where customers.id is null
