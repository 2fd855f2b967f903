"""Files that nothing needs go; files that main, a branch or a late reader needs stay."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.pipelines.lake.test_branches import FLOW, Main

from tidewright.pipelines.core import faults
from tidewright.pipelines.lake import branches, catalog, reading, sweep
from tidewright.testing import lakes
from tidewright.testing.postgres import TempPostgres


@pytest.fixture
def main(postgres: TempPostgres, tmp_path: Path) -> Iterator[Main]:
    with lakes.TempLake(postgres, tmp_path) as lake:
        found = Main(lake)
        yield found
        found.conn.close()


def age(main: Main, seconds: float = 3600) -> None:
    """As if all this had happened so long ago."""
    then = time.time() - seconds
    for path in main.lake.files():
        os.utime(path, (then, then))
    hour = "interval '1 hour'"
    main.conn.execute(
        f"update tidewright_branches set made_at = made_at - {hour},"
        f" changed_at = changed_at - {hour}".encode()
    )
    main.conn.execute(
        f"update tidewright_commits set committed_at = committed_at - {hour}".encode()
    )


def swept(main: Main) -> int:
    return sweep.sweep(main.conn, main.warehouse, FLOW, faults.none)


def test_main_and_branches_lose_nothing(main: Main) -> None:
    main.merge(main.green(a=[1]))
    red = main.write(main.branch(), a=[2], b=[3])
    age(main)
    before = main.lake.files()
    assert swept(main) == 0
    assert main.lake.files() == before
    assert [r[0] for r in lakes.by_duckdb(red.touched["raw.a"].metadata)] == [1, 2]


def test_a_dropped_branch_takes_its_files_along_and_main_keeps_its_own(main: Main) -> None:
    main.merge(main.green(a=[1]))
    mine = main.lake.files()
    red = main.write(main.branch(), a=[2], b=[3])
    age(main)
    branches.end(main.conn, red.name, "dropped", "")
    assert swept(main) == 0, "a reader may have pinned it a moment ago"
    age(main)
    assert swept(main) > 0
    assert main.lake.files() == mine
    assert main.ids("a") == [1]
    assert swept(main) == 0


def test_nothing_goes_while_somebody_reads_for_long(main: Main) -> None:
    main.merge(main.green(a=[1]))
    red = main.write(main.branch(), a=[2])
    branches.end(main.conn, red.name, "dropped", "")
    age(main)
    with reading.held(main.warehouse):
        assert swept(main) == 0
    assert swept(main) > 0


def test_a_branch_made_from_an_older_main_keeps_what_it_shows(main: Main) -> None:
    main.merge(main.green(a=[1]))
    old = main.write(main.branch(), b=[1])
    for number in range(2, 30):
        main.merge(main.green(a=[number]))
    age(main)
    swept(main)
    shown = old.tables["raw.a"].metadata
    assert [r[0] for r in lakes.by_duckdb(shown)] == [1]
    branches.end(main.conn, old.name, "dropped", "")
    age(main)
    assert swept(main) > 0
    assert not Path(shown.removeprefix("file://")).exists()
    assert len(main.ids("a")) == 29


def test_what_a_run_that_goes_on_writes_is_left_alone(main: Main) -> None:
    main.merge(main.green(a=[1]))
    age(main, 7200)
    running = main.branch()
    main.conn.execute("update tidewright_branches set made_at = now() - interval '1 hour'")
    folder = main.warehouse / "raw" / "a" / "data"
    new, old = folder / "new.parquet", folder / "old.parquet"
    new.write_bytes(b"half")
    old.write_bytes(b"half")
    os.utime(new, (time.time() - 3000,) * 2)
    os.utime(old, (time.time() - 7000,) * 2)
    swept(main)
    assert (new.exists(), old.exists()) == (True, False)
    branches.fail(main.conn, running, "cut off")
    swept(main)
    assert not new.exists()


def test_a_crash_while_unlinking_harms_nothing(main: Main) -> None:
    class Crash(BaseException):
        pass

    def fault(point: str) -> None:
        raise Crash

    main.merge(main.green(a=[1]))
    mine = main.lake.files()
    red = main.write(main.branch(), a=[2])
    branches.end(main.conn, red.name, "dropped", "")
    age(main)
    with pytest.raises(Crash):
        sweep.sweep(main.conn, main.warehouse, FLOW, fault)
    assert main.ids("a") == [1]
    swept(main)
    assert main.lake.files() == mine


def test_folders_that_no_branch_wrote_are_never_looked_at(main: Main) -> None:
    main.merge(main.green(a=[1]))
    other = main.warehouse / "bank" / "users" / "data"
    other.mkdir(parents=True)
    (other / "copying.parquet").write_bytes(b"half")
    age(main)
    swept(main)
    assert (other / "copying.parquet").exists()
    assert catalog.pointers(main.conn).keys() == {"raw.a"}
