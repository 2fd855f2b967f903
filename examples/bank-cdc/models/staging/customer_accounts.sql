-- Every customer's account beside its owner. The bank's own account is left out.
select
    accounts.id as account_id,
    accounts.user_id as customer_id,
    users.name as customer_name,
    users.email,
    accounts.kind,
    accounts.iban,
    accounts.balance,
    accounts.opened_at,
    accounts.updated_at
from {{ source('bank', 'accounts') }} as accounts
inner join {{ source('bank', 'users') }} as users on users.id = accounts.user_id
where accounts.kind <> 'house'
