"""A root folder in a temporary place, and a supervisor on it that every test leaves stopped."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tidewright.kit import files
from tidewright.model import codec, observed
from tidewright.targets.local import description, driver, layout, lock

SECONDS = 20.0


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """A zombie is dead: process 1 of a container may never collect it."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in ("Z", "X")


class Home:
    """One environment's root, with units made of small Python programs."""

    def __init__(self, place: layout.Layout) -> None:
        self.place = place
        self.root = place.root
        self._processes: list[subprocess.Popen[bytes]] = []

    def unit(
        self, name: str, code: str = "import time; time.sleep(1000)", **more: object
    ) -> description.Unit:
        folder = str(self.root / "data" / name)
        argv = (sys.executable, "-S", "-c", code)
        fields = {"role": "test", "kind": "server", "argv": argv, "folder": folder, **more}
        return description.Unit(name=name, **fields)  # type: ignore[arg-type]

    def write(self, *units: description.Unit) -> description.Description:
        found = description.Description("p", "e", units)
        files.replace_private(self.root / description.FILE, codec.dumps(found))
        return found

    def start(self, *units: description.Unit) -> None:
        self.write(*units)
        driver.start(self.place)

    def attach(self, *units: description.Unit) -> subprocess.Popen[bytes]:
        """Its standard input is the leash."""
        self.write(*units)
        process = driver.start(self.place, attached=True)
        assert process is not None
        self._processes.append(process)
        return process

    def service(self, name: str) -> observed.ServiceState | None:
        status = driver.status(self.place)
        if status is None or not driver.runs(self.place, status):
            return None
        return next((s for s in status.services if s.name == name), None)

    def wait(self, name: str, *states: str) -> observed.ServiceState:
        wait_for(lambda: (s := self.service(name)) is not None and s.state in states)
        found = self.service(name)
        assert found is not None
        return found

    def told(self) -> list[str]:
        """What the supervisor's log says, without stamps."""
        text = (self.root / "logs" / "supervisor.log").read_text(encoding="utf-8")
        return [line.partition(" ")[2] for line in text.splitlines()]

    def output(self, name: str) -> str:
        """What a service has said so far."""
        file = self.root / "logs" / f"{name}.log"
        return file.read_text(encoding="utf-8") if file.exists() else ""

    def note(self, name: str) -> Path:
        """A file that a unit's program may write into."""
        return self.root / "run" / name

    def stop(self) -> None:
        driver.ask_stop(self.place)
        wait_for(lambda: lock.holder(self.root) is None)

    def end(self) -> None:
        for process in self._processes:
            process.communicate()
        driver.ask_stop(self.place)
        wait_for(lambda: lock.holder(self.root) is None)
        driver.reap(self.place)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    root = tmp_path / "root"
    for name in layout.FOLDERS:
        files.private_folder(root / name)
    found = Home(layout.Layout(tmp_path, root, None))
    yield found
    found.end()


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
