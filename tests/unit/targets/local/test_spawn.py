from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.targets.local.conftest import Home, needs_root

from tidewright.targets.local import description, spawn
from tidewright.vault import files as vault


def _run(home: Home, unit: description.Unit) -> tuple[str, str]:
    """What ``prepare`` answers, and what its commands print."""

    async def run(output: int) -> str:
        return await spawn.prepare(unit, output)

    spawn.make_folder(unit)
    with home.note("output").open("wb") as output:
        answer = asyncio.run(run(output.fileno()))
    return answer, home.note("output").read_text(encoding="utf-8")


def test_a_preparation_reads_its_secret_from_stdin_and_runs_once(home: Home) -> None:
    vault.write(home.place.secrets, "pw", "open sesame")
    made = home.root / "data" / "db" / "made"
    step = description.Preparation(("sh", "-c", f"cat /dev/stdin; touch {made}"), str(made), "pw")
    unit = home.unit("db", prepare=(step,))
    assert _run(home, unit) == ("", "open sesame\n")
    assert _run(home, unit) == ("", "")


def test_a_preparation_that_fails_says_which(home: Home) -> None:
    step = description.Preparation(("sh", "-c", "exit 3"), str(home.root / "never"))
    assert _run(home, home.unit("db", prepare=(step,)))[0] == "sh ended with 3"


def test_a_preparation_ends_with_the_service_that_is_stopped(home: Home) -> None:
    pid = home.note("pid")
    step = description.Preparation(("sh", "-c", f"echo $$ > {pid}; sleep 100"), "/never")

    async def stop_it(output: int) -> None:
        task = asyncio.create_task(spawn.prepare(home.unit("db", prepare=(step,)), output))
        while not (pid.exists() and pid.read_text(encoding="utf-8")):
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    spawn.make_folder(home.unit("db"))
    with home.note("output").open("wb") as output:
        asyncio.run(stop_it(output.fileno()))
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text(encoding="utf-8")), 0)


@needs_root
def test_a_secret_reaches_another_account_through_dev_stdin(home: Home) -> None:
    """The kernel lets only a pipe's owner open it again by name, as ``initdb`` does."""
    vault.write(home.place.secrets, "pw", "open sesame")
    for folder in (home.root, *home.root.parents):
        if folder.stat().st_mode & 0o001 == 0:
            folder.chmod(0o711)
    (home.root / "data").chmod(0o711)
    step = description.Preparation(("sh", "-c", "id -un; cat /dev/stdin"), "/never", "pw")
    unit = home.unit("db", prepare=(step,), account="nobody")
    assert _run(home, unit) == ("", "nobody\nopen sesame\n")


def test_the_environment_holds_names_of_ours_only(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDEWRIGHT_SECRET_BANK_URL", "postgres://u:p@h/d")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    found = spawn.environment(home.unit("app", env={"MINE": "1"}))
    assert found["MINE"] == "1"
    assert found[description.MARKER] == str(home.root)
    assert not {"TIDEWRIGHT_SECRET_BANK_URL", "AWS_SECRET_ACCESS_KEY"} & found.keys()


def test_a_file_in_the_working_folder_is_no_module(home: Home) -> None:
    unit = home.unit("app", argv=(sys.executable, "-c", "import json; print(json.__file__)"))
    spawn.make_folder(unit)
    (Path(unit.folder) / "json.py").write_text("", encoding="utf-8")
    done = subprocess.run(
        unit.argv, env=spawn.environment(unit), cwd=unit.folder, capture_output=True, text=True
    )
    assert unit.folder not in done.stdout


def _pid_file(home: Home, pid: int, program: str = sys.executable) -> tuple[description.Unit, Path]:
    file = home.note("server.pid")
    file.write_text(f"{pid}\n/some/folder\n", encoding="utf-8")
    return home.unit("db", argv=(program,), pid_file=str(file)), file


def test_the_pid_file_of_a_zombie_is_removed(home: Home) -> None:
    dead = subprocess.Popen(["true"])
    os.waitid(os.P_PID, dead.pid, os.WEXITED | os.WNOWAIT)
    unit, file = _pid_file(home, dead.pid)
    spawn.forget_dead(unit)
    dead.wait()
    assert not file.exists()


def test_the_pid_file_that_names_a_stranger_is_removed(home: Home) -> None:
    unit, file = _pid_file(home, os.getpid(), "/bin/sh")
    spawn.forget_dead(unit)
    assert not file.exists()


def test_the_pid_file_of_a_living_server_stays(home: Home) -> None:
    unit, file = _pid_file(home, os.getpid())
    spawn.forget_dead(unit)
    assert file.exists()


def test_what_outlived_its_parent_is_ended_and_a_stranger_is_not(home: Home) -> None:
    unit = home.unit("db", argv=("/bin/sleep", "100"))
    spawn.make_folder(unit)
    places = (Path(unit.folder), home.root)
    ours, stranger = (
        subprocess.Popen(unit.argv, cwd=place, start_new_session=True) for place in places
    )
    spawn.end_orphans(unit)
    assert ours.wait(10) == -9
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()
