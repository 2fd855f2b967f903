"""Calls to the lake's catalog over HTTP, as query engines make them; each answer is checked.

Names are compared with the catalog database, and a table's metadata with the file that it names.
"""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from tidewright.clients import postgres
from tidewright.model import flow
from tidewright.operations.bench.guided.asking import Asked

_NAMES = """
select table_namespace, array_agg(table_name::text order by table_name) from iceberg_tables
where catalog_name = 'lake' group by 1
"""
CALLERS = 4


@dataclass(frozen=True, slots=True)
class Front:
    """``url``: of the catalog's REST front, ``token`` opens it; ``catalog``: the database."""

    url: str
    token: str
    catalog: flow.Connection
    secrets: Path


def call(front: Front, seconds: float) -> tuple[Asked, float]:
    """Calls from several sides for a while; what they saw, and calls a minute."""
    names = _names(front)
    found, lock = Asked(), threading.Lock()

    def work() -> None:
        one = _Caller(front, names)
        one.run(time.monotonic() + seconds)
        with lock:
            found.add(one.seen)

    threads = [threading.Thread(target=work) for _ in range(CALLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found, len(found.seconds.get("call", ())) / seconds * 60


class _Caller:
    """One connection that is kept, as clients do."""

    def __init__(self, front: Front, names: Mapping[str, Sequence[str]]) -> None:
        self._at = urlsplit(front.url)
        self._headers = {"Authorization": f"Bearer {front.token}"}
        self._names = names
        self.seen = Asked()

    def run(self, until: float) -> None:
        paths = ["/namespaces"]
        for space, tables in self._names.items():
            paths.append(f"/namespaces/{space}/tables")
            paths += [f"/namespaces/{space}/tables/{table}" for table in tables]
        connection = self._connection()
        for path in itertools.cycle(paths):
            if time.monotonic() >= until:
                break
            began = time.monotonic()
            try:
                connection.request("GET", f"{self._at.path}/v1{path}", headers=self._headers)
                answer = connection.getresponse()
                body = json.loads(answer.read())
            except (OSError, http.client.HTTPException, ValueError):
                self.seen.failed += 1
                connection.close()
                continue
            self.seen.took("call", time.monotonic() - began)
            self._judge(path, answer.status, body)
        connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(str(self._at.hostname), self._at.port or 80, timeout=10)

    def _judge(self, path: str, status: int, body: Mapping[str, Any]) -> None:
        self.seen.answers += 1
        if status != 200:
            self.seen.blame(path, f"answered {status}")
        elif path == "/namespaces":
            self._same(path, sorted(n[0] for n in body["namespaces"]), sorted(self._names))
        elif path.endswith("/tables"):
            space = path.split("/")[2]
            given = sorted(one["name"] for one in body["identifiers"])
            self._same(path, given, sorted(self._names[space]))
        else:
            file = Path(str(body["metadata-location"]).removeprefix("file://"))
            self._same(path, body["metadata"], json.loads(file.read_bytes()))

    def _same(self, path: str, given: object, wanted: object) -> None:
        if given != wanted:
            self.seen.blame(path, "the answer is not what the catalog has")


def _names(front: Front) -> dict[str, list[str]]:
    with postgres.connect(front.catalog, str(front.secrets)) as conn:
        try:
            return dict(conn.execute(_NAMES).fetchall())
        except psycopg.errors.UndefinedTable:
            return {}
