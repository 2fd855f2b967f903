"""A real lake of the bank's two tables, filled by hand instead of by capture."""

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC
from pyiceberg.schema import Schema
from pyiceberg.types import DecimalType, LongType, NestedField, StringType, TimestamptzType

from tidewright.model import flow, jobs, values
from tidewright.pipelines.lake import catalog, current, store
from tidewright.testing.postgres import TempPostgres
from tidewright.vault import files as vault

USERS = Schema(
    NestedField(1, "id", LongType(), required=True),
    NestedField(2, "email", StringType()),
    NestedField(3, "name", StringType()),
    NestedField(4, "created_at", TimestamptzType()),
    identifier_field_ids=[1],
)
ACCOUNTS = Schema(
    NestedField(1, "id", LongType(), required=True),
    NestedField(2, "user_id", LongType()),
    NestedField(3, "iban", StringType()),
    NestedField(4, "kind", StringType()),
    NestedField(5, "balance", DecimalType(18, 2)),
    NestedField(6, "opened_at", TimestamptzType()),
    NestedField(7, "updated_at", TimestamptzType()),
    identifier_field_ids=[1],
)
MONEY = Decimal("10000000000.00")
START = datetime(2026, 1, 1, tzinfo=UTC)
IDENTITY = flow.Identity("7", 1, "bank")


class BankLake:
    """Opens the lake and commits what it is given as upserts."""

    def __init__(self, server: TempPostgres, database: str, folder: Path) -> None:
        vault.write(folder / "secrets", "pw", server.password)
        self.connection = flow.Connection(
            "127.0.0.1", server.port, database, "postgres", values.Secret("pw")
        )
        self.job = jobs.Lake(self.connection, str(folder / "lake"))
        self.store = store.Store.open(self.job, folder / "secrets", "bank", "test")
        self.position = 1
        self.tables: dict[str, current.CurrentTable] = {}

    def add_table(self, name: str, schema: Schema) -> None:
        made = self.store.create(name, schema, UNPARTITIONED_PARTITION_SPEC, {})
        self.tables[name] = current.CurrentTable(made, ("id",))

    def upsert(self, name: str, rows: list[tuple[object, ...]]) -> None:
        schema = (USERS if name == "bank.users" else ACCOUNTS).as_arrow()
        columns = list(zip(*rows, strict=True))
        arrays = [pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)]
        ops = np.full(len(rows), ord("u"), np.uint8)
        self.tables[name].apply(ops, pa.Table.from_arrays(arrays, schema.names))

    def commit(self, changes: int = 1) -> None:
        self.position += 1
        now = time.time_ns() // 1_000_000
        where = flow.Position("postgres", IDENTITY, self.position)
        done = self.store.commit(catalog.CommitFacts(where, now, now, changes))
        assert isinstance(done, catalog.Done), done
        for table in self.tables.values():
            table.committed()

    def open_bank(self, customers: int = 20) -> None:
        """The first commit: the house and its customers, all with a balance of zero."""
        self.add_table("bank.users", USERS)
        self.add_table("bank.accounts", ACCOUNTS)
        self.upsert("bank.users", [user(n) for n in range(1, customers + 2)])
        self.upsert("bank.accounts", [account(n) for n in range(1, customers + 2)])
        self.commit()


def user(n: int, email: str | None = "x@example.com") -> tuple[object, ...]:
    return (n, email, f"Customer {n}", START)


def account(n: int, balance: Decimal | int | None = None) -> tuple[object, ...]:
    opened = START + timedelta(hours=7 * n)
    held = balance if balance is not None else (MONEY if n == 1 else 0)
    kind = "house" if n == 1 else "current"
    return (n, n, f"XX{n}", kind, Decimal(held), opened, datetime.now(UTC))
