"""Runs the user's connector file, and says what it does as messages on stdout.

One request, one line of JSON on stdin, is answered; then it ends. When stdin ends first, the
worker is gone and so are we. What the connector prints goes to the log.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from datetime import time as clock
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from tidewright.pipelines.load import messages

NEEDED = ("streams", "read")


class Unfit(Exception):
    """The file is no connector, or answered in another shape than the protocol's."""


def main() -> int:
    """0 when the request was answered, 1 when the connector could not."""
    out = _own_stdout()
    request = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_worker, daemon=True).start()
    script = Path(request["script"])

    def say(message: Mapping[str, Any]) -> None:
        out.write(json.dumps(message, default=plain, allow_nan=False) + "\n")

    try:
        _answer(load(script)(request.get("config") or {}), request, say)
    except Exception as reason:  # the user's code may raise anything at all
        say(messages.failed(None, told(script, reason)))
        return 1
    finally:
        out.flush()
    return 0


def _answer(connector: Any, request: Mapping[str, Any], say: Callable[..., None]) -> None:
    match request["do"]:
        case "discover":
            say(_catalog(connector))
        case "read":
            found = _catalog(connector)
            say(found)
            streams = {s["name"]: s for s in found["catalog"]["streams"]}
            for name in (n for n in request["streams"] or streams if n in streams):
                _try_read(connector, streams[name], request, say)
        case "totals":
            say(_catalog(connector))
            for name in request["streams"] if hasattr(connector, "totals") else ():
                counted = connector.totals(name, request["states"].get(name))
                say(messages.totals(name, counted["rows"], counted.get("sums") or {}))


def _try_read(
    connector: Any, stream: Mapping[str, Any], request: Mapping[str, Any], say: Callable[..., None]
) -> None:
    """One stream; that it fails is its own affair, and the next one is read all the same.

    A full one begins without a state, unless it is unchanged since that.
    """
    name, full = stream["name"], "incremental" not in stream["supported_sync_modes"]
    state = request["states"].get(name)
    try:
        if full and state is not None and _is_unchanged(connector, name, state):
            say(messages.ended(name, "UNCHANGED"))
            return
        _read(connector, name, None if full else state, say)
    except Exception as reason:  # the user's code may raise anything at all
        traceback.print_exc()
        say(messages.failed(name, told(Path(request["script"]), reason)))


def _is_unchanged(connector: Any, name: str, state: Any) -> bool:
    return hasattr(connector, "unchanged") and connector.unchanged(name, state) is True


def _read(connector: Any, name: str, state: Any, say: Callable[..., None]) -> None:
    """Every page of a stream, each followed by its state."""
    for page in connector.read(name, state):
        if not isinstance(page, tuple) or len(page) != 2:
            raise Unfit(f"read({name!r}, ...) yields {type(page).__name__}, not (records, state)")
        records, state = page
        count = 0
        for record in _each(name, records):
            say(messages.record(name, record, int(time.time() * 1000)))
            count += 1
        say(messages.state(name, state, count))
    say(messages.ended(name, "COMPLETE"))


def _each(name: str, records: Any) -> Iterator[Mapping[str, Any]]:
    if not isinstance(records, list | tuple):
        raise Unfit(f"a page of {name} is {type(records).__name__}, not a list of records")
    for record in records:
        if not isinstance(record, dict):
            raise Unfit(f"a record of {name} is {type(record).__name__}, not a dict")
        yield record


def _catalog(connector: Any) -> dict[str, Any]:
    identity = connector.identity() if hasattr(connector, "identity") else None
    return messages.catalog([_stream(s) for s in connector.streams()], identity)


def _stream(found: Mapping[str, Any]) -> dict[str, Any]:
    """A stream of the connector's short form, in Airbyte's long one."""
    mode = found.get("mode", "full")
    if mode not in ("full", "incremental"):
        raise Unfit(f"{found['name']}: mode {mode!r} is neither full nor incremental")
    modes = ["full_refresh"] if mode == "full" else ["full_refresh", "incremental"]
    cursor = found.get("cursor")
    return {
        "name": found["name"],
        "json_schema": found["schema"],
        "supported_sync_modes": modes,
        "default_cursor_field": [cursor] if cursor else [],
        "source_defined_primary_key": [[k] for k in found.get("key", ())],
    }


def load(script: Path) -> Callable[[Mapping[str, Any]], Any]:
    """The class ``Connector`` of the file. Raises Unfit, or whatever the file raises."""
    names: dict[str, Any] = {"__name__": "connector", "__file__": str(script)}
    sys.path.insert(0, str(script.parent))  # a connector may have modules beside it
    exec(compile(script.read_text(encoding="utf-8"), str(script), "exec"), names)  # noqa: S102
    made = names.get("Connector")
    if made is None or any(not callable(getattr(made, n, None)) for n in NEEDED):
        raise Unfit("it has no class Connector with streams() and read(stream, state)")
    return made  # type: ignore[no-any-return]


def told(script: Path, reason: Exception) -> str:
    """What went wrong, with the deepest line that is the connector's own."""
    frames = traceback.extract_tb(reason.__traceback__)
    line = next((f.lineno for f in reversed(frames) if f.filename == str(script)), None)
    if isinstance(reason, SyntaxError):
        line = reason.lineno
    text = next(iter(str(reason).strip().splitlines()), "")
    name = "" if isinstance(reason, Unfit) else f"{type(reason).__name__}: "
    return f"{script.name}{f':{line}' if line else ''}: {name}{text}"


def plain(value: object) -> Any:
    """What JSON cannot say itself; a Decimal is written as a number, digit by digit."""
    if isinstance(value, Decimal):
        near = float(value)
        return near if Decimal(repr(near)) == value else str(value)
    if isinstance(value, datetime | date | clock):
        return value.isoformat()
    raise Unfit(f"a record holds {type(value).__name__}, which JSON cannot say")


def _own_stdout() -> IO[str]:
    """Keep stdout for messages; what the connector prints goes to the log."""
    kept = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return kept


def _end_with_worker() -> None:
    """The connector may wait for a server for long, so it ends at once."""
    while os.read(0, 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
