"""Everything that was restored, compared before anything serves.

Servers that nothing follows are compared with the fingerprints taken at the cut; captured tables,
row by row, with the lake that was restored from other files. What could not be compared is a
failure.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tidewright import errors
from tidewright.clients import postgres
from tidewright.model import acts, backups, jobs
from tidewright.operations import lakeside, state
from tidewright.operations.proofs import capture as captured
from tidewright.operations.proofs.proof import Proof, Say, tell
from tidewright.operations.restoring import replay
from tidewright.pipelines.backup import fingerprints
from tidewright.pipelines.compare import rawlog
from tidewright.pipelines.feeds import snapshot
from tidewright.pipelines.lake import durable
from tidewright.pipelines.worker import following

_HINT = "Take another point: this one did not bring back what was there."


def fingerprinted(point: backups.Point, running: replay.Running) -> tuple[acts.Invariant, ...]:
    """Every table of one server against its fingerprint; raises PromiseBroken when one differs."""
    name = running.server.name
    wanted = [f for f in point.fingerprints if f.server == name]
    found: list[acts.Invariant] = []
    for database in sorted({f.database for f in wanted}):
        with running.connect(database) as view, view.transaction():
            seen = {f.table: f for f in fingerprints.of_database(view, name, database)}
        expected = {f.table: f for f in wanted if f.database == database}
        found += [
            _same(f"{database}.{table}", expected.get(table), seen.get(table))
            for table in sorted(seen.keys() | expected.keys())
        ]
    broken = next((i for i in found if not i.ok), None)
    if broken is not None:
        raise errors.PromiseBroken(
            "backup.not_exact", f"{broken.name}: {broken.detail}", f"server {name}",
            _HINT,
        )  # fmt: skip
    return tuple(found)


def followed(
    environment: state.Environment, capture: jobs.CaptureJob, say: Say, seconds: float = 120.0
) -> Proof:
    """Every captured table against its restored source; raises PromiseBroken when one differs."""
    with postgres.connect(capture.lake.catalog, Path(str(capture.secrets))) as conn:
        stopped = captured.stopped_tables(conn, capture)
        pinned = lakeside.pinned(conn, capture.name)
    with (
        readable(capture.name),
        snapshot.Snapshot(capture.source, Path(str(capture.secrets)), seconds) as source,
    ):
        cut = captured.Cut(source.point, source, pinned)
        found = captured.at_cut(environment, capture, cut, stopped, say)
    require(found, f"flow {capture.name}")
    return found


def require(found: Proof, where: str) -> None:
    """Raise PromiseBroken for a proof that does not hold."""
    if not found.ok:
        raise errors.PromiseBroken(
            "backup.not_exact", f"what was restored does not agree: {_first(found)}", where, _HINT
        )


def alone(capture: jobs.CaptureJob, say: Say) -> tuple[acts.Invariant, ...]:
    """The raw log against current state, where the source is the user's own and not in the point.

    Raises PromiseBroken when one does not hold.
    """
    with postgres.connect(capture.lake.catalog, Path(str(capture.secrets))) as conn:
        pinned = lakeside.pinned(conn, capture.name)
    found: list[acts.Invariant] = []
    with readable(capture.name):
        duck = lakeside.views(pinned)
        for name in (t for t in capture.capture.tables if t in pinned.tables):
            place = durable.local(pinned.tables[name].metadata)
            properties = json.loads(Path(place).read_text(encoding="utf-8"))["properties"]
            raw = f"{capture.capture.raw_namespace}.{name.partition('.')[2]}"
            found += rawlog.invariants(duck, raw, name, properties[following.KEY].split(","))
    tell(say, tuple(found))
    broken = next((i for i in found if not i.ok), None)
    if broken is not None:
        raise errors.PromiseBroken(
            "backup.not_exact", f"{broken.name}: {broken.detail}", f"flow {capture.name}", _HINT
        )
    return tuple(found)


@contextmanager
def readable(flow: str) -> Iterator[None]:
    """A lake that cannot be read back was not brought back."""
    try:
        with lakeside.readable(flow):
            yield
    except errors.PromiseBroken as reason:
        raise errors.PromiseBroken(
            "backup.not_exact", reason.finding.what, f"flow {flow}", _HINT
        ) from None


def _first(found: Proof) -> str:
    """One sentence about the first thing that is wrong."""
    for table in found.tables:
        if table.missing or table.extra or table.different:
            return (
                f"{table.table} has {table.missing} rows missing, {table.extra} too many and "
                f"{table.different} different"
            )
    broken = next(i for i in found.invariants if not i.ok)
    return f"{broken.name}: {broken.detail}"


def _same(
    name: str, expected: backups.Fingerprint | None, seen: backups.Fingerprint | None
) -> acts.Invariant:
    if expected is None or seen is None:
        return acts.Invariant(name, False, "it is there only " + ("after" if seen else "before"))
    ok = (expected.rows, expected.digest) == (seen.rows, seen.digest)
    detail = f"{seen.rows} rows" if ok else f"{expected.rows} rows became {seen.rows}, or others"
    return acts.Invariant(name, ok, detail)
