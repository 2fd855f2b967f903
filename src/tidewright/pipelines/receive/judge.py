"""One request's body: which events fit the schema, and why the others do not. Pure.

A body is a JSON array of events, or one event on each line (NDJSON). A line that is no JSON is one
rejected event; an array that is no JSON cannot be told apart into events, and is refused whole.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, cast

import fastjsonschema
import orjson

from tidewright import errors

MOST_EVENTS = 500
# So much of a rejected event is kept; the rest of it helps nobody.
KEPT_BYTES = 8192
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
NUL = "\\u0000"  # as JSON writes it
Kind = Literal["array", "lines"]
Check = Callable[[Any], object]


@dataclass(frozen=True, slots=True)
class Rejected:
    """``number``: which event of the batch it was, from 0. ``value``: it, or its text, as JSON."""

    number: int
    reason: str
    value: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Good events as JSON texts, in order, and the others."""

    taken: Sequence[str]
    rejected: Sequence[Rejected]


class Unreadable(Exception):
    """Nothing of the body was taken. ``status``: what HTTP calls it."""

    def __init__(self, status: int, what: str) -> None:
        super().__init__(what)
        self.status = status


def compile_schema(schema: Any, where: str) -> Check:
    """A check that raises for an event that does not fit. Raises Refused for a bad schema."""
    if not isinstance(schema, dict) or "properties" not in schema:
        raise _unusable(where, "it does not say which properties an event has")
    try:
        # Nothing is fetched from anywhere: a schema is whole, or it is refused.
        check = fastjsonschema.compile(
            schema, handlers={"http": _remote, "https": _remote}, formats={"date-time": _is_moment}
        )
    except (fastjsonschema.JsonSchemaException, ValueError, TypeError, KeyError) as reason:
        raise _unusable(where, str(reason)) from None
    return cast("Check", check)


def judge(body: bytes, kind: Kind, check: Check) -> Verdict:
    """Every event of the body on one side or the other. Raises Unreadable."""
    found = _array(body) if kind == "array" else _lines(body)
    if len(found) > MOST_EVENTS:
        raise Unreadable(413, f"{len(found)} events; at most {MOST_EVENTS} in one request")
    taken, rejected = [], []
    for number, (event, problem) in enumerate(found):
        reason = problem or _problem(event, check)
        text = orjson.dumps(event).decode()
        if reason is None and NUL in text and _has_nul(event):
            reason = "it has the character U+0000, which no table can hold as text"
        if reason is None:
            taken.append(text)
        else:
            rejected.append(Rejected(number, reason, _cut(text)))
    return Verdict(taken, rejected)


def _problem(event: Any, check: Check) -> str | None:
    try:
        check(event)
    except fastjsonschema.JsonSchemaValueException as reason:
        return str(reason.message)[:500]
    return None


def _is_moment(text: str) -> bool:
    """RFC 3339, and a moment that is in the years 1 to 9999 of UTC: others fit no column."""
    if MOMENT.fullmatch(text) is None:
        return False
    try:
        dt.datetime.fromisoformat(text.upper()).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return False
    return True


def _has_nul(value: Any) -> bool:
    if isinstance(value, dict):
        return any("\0" in key or _has_nul(inner) for key, inner in value.items())
    if isinstance(value, list):
        return any(_has_nul(inner) for inner in value)
    return isinstance(value, str) and "\0" in value


def _array(body: bytes) -> list[tuple[Any, str | None]]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as reason:
        raise Unreadable(400, f"the body is not JSON: {reason}") from None
    return [(event, None) for event in (found if isinstance(found, list) else [found])]


def _lines(body: bytes) -> list[tuple[Any, str | None]]:
    lines = [line for line in body.split(b"\n") if line.strip()]
    return [_line(line) for line in lines]


def _line(line: bytes) -> tuple[Any, str | None]:
    try:
        return orjson.loads(line), None
    except orjson.JSONDecodeError as reason:
        return line.decode(errors="replace"), f"the line is not JSON: {reason}"


def _cut(text: str) -> str:
    """As it is, or the beginning of a long one as a JSON text."""
    if len(text) <= KEPT_BYTES:
        return text
    return orjson.dumps(text[:KEPT_BYTES].encode(errors="replace").decode()).decode()


def _remote(uri: str) -> NoReturn:
    raise ValueError(f"it refers to {uri}, and nothing is fetched")


def _unusable(where: str, why: str) -> errors.Refused:
    return errors.Refused(
        "topic.schema", f"the schema cannot be used: {why.partition(chr(10))[0]}", where,
        "Write a JSON Schema (draft 7) of one event, whole in this one file.",
    )  # fmt: skip
