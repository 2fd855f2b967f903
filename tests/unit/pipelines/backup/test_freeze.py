"""Frozen processes stand still, and go on in every case."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tidewright.pipelines.backup import freeze

HOLD = """
import sys, time
from tidewright.pipelines.backup import freeze
with freeze.frozen([int(sys.argv[1])]):
    print("frozen", flush=True)
    time.sleep(1000)
"""


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", "import time; time.sleep(1000)"], start_new_session=True
    )
    yield process
    process.kill()
    process.wait()


def state(process: subprocess.Popen[bytes]) -> str:
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]


def until(process: subprocess.Popen[bytes], *wanted: str) -> None:
    deadline = time.monotonic() + 30
    while state(process) not in wanted:
        assert time.monotonic() < deadline, state(process)
        time.sleep(0.02)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_stands_still_inside_and_goes_on_after(sleeper: subprocess.Popen[bytes]) -> None:
    with freeze.frozen([sleeper.pid]):
        until(sleeper, "T")
    until(sleeper, "S", "R")


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_goes_on_when_the_one_who_froze_it_is_killed(sleeper: subprocess.Popen[bytes]) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(sleeper.pid)], stdout=subprocess.PIPE
    )
    assert holder.stdout is not None and holder.stdout.readline() == b"frozen\n"
    until(sleeper, "T")
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    until(sleeper, "S", "R")


def test_freezes_what_moves_rows_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    services = [
        {"name": name, "pid": pid}
        for name, pid in (("store", 1), ("console", 2), ("backup", 3), ("capture", 4), ("x", None))
    ]
    (tmp_path / "run" / "supervisor.json").write_text(json.dumps({"services": services}))
    assert freeze.movers(tmp_path, ["store"]) == (4,)
    assert freeze.running(tmp_path, ["console", "x", "absent"]) == (2,)
    assert freeze.movers(tmp_path / "absent", []) == ()
