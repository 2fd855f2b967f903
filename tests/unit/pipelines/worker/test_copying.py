"""A first copy that fails says so: it never ends in silence."""

from __future__ import annotations

from pathlib import Path

from tidewright.model import flow, values
from tidewright.pipelines.core import faults
from tidewright.pipelines.lake import table
from tidewright.pipelines.worker import copying
from tidewright.testing.postgres import TempPostgres
from tidewright.vault import files as vault


def copy(server: TempPostgres, tmp_path: Path, database: str, name: str) -> copying.Copying:
    vault.write(tmp_path / "secrets", "pw", server.password)
    at = flow.Connection("127.0.0.1", server.port, database, "postgres", values.Secret("pw"))
    source = flow.PostgresSource("bank", at, "pub", "slot", managed=True)
    capture = flow.Capture("bank", (name,), "raw_data")
    made = copying.Copying(capture, source, tmp_path / "secrets", (name,), faults.none)

    def build(*facts: object) -> table.Table:
        raise RuntimeError("no room for a table")

    made.start(build)
    assert made._thread is not None
    made._thread.join(30)
    made.close()
    return made


def test_a_table_that_is_not_there_stops_that_table(postgres: TempPostgres, tmp_path: Path) -> None:
    found = copy(postgres, tmp_path, "postgres", "public.nowhere")
    assert found.progress.trouble is not None
    assert found.progress.trouble.table == "public.nowhere"


def test_what_nobody_foresaw_is_named(postgres: TempPostgres, tmp_path: Path) -> None:
    with postgres.create("copying") as conn:
        conn.execute("create table bank (id int primary key)")
        found = copy(postgres, tmp_path, "copying", "public.bank")
    assert found.progress.problem is not None
    assert found.progress.problem.code == "lake.copy_failed"
    assert "no room for a table" in found.progress.problem.what
