"""One worker at a time: a lock on the catalog that lives and dies with the holder's connection.

The lease's epoch is what makes a commit safe. This lock only decides who may try: a second worker
waits and says so, instead of taking the lease from one that is at work.
"""

from __future__ import annotations

import psycopg

from tidewright import errors

TRY = "select pg_try_advisory_lock(hashtextextended('tidewright capture ' || %s, 0))"


class Held(errors.Refused, errors.Transient):
    """Another worker follows this flow; it may end."""


def take(conn: psycopg.Connection, flow: str) -> None:
    """Hold the flow for as long as ``conn`` lives. Raises Held while another one does."""
    row = conn.execute(TRY, (flow,)).fetchone()
    if row is None or not row[0]:
        raise Held(
            "lake.held", "another worker follows this flow", f"flow {flow}",
            "End it, or end this one: only one of them can ever commit.",
        )  # fmt: skip
