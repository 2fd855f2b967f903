"""Branches by hand: listed, merged, dropped, queried; and the proof that main is clean."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.unit.operations import branched, captured
from tests.unit.pipelines.ingest.projects import Project

from tidewright import errors
from tidewright.operations import arrivals, branching, query, state, verify
from tidewright.pipelines.backup import lakefiles
from tidewright.pipelines.lake import branches, catalog
from tidewright.testing import lakes


@pytest.fixture
def made(project: Path, lake: lakes.TempLake) -> Iterator[tuple[state.Environment, Project]]:
    found, user = branched.environment(project, lake)
    with user:
        yield found, user


COUNT = "select count(*) from raw.a"


def test_a_green_branch_is_listed_queried_merged_and_gone(
    made: tuple[state.Environment, Project],
) -> None:
    found, user = made
    user.merge()
    _, branch = user.run()
    (line,) = branching.branch_list(found)
    assert (line.name, line.state, line.base, line.tables) == (branch.name, "green", 1, ("raw.a",))
    assert (line.added, [c.ok for c in line.checks]) == (1, [True])
    assert query.query(found, COUNT).rows == ((1,),)
    seen = query.query(found, COUNT, ref=branch.name)
    assert seen.rows == ((2,),)
    assert seen.notes == {"branch": branch.name, "base": "1"}
    done = branching.branch_merge(found, branch.name)
    assert (done.commit, done.tables) == (2, ("raw.a",))
    assert query.query(found, COUNT, ref="main").rows == ((2,),)
    assert branching.branch_list(found) == ()
    assert [b.state for b in branching.branch_list(found, everything=True)] == ["merged", "merged"]
    with pytest.raises(errors.SpecError, match="it is merged") as told:
        branching.branch_drop(found, branch.name)
    assert told.value.code == "lake.no_such_branch"


def test_a_red_branch_is_refused_and_dropped(made: tuple[state.Environment, Project]) -> None:
    found, user = made
    user.checks(branched.CHECKS.replace("ge=0", "ge=100"))
    _, branch = user.run()
    with pytest.raises(errors.Refused, match="greater_than_or_equal_to") as told:
        branching.branch_merge(found, branch.name)
    assert told.value.code == "lake.branch_not_green"
    assert branching.branch_drop(found, branch.name) == 300.0
    with pytest.raises(errors.SpecError, match="it is dropped"):
        query.query(found, COUNT, ref=branch.name)


def test_a_refusal_after_main_moved_says_how_to_repeat(
    made: tuple[state.Environment, Project],
) -> None:
    found, user = made
    _, late = user.run()
    user.merge()
    with pytest.raises(errors.Refused) as told:
        branching.branch_merge(found, late.name)
    assert told.value.code == "lake.branch_stale"
    assert "main moved under raw.a" in told.value.what
    assert f"tidewright branch drop {late.name}" in told.value.hint


def test_a_branch_that_is_written_now_is_not_dropped(
    made: tuple[state.Environment, Project],
) -> None:
    found, user = made
    name = branches.make(user.conn, "ingest", user.epoch)
    assert isinstance(name, str)
    with pytest.raises(errors.Refused, match=r"lake\.branch_busy"):
        branching.branch_drop(found, name)


def test_an_environment_without_branches_says_so(
    project: Path, lake: lakes.TempLake, database: psycopg.Connection
) -> None:
    captured.committed(lake, [1])
    found = captured.environment(project, lake, database)
    with pytest.raises(errors.Refused, match=r"no ingest step"):
        branching.branch_list(found)


def test_verify_counts_and_checks_every_commit_again(
    made: tuple[state.Environment, Project],
) -> None:
    found, user = made
    user.merge()
    user.merge()
    stages = list(arrivals.stages(found))
    assert stages and all(stage.arrived() for stage in stages)
    answer = verify.verify(found)
    assert answer.ok, answer.invariants
    assert answer.cut == "run-2"
    assert [(t.table, t.source_rows, t.lake_rows) for t in answer.tables] == [("raw.a", 2, 2)]


def test_verify_sees_rows_that_no_audited_run_brought(
    made: tuple[state.Environment, Project],
) -> None:
    found, user = made
    user.merge()
    _, branch = user.run()
    # As if somebody moved main by hand to what was never merged.
    user.conn.execute(
        "update iceberg_tables set metadata_location = %s", [branch.touched["raw.a"].metadata]
    )
    user.conn.execute(
        "update tidewright_commits"
        " set tables = jsonb_set(tables, '{raw.a,metadata}', to_jsonb(%s::text))",
        [branch.touched["raw.a"].metadata],
    )
    answer = verify.verify(found)
    assert not answer.ok
    broken = {i.name: i.detail for i in answer.invariants if not i.ok}
    assert broken == {
        "main has audited runs only": "commit 1 shows raw.a of no audited run",
    }


def test_verify_sees_a_row_that_fails_a_check(made: tuple[state.Environment, Project]) -> None:
    found, user = made
    user.merge()
    user.checks(branched.CHECKS.replace("ge=0", "ge=100"))
    answer = verify.verify(found)
    broken = [i for i in answer.invariants if not i.ok]
    assert [i.name for i in broken] == ["no commit of main shows a row that fails a check"]
    assert "commit 1: raw.a.id: greater_than_or_equal_to(100), 1 rows" in broken[0].detail
    user.checks("CHECKS = 1\n")
    answer = verify.verify(found)
    assert "not known" in next(i.detail for i in answer.invariants if not i.ok)


def test_verify_sees_that_the_catalog_is_elsewhere(
    made: tuple[state.Environment, Project],
) -> None:
    found, user = made
    user.merge()
    user.conn.execute("update iceberg_tables set metadata_location = 'file:///elsewhere'")
    broken = [i.name for i in verify.verify(found).invariants if not i.ok]
    assert broken == ["the catalog shows the newest commit"]
    assert catalog.pointers(user.conn) == {"raw.a": "file:///elsewhere"}


def test_a_recovery_point_has_the_branches_that_are_open(
    made: tuple[state.Environment, Project], lake: lakes.TempLake
) -> None:
    _, user = made
    user.merge()
    _, branch = user.run()
    mine = branch.touched["raw.a"].metadata
    with lake.connect() as conn:
        assert set(lakefiles.pointers(conn)) == {mine, branch.pointers["raw.a"]}
        branches_gone = "update tidewright_branches set state = 'dropped'"
        conn.execute(branches_gone)
        assert mine not in lakefiles.pointers(conn)
