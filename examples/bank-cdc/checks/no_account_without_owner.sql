-- A sign-up creates customer and account in one transaction; a closure removes both in one.
select accounts.id, accounts.user_id
from bank.accounts as accounts
left join bank.users as users on users.id = accounts.user_id
where users.id is null
