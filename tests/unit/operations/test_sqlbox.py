"""The locked process, for real: what it answers, and how each attempt to leave it ends."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from pyiceberg.catalog.sql import SqlCatalog

from tidewright import errors
from tidewright.clients import duckdb as ducks
from tidewright.operations import sqlbox, sqlbox_process
from tidewright.targets.local import layout

ROWS = 5_000
READER = layout.READERS + 1
# sqlglot takes the inner name for a known table and DuckDB does not: past the first lock.
PAST_THE_PARSER = "select * from (with \"{0}\" as (select 1) select 1) x, '{0}'"


@pytest.fixture(scope="module")
def lake() -> Iterator[Path]:
    """A warehouse that another account may read: pytest's own folders are for their owner only."""
    with tempfile.TemporaryDirectory(prefix="tidewright-sqlbox-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        if os.geteuid() == 0:
            os.chown(folder, -1, READER)
        yield folder


@pytest.fixture(scope="module")
def pin(lake: Path) -> sqlbox.Pin:
    catalog = SqlCatalog("lake", uri="sqlite:///:memory:", warehouse=f"file://{lake}")
    catalog.create_namespace("bank")
    rows = pa.table({"id": range(ROWS), "email": [f"u{i}@example.com" for i in range(ROWS)]})
    table = catalog.create_table("bank.users", schema=rows.schema)
    table.append(rows)
    place = table.metadata_location
    catalog.close()
    view = f"create or replace view bank.users as select * from iceberg_scan('{place}')"
    return sqlbox.Pin(7, ("bank.users",), ("create schema if not exists bank", view))


@pytest.fixture(scope="module")
def box(lake: Path) -> Iterator[sqlbox.SqlBox]:
    with sqlbox.SqlBox(str(lake), sqlbox.Limits(seconds=30)) as found:
        yield found


def code(box: sqlbox.SqlBox, pin: sqlbox.Pin, sql: str) -> str:
    with pytest.raises(errors.PlatformError) as caught:
        box.ask(sql, pin)
    return caught.value.code


def test_a_select_reads_the_pinned_commit(box: sqlbox.SqlBox, pin: sqlbox.Pin) -> None:
    found = box.ask("select count(*) as n, min(email) as e, null as x from bank.users", pin)
    assert found.rows == ((str(ROWS), "u0@example.com", None),)
    assert [c.kind for c in found.columns] == ["number", "text", "number"]
    assert (found.commit, found.truncated) == (7, False)


def test_rows_are_cut_at_the_limit_and_said_so(box: sqlbox.SqlBox, pin: sqlbox.Pin) -> None:
    found = box.ask("select * from bank.users order by id desc", pin)
    assert (len(found.rows), found.truncated, found.rows[0][0]) == (1_000, True, "4999")
    endless = box.ask("select * from range(1000000000000)", pin)
    assert (len(endless.rows), endless.truncated) == (1_000, True)


def test_a_cell_is_cut_and_a_wide_answer_ends_early(box: sqlbox.SqlBox, pin: sqlbox.Pin) -> None:
    found = box.ask("select repeat('x', 5000), repeat('y', 1900) from range(900)", pin)
    assert len(found.rows[0][0] or "") == sqlbox_process.CELL_CHARS
    more = box.ask("select " + ", ".join(["repeat('x', 2000)"] * 20) + " from range(1000)", pin)
    assert more.truncated and 90 < len(more.rows) < 120


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_csv('/etc/passwd')",
        "copy (select 1) to '/tmp/tidewright-out'",
        "attach '/tmp/tidewright.db'",
        "install httpfs",
        "pragma database_list",
        "select 1; select 2",
        "with x as (delete from bank.users returning *) select * from x",
    ],
)
def test_the_parser_refuses(box: sqlbox.SqlBox, pin: sqlbox.Pin, sql: str) -> None:
    assert code(box, pin, sql) == "console.sql_refused"


@pytest.mark.parametrize("target", ["/etc/passwd", "/proc/self/environ", "s3://bucket/x.parquet"])
def test_duckdb_refuses_what_slips_past_the_parser(
    box: sqlbox.SqlBox, pin: sqlbox.Pin, target: str
) -> None:
    assert code(box, pin, PAST_THE_PARSER.format(target)) == "console.sql_failed"


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_text('/etc/passwd')",
        "select * from read_csv('/etc/passwd')",
        "select * from glob('/etc/*')",
        "copy (select 1) to '/tmp/tidewright-out'",
        "attach '/tmp/tidewright.db'",
        "install httpfs",
        "set memory_limit = '10GB'",
        "set enable_external_access = true",
        "select * from read_csv('http://169.254.169.254/latest')",
    ],
)
def test_the_second_lock_holds_without_the_first(lake: Path, sql: str) -> None:
    with ducks.connect() as connection:
        ducks.restrict(connection, [lake])
        with pytest.raises(duckdb.Error):
            connection.execute(sql).fetchall()


