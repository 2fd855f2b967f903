"""Parts made by hand, staged into a real lake: what is skipped, followed, cut, or refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tidewright.clients import duckdb as ducks
from tidewright.model import flow
from tidewright.pipelines.decode import chunk, relation
from tidewright.pipelines.feeds import tables as catalogs
from tidewright.pipelines.lake import store
from tidewright.pipelines.worker import evolve, following, staging, tables
from tidewright.testing import lakes
from tidewright.testing.postgres import TempPostgres

INT, TEXT = 23, 25
OID = 4242
USERS = relation.Relation(
    OID, "bank", "users", "d",
    (relation.Column("id", INT, -1, True), relation.Column("name", TEXT, -1, False)),
)  # fmt: skip
DESCRIBED = catalogs.Described(
    OID, "d",
    (
        catalogs.SourceColumn(1, "id", INT, -1, "integer", True, False, True),
        catalogs.SourceColumn(2, "name", TEXT, -1, "text", False, False, True),
    ),
    ("id",), ("id",), None,
)  # fmt: skip
Row = tuple[str, int, str | None, str | None]


def part(*rows: Row, table: relation.Relation = USERS) -> chunk.Part:
    """Rows of (operation, commit LSN, id, name)."""
    lsn = np.array([row[1] for row in rows], np.int64)
    columns = [pa.array([row[2] for row in rows], pa.string())]
    columns += [pa.array([row[3] for row in rows], pa.string())] * (len(table.columns) - 1)
    return chunk.Part(
        table, np.frombuffer("".join(row[0] for row in rows).encode(), np.uint8), lsn, lsn,
        np.arange(1, len(rows) + 1), np.zeros(len(rows), np.int64), tuple(columns), {},
    )  # fmt: skip


class Bench:
    """One followed table in a lake of its own, and the staging under test."""

    def __init__(self, lake: lakes.TempLake) -> None:
        self.lake = lake.open()
        capture = flow.Capture("bank", ("bank.users",), "raw_data")
        shape = evolve.Shape(1, "x")
        self.table = following.make(capture, "bank.users", DESCRIBED, shape, self.lake.create)
        self.columns: dict[str, evolve.Live] = {}
        self.staging = staging.Staging({"bank.users": self.table}, self._live)

    def _live(self, name: str) -> Mapping[str, evolve.Live]:
        return self.columns

    def stage(self, *rows: Row, above: int = 0, below: int | None = None) -> int:
        return self.staging.stage(part(*rows), above, below)

    def commit(self) -> tuple[list[tuple[object, ...]], list[str]]:
        """Current rows in order, and the operations of the raw log in order."""
        done = self.lake.commit(lakes.facts(100))
        assert isinstance(done, store.Done)
        with ducks.connect(threads=1) as duck:
            users = f"iceberg_scan('{done.tables['bank.users'].metadata}')"
            log = f"iceberg_scan('{done.tables['raw_data.users'].metadata}')"
            rows = duck.execute(f"select * from {users} order by 1").fetchall()
            found = duck.execute(f"select op from {log} order by _lsn, _seq").fetchall()
        return rows, [op for (op,) in found]


@pytest.fixture
def bench(postgres: TempPostgres, tmp_path: Path) -> Iterator[Bench]:
    with lakes.TempLake(postgres, tmp_path) as lake:
        yield Bench(lake)


def test_changes_reach_current_state_and_raw_log(bench: Bench) -> None:
    assert bench.stage(("c", 1, "1", "a"), ("c", 1, "2", "b"), ("u", 2, "1", "z")) == 3
    assert bench.stage(("d", 3, "2", None)) == 1
    assert bench.commit() == ([(1, "z")], ["c", "c", "u", "d"])
    assert bench.table.changes == 4


def test_only_what_lies_between_the_two_positions_is_staged(bench: Bench) -> None:
    """``above`` includes its own transaction and ``below`` leaves it out, as a commit does."""
    rows: Sequence[Row] = [("c", lsn, str(lsn), "x") for lsn in (9, 10, 19, 20)]
    assert bench.stage(*rows, above=10, below=20) == 2
    assert bench.stage(*rows, above=21) == 0
    assert bench.commit() == ([(10, "x"), (19, "x")], ["c", "c"])


def test_a_table_that_is_not_followed_is_skipped(bench: Bench) -> None:
    other = replace(USERS, name="other")
    assert bench.staging.stage(part(("c", 1, "1", "a"), table=other), 0, None) == 0


def test_a_truncation_takes_what_was_before_it_and_nothing_after(bench: Bench) -> None:
    bench.stage(
        ("c", 1, "1", "a"), ("c", 1, "9", "a"), ("t", 1, None, None), ("c", 2, "1", "b")
    )  # fmt: skip
    assert bench.commit() == ([(1, "b")], ["c", "c", "t", "c"])


@pytest.mark.parametrize(
    ("ops", "runs"),
    [
        ("ccc", ["ccc"]),
        ("t", ["t"]),
        ("ctc", ["c", "t", "c"]),
        ("tcct", ["t", "cc", "t"]),
        ("cttd", ["c", "t", "t", "d"]),
    ],
)
def test_each_truncation_is_a_run_of_its_own(ops: str, runs: list[str]) -> None:
    rows: list[Row] = [(op, 1, str(i), None) for i, op in enumerate(ops)]
    cut = list(staging._runs(part(*rows)))
    assert [run.op.tobytes().decode() for run in cut] == runs
    assert [i for run in cut for i in run.columns[0].to_pylist()] == [row[2] for row in rows]


def test_an_added_column_is_followed_and_remembered(bench: Bench) -> None:
    bench.stage(("c", 1, "1", "a"))
    wider = replace(USERS, columns=(*USERS.columns, relation.Column("phone", TEXT, -1, False)))
    bench.columns = {"phone": evolve.Live("phone", 3, "string", False)}
    bench.staging.stage(part(("c", 2, "2", "b"), table=wider), 0, None)
    assert bench.commit()[0] == [(1, "a", None), (2, "b", "b")]
    stored = tables.known_columns(bench.table.lake[0].properties)
    assert stored[-1] == evolve.Known("phone", 3, "string")


def test_a_table_that_was_made_again_stops(bench: Bench) -> None:
    again = part(("c", 1, "1", "a"), table=replace(USERS, oid=OID + 1))
    with pytest.raises(staging.Trouble, match=r"bank\.users: the table was dropped and made again"):
        bench.staging.stage(again, 0, None)


def test_a_value_that_does_not_fit_stops_the_table_and_says_which(bench: Bench) -> None:
    with pytest.raises(staging.Trouble, match="'twelve' cannot be held exactly as int32"):
        bench.stage(("c", 1, "twelve", "a"))
