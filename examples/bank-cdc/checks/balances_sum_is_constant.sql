-- Accounts open and close at zero and a transfer moves money in one transaction, so the sum of all
-- balances is the same at every commit. A row here means that half a transaction was seen.
select sum(balance) as sum_of_balances
from bank.accounts
having sum(balance) <> 10000000000.00
