"""Roles and databases on a real server."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tidewright import errors
from tidewright.clients import grants
from tidewright.clients import postgres as client
from tidewright.model import codec, flow, jobs, values
from tidewright.testing.postgres import TempPostgres
from tidewright.vault import files as vault

NAMES = ("g_bank", "g_marts")


def _secret(name: str) -> values.Secret:
    return values.Secret(name)


@pytest.fixture
def job(postgres: TempPostgres, tmp_path: Path) -> Iterator[jobs.GrantsJob]:
    vault.write(tmp_path, "admin", postgres.password)
    for name in ("owner", "capture", "reader", "marts"):
        vault.generate(tmp_path, name)
    admin = flow.Connection("127.0.0.1", postgres.port, "postgres", "postgres", _secret("admin"))
    yield jobs.GrantsJob(
        admin,
        (
            jobs.Database(
                "g_bank", "g_bank", _secret("owner"), jobs.Login("g_capture", _secret("capture"))
            ),
            jobs.Database(
                "g_marts",
                "g_marts",
                _secret("marts"),
                None,
                jobs.Login("g_reader", _secret("reader")),
            ),
        ),
        str(tmp_path),
    )
    with postgres.connect() as conn:
        for name in NAMES:
            conn.execute(f"drop database if exists {name} with (force)")
        for role in ("g_capture", "g_reader", *NAMES):
            conn.execute(f"drop role if exists {role}")


def _as(job: jobs.GrantsJob, database: str, user: str, secret: str) -> psycopg.Connection:
    admin = job.admin
    login = flow.Connection(admin.host, admin.port, database, user, _secret(secret))
    return client.connect(login, str(job.secrets))


def test_makes_all_of_it_and_changes_nothing_the_second_time(job: jobs.GrantsJob) -> None:
    assert list(grants.run(job)) == ["database g_bank: created", "database g_marts: created"]
    again = list(grants.run(job))
    assert again == ["database g_bank: as it should be", "database g_marts: as it should be"]


def test_capture_role_can_do_what_the_worker_does(job: jobs.GrantsJob) -> None:
    list(grants.run(job))
    with _as(job, "g_bank", "g_bank", "owner") as owner:
        owner.execute("create table t (id int primary key)")
    with _as(job, "g_bank", "g_capture", "capture") as capture:
        capture.execute("create publication p for table t")
        capture.execute("select pg_create_logical_replication_slot('g_slot', 'pgoutput')")
        capture.execute("select pg_log_standby_snapshot(), * from t")
        capture.execute("select pg_drop_replication_slot('g_slot')")


def test_reader_reads_what_comes_later_and_writes_nothing(job: jobs.GrantsJob) -> None:
    list(grants.run(job))
    with _as(job, "g_marts", "g_marts", "marts") as owner:
        owner.execute("create schema later; create table later.t as select 1 as a")
    with _as(job, "g_marts", "g_reader", "reader") as reader:
        assert reader.execute("select a from later.t").fetchall() == [(1,)]
        with pytest.raises(psycopg.Error):
            reader.execute("insert into later.t values (2)")


def test_reader_finds_the_owners_tables_by_their_bare_names(job: jobs.GrantsJob) -> None:
    list(grants.run(job))
    with _as(job, "g_marts", "g_marts", "marts") as owner:
        owner.execute("create schema g_marts; create table g_marts.t as select 1 as a")
        owner.execute("create table public.u as select 2 as a")
    with _as(job, "g_marts", "g_reader", "reader") as reader:
        assert reader.execute("select t.a + u.a from t, u").fetchall() == [(3,)]


def test_others_may_not_enter_a_database(job: jobs.GrantsJob) -> None:
    list(grants.run(job))
    with pytest.raises(client.ConnectFailed, match="permission denied"):
        _as(job, "g_bank", "g_reader", "reader")


def test_rotated_secret_takes_effect(job: jobs.GrantsJob) -> None:
    list(grants.run(job))
    vault.write(str(job.secrets), "owner", "rotated")
    list(grants.run(job))
    _as(job, "g_bank", "g_bank", "owner").close()


def test_main_reads_the_job_file(
    job: jobs.GrantsJob, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "job.json").write_text(codec.dumps(job))
    assert grants.main(["--job", str(tmp_path / "job.json")]) == 0
    assert "database g_bank: created" in capsys.readouterr().out


def test_main_says_a_wrong_password(
    job: jobs.GrantsJob, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vault.write(str(job.secrets), "admin", "wrong-one")
    (tmp_path / "job.json").write_text(codec.dumps(job))
    assert grants.main(["--job", str(tmp_path / "job.json")]) == 5
    said = capsys.readouterr().err
    assert "source.password" in said
    assert "wrong-one" not in said


def test_what_the_server_refuses_is_said(job: jobs.GrantsJob) -> None:
    reserved = dataclasses.replace(job.databases[0], owner="pg_reserved")
    with pytest.raises(errors.StepFailed, match="reserved") as caught:
        list(grants.run(dataclasses.replace(job, databases=(reserved,))))
    assert caught.value.code == "source.grants"
