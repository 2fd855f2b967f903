"""The SQL of docs/how-to/read-the-lake.md says what the page says of it."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "read-the-lake.md"
# op, id, data, _lsn, _seq: a transaction that begins where the copy stands, and a truncate.
LOG = [
    ("c", 8, "before the truncate", 90, 1),
    ("t", None, None, 95, 1),
    ("r", 1, "copied", 100, 7),
    ("r", 2, "copied", 100, 8),
    ("u", 1, "changed", 100, 1),
    ("d", 2, "gone", 100, 2),
    ("c", 3, "new", 110, 1),
]


@pytest.fixture
def lake() -> duckdb.DuckDBPyConnection:
    duck = duckdb.connect()
    duck.execute("create schema raw_data")
    duck.execute("create table raw_data.users (op text, id int, data text, _lsn int, _seq int)")
    duck.executemany("insert into raw_data.users values (?, ?, ?, ?, ?)", LOG)
    return duck


def answers(lake: duckdb.DuckDBPyConnection, begins: str) -> list[tuple[object, ...]]:
    blocks = re.findall(r"```sql\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return lake.execute(next(b for b in blocks if b.startswith(begins))).fetchall()


def test_rows_of_a_first_copy_come_before_what_followed_it(lake: duckdb.DuckDBPyConnection) -> None:
    assert "".join(str(op) for op, _ in answers(lake, "select op, data")) == "ctrrudc"


def test_the_log_alone_gives_the_current_rows(lake: duckdb.DuckDBPyConnection) -> None:
    assert answers(lake, "select id, data") == [(1, "changed"), (3, "new")]
