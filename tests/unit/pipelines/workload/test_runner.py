from pathlib import Path

import pytest

from tidewright.model import codec, flow, jobs, observed, values
from tidewright.pipelines.workload import pace, runner
from tidewright.vault import files as vault

SCRIPT = """
def setup(connection):
    connection.execute("create table if not exists t (n bigint)")


def step(connection, changes):
    connection.execute("insert into t select generate_series(1, %s)", [changes])
    return changes
"""


@pytest.fixture
def place(tmp_path, postgres, database, monkeypatch):
    """A folder with a job for the test's database; pauses between attempts are cut short."""
    monkeypatch.setattr(runner, "PAUSES", (0.0,))
    monkeypatch.setattr(runner, "TICK", 0.01)
    vault.write(tmp_path / "secrets", "pw", postgres.password)
    (tmp_path / "script.py").write_text(SCRIPT)
    write_job(tmp_path, postgres.port, database.info.dbname)
    return tmp_path


@pytest.fixture
def started(place):
    """The runner, which lets go of its connection after the test."""
    running = runner.Runner(place / "job.json")
    yield running
    if running.connection is not None:
        running.connection.close()


def write_job(folder: Path, port: int, name: str, rate: float = 1000.0) -> None:
    source = flow.Connection("127.0.0.1", port, name, "postgres", values.Secret("pw"))
    job = jobs.WorkloadJob(
        source=source,
        script=str(folder / "script.py"),
        rate=rate,
        secrets=str(folder / "secrets"),
        status=str(folder / "status.json"),
    )
    (folder / "job.json").write_text(codec.dumps(job))


def status(folder: Path) -> observed.WorkloadStatus:
    return codec.loads(observed.WorkloadStatus, (folder / "status.json").read_text())


def turns(running: runner.Runner, count: int = 5) -> runner.Runner:
    for _ in range(count):
        running.pace.last -= 0.1  # a tenth of a second passes
        running.turn()
    return running


def counted(database) -> int:
    return database.execute("select count(*) from t").fetchone()[0]


def test_changes_arrive_and_are_counted(started, database):
    running = turns(started)
    assert running.report.changes == counted(database) > 0


def test_an_edited_rate_is_followed(place, started, postgres, database):
    running = turns(started)
    write_job(place, postgres.port, database.info.dbname, rate=0.0)
    running.turn()
    before = counted(database)
    turns(running)
    assert counted(database) == before
    assert running.job.rate == 0


def test_a_lost_connection_is_said_and_taken_up_again(place, started, database):
    running = turns(started)
    database.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )
    turns(running, 1)
    said = status(place)
    assert not said.healthy
    assert "connection to the source was lost" in said.message
    before = running.report.changes
    turns(running, 3)
    assert running.report.changes > before


def test_a_server_that_is_not_there_is_waited_for(place, database):
    write_job(place, 1, database.info.dbname)
    running = runner.Runner(place / "job.json")
    running.turn()
    assert "source.unreachable" in status(place).message
    assert running.failures == 1


def test_an_error_of_the_script_names_its_line_and_an_edit_mends_it(place, started):
    (place / "script.py").write_text(SCRIPT.replace("insert into t", "insert into nothing"))
    running = turns(started, 2)
    assert "script.py:7" in status(place).message
    assert "Traceback" not in status(place).message
    (place / "script.py").write_text(SCRIPT)
    assert turns(running, 3).report.changes > 0


def test_the_password_is_never_in_the_status(place, started, postgres):
    turns(started)
    assert postgres.password not in (place / "status.json").read_text()


def test_pause_is_not_made_up_for(started):
    running = turns(started, 2)
    running.pace.last -= 3600
    before = running.report.changes
    running.turn()
    assert running.report.changes - before <= 1000 * pace.LONGEST
