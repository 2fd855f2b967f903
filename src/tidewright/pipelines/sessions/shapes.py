"""Which columns the landed tables have: from the events' JSON Schema and the stage's rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from tidewright import errors
from tidewright.model import jobs
from tidewright.pipelines.delta import table
from tidewright.pipelines.sessions import core, properties

# Of a closed session, the position of the commit that closed it: what is new is found by it.
CLOSED_AT = "closed_position"
MOMENT = properties.MOMENT


@dataclass(frozen=True, slots=True)
class Shapes:
    """``read``: properties of the events with their DuckDB types; then the three tables."""

    read: Mapping[str, str]
    events: table.Shape
    sessions: table.Shape
    late: table.Shape


def shapes(job: jobs.SessionsJob) -> Shapes:
    """The tables of a stage. Raises Refused when the schema lacks what the stage works on."""
    found = properties.properties(Path(str(job.schema)))
    stage = job.stage
    for name in (stage.key, stage.time, *stage.first, *stage.last):
        if name not in found:
            raise errors.Refused(
                "stream.no_such_property", f"the events have no property {name}; they have "
                f"{', '.join(found)}", str(job.schema), "Correct the step sessions, or the schema.",
            )  # fmt: skip
    if found[stage.time] != "date-time":
        raise errors.Refused(
            "stream.no_time", f"{stage.time} is no time: it lacks format: date-time",
            str(job.schema), "Name the property with the event's own time, or give it the format.",
        )  # fmt: skip
    return Shapes(
        read={name: properties.KINDS[kind][0] for name, kind in found.items()},
        events=_events(stage.to, found),
        sessions=_sessions(stage.to, stage.key, rules(job)),
        late=_late(stage.to),
    )


def rules(job: jobs.SessionsJob) -> core.Rules:
    """The core's rules, in microseconds."""
    stage = job.stage
    return core.Rules(int(stage.gap * 1e6), int(stage.late * 1e6), stage.first, stage.last)


def _events(namespace: str, found: Mapping[str, str]) -> table.Shape:
    own = [("topic_offset", pa.int64()), ("received_at", MOMENT)]
    theirs = [(name, properties.KINDS[kind][1]) for name, kind in found.items()]
    columns = pa.schema([*own, *theirs, ("received_on", pa.string())])
    return table.Shape(f"{namespace}.events", columns, "received_on")


def _sessions(namespace: str, key: str, rules: core.Rules) -> table.Shape:
    own = [
        ("session_id", pa.string()), (key, pa.string()), ("started_at", MOMENT),
        ("ended_at", MOMENT), ("events", pa.int64()), ("first_offset", pa.int64()),
        ("head_offset", pa.int64()), ("tail_offset", pa.int64()),
        (CLOSED_AT, pa.int64()),
    ]  # fmt: skip
    kept = [(f"first_{n}", pa.string()) for n in rules.opening]
    kept += [(f"last_{n}", pa.string()) for n in rules.closing]
    columns = pa.schema([*own, *kept, ("state", pa.string())])
    return table.Shape(f"{namespace}.sessions", columns, "state")


def _late(namespace: str) -> table.Shape:
    columns = [
        ("topic_offset", pa.int64()), ("received_at", MOMENT), ("reason", pa.string()),
        ("value", pa.string()),
    ]  # fmt: skip
    return table.Shape(f"{namespace}.late_events", pa.schema(columns))
