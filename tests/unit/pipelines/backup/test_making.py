"""What a run refuses, and what it says of servers that are not as they must be."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.pipelines.backup import points

from tidewright import errors
from tidewright.model import flow, jobs, values
from tidewright.pipelines.backup import kept, making, project, servers
from tidewright.vault import files as vault


def live(folder: Path, admin: flow.Connection) -> servers.Live:
    return servers.Live(
        jobs.BackedServer("store", admin), folder / "secrets", folder / "run", "slot"
    )


def test_two_runs_at_once(tmp_path: Path) -> None:
    job = jobs.BackupJob(
        "bank", "laptop", "platform.yaml", str(tmp_path), str(tmp_path / "state"), "", "", (), (),
        None, "backups",
    )  # fmt: skip
    with kept.alone(job):
        with pytest.raises(errors.Refused) as caught, kept.alone(job):
            pass
        assert caught.value.code == "backup.busy"
    with kept.alone(job):
        pass


def test_a_home_folder_is_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = points.keep(tmp_path)
    home = tmp_path / "home"
    home.mkdir()
    for number in range(3):
        (home / f"{number}.txt").write_text("mine")
    assert len(project.put(made.store, home, None).files) == 3
    monkeypatch.setattr(project, "MOST_FILES", 2)
    with pytest.raises(errors.Refused) as caught:
        project.put(made.store, home, None)
    assert caught.value.code == "backup.project_large"


def test_hidden_files_and_the_backups_themselves_stay_out(tmp_path: Path) -> None:
    made = points.keep(tmp_path)
    folder = tmp_path / "project"
    for path in ("platform.yaml", ".git/config", "models/a.sql", "backups/blobs/x", "target/y"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(path)
    found = project.put(made.store, folder, folder / "backups")
    assert [f.path for f in found.files] == ["platform.yaml", "models/a.sql"]


def test_a_server_that_is_away(tmp_path: Path) -> None:
    vault.write(tmp_path / "secrets", "admin", "not to be seen")
    admin = flow.Connection("127.0.0.1", 1, "postgres", "postgres", values.Secret("admin"))
    made = points.keep(tmp_path)
    with pytest.raises(errors.StepFailed) as caught:
        live(tmp_path, admin).copy(made.store, 0)
    assert caught.value.code == "backup.server"
    assert "not to be seen" not in str(caught.value)
    assert not list((tmp_path / "run").rglob("pgpass"))


def test_log_from_before_the_copy_is_no_part_of_a_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither what the server sends first, nor what a point of an older version has."""
    made = points.keep(tmp_path)
    store, server = made.store, made.point.servers[0]
    job = jobs.BackupJob(
        "bank", "laptop", "platform.yaml", str(tmp_path), str(tmp_path / "state"), "", "", (), (),
        None, "backups",
    )  # fmt: skip
    asked = making.Making(job, store, made.maker, "id", lambda _: None)
    last = "000000010000000000000005"

    def receive(_: servers.Live, folder: Path) -> None:
        folder.mkdir(parents=True)
        for name in ("000000010000000000000000", last):
            (folder / name).write_bytes(b"log")

    monkeypatch.setattr(servers.Live, "receive", receive)
    early = store.put_bytes(b"early", "000000010000000000000001", pack=True)
    log = (early, *store.tree(server.wal).files)
    admin = flow.Connection("127.0.0.1", 1, "postgres", "postgres", None)
    whole = making.extended(
        asked, live(tmp_path, admin), making.Chain("7", server.base, log), "0/5000060"
    )
    assert [f.path for f in whole.log] == [*points.SEGMENTS, last]
