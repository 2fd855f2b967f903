"""Which tables stopped, and why: a small table beside the catalog that outlives the worker.

A table that stopped stands at an older position than the lake. Without this record a restart
would let it follow from the lake's position and skip what lies between. Written under the lease,
before anything is committed without the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import psycopg

REMOVED = "removed from the flow"

DDL = """
create table if not exists tidewright_stops (
  flow text not null, dataset text not null, reason text not null, position text,
  stopped_at timestamptz not null default clock_timestamp(), primary key (flow, dataset))
"""
LOCK = "select pg_advisory_xact_lock(hashtext('tidewright stops'))"


def prepare(conn: psycopg.Connection) -> None:
    """Create the table where it is missing; a worker and a command may do so at the same moment."""
    with conn.transaction():
        conn.execute(LOCK)
        conn.execute(DDL)


@dataclass(frozen=True, slots=True)
class Stops:
    """The stops of one flow."""

    conn: psycopg.Connection
    flow: str
    epoch: int

    def all(self) -> Mapping[str, str]:
        """Table -> reason."""
        rows = self.conn.execute(
            "select dataset, reason from tidewright_stops where flow = %s order by 1", (self.flow,)
        )
        return dict(rows.fetchall())

    def record(self, table: str, reason: str, position: str | None) -> bool:
        """Note that ``table`` stands at ``position``. False when our lease is gone."""
        done = self.conn.execute(
            "insert into tidewright_stops (flow, dataset, reason, position)"
            " select l.flow, %s, %s, %s from tidewright_leases l where l.flow = %s and l.epoch = %s"
            " on conflict (flow, dataset) do update set reason = excluded.reason,"
            " position = excluded.position, stopped_at = clock_timestamp()",
            (table, reason, position, self.flow, self.epoch),
        )
        return done.rowcount == 1

    def ask_again(self, table: str) -> None:
        """Ask the worker for a new first copy; it looks here every few seconds."""
        self.conn.execute(
            "insert into tidewright_stops (flow, dataset, reason) values (%s, %s, %s)"
            " on conflict (flow, dataset) do update set reason = excluded.reason",
            (self.flow, table, REMOVED),
        )

    def clear(self, tables: tuple[str, ...]) -> None:
        """Forget the stops of tables that have been copied again."""
        self.conn.execute(
            "delete from tidewright_stops where flow = %s and dataset = any(%s)",
            (self.flow, list(tables)),
        )
