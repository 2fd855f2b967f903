"""A platform of tiny services, and an environment that every test leaves stopped."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tidewright.model import flow, jobs, values
from tidewright.model import platform as nouns
from tidewright.operations import state, up, waiting
from tidewright.targets.local import driver, layout
from tidewright.testing import lakes
from tidewright.testing.postgres import TempPostgres

STAY = "import time; time.sleep(1000)"


def service(name: str, code: str = STAY, **more: object) -> nouns.Service:
    process = nouns.Process((sys.executable, "-S", "-c", code))
    fields = {"role": "test", "component": "test", "process": process, **more}
    return nouns.Service(name, **fields)  # type: ignore[arg-type]


def platform(*services: nouns.Service, env: str = "laptop", **more: object) -> nouns.Platform:
    fields = {"endpoints": (), "secrets": (), "grants": (), **more}
    return nouns.Platform("bank", env, "local", services, **fields)  # type: ignore[arg-type]


def capturing(*tables: str, managed: bool = False, source: str = "bank") -> nouns.Service:
    """A capture service; its process only sleeps."""
    connection = flow.Connection("127.0.0.1", 1, "bank", "u", None)
    job = jobs.CaptureJob(
        name=source,
        source=flow.PostgresSource(source, connection, "pub", "slot_a", managed),
        capture=flow.Capture(source, tables, "raw_data"),
        lake=jobs.Lake(connection, values.Folder("lake")),
        secrets=values.Folder("secrets"),
        status=values.Folder("run", "capture.json"),
    )
    process = nouns.Process((sys.executable, "-S", "-c", STAY), job=job)
    return nouns.Service("capture", "follows", "capture", process, live=True)


class Talking:
    """Remembers what was said, and answers every question the same."""

    def __init__(self, answer: bool = True) -> None:
        self.said: list[str] = []
        self.asked: list[str] = []
        self._answer = answer

    @property
    def talk(self) -> up.Talk:
        return up.Talk(self.said.append, self._ask)

    def _ask(self, question: str) -> bool:
        self.asked.append(question)
        return self._answer


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a platform in it. Whatever runs there at the end of the test is stopped."""
    monkeypatch.setattr(layout, "SYSTEM", tmp_path / "system")
    folder = tmp_path / "project"
    folder.mkdir()
    yield folder
    for name in layout.environments(folder):
        place = layout.locate(folder, name)
        assert place is not None
        driver.ask_stop(place)
        waiting.until_stopped(place, waiting.Teller(print), 20)


Started = Callable[..., state.Environment]


@pytest.fixture
def started(project: Path) -> Started:
    """Bring a platform up and return its environment."""

    def start(*services: nouns.Service, **more: object) -> state.Environment:
        wanted = platform(*services, **more)
        up.up(wanted, project, Talking().talk, 20)
        return state.find(project, wanted.environment)

    return start


@pytest.fixture
def lake(postgres: TempPostgres, tmp_path: Path) -> Iterator[lakes.TempLake]:
    with lakes.TempLake(postgres, tmp_path) as found:
        yield found
