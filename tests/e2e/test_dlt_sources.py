"""dlt itself, from PyPI: two syncs of an incremental and a full resource, with kills in between.

The source is a REST interface that the test serves; records, order and state are compared exactly.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.unit.pipelines.load.loading import Load
from tidewright.model import codec, flow, observed
from tidewright.pipelines.core.faults import VARIABLE
from tidewright.testing import lakes
from tidewright.testing.postgres import TempPostgres
from tidewright.vault import files as vault

pytestmark = pytest.mark.heavy
SOURCE = """
import dlt
from dlt.sources.rest_api import rest_api_source


def source(config):
    orders = {
        "name": "orders",
        "endpoint": {
            "path": "orders",
            "incremental": {"start_param": "since", "cursor_path": "at", "initial_value": 0},
        },
        "primary_key": "id",
        "write_disposition": "append",
    }
    things = {"name": "things", "endpoint": "things", "write_disposition": "replace"}
    return rest_api_source(
        {
            "client": {
                "base_url": config["url"],
                "auth": {"type": "bearer", "token": config["token"]},
                "paginator": "single_page",
            },
            "resources": [orders, things],
        }
    )
"""


class Interface(BaseHTTPRequestHandler):
    """Orders from a cursor on, the one at it again; things as they are. Asks for its token."""

    rows: dict[str, list[dict[str, Any]]]
    asked: list[str]

    def do_GET(self) -> None:
        name, _, query = self.path.strip("/").partition("?")
        since = int(query.removeprefix("since=") or 0)
        known = self.headers["Authorization"] == "Bearer s3cr3t"
        body = json.dumps([r for r in self.rows[name] if r.get("at", since) >= since])
        self.asked.append(self.path)
        self.send_response(200 if known else 401)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body.encode() if known else b"{}")

    def log_message(self, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def interface() -> Iterator[tuple[type[Interface], str]]:
    found = type("Served", (Interface,), {"rows": {"orders": [], "things": []}, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), found)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield found, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def load(postgres: TempPostgres, tmp_path: Path) -> Iterator[Load]:
    with lakes.TempLake(postgres, tmp_path) as lake:
        running = Load(lake, tmp_path)
        yield running
        running.end()


def _killed(load: Load, point: str) -> None:
    """A worker of its own that gets kill -9 where it passes ``point``."""
    load.end()
    job = load.folder / "job.json"
    job.write_text(codec.dumps(load.job))
    argv = [sys.executable, "-m", "tidewright.pipelines.load", "--job", str(job)]
    done = subprocess.run(argv, env={**os.environ, VARIABLE: point}, timeout=300, check=False)
    assert done.returncode == -signal.SIGKILL, f"{point} was never passed"


def _order(number: int) -> dict[str, Any]:
    lines = [{"n": number, "of": "x"}]
    return {"id": number, "at": 100 + number, "total": number / 4, "customerLines": lines}


def _held(load: Load) -> list[dict[str, Any]]:
    wanted = ("id", "at", "total", "customer_lines")
    return [{name: row[name] for name in wanted} for row in load.rows("orders")]


def _expected(count: int) -> list[dict[str, Any]]:
    """In the columns that dlt makes of the records; nested data is JSON text."""
    found = [_order(number) for number in range(1, count + 1)]
    for order in found:
        order["customer_lines"] = json.dumps(order.pop("customerLines"), separators=(",", ":"))
    return found


def test_it_repeats_nothing_and_skips_nothing(
    load: Load, interface: tuple[type[Interface], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(load.folder / "cache"))
    served, url = interface
    (load.folder / "orders.py").write_text(SOURCE)
    vault.write(load.lake.folder / "secrets", "token", "s3cr3t")
    config = {"url": url, "token": {"secret": "token"}}
    load.told(connector=flow.Connector("dlt", "orders.py", config), streams=(), timeout=90.0)
    served.rows["orders"] = [_order(number) for number in range(1, 8)]
    served.rows["things"] = [{"name": "a", "n": 1}, {"name": "b", "n": 2}]

    _killed(load, "page_staged")  # before the commit
    assert load.rows("orders") == []
    load.sync()
    assert _held(load) == _expected(7)
    assert [(r["name"], r["n"]) for r in load.rows("things")] == [("a", 1), ("b", 2)]

    served.rows["orders"] += [_order(number) for number in range(8, 12)]
    served.rows["things"] = [{"name": "c", "n": 3}]
    served.asked.clear()
    _killed(load, "page_staged")
    assert "/orders?since=107" in served.asked, "it goes on from the state of the commit"
    assert _held(load) == _expected(7)
    _killed(load, "committed")
    running = load.sync()
    assert _held(load) == _expected(11)
    assert [r["_seq"] for r in load.rows("orders")] == list(range(1, 12))
    assert [(r["name"], r["n"]) for r in load.rows("things")] == [("c", 3)]
    assert running.failures == 0
    commits = running.lake.position
    assert load.sync().lake.position == commits, "nothing new is no commit"
    assert not list((load.folder / "scratch").glob("dlt-*")), "nothing of it stays on disk"

    vault.write(load.lake.folder / "secrets", "token", "wr0ngone")
    load.sync()
    told = codec.loads(observed.MoverStatus, (load.folder / "mover-load.json").read_text())
    assert "401" in told.message
    assert "wr0ngone" not in told.message
    assert _held(load) == _expected(11)
