"""Rows of the raw tables: declared columns, the row as JSON, and where in the source it came from.

| column           | type          | what it is                                              |
|------------------|---------------|---------------------------------------------------------|
| declared columns | as in the map | the key unless declared otherwise; ``src_`` on a clash  |
| data             | string        | the row as JSON; the key alone for a delete (the whole  |
|                  |               | old row under FULL); null for a truncate                |
| op               | string        | c, u, d, r (read by the first copy), t (truncate)       |
| ts_ms            | long          | commit time in the source, epoch milliseconds           |
| source_table     | string        | schema.table                                            |
| partition_date   | date          | UTC date of ts_ms                                       |
| _lsn             | long          | start of the commit record                              |
| _xid             | long          | transaction; null in the first copy                     |
| _seq             | long          | ordinal of the change within its transaction, from 1    |
"""

from __future__ import annotations

import re
from collections.abc import Collection

import numpy as np
import pyarrow as pa

from tidewright.pipelines.decode import chunk, jsontext, speed, types

OWN = ("data", "op", "ts_ms", "source_table", "partition_date", "_lsn", "_xid", "_seq")
_LIKE_OURS = re.compile(rf"(src_)*({'|'.join(OWN)})", re.IGNORECASE)
_DAY_US = 86_400_000_000


def raw_name(column: str) -> str:
    """The name of a declared column in the raw table; no two columns share one.

    Readers take names that differ by case only for one, hence ``src_Data``; and where ``data`` is
    ``src_data``, a column of that name must be called something else: ``src_src_data``.
    """
    return f"src_{column}" if _LIKE_OURS.fullmatch(column) else column


def declared(
    names: tuple[str, ...], raw_columns: tuple[str, ...] | None, key: tuple[str, ...]
) -> tuple[str, ...]:
    """The source columns that the raw table shows typed, as far as the table has them now."""
    return tuple(c for c in (key if raw_columns is None else raw_columns) if c in names)


def raw_rows(
    part: chunk.Part,
    raw_columns: tuple[str, ...] | None,
    key: tuple[str, ...],
    as_text: Collection[str] = (),
) -> pa.Table:
    """The part in the raw layout, one row for each change."""
    shown = declared(part.relation.names, raw_columns, key)
    front = types.typed(part, shown, as_text)
    columns = {raw_name(n): front.column(n) for n in shown}
    return pa.table(columns | _own(part))


def _own(part: chunk.Part) -> dict[str, pa.Array]:
    days = np.floor_divide(part.ts_us, _DAY_US).astype(np.int32)
    return {
        "data": json_of(part),
        "op": _letters(part.op),
        "ts_ms": pa.array(np.floor_divide(part.ts_us, 1000)),
        "source_table": pa.repeat(pa.scalar(part.relation.table), part.rows),
        "partition_date": pa.array(days).cast(pa.date32()),
        "_lsn": pa.array(part.commit_lsn),
        "_xid": pa.array(part.xid, mask=part.xid == 0),
        "_seq": pa.array(part.seq),
    }


def json_of(part: chunk.Part) -> pa.Array:
    """The JSON text of each row, by the compiled writer where there is one."""
    compiled = speed.turbo()
    return compiled.turbojson.rows(part) if compiled else jsontext.rows(part)


def _letters(op: chunk.Ops) -> pa.Array:
    ends = np.arange(len(op) + 1, dtype=np.int32)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(np.ascontiguousarray(op))]
    return pa.Array.from_buffers(pa.string(), len(op), buffers)
