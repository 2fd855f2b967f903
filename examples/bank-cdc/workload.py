"""A small bank that is always busy. Tidewright runs any file that has these two functions:

    setup(connection)           create what is missing; called at each start and reconnect
    step(connection, changes)   make about so many row changes; return how many were made

``connection`` is a psycopg connection in autocommit mode. Copy this file for a source of your own.

The bank: sign-ups, new e-mail addresses, transfers between two accounts in ONE transaction, and
closures. An account opens and closes at zero, so the sum of all balances never changes.
"""

import random

SEED = 7
CUSTOMERS = 1_000  # at the first start
MONEY = "10000000000.00"  # the bank's own account holds all of it at first: the constant sum
HOUSE = 1  # id of the bank itself, and of its own account
MIX = {"transfer": 80, "email": 14, "sign_up": 4, "close": 2}  # of 100 acts

SCHEMA = """
create schema if not exists bank;
create table if not exists bank.users (
  id bigint primary key,
  email text not null,
  name text not null,
  created_at timestamptz not null
);
create table if not exists bank.accounts (
  id bigint primary key,
  user_id bigint not null references bank.users,
  iban text not null,
  kind text not null,
  balance numeric(18, 2) not null check (balance >= 0),
  opened_at timestamptz not null,
  updated_at timestamptz not null
);
create index if not exists accounts_user on bank.accounts (user_id);
"""

SEED_USERS = """
insert into bank.users (id, email, name, created_at)
select id, 'customer' || id || '@example.com', 'Customer ' || id,
       timestamptz '2026-01-01 00:00:00Z' + id * interval '7 hours'
from generate_series(2, %(customers)s + 1) as id
union all
select 1, 'treasury@example.com', 'The bank itself', timestamptz '2026-01-01 00:00:00Z'
"""

SEED_ACCOUNTS = """
insert into bank.accounts (id, user_id, iban, kind, balance, opened_at, updated_at)
select id, id, 'XX00BANK' || lpad(id::text, 10, '0'),
       case when id = 1 then 'house' when id %% 3 = 0 then 'savings' else 'current' end,
       case when id = 1 then %(money)s::numeric else 0 end, created_at, created_at
from bank.users
"""

# Each act is one statement, hence one transaction, whatever the number of rows it touches.
TRANSFER = """
with payer as (
  select id, least(balance, %(amount)s) as amount from bank.accounts
  where id = %(payer)s and balance > 0
    and exists (select from bank.accounts where id = %(payee)s)
  for update
)
update bank.accounts set
  balance = balance + case when accounts.id = payer.id then -amount else amount end,
  updated_at = clock_timestamp()
from payer where accounts.id in (%(payer)s, %(payee)s)
"""

EMAIL = "update bank.users set email = %(email)s where id = %(user)s"

SIGN_UP = """
with customer as (
  insert into bank.users (id, email, name, created_at)
  values (%(id)s, %(email)s, %(name)s, clock_timestamp())
)
insert into bank.accounts (id, user_id, iban, kind, balance, opened_at, updated_at)
values (%(id)s, %(id)s, %(iban)s, %(kind)s, 0, clock_timestamp(), clock_timestamp())
"""

CLOSE = """
with account as (
  delete from bank.accounts where id = %(id)s and balance = 0
    and not exists (select from bank.accounts other where other.user_id = accounts.user_id
                    and other.id <> accounts.id)
  returning user_id
)
delete from bank.users using account where users.id = account.user_id
"""


class Bank:
    """Which customers exist and what happens next. The money is the database's business."""

    def __init__(self, customers, last_id):
        self.customers = customers
        self.last_id = last_id
        self.random = random.Random(f"{SEED}/{last_id}")

    def act(self):
        """The next act: statement, its values, and how many rows one row count stands for."""
        kind = self.random.choices(tuple(MIX), tuple(MIX.values()))[0]
        return getattr(self, kind)()

    def transfer(self):
        payer, payee = self.random.sample(self.customers, 2)
        direction = self.random.random()
        if direction < 0.15:
            payer = HOUSE  # a salary
        elif direction > 0.9:
            payee = HOUSE  # a fee
        amount = self.random.randint(1, 50_000) / 100
        return [(TRANSFER, {"payer": payer, "payee": payee, "amount": f"{amount:.2f}"}, 1)]

    def email(self):
        user = self.random.choice(self.customers)
        email = f"customer{user}.{self.random.randint(1, 999_999)}@example.com"
        return [(EMAIL, {"user": user, "email": email}, 1)]

    def sign_up(self):
        self.last_id += 1
        new = self.last_id
        self.customers.append(new)
        values = {
            "id": new,
            "email": f"customer{new}@example.com",
            "name": f"Customer {new}",
            "iban": f"XX00BANK{new:010}",
            "kind": self.random.choice(["current", "current", "savings"]),
        }
        return [(SIGN_UP, values, 2)]

    def close(self):
        if len(self.customers) < 10:
            return self.sign_up()
        place = self.random.randrange(len(self.customers))
        gone = self.customers[place]
        self.customers[place] = self.customers[-1]
        self.customers.pop()
        emptied = {"payer": gone, "payee": HOUSE, "amount": MONEY}
        return [(TRANSFER, emptied, 1), (CLOSE, {"id": gone}, 2)]


bank = Bank([], 0)


def setup(connection):
    """Create the schema and the first customers; afterwards go on from what the database holds."""
    global bank
    connection.execute(SCHEMA)
    if connection.execute("select not exists (select from bank.users)").fetchone()[0]:
        with connection.transaction():
            connection.execute(SEED_USERS, {"customers": CUSTOMERS})
            connection.execute(SEED_ACCOUNTS, {"money": MONEY})
    # Only a batch's last transaction waits for the disk; it makes those before it durable too.
    connection.execute("set synchronous_commit = off")
    users = connection.execute("select id from bank.users where id > %s order by id", [HOUSE])
    ids = [row[0] for row in users]
    bank = Bank(ids, max(ids, default=HOUSE))


def step(connection, changes):
    """Carry out acts until about ``changes`` rows have changed, in one round trip."""
    sent, planned = [], 0
    with connection.pipeline():
        while planned < changes:
            for statement, values, weight in bank.act():
                connection.execute("begin")
                if planned + 2 >= changes:
                    connection.execute("set local synchronous_commit = on")
                sent.append((connection.execute(statement, values, prepare=True), weight))
                connection.execute("commit")
                planned += 1 if statement is EMAIL else 2
    return sum(cursor.rowcount * weight for cursor, weight in sent)
