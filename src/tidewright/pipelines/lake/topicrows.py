"""Events of a topic from the lake, by position: each once, in the order of the log, as columns.

A position P stands for the events of all transactions whose commit record starts before P. Reading
from P to Q gives those that Q has and P has not, whatever commits, merges and restarts there were
in between. It is read with DuckDB from the pinned commit's own metadata.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import psycopg
import pyarrow as pa

from tidewright import errors
from tidewright.clients import duckdb as ducks
from tidewright.clients import postgres
from tidewright.model import flow, jobs
from tidewright.pipelines.lake import reader

# In the raw tables of topics these stand beside the event itself.
_ROWS = """
select topic_offset, epoch_us("at") as received, _lsn, value{parsed}
from (select *{transformed} from iceberg_scan('{metadata}') where _lsn >= {first} and _lsn < {end})
order by _lsn, op <> 'r', _seq
"""
_CUT = """
select _lsn from iceberg_scan('{metadata}') where _lsn >= {first} and _lsn < {end}
order by _lsn limit 1 offset {most}
"""
_NEXT = """
select min(_lsn) from iceberg_scan('{metadata}') where _lsn > {first} and _lsn < {end}
"""


@dataclass(frozen=True, slots=True)
class News:
    """Events up to ``position``. Columns: topic_offset, received (µs), _lsn, value (JSON text), and
    those that were asked for. ``source``: whose positions these are.
    """

    position: int
    source: str
    rows: pa.Table


class Reader:
    """Holds a session with the catalog and a DuckDB; used from one thread.

    ``columns``: properties of the events to bring along, with their DuckDB types.
    """

    def __init__(self, lake: jobs.Lake, secrets: Path, columns: Mapping[str, str]) -> None:
        self._lake, self._secrets = lake, secrets
        self._columns = columns
        self._conn: psycopg.Connection | None = None
        self._duck = ducks.connect(memory_limit="1GB", threads=1)
        self._duck.execute("set timezone = 'UTC'")

    def head(self) -> reader.Pinned | None:
        """The newest commit of the topics; None before the first. Raises what is transient."""
        try:
            if self._conn is None or self._conn.closed:
                self._conn = postgres.connect(self._lake.catalog, self._secrets, connect_timeout=3)
            return reader.pin(self._conn, "topics")
        except psycopg.Error as reason:
            self._conn = None
            raise _away(str(reason)) from None

    def news(self, topic: str, pinned: reader.Pinned, first: int, most: int) -> News | None:
        """The events from ``first`` up to the pinned commit, about ``most`` of them at once.

        None: the lake has not seen the topic yet. A transaction is never divided.
        """
        point = pinned.tables.get(f"raw_data.{topic}")
        if point is None:
            return None
        end = flow.lsn_value(pinned.position)
        place = {"metadata": point.metadata.replace("'", "''"), "first": first}
        try:
            if point.snapshot is not None:
                end = self._cut(place, end, most)
            found = self._duck.execute(self._query(place, end)).to_arrow_table()
        except duckdb.Error as reason:
            raise _away(str(reason)) from None
        return News(end, pinned.source, found)

    def close(self) -> None:
        self._duck.close()
        if self._conn is not None:
            self._conn.close()

    def _cut(self, place: Mapping[str, object], end: int, most: int) -> int:
        row = self._duck.execute(_CUT.format(**place, end=end, most=most)).fetchone()
        if row is None:
            return end
        if row[0] > place["first"]:
            return int(row[0])
        after = self._duck.execute(_NEXT.format(**place, end=end)).fetchone()
        return end if after is None or after[0] is None else int(after[0])

    def _query(self, place: Mapping[str, object], end: int) -> str:
        if not self._columns:
            return _ROWS.format(**place, end=end, parsed="", transformed="")
        shape = ", ".join(f'"{name}": "VARCHAR"' for name in self._columns)
        parsed = "".join(
            f', try_cast(parsed_."{name}" as {kind}) as "{name}"'
            for name, kind in self._columns.items()
        )
        transformed = f", json_transform(value, '{{{shape}}}') as parsed_"
        return _ROWS.format(**place, end=end, parsed=parsed, transformed=transformed)


class Away(errors.StepFailed, errors.Transient):
    """The lake does not answer now; the same question may be answered later."""


def _away(reason: str) -> Away:
    return Away(
        "lake.not_readable", f"the lake cannot be read: {reason.partition(chr(10))[0]}",
        "the topics in the lake", "It is tried again. Look at `tidewright status`.",
    )  # fmt: skip
