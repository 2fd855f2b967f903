"""Nothing of ours outlives its supervisor, in whatever way it dies."""

from __future__ import annotations

import os
import signal

import psutil
from tests.unit.targets.local.conftest import Home, is_alive, wait_for

from tidewright.targets.local import driver, lock, reaper, reaper_command

# A child, a grandchild in the same session, and one that made a session of its own.
FAMILY = (
    "import subprocess, sys, time\n"
    "a = subprocess.Popen(['sleep', '1000'])\n"
    "b = subprocess.Popen(['sleep', '1000'], start_new_session=True)\n"
    "open(sys.argv[1], 'w').write(f'{a.pid} {b.pid}')\n"
    "time.sleep(1000)\n"
)


def _start_family(home: Home, code: str = FAMILY) -> tuple[int, list[int]]:
    """The supervisor's pid, and those of the service and its descendants."""
    file = home.note("family")
    unit = home.unit("app", code)
    home.start(home.unit("app", argv=(*unit.argv, str(file))))
    app = home.wait("app", "running").pid
    wait_for(lambda: file.exists() and len(file.read_text().split()) == 2)
    wait_for(lambda: "app" in (home.root / "run" / reaper_command.RUN_FILE).read_text())
    supervisor = lock.holder(home.root)
    assert supervisor
    return supervisor, [app, *map(int, file.read_text().split())]


def test_kill_of_the_supervisor_takes_children_and_grandchildren(home: Home) -> None:
    supervisor, family = _start_family(home)
    os.kill(supervisor, signal.SIGKILL)
    wait_for(lambda: not any(is_alive(pid) for pid in family))


def test_the_next_command_reaps_what_a_crash_of_supervisor_and_guardian_left(home: Home) -> None:
    supervisor, family = _start_family(home)
    guardian = next(p for p in _children(supervisor) if p not in family)
    os.kill(guardian, signal.SIGSTOP)
    os.kill(supervisor, signal.SIGKILL)
    os.kill(guardian, signal.SIGKILL)
    wait_for(lambda: not driver.running(home.place))
    assert all(is_alive(pid) for pid in family)
    assert driver.reap(home.place) == 3
    assert not any(is_alive(pid) for pid in family)
    assert driver.reap(home.place) == 0


def test_a_session_outlives_its_leader_and_is_reaped(home: Home) -> None:
    supervisor, family = _start_family(home)
    guardian = next(p for p in _children(supervisor) if p not in family)
    for pid in (guardian, supervisor, family[0]):
        os.kill(pid, signal.SIGSTOP)
    for pid in (guardian, supervisor, family[0]):
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not driver.running(home.place))
    driver.reap(home.place)
    assert not any(is_alive(pid) for pid in family)


def test_a_new_supervisor_reaps_before_it_starts(home: Home) -> None:
    supervisor, family = _start_family(home)
    guardian = next(p for p in _children(supervisor) if p not in family)
    for pid in (guardian, supervisor):
        os.kill(pid, signal.SIGSTOP)
        os.kill(pid, signal.SIGKILL)
    home.note("family").unlink()
    _start_family(home)
    assert not any(is_alive(pid) for pid in family)


def test_nothing_is_reaped_while_a_supervisor_runs(home: Home) -> None:
    _, family = _start_family(home)
    assert driver.reap(home.place) == 0
    assert all(is_alive(pid) for pid in family)


def test_a_guardian_that_dies_is_replaced(home: Home) -> None:
    supervisor, family = _start_family(home)
    first = next(p for p in _children(supervisor) if p not in family)
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: [p for p in _children(supervisor) if p not in (*family, first)])
    os.kill(supervisor, signal.SIGKILL)
    wait_for(lambda: not any(is_alive(pid) for pid in family))


def test_an_ordered_stop_leaves_no_run_file_entry_and_no_guardian(home: Home) -> None:
    supervisor, family = _start_family(home)
    guardian = next(p for p in _children(supervisor) if p not in family)
    home.stop()
    assert not reaper_command.has_leftovers(home.root)
    assert not is_alive(guardian)


def _seen(
    pid: int, parent: int = 1, session: int = 0, started: float = 0.0, root: str | None = None
) -> reaper.Seen:
    return reaper.Seen(pid, parent, session or pid, started, root)


def test_family_is_the_marked_the_recorded_and_their_descendants() -> None:
    seen = [
        _seen(10, root="/r"),
        _seen(11, parent=10),
        _seen(12, parent=11),
        _seen(13, session=10),
        _seen(20, started=5.0),
        _seen(30, root="/other"),
        _seen(31),
    ]
    assert reaper.family(seen, "/r", {20: 5.5}) == {10, 11, 12, 13, 20}


def test_a_stranger_with_a_recorded_number_is_left_alone() -> None:
    seen = [_seen(20, started=500.0), _seen(21, parent=20), _seen(22, session=20)]
    assert reaper.family(seen, "/r", {20: 5.0}) == frozenset()


def test_a_session_without_its_recorded_leader_is_ours() -> None:
    assert reaper.family([_seen(22, session=20)], "/r", {20: 5.0}) == {22}


def _children(pid: int) -> list[int]:
    return [child.pid for child in psutil.Process(pid).children()]
