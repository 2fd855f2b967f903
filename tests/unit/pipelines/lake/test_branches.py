"""Branches: made from main, written beside it, merged in one transaction or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pyarrow as pa
import pytest

from tidewright.model import observed
from tidewright.pipelines.core import faults
from tidewright.pipelines.lake import branches, catalog, workspace
from tidewright.testing import lakes
from tidewright.testing.postgres import TempPostgres

FLOW = "ingest"
GOOD = (observed.CheckState("raw.a", True, 0),)
BAD = (observed.CheckState("raw.a.amount", False, 2, ({"amount": "-1"},)),)


class Crash(BaseException):
    """The process ends here."""


class Main:
    """A catalog with a lease, and runs on it."""

    def __init__(self, lake: lakes.TempLake) -> None:
        self.lake = lake
        self.warehouse = Path(str(lake.job.warehouse))
        self.conn = lake.connect()
        branches.prepare(self.conn)
        self.epoch = catalog.take_lease(self.conn, FLOW, "test")

    def branch(self) -> branches.Branch:
        name = branches.make(self.conn, FLOW, self.epoch)
        assert isinstance(name, str)
        return self.found(name)

    def found(self, name: str) -> branches.Branch:
        branch = branches.find(self.conn, name)
        assert branch is not None
        return branch

    def write(self, branch: branches.Branch, **rows: list[int]) -> branches.Branch:
        """Append ids to tables of the namespace raw."""
        names = [f"raw.{table}" for table in rows]
        branches.will_write(self.conn, FLOW, names)
        with workspace.Workspace(self.warehouse, branch) as work:
            for table, ids in rows.items():
                work.append(f"raw.{table}", pa.table({"id": pa.array(ids, pa.int64())}))
            touched = work.write(faults.none)
        assert branches.point(self.conn, branch, touched)
        return self.found(branch.name)

    def green(self, **rows: list[int]) -> branches.Branch:
        branch = self.write(self.branch(), **rows)
        assert branches.judge(self.conn, branch, GOOD, "1 check holds")
        return self.found(branch.name)

    def merge(self, branch: branches.Branch) -> int | branches.Wrong:
        return branches.merge(self.conn, branches.Order(FLOW, branch.name, uuid4(), self.epoch))

    def ids(self, table: str) -> list[object]:
        location = catalog.pointers(self.conn)[f"raw.{table}"]
        return [row[0] for row in lakes.by_duckdb(location)]


@pytest.fixture
def main(postgres: TempPostgres, tmp_path: Path) -> Iterator[Main]:
    with lakes.TempLake(postgres, tmp_path) as lake:
        found = Main(lake)
        yield found
        found.conn.close()


def test_what_a_branch_has_main_shows_only_after_the_merge(main: Main) -> None:
    branch = main.green(a=[1, 2], b=[7])
    assert catalog.pointers(main.conn) == {}
    assert {n: t.rows for n, t in branch.touched.items()} == {"raw.a": 2, "raw.b": 1}
    commit = main.merge(branch)
    assert isinstance(commit, int)
    assert (main.ids("a"), main.ids("b")) == ([1, 2], [7])
    last = catalog.last_commit(main.conn, FLOW)
    assert last is not None
    assert (last.id, last.position, last.source) == (commit, branch.name, FLOW)
    assert {n: t.metadata for n, t in last.tables.items()} == catalog.pointers(main.conn)


def test_a_branch_begins_as_main_is_and_adds_to_it(main: Main) -> None:
    first = main.green(a=[1])
    main.merge(first)
    second = main.green(a=[2])
    assert second.base is not None
    assert second.touched["raw.a"].base == first.touched["raw.a"].metadata
    assert (second.touched["raw.a"].rows, second.touched["raw.a"].added) == (2, 1)
    main.merge(second)
    assert main.ids("a") == [1, 2]


def test_of_two_runs_on_one_table_the_second_merge_is_refused_and_repeating_it_works(
    main: Main,
) -> None:
    one, two = main.green(a=[1]), main.green(a=[2], b=[3])
    assert isinstance(main.merge(one), int)
    wrong = main.merge(two)
    assert isinstance(wrong, branches.Wrong)
    assert (wrong.reason, wrong.moved) == ("conflict", ("raw.a",))
    assert main.ids("a") == [1]
    assert "raw.b" not in catalog.pointers(main.conn)
    assert isinstance(main.merge(main.green(a=[2], b=[3])), int)
    assert (main.ids("a"), main.ids("b")) == ([1, 2], [3])


def test_two_runs_on_different_tables_are_both_merged(main: Main) -> None:
    one, two = main.green(a=[1]), main.green(b=[2])
    assert isinstance(main.merge(one), int)
    assert isinstance(main.merge(two), int)
    last = catalog.last_commit(main.conn, FLOW)
    assert last is not None
    assert sorted(last.tables) == ["raw.a", "raw.b"]


def test_a_red_branch_is_never_merged(main: Main) -> None:
    branch = main.write(main.branch(), a=[1])
    assert branches.judge(main.conn, branch, BAD, "raw.a.amount: 2 rows")
    wrong = main.merge(branch)
    assert isinstance(wrong, branches.Wrong)
    assert wrong.reason == "not_green"
    assert "2 rows" in wrong.detail
    assert catalog.pointers(main.conn) == {}
    assert main.found(branch.name).checks == BAD


def test_a_branch_that_nobody_audited_is_never_merged(main: Main) -> None:
    wrong = main.merge(main.write(main.branch(), a=[1]))
    assert isinstance(wrong, branches.Wrong)
    assert wrong.reason == "not_green"


def test_merging_again_says_which_commit_it_was(main: Main) -> None:
    branch = main.green(a=[1])
    assert main.merge(branch) == main.merge(branch)
    count = main.conn.execute("select count(*) from tidewright_commits").fetchone()
    assert count == (1,)


@pytest.mark.parametrize(("point", "is_there"), [("merge_before_end", False), ("merged", True)])
def test_a_crash_in_the_merge_is_all_or_nothing(main: Main, point: str, is_there: bool) -> None:
    def fault(passed: str) -> None:
        if passed == point:
            raise Crash

    branch = main.green(a=[1], b=[2])
    order = branches.Order(FLOW, branch.name, uuid4(), main.epoch, fault)
    with pytest.raises(Crash):
        branches.merge(main.conn, order)
    pointers = catalog.pointers(main.conn)
    assert sorted(pointers) == (["raw.a", "raw.b"] if is_there else [])
    assert main.found(branch.name).state == ("merged" if is_there else "green")
    assert isinstance(main.merge(branch), int)
    assert main.ids("a") == [1]


def test_an_older_runner_can_neither_make_nor_judge_nor_merge(main: Main) -> None:
    running, green = main.write(main.branch(), a=[1]), main.green(b=[2])
    old, main.epoch = main.epoch, catalog.take_lease(main.conn, FLOW, "new")
    made = branches.make(main.conn, FLOW, old)
    assert isinstance(made, branches.Wrong)
    assert made.reason == "lease_lost"
    assert not branches.judge(main.conn, running, GOOD, "")
    assert not branches.point(main.conn, running, {})
    order = branches.Order(FLOW, green.name, uuid4(), old)
    wrong = branches.merge(main.conn, order)
    assert isinstance(wrong, branches.Wrong)
    assert wrong.reason == "lease_lost"
    assert isinstance(main.merge(green), int)


def test_what_an_older_runner_left_is_marked_and_can_be_dropped(main: Main) -> None:
    left = main.branch()
    main.epoch = catalog.take_lease(main.conn, FLOW, "new")
    assert branches.left_behind(main.conn, FLOW, main.epoch) == (left.name,)
    assert main.found(left.name).state == "failed"
    assert branches.end(main.conn, left.name, "dropped", "")
    assert not branches.end(main.conn, left.name, "dropped", "")
    assert branches.every(main.conn, FLOW) == ()
    assert [b.state for b in branches.every(main.conn, FLOW, gone=True)] == ["dropped"]


def test_a_merged_branch_cannot_be_dropped(main: Main) -> None:
    branch = main.green(a=[1])
    main.merge(branch)
    assert not branches.end(main.conn, branch.name, "dropped", "")
    assert main.found(branch.name).state == "merged"


def test_a_run_that_found_nothing_leaves_no_trace(main: Main) -> None:
    branches.forget(main.conn, main.branch())
    assert branches.every(main.conn, FLOW, gone=True) == ()


def test_there_are_no_branches_where_there_is_no_layout(database: psycopg.Connection) -> None:
    assert branches.every(database) == ()


def test_history_is_pruned_and_what_is_there_stays(main: Main) -> None:
    left = main.write(main.branch(), a=[1])
    for number in range(3):
        main.merge(main.green(b=[number]))
    main.conn.execute("update tidewright_branches set freed = state = 'merged'")
    assert branches.prune(main.conn, FLOW, keep=1) == 2
    names = [b.name for b in branches.every(main.conn, FLOW, gone=True)]
    assert left.name in names
    assert len(names) == 2
