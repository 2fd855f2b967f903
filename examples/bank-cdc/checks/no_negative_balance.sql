-- The source refuses overdrafts, so the lake must not show one.
select id, user_id, balance
from bank.accounts
where balance < 0
