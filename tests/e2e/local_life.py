"""A whole life of a small real platform, as whoever runs this: ``python local_life.py FOLDER``.

One bundled PostgreSQL: up, crash, up, stop, destroy. Prints one line for each promise that held;
``test_local_postgres`` reads them. A program of its own, so that it can run as another account.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tidewright.clients import postgres
from tidewright.components.postgres import program
from tidewright.model import components, flow, jobs, observed, values
from tidewright.model import platform as nouns
from tidewright.operations import destroy, state, stop, up
from tidewright.targets.local import driver, layout, ports

TALK = up.Talk(lambda line: print(line, file=sys.stderr), lambda _: True)
ADMIN = values.Secret("store-admin")


def platform(env: str = "laptop") -> nouns.Platform:
    server = program.server(components.Server("store", "catalog and marts", ADMIN, logical=False))
    return nouns.Platform("bank", env, "local", (server,), (), (ADMIN.name,), ())


def captured() -> nouns.Platform:
    """The same server as a managed source, and a capture that only sleeps."""
    server = program.server(components.Server("store", "the source", ADMIN, logical=True))
    host, port = (values.Ref("store", program.PORT, prop) for prop in ("host", "port"))
    login = flow.Connection(host, port, "postgres", "postgres", ADMIN)
    job = jobs.CaptureJob(
        name="bank",
        source=flow.PostgresSource("bank", login, "pub", "tide", managed=True),
        capture=flow.Capture("bank", ("public.kept",), "raw_data"),
        lake=jobs.Lake(login, values.Folder("lake")),
        secrets=values.Folder("secrets"),
        status=values.Folder("run", "capture.json"),
    )
    process = nouns.Process(("sleep", "1000"), job=job)
    capture = nouns.Service("capture", "follows", "capture", process, needs=("store",))
    return nouns.Platform("bank", "laptop", "local", (server, capture), (), (ADMIN.name,), ())


def ask(place: layout.Layout, sql: str) -> object:
    """One value from the server."""
    port = ports.read(place.root)["store.sql"]
    connection = flow.Connection("127.0.0.1", port, "postgres", "postgres", ADMIN)
    with postgres.connect(connection, place.secrets) as session:
        cursor = session.execute(sql.encode())
        row = cursor.fetchone() if cursor.description else None
    return row[0] if row else None


def living(place: layout.Layout) -> list[str]:
    """The command lines of living processes that name the environment's root, but for ours."""
    argv = ["ps", "axww", "-o", "pid=,stat=,args="]
    listed = subprocess.run(argv, capture_output=True, text=True)
    lines = (line.split(None, 2) for line in listed.stdout.splitlines())
    return [
        args
        for pid, stat, args in (words for words in lines if len(words) == 3)
        if str(place.root) in args and not stat.startswith("Z") and int(pid) != os.getpid()
    ]


def wait_for(condition: object) -> None:
    deadline = time.monotonic() + 30
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def _store(place: layout.Layout) -> observed.ServiceState | None:
    status = driver.status(place)
    return status.services[0] if status else None


def live(folder: Path) -> None:
    first = up.up(platform(), folder, TALK, 60)
    place = first.place
    ask(place, "create table kept as select 42 as answer")
    print("up")
    before = ports.read(place.root)
    os.kill(first.status.pid, signal.SIGKILL)
    wait_for(lambda: not living(place))
    print("nothing left after kill -9 of the supervisor")
    second = up.up(platform(), folder, TALK, 60)
    assert ask(place, "select answer from kept") == 42
    assert ports.read(place.root) == before
    print("the same data on the same port after a crash")
    os.kill(second.status.services[0].pid or 0, signal.SIGKILL)
    wait_for(
        lambda: (
            (s := driver.status(place)) and s.services[0].restarts == 1 and s.services[0].healthy
        )
    )
    assert ask(place, "select answer from kept") == 42
    print("a killed server is started again")
    found = state.find(folder, None)
    stop.stop(found, TALK)
    wait_for(lambda: not living(place))
    print("nothing left after stop")
    destroy.destroy(found, TALK)
    assert not place.root.exists()
    print("nothing left after destroy")


if __name__ == "__main__":
    project = Path(sys.argv[1])
    try:
        live(project)
    except BaseException:
        destroy.destroy(state.find(project, None), TALK)
        raise
