"""The SQL box's own process: ``python -m tidewright.operations.sqlbox_process``, locked in.

It reads one JSON line of settings, locks itself (limits, account, DuckDB's settings), says so in
one line, and then answers one line for each request until its input ends. It holds no secret and
no connection: the parent (``sqlbox``) pins the commit and sends the paths of metadata files.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

import duckdb

from tidewright import errors
from tidewright.clients import duckdb as clients_duckdb
from tidewright.operations import sqlbox_rules
from tidewright.targets.local import layout

CELL_CHARS = 2_000
ANSWER_CHARS = 4_000_000
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_NUMBERS = ("INT", "DECIMAL", "DOUBLE", "FLOAT", "HUGEINT", "BIGINT")
_TIMES = ("DATE", "TIME")


def main() -> None:
    """Lock the process in, then answer requests one by one."""
    settings = json.loads(sys.stdin.readline())
    _leave_network()
    connection = clients_duckdb.connect(memory_limit=f"{settings['memory_mb']}MB", threads=2)
    connection.execute("set temp_directory = ''")
    clients_duckdb.restrict(connection, [settings["lake"]])
    # The first value of each kind makes DuckDB's client import its converters: they have to be
    # in memory before the account changes, because the other account may not see this Python.
    connection.execute("select now(), 1::decimal(5,2), interval 1 day, uuid()").fetchall()
    note = lock(Path(settings["lake"]), int(settings["address_space_mb"]))
    _say({"ready": True, "note": note})
    for line in sys.stdin:
        _say(answer(connection, json.loads(line)))


def lock(lake: Path, address_space_mb: int) -> str:
    """Give up what a query never needs. The text says what could not be given up."""
    for limit, value in (
        (resource.RLIMIT_AS, address_space_mb << 20),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 1024),
    ):
        _, hard = resource.getrlimit(limit)
        lowest = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (lowest, lowest))
    # A write past RLIMIT_FSIZE then fails with EFBIG instead of killing the process.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    note = _drop_root(lake) if os.geteuid() == 0 else ""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    return note


def _drop_root(lake: Path) -> str:
    """Become an account that nobody is and that is in the group of the lake's readers alone."""
    reader = lake.stat().st_gid
    if reader < layout.READERS or not readable(lake, reader):
        return f"runs as root, because {lake} has no group of readers"
    os.setgroups([])
    os.setresgid(reader, reader, reader)
    os.setresuid(reader, reader, reader)
    return ""


def readable(folder: Path, group: int) -> bool:
    """Whether an account with no right but its group's may enter ``folder`` and list it."""
    place = folder.resolve()
    way = all(_allows(p, group, 0o1) for p in (place, *place.parents))
    return way and _allows(place, group, 0o4)


def _allows(place: Path, group: int, wanted: int) -> bool:
    status = place.stat()
    shift = 3 if status.st_gid == group else 0
    return bool((status.st_mode >> shift) & wanted)


def answer(connection: duckdb.DuckDBPyConnection, request: dict[str, Any]) -> dict[str, Any]:
    """The result of one request, or its error as the fields of a finding."""
    try:
        sqlbox_rules.check(request["sql"], set(request["tables"]))
        for statement in request["views"]:
            connection.execute(statement)
        return _select(connection, request["sql"], int(request["rows"]))
    except errors.PlatformError as reason:
        return _failed(reason.code, reason.what)
    except (duckdb.OutOfMemoryException, MemoryError):
        return _failed("console.sql_memory", "the query needs more memory than the box has")
    except duckdb.Error as reason:
        return _failed("console.sql_failed", str(reason)[:1_000])


def _select(connection: duckdb.DuckDBPyConnection, sql: str, limit: int) -> dict[str, Any]:
    began = time.monotonic()
    kinds = [s.type for s in connection.extract_statements(sql)]
    if kinds != [duckdb.StatementType.SELECT]:
        return _failed("console.sql_refused", "DuckDB does not read this as one SELECT")
    cursor = connection.cursor()
    try:
        cursor.execute(sql)
        columns = [{"name": d[0], "kind": _kind(str(d[1]))} for d in cursor.description or ()]
        rows, truncated = _rows(cursor, limit)
    finally:
        cursor.close()
    seconds = time.monotonic() - began
    return {"columns": columns, "rows": rows, "truncated": truncated, "seconds": seconds}


def _rows(cursor: duckdb.DuckDBPyConnection, limit: int) -> tuple[list[list[str | None]], bool]:
    rows: list[list[str | None]] = []
    size = 0
    while batch := cursor.fetchmany(min(100, limit + 1 - len(rows))):
        for row in batch:
            if len(rows) == limit or size > ANSWER_CHARS:
                return rows, True
            rows.append([None if v is None else str(v)[:CELL_CHARS] for v in row])
            size += sum(len(v) for v in rows[-1] if v)
    return rows, False


def _kind(type_name: str) -> str:
    if type_name.startswith(_TIMES):
        return "time"
    return "number" if any(n in type_name for n in _NUMBERS) and "[" not in type_name else "text"


def _failed(code: str, what: str) -> dict[str, Any]:
    return {"error": {"code": code, "what": what}}


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def _leave_network() -> None:
    """Move to a network of our own without any interface, where the kernel lets us."""
    if sys.platform == "linux":
        user = 0 if os.geteuid() == 0 else _CLONE_NEWUSER
        ctypes.CDLL(None).unshare(user | _CLONE_NEWNET)


def _prctl(option: int, value: int) -> None:
    """Linux only, best effort: the other locks do not depend on it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    main()
