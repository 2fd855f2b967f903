import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tidewright.model import codec, flow, jobs, observed, values
from tidewright.pipelines.lake import catalog
from tidewright.pipelines.refresh import waiter
from tidewright.vault import files as vault

FAKE = "tests.unit.pipelines.refresh.fake_child"
HEAVY = ("dbt", "duckdb", "pyarrow", "numpy", "pyiceberg")


@pytest.fixture
def folder(tmp_path, postgres, database, monkeypatch):
    """A job on the test's database as catalog, and the fake child."""
    monkeypatch.setattr(waiter, "CHILD", FAKE)
    monkeypatch.setattr(waiter, "POLL", 0.01)
    monkeypatch.setattr(waiter, "LOOK", 0.0)
    vault.write(tmp_path / "secrets", "pw", postgres.password)
    database.execute(catalog.LAYOUT)
    server = flow.Connection(
        "127.0.0.1", postgres.port, database.info.dbname, "postgres", values.Secret("pw")
    )
    job = jobs.RefreshJob(
        lands=("bank",),
        lake=jobs.Lake(server, str(tmp_path / "lake")),
        marts=server,
        transform=flow.Transform("models"),
        checks=(),
        publish=(),
        project=str(tmp_path),
        scratch=str(tmp_path / "scratch"),
        secrets=str(tmp_path / "secrets"),
        status=str(tmp_path / "refresh.json"),
    )
    (tmp_path / "models").mkdir()
    (tmp_path / "job.json").write_text(codec.dumps(job))
    (tmp_path / "script").write_text("")
    return tmp_path


@pytest.fixture
def it(folder):
    made = waiter.Waiter(folder / "job.json")
    yield made
    made.stop()
    if made.conn is not None:
        made.conn.close()


def commit(database, changes=1):
    database.execute(
        "insert into tidewright_commits (flow, epoch, token, kind, source, position, changes,"
        " tables) values ('bank', 1, gen_random_uuid(), 'postgres', 's', '0/1', %s, '{}')",
        [changes],
    )


def until(it, condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, it.status
        it.turn()


def status(folder):
    return codec.loads(observed.RefreshStatus, (folder / "refresh.json").read_text())


def test_the_first_child_starts_at_once_and_its_outcome_is_the_status(folder, it):
    (folder / "script").write_text("published\nstay")
    until(it, lambda: it.status.refreshes == 1)
    assert (status(folder).state, status(folder).message) == ("running", "commit 1")
    assert it.child is not None


def test_an_idle_child_ends_and_a_commit_with_changes_starts_another(folder, it, database):
    (folder / "script").write_text("published")
    until(it, lambda: it.status.refreshes == 1 and it.child is None)
    commit(database)
    commit(database, changes=0)
    for _ in range(5):
        it.turn()
    assert it.child is None  # commit 1 was seen, and commit 2 changed nothing
    commit(database)
    until(it, lambda: it.status.refreshes == 2)
    assert status(folder).message == "commit 2"


def test_an_edited_model_starts_a_child(folder, it):
    (folder / "script").write_text("published")
    until(it, lambda: it.status.refreshes == 1 and it.child is None)
    (folder / "models" / "new.sql").write_text("select 1")
    until(it, lambda: it.status.refreshes == 2)


def test_a_crash_is_said_and_the_child_started_again(folder, it, monkeypatch):
    monkeypatch.setattr(waiter, "PAUSES", (0.0,))
    (folder / "script").write_text("crash")
    until(it, lambda: it.crashes == 1)
    assert status(folder).state == "degraded"
    assert "signal 9" in status(folder).message
    (folder / "script").write_text("published")
    until(it, lambda: it.status.refreshes == 1)
    assert status(folder).state == "running"


def test_what_an_outcome_does_not_say_stays(folder, it):
    good = observed.CheckState("a", True, 0)
    it.status = waiter.replace(it.status, checks=(good,), position="0/1", refreshes=3)
    (folder / "script").write_text("degraded\nstay")
    until(it, lambda: it.status.state == "degraded")
    now = status(folder)
    assert (now.checks, now.position, now.refreshes) == ((good,), "0/1", 3)
    assert now.healthy


def test_stop_ends_the_child(folder, it):
    (folder / "script").write_text("published\nstay")
    until(it, lambda: it.status.refreshes == 1)
    child = it.child
    it.stop()
    assert child.poll() is not None
    assert (status(folder).state, status(folder).healthy) == ("stopped", False)


def test_a_catalog_that_is_away_is_waited_for(folder, it, database, postgres):
    (folder / "script").write_text("published")
    until(it, lambda: it.status.refreshes == 1 and it.child is None)
    there = it.job
    away = waiter.replace(there.lake.catalog, port=1)
    it.job = waiter.replace(there, lake=waiter.replace(there.lake, catalog=away))
    it.conn = None
    until(it, lambda: it.lost)
    assert "waiting for the catalog" in status(folder).message
    it.job = there
    until(it, lambda: it.status.refreshes == 2)
    assert status(folder).state == "running"


def test_the_child_dies_with_a_waiter_that_is_killed(folder):
    (folder / "script").write_text("published\nstay")
    code = (
        "from pathlib import Path; from tidewright.pipelines.refresh import waiter;"
        f"waiter.CHILD = {FAKE!r}; waiter.Waiter(Path({str(folder / 'job.json')!r})).run()"
    )
    outer = subprocess.Popen([sys.executable, "-c", code])
    wait_for(lambda: (folder / "refresh.json").exists() and status(folder).refreshes == 1)
    pid = int((folder / "pid").read_text())
    outer.kill()
    outer.wait()
    wait_for(lambda: not is_running(pid))


def test_the_waiter_loads_no_data_library():
    code = "import sys, tidewright.pipelines.refresh.__main__;"
    code += f"print(set({HEAVY!r}) & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def wait_for(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_running(pid):
    """A zombie, which no one reaped yet, has ended."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
