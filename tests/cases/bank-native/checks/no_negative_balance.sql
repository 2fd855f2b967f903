select id from bank.accounts where balance < 0
