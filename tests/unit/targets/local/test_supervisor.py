"""A real supervisor with tiny services: order of health, convergence, order of stopping."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys

from tests.unit.targets.local.conftest import Home, is_alive, wait_for

from tidewright.model import codec
from tidewright.targets.local import description, driver, lock


def test_a_service_waits_until_its_need_is_healthy(home: Home) -> None:
    ready = home.note("ready")
    probe = description.CommandProbe(("test", "-e", str(ready)))
    home.start(home.unit("db", probe=probe), home.unit("app", needs=("db",)))
    home.wait("db", "starting")
    assert home.wait("app", "waiting").message == "waits for db"
    assert home.service("app") == home.wait("app", "waiting")
    ready.touch()
    home.wait("app", "running")
    told = home.told()
    assert told.index("db running") < told.index("app starting")


def test_a_task_is_done_before_its_dependents_start(home: Home) -> None:
    task = home.unit("grant", "print('granted')", kind="task")
    home.start(task, home.unit("app", needs=("grant",)))
    home.wait("app", "running")
    assert home.service("grant").state == "done"
    told = home.told()
    assert told.index("grant done") < told.index("app starting")


def test_a_failing_task_is_tried_again_until_it_succeeds(home: Home) -> None:
    file = str(home.note("tries"))
    code = f"import os, sys; n = os.path.exists({file!r}); open({file!r}, 'a'); sys.exit(not n)"
    home.start(home.unit("grant", code, kind="task"))
    assert home.wait("grant", "done").restarts == 1


def test_a_service_killed_is_started_again(home: Home) -> None:
    home.start(home.unit("app"))
    first = home.wait("app", "running")
    os.kill(first.pid, signal.SIGKILL)
    wait_for(lambda: (s := home.service("app")) and s.restarts == 1 and s.state == "running")
    assert home.service("app").pid != first.pid
    assert any("was ended by SIGKILL" in line for line in home.told())


def test_the_reason_of_a_failure_is_its_last_telling_line(home: Home) -> None:
    home.start(home.unit("app", "import sys; print('bad: ERROR no space left'); sys.exit(3)"))
    found = home.wait("app", "backoff")
    assert "ended with exit code 3: bad: ERROR no space left; starts again in" in found.message


def test_a_program_that_is_not_there_says_so(home: Home) -> None:
    home.start(home.unit("app", argv=("/no/such/program",)))
    assert "cannot be started" in home.wait("app", "backoff").message


def test_stop_goes_backwards(home: Home) -> None:
    """The later in the order, the longer a service takes: all at once would turn it round."""
    file = str(home.note("stops"))

    def takes(seconds: float) -> str:
        return (
            "import os, signal, sys, time\n"
            "def end(*_):\n"
            f"    time.sleep({seconds})\n"
            f"    open({file!r}, 'a').write(os.path.basename(os.getcwd()) + ' ')\n"
            "    sys.exit()\n"
            "signal.signal(signal.SIGTERM, end)\n"
            "print('on', flush=True)\n"
            "time.sleep(1000)\n"
        )

    home.start(
        home.unit("a", takes(0)),
        home.unit("b", takes(0.2), needs=("a",)),
        home.unit("c", takes(0.4), needs=("b",)),
    )
    wait_for(lambda: all("on" in home.output(name) for name in "abc"))
    home.stop()
    assert home.note("stops").read_text().split() == ["c", "b", "a"]
    assert driver.status(home.place).state == "stopped"
    assert {s.state for s in driver.status(home.place).services} == {"stopped"}


def test_a_service_that_ignores_its_signal_is_killed_after_its_deadline(home: Home) -> None:
    code = (
        "import signal; signal.signal(15, signal.SIG_IGN); print('on', flush=True); signal.pause()"
    )
    home.start(home.unit("app", code, stop_seconds=0.3))
    pid = home.wait("app", "running").pid
    wait_for(lambda: "on" in home.output("app"))
    home.stop()
    assert not is_alive(pid)
    assert "did not stop in" in home.output("app")


def test_a_second_supervisor_on_the_same_root_is_refused(home: Home) -> None:
    home.start(home.unit("app"))
    argv = [sys.executable, "-m", "tidewright.targets.local.supervisor", "--root", str(home.root)]
    second = subprocess.run(argv, capture_output=True, text=True)
    assert second.returncode == 4
    assert "another supervisor" in second.stderr


def test_reload_starts_new_stops_removed_restarts_changed_and_leaves_the_rest(home: Home) -> None:
    stays, changes, goes = home.unit("stays"), home.unit("changes"), home.unit("goes")
    home.start(stays, changes, goes)
    before = {n: home.wait(n, "running").pid for n in ("stays", "changes", "goes")}
    other = home.unit("changes", env={"X": "1"})
    wanted = home.write(stays, other, home.unit("comes"))
    driver.reload(home.place)
    wait_for(lambda: driver.status(home.place).description == wanted.digest)
    home.wait("comes", "running")
    assert home.wait("changes", "running").pid != before["changes"]
    assert home.service("stays").pid == before["stays"]
    assert home.service("goes") is None
    assert not is_alive(before["goes"])


def test_a_live_service_keeps_running_when_only_its_job_changes(home: Home) -> None:
    home.start(home.unit("app", live=True, job_digest="1"), home.unit("old", job_digest="1"))
    before = home.wait("app", "running").pid, home.wait("old", "running").pid
    wanted = home.write(
        home.unit("app", live=True, job_digest="2"), home.unit("old", job_digest="2")
    )
    driver.reload(home.place)
    wait_for(lambda: driver.status(home.place).description == wanted.digest)
    assert home.wait("app", "running").pid == before[0]
    assert home.wait("old", "running").pid != before[1]


def test_a_damaged_description_changes_nothing(home: Home) -> None:
    home.start(home.unit("app"))
    pid = home.wait("app", "running").pid
    (home.root / description.FILE).write_text("{", encoding="utf-8")
    driver.reload(home.place)
    wait_for(lambda: any("cannot be read" in line for line in home.told()))
    assert home.service("app").pid == pid


def test_an_attached_supervisor_ends_with_its_standard_input(home: Home) -> None:
    process = home.attach(home.unit("app"))
    pid = home.wait("app", "running").pid
    process.stdin.close()
    wait_for(lambda: lock.holder(home.root) is None)
    assert not is_alive(pid)


def test_a_heartbeat_from_before_the_start_does_not_count(home: Home) -> None:
    beat = home.note("beat.json")
    beat.write_text('{"at_ms": 1, "healthy": true}', encoding="utf-8")
    probe = description.HeartbeatProbe(str(beat), 1e12)
    code = (
        f"import json, time; time.sleep(0.3); f = open({str(beat)!r}, 'w'); "
        "beat = {'at_ms': int(time.time() * 1000), 'healthy': True, 'message': 'hello'}; "
        "json.dump(beat, f); f.close(); time.sleep(1000)"
    )
    home.start(home.unit("app", code, probe=probe))
    assert home.wait("app", "running").message == "hello"
    assert codec.loads(dict, beat.read_text())["at_ms"] > 1


def test_a_port_taken_by_a_stranger_is_named(home: Home) -> None:
    import socket

    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        port = stranger.getsockname()[1]
        home.start(home.unit("app", ports=(port,)))
        assert f"port {port} is in use by another program" in home.wait("app", "backoff").message


def test_a_supervisor_whose_folder_is_gone_ends(home: Home) -> None:
    home.start(home.unit("app"))
    pid = home.wait("app", "running").pid
    shutil.rmtree(home.root)
    wait_for(lambda: not is_alive(pid))
