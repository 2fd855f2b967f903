"""The local target with a real PostgreSQL: as root, as another account, and twice side by side."""

from __future__ import annotations

import os
import pwd
import site
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

import tidewright
from tests.e2e import local_life
from tidewright.operations import destroy, release, state, stop, up
from tidewright.targets.local import driver, ports, programs

PROMISES = [
    "up",
    "nothing left after kill -9 of the supervisor",
    "the same data on the same port after a crash",
    "a killed server is started again",
    "nothing left after stop",
    "nothing left after destroy",
]
LARGEST_SUPERVISOR_MB = 30

pytestmark = pytest.mark.e2e


@pytest.fixture
def folder() -> Iterator[Path]:
    """A project that every account may enter; pytest's own folders are for their owner."""
    with tempfile.TemporaryDirectory(prefix="tidewright-e2e-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_a_whole_life_as_who_we_are(folder: Path) -> None:
    done = _run(sys.executable, folder)
    assert done.stdout.splitlines() == PROMISES, done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")
def test_a_whole_life_as_an_ordinary_user(folder: Path) -> None:
    python = _python_for_others()
    if python is None:
        pytest.skip("no Python of this version that another account may run")
    account = pwd.getpwnam("nobody")
    os.chown(folder, account.pw_uid, account.pw_gid)
    done = _run(python, folder, user=account.pw_uid, group=account.pw_gid, extra_groups=[])
    assert done.stdout.splitlines() == PROMISES, done.stderr


def test_two_platforms_side_by_side_do_not_meet(folder: Path) -> None:
    projects = [folder / "one", folder / "two"]
    outcomes = []
    try:
        for project in projects:
            project.mkdir()
            outcomes.append(up.up(local_life.platform(), project, local_life.TALK, 60))
        one, two = (o.place for o in outcomes)
        assert one.root != two.root
        assert not set(ports.read(one.root).values()) & set(ports.read(two.root).values())
        local_life.ask(one, "create table mine as select 1")
        assert local_life.ask(two, "select to_regclass('mine')") is None
        os.kill(outcomes[0].status.pid, 9)
        local_life.wait_for(lambda: not local_life.living(one))
        assert local_life.ask(two, "select 1") == 1
    finally:
        for project in projects[: len(outcomes)]:
            destroy.destroy(state.find(project, None), local_life.TALK)


def test_the_supervisor_stays_small(folder: Path) -> None:
    found = up.up(local_life.platform(), folder, local_life.TALK, 60)
    used = psutil.Process(found.status.pid).memory_info().rss / 2**20
    destroy.destroy(state.find(folder, None), local_life.TALK)
    assert used < LARGEST_SUPERVISOR_MB


def _run(python: str, folder: Path, **account: object) -> subprocess.CompletedProcess[str]:
    source = str(Path(tidewright.__file__).parent.parent)
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join([source, *site.getsitepackages()]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(folder),
    }
    return subprocess.run(
        [python, str(Path(local_life.__file__)), str(folder)],
        capture_output=True, text=True, env=environment, cwd=folder, timeout=120, **account,
    )  # type: ignore[call-overload]  # fmt: skip


def _python_for_others() -> str | None:
    """Ours when another account may run it, else the system's own of the same version."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    candidates = [Path(sys.executable), Path("/usr/bin") / version]
    source = Path(tidewright.__file__)
    if not all(p.stat().st_mode & 0o001 for p in source.parents):
        return None
    real = [p.resolve() for p in candidates if p.exists()]
    return next((str(p) for p in real if programs.is_open(p)), None)


def test_a_released_slot_is_gone_and_marked(folder: Path) -> None:
    wanted = local_life.captured()
    place = up.up(wanted, folder, local_life.TALK, 60).place
    local_life.ask(place, "select pg_create_logical_replication_slot('tide', 'pgoutput')")
    stop.stop(state.find(folder, None), local_life.TALK, give_back=True)
    assert not driver.running(place)
    assert (place.run / release.RELEASED).read_text() == "tide\n"
    up.up(wanted, folder, local_life.TALK, 60)
    assert local_life.ask(place, "select count(*) from pg_replication_slots") == 0
    destroy.destroy(state.find(folder, None), local_life.TALK)
