"""What a connector says, one JSON object a line: Airbyte's messages, and three of ours. Pure.

CATALOG, RECORD, STATE, TRACE and LOG are as in the Airbyte protocol. A light connector may add
``source`` to its catalog (which source its states belong to), answers a question for totals with
TOTALS, and says of a full stream that it is UNCHANGED instead of sending it again. Numbers with a
fraction are read as Decimal, so that none changes on the way.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, NoReturn, TypeAlias

LONGEST_SHOWN = 120


class Garbage(Exception):
    """The line is no message; the text says what it is instead."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream as the connector describes it. ``modes``: ``full_refresh``, ``incremental``."""

    name: str
    schema: Mapping[str, Any]
    modes: tuple[str, ...]
    cursor: tuple[str, ...]
    key: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Catalog:
    streams: tuple[Stream, ...]
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    stream: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class State:
    """How far ``stream`` is once the records before this are kept. ``stream`` None: all of them."""

    stream: str | None
    state: Any
    records: int | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """The connector is through with a stream: wholly, or not; or it is as it was at its state."""

    stream: str
    complete: bool
    unchanged: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """``stream`` None: the connector as a whole."""

    stream: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Note:
    level: str
    text: str


@dataclass(frozen=True, slots=True)
class Totals:
    """The connector's own count of a stream's rows, and sums by column, at a state."""

    stream: str
    rows: int
    sums: Mapping[str, Decimal]


Message: TypeAlias = Catalog | Record | State | Ended | Failed | Note | Totals


def parse(line: bytes) -> Message:
    """The message of a line. Raises Garbage; what is JSON but unknown becomes a note."""
    try:
        found = json.loads(line, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError) as reason:
        raise Garbage(f"{shown(line)} is no JSON ({reason})") from None
    if not isinstance(found, dict):
        raise Garbage(f"{shown(line)} is no message")
    read = _READERS.get(str(found.get("type")))
    if read is None:
        return Note("DEBUG", shown(line))
    try:
        return read(found)
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError):
        raise Garbage(f"{shown(line)} is not the {found['type']} that it says") from None


def shown(line: bytes) -> str:
    """The beginning of a line, for a message."""
    text = line.decode(errors="replace").strip()
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "..."


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON number")


def _catalog(found: Mapping[str, Any]) -> Message:
    streams = tuple(_stream(s) for s in found["catalog"]["streams"])
    source = found["catalog"].get("source")
    return Catalog(streams, None if source is None else str(source))


def _stream(found: Mapping[str, Any]) -> Stream:
    schema = found["json_schema"]
    if not isinstance(schema, dict):
        raise TypeError("the schema is no object")
    cursor = found.get("default_cursor_field") or ()
    keys = found.get("source_defined_primary_key") or ()
    modes = [str(m) for m in found.get("supported_sync_modes") or ("full_refresh",)]
    if not cursor and not found.get("source_defined_cursor") and "incremental" in modes:
        modes.remove("incremental")  # it wants to be told a cursor, and only a person knows one
    flat = all(len(path) == 1 for path in keys)
    key = tuple(str(path[0]) for path in keys) if flat else ()
    return Stream(str(found["name"]), schema, tuple(modes), tuple(cursor), key)


def _record(found: Mapping[str, Any]) -> Message:
    record = found["record"]
    if not isinstance(record["data"], dict):
        raise TypeError("the record is no object")
    return Record(str(record["stream"]), record["data"])


def _state(found: Mapping[str, Any]) -> Message:
    state = json.loads(json.dumps(found["state"], default=float))  # kept as it is, digits and all
    records = (state.get("sourceStats") or {}).get("recordCount")
    count = None if records is None else int(records)
    if state.get("type") == "STREAM":
        stream = state["stream"]
        return State(str(stream["stream_descriptor"]["name"]), stream.get("stream_state"), count)
    return State(None, state, count)


def _trace(found: Mapping[str, Any]) -> Message:
    trace = found["trace"]
    if trace["type"] == "STREAM_STATUS":
        status = trace["stream_status"]
        name = str(status["stream_descriptor"]["name"])
        if status["status"] in ("COMPLETE", "INCOMPLETE", "UNCHANGED"):
            return Ended(
                name, status["status"] == "COMPLETE", unchanged=status["status"] == "UNCHANGED"
            )
        return Note("DEBUG", f"{name} {status['status']}")
    if trace["type"] == "ERROR":
        error = trace["error"]
        named = error.get("stream_descriptor")
        return Failed(None if named is None else str(named["name"]), str(error["message"]))
    return Note("DEBUG", str(trace["type"]))


def _log(found: Mapping[str, Any]) -> Message:
    return Note(str(found["log"].get("level", "INFO")), str(found["log"]["message"]))


def _totals(found: Mapping[str, Any]) -> Message:
    totals = found["totals"]
    sums = {str(k): Decimal(str(v)) for k, v in (totals.get("sums") or {}).items()}
    return Totals(str(totals["stream"]), int(totals["rows"]), sums)


_READERS = {
    "CATALOG": _catalog, "RECORD": _record, "STATE": _state, "TRACE": _trace, "LOG": _log,
    "TOTALS": _totals,
}  # fmt: skip

Status: TypeAlias = Literal["COMPLETE", "INCOMPLETE", "UNCHANGED"]


def catalog(streams: list[dict[str, Any]], source: str | None) -> dict[str, Any]:
    """The CATALOG message of a light connector."""
    body: dict[str, Any] = {"streams": streams}
    return {"type": "CATALOG", "catalog": body | ({"source": source} if source else {})}


def record(stream: str, data: Mapping[str, Any], at_ms: int) -> dict[str, Any]:
    """A RECORD message."""
    return {"type": "RECORD", "record": {"stream": stream, "data": data, "emitted_at": at_ms}}


def state(stream: str, value: Any, records: int) -> dict[str, Any]:
    """A STATE message for one stream, with how many records it covers since the last one."""
    body = {"stream_descriptor": {"name": stream}, "stream_state": value}
    stats = {"recordCount": records}
    return {"type": "STATE", "state": {"type": "STREAM", "stream": body, "sourceStats": stats}}


def ended(stream: str, status: Status) -> dict[str, Any]:
    """A TRACE message that ends a stream."""
    body = {"stream_descriptor": {"name": stream}, "status": status}
    return {"type": "TRACE", "trace": {"type": "STREAM_STATUS", "stream_status": body}}


def failed(stream: str | None, message: str) -> dict[str, Any]:
    """A TRACE message that says what went wrong."""
    error: dict[str, Any] = {"message": message}
    if stream is not None:
        error["stream_descriptor"] = {"name": stream}
    return {"type": "TRACE", "trace": {"type": "ERROR", "error": error}}


def totals(stream: str, rows: int, sums: Mapping[str, Any]) -> dict[str, Any]:
    """A TOTALS message; sums as text, so that no digit is lost."""
    told = {name: str(value) for name, value in sums.items()}
    return {"type": "TOTALS", "totals": {"stream": stream, "rows": rows, "sums": told}}