def test_a_statement_that_duckdb_reads_otherwise_is_not_run(lake: Path) -> None:
    with ducks.connect() as connection:
        found = sqlbox_process._select(connection, "create table x as select 1", 10)
        assert found["error"]["code"] == "console.sql_refused"
        assert connection.execute("show tables").fetchall() == []


def test_an_endless_query_is_ended_with_its_process(lake: Path, pin: sqlbox.Pin) -> None:
    with sqlbox.SqlBox(str(lake), sqlbox.Limits(seconds=1)) as box:
        box.ask("select 1", pin)
        before = box.pid
        sql = "select count(*) from range(100000000000) a, range(1000000) b"
        assert code(box, pin, sql) == "console.sql_time"
        assert before and not alive(before)
        assert box.ask("select 1", pin).rows == (("1",),)


def test_a_hungry_query_is_refused_and_its_process_ended(lake: Path, pin: sqlbox.Pin) -> None:
    with sqlbox.SqlBox(str(lake), sqlbox.Limits(seconds=30, memory_mb=128)) as box:
        box.ask("select 1", pin)
        before = box.pid
        assert code(box, pin, "select list(a) from range(100000000) t(a)") == "console.sql_memory"
        assert before and not alive(before)


def test_an_idle_process_ends_by_itself(lake: Path, pin: sqlbox.Pin) -> None:
    with sqlbox.SqlBox(str(lake), sqlbox.Limits(seconds=30, idle_seconds=0.05)) as box:
        box.ask("select 1", pin)
        assert box._idle
        box._idle.join(20)
        assert box.pid is None


def test_a_killed_process_is_a_message_and_the_next_question_works(
    lake: Path, pin: sqlbox.Pin
) -> None:
    with sqlbox.SqlBox(str(lake), sqlbox.Limits(seconds=30)) as box:
        box.ask("select 1", pin)
        assert box.pid
        os.kill(box.pid, 9)
        answers = {outcome(box, pin), outcome(box, pin)}
        assert answers <= {"console.sql_memory", "ok"} and "ok" in answers


def test_a_long_statement_never_reaches_the_process(lake: Path, pin: sqlbox.Pin) -> None:
    box = sqlbox.SqlBox(str(lake))
    assert code(box, pin, "select " + "1," * 20_000 + "1") == "console.sql_refused"
    assert box.pid is None


def test_one_question_at_a_time(box: sqlbox.SqlBox, pin: sqlbox.Pin) -> None:
    with box._busy:
        assert code(box, pin, "select 1") == "console.sql_busy"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_process_has_no_secret_no_privilege_and_no_network(
    box: sqlbox.SqlBox, pin: sqlbox.Pin
) -> None:
    note = box.ask("select 1", pin).note
    place = Path(f"/proc/{box.pid}")
    status = dict(
        line.split(":\t", 1)
        for line in (place / "status").read_text().splitlines()
        if ":\t" in line
    )
    assert status["NoNewPrivs"] == "1"
    assert note == ""
    if os.geteuid() == 0:
        assert status["Uid"].split() == status["Gid"].split() == [str(READER)] * 4
        assert status["Groups"].split() == []
        assert int(status["CapEff"], 16) == 0
    limits = (place / "limits").read_text()
    assert "Max file size             0                    0" in limits
    argv = (place / "cmdline").read_bytes().split(b"\0")
    assert argv[1:4] == [b"-m", b"tidewright.operations.sqlbox_process", b""]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has an account to leave")
def test_without_a_group_of_readers_it_stays_root_and_says_so(tmp_path: Path) -> None:
    with sqlbox.SqlBox(str(tmp_path), sqlbox.Limits(seconds=30)) as alone:
        note = alone.ask("select 1 as n", sqlbox.Pin(None, (), ())).note
    assert "runs as root, because" in note


def test_root_stays_root_only_when_the_other_account_cannot_read(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "lake").mkdir()
    group = closed.stat().st_gid
    assert not sqlbox_process.readable(closed / "lake", group + 1)
    assert sqlbox_process.readable(Path("/"), 65_534)
    closed.chmod(0o710)
    (closed / "lake").chmod(0o750)
    assert sqlbox_process._allows(closed, group, 0o1)
    assert not sqlbox_process._allows(closed, group, 0o4)


def outcome(box: sqlbox.SqlBox, pin: sqlbox.Pin) -> str:
    try:
        box.ask("select 1", pin)
    except errors.PlatformError as reason:
        return reason.code
    return "ok"


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
