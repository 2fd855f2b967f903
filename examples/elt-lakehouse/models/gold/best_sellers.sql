-- What sells: units and revenue of every product that was ever sold.
select
    products.product_id,
    products.product_name,
    products.category,
    cast(products.price as decimal(18, 2)) as price,
    cast(sum(items.quantity) as bigint) as units,
    cast(sum(items.amount) as decimal(18, 2)) as revenue
from {{ ref('order_items') }} as items
inner join {{ ref('orders') }} as orders on orders.order_id = items.order_id
inner join {{ ref('products') }} as products on products.product_id = items.product_id
where orders.counts
group by products.product_id, products.product_name, products.category, products.price
