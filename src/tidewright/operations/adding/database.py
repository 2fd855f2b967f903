"""A PostgreSQL of the user's own: a source and a capture step with all tables that can be."""

from __future__ import annotations

from tidewright import errors
from tidewright.clients import postgres
from tidewright.operations import init_from
from tidewright.operations.adding import change as changes
from tidewright.spec import edited, load, steps

COMMENT = "Added by `tidewright add source`; take out the tables that you do not want."


def change(spec: load.Spec, url: str, name: str | None) -> changes.Change:
    """Raises Unsupported where the file has no room for it, Refused when it cannot be read."""
    _check_room(spec)
    database = postgres.url_parts(url)["dbname"]
    called = name or init_from.word(database)
    secret = init_from.secret_of(called)
    found = init_from.read(url, secret)
    good = init_from.capturable(database, found)
    body = {"capture": {"from": called, "to": init_from.RAW, "tables": list(good)}}
    source = edited.Entry(("sources",), called, {"postgres": {"url": {"secret": secret}}})
    notes = tuple(f"{t.name} is left out: {t.reason}" for t in found if t.reason)
    return changes.Change(
        (source, edited.Step(body, COMMENT)), good, secret=(secret, url), notes=notes
    )


def _check_room(spec: load.Spec) -> None:
    """One process follows one log."""
    taken = next(iter(spec.document.sources), None)
    step = next(
        (s for s in spec.document.flow if isinstance(s, steps.PullStep | steps.ReceiveStep)), None
    )
    if taken is not None:
        what = f"the file has the source {taken}, and a second PostgreSQL is not supported yet"
    elif step is not None:
        what = "capture beside pull or receive is not supported yet"
    else:
        return
    raise errors.Unsupported(
        "file.not_yet", what, spec.path.name,
        "Give it a platform file of its own: tidewright init --from URL DIR",
    )  # fmt: skip
