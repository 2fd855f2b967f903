"""``up --recopy TABLE``: a new first copy of one table, while the others go on."""

from __future__ import annotations

from tidewright import errors
from tidewright.model import jobs
from tidewright.operations import heard, lakeside, state
from tidewright.pipelines.worker import stops


def losing(environment: state.Environment, tables: tuple[str, ...]) -> tuple[str, ...]:
    """Those of ``tables`` whose raw history a new copy gives up."""
    never = heard.never(environment.place)
    return tuple(table for table in tables if table not in never)


def recopy(environment: state.Environment, tables: tuple[str, ...]) -> None:
    """Ask the worker; it begins within seconds. Raises SpecError for a table not in the flow."""
    capture = lakeside.job(environment, "capture", jobs.CaptureJob)
    if capture.source.append_only:
        what = "a topic cannot be copied again: the lake alone holds what left it"
        hint = "Leave --recopy out."
        finding = errors.Finding("lake.not_captured", what, errors.Where("--recopy"), hint)
        raise errors.SpecError((finding,))
    known = capture.capture.tables
    wrong = [table for table in tables if table not in known]
    if wrong:
        what = f"{', '.join(wrong)} is not in the flow"
        hint = f"Captured here: {', '.join(known)}."
        finding = errors.Finding("lake.not_captured", what, errors.Where("--recopy"), hint)
        raise errors.SpecError((finding,))
    with lakeside.asked(environment, capture) as conn:
        stops.prepare(conn)
        for table in tables:
            stops.Stops(conn, capture.name, 0).ask_again(table)
