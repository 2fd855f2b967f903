"""Many narrow inserts and nothing else, to find out how much your machine can take.

Use it instead of workload.py: ``workload: bulk.py`` with ``rate: 50000``. It opens accounts with a
balance of zero for the customers of workload.py's bank, so the bank's checks still hold.
"""

import importlib.util
from pathlib import Path

BATCH = 10_000  # rows per transaction at most

OPEN = """
insert into bank.accounts (id, user_id, iban, kind, balance, opened_at, updated_at)
select id, (%(owners)s::bigint[])[1 + id %% cardinality(%(owners)s::bigint[])],
       'XX00BANK' || lpad(id::text, 10, '0'), 'savings', 0, now(), now()
from generate_series(%(first)s::bigint, %(last)s::bigint) as id
"""


def _bank():
    place = Path(__file__).with_name("workload.py")
    spec = importlib.util.spec_from_file_location("bank_workload", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


state = {"last": 0, "owners": []}


def setup(connection):
    _bank().setup(connection)
    connection.execute("set synchronous_commit = on")
    # A foreign-key check locks the customer's row once per batch, so few customers cost little.
    owners = connection.execute("select id from bank.users where id > 1 order by id limit 100")
    last = connection.execute("select max(id) from bank.accounts").fetchone()[0]
    state.update(last=max(last, 1_000_000_000), owners=[row[0] for row in owners])


def step(connection, changes):
    first, last = state["last"] + 1, state["last"] + min(changes, BATCH)
    connection.execute(OPEN, {"first": first, "last": last, "owners": state["owners"]})
    state["last"] = last
    return last - first + 1
