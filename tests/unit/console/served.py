"""A console served in a thread of this process, and a plain HTTP client for it."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from tests.unit.console import desks

from tidewright.console import __main__ as program
from tidewright.console import app, backend, live
from tidewright.model import jobs
from tidewright.vault import files as vault

SECRETS = ("console", "catalog", "metrics")


@dataclass(frozen=True)
class Reply:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass(frozen=True)
class Console:
    port: int
    secrets: Path
    desk: Any

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def bearer(self, name: str = "console") -> dict[str, str]:
        return {"Authorization": f"Bearer {vault.read(self.secrets, name)}"}

    def cookie(self) -> dict[str, str]:
        return {"Cookie": f"tidewright_{self.port}={self.desk.session()}"}

    def ask(
        self,
        path: str,
        headers: Mapping[str, str] | None = None,
        method: str = "GET",
        body: bytes | None = None,
    ) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        with contextlib.closing(connection):
            connection.request(method, path, body, dict(headers or {}))
            reply = connection.getresponse()
            return Reply(reply.status, reply.headers, reply.read())


def make_secrets(folder: Path) -> Path:
    for name in SECRETS:
        vault.generate(folder, name)
    return folder


@contextlib.contextmanager
def serving(desk: backend.Desk, secrets: Path) -> Iterator[Console]:
    """Serve ``desk`` on a free port until the block ends."""
    listener = program.listen(0)
    port = listener.getsockname()[1]
    job = jobs.ConsoleJob(
        "platform.yaml", "laptop", str(secrets.parent), port, str(secrets), "bank"
    )
    feed = live.Live(desk)
    config = uvicorn.Config(
        app.build(job, desk, feed), http="h11", ws="none", log_config=None, access_log=False,
        server_header=False, timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        yield Console(port, secrets, desk)
    finally:
        feed.close()
        server.should_exit = True
        thread.join(20)
        listener.close()


def fake(secrets: Path) -> desks.FakeDesk:
    return desks.FakeDesk(make_secrets(secrets))
