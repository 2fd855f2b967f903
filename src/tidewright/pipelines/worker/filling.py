"""Values that PostgreSQL did not send: unchanged TOAST columns, filled from what came before.

The order of choice: an earlier change of the same key in the same chunk, else the lake's current
state. The source itself is never asked: its row may be newer. All in text, so that the raw row
and the typed row are made from the same value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from tidewright.pipelines.decode import chunk

Key = tuple[object, ...]
Fetch = Callable[[Sequence[int], Sequence[str]], pa.Table]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where unsent values are: in ``row`` of this part, or in the lake under that row's key."""

    row: int
    in_lake: bool


def fill(part: chunk.Part, key: Sequence[int], fetch: Fetch) -> chunk.Part:
    """``part`` with every unsent value in place. ``key``: numbers of the key columns.

    ``fetch(rows, columns)`` answers present text values for the keys at ``rows`` of this part.
    """
    holes = {number: mask for number, mask in part.unchanged.items() if mask.any()}
    if not holes:
        return part
    rows = np.flatnonzero(np.logical_or.reduce(list(holes.values())))
    origins = _origins(part, key, rows)
    asked = sorted({o.row for o in origins.values() if o.in_lake})
    names = [part.relation.columns[number].name for number in holes]
    found = fetch(asked, names) if asked else None
    place = {row: i for i, row in enumerate(asked)}
    columns = list(part.columns)
    for number, mask in holes.items():
        stored = found.column(part.relation.columns[number].name) if found is not None else None
        columns[number] = _filled(columns[number], mask, origins, stored, place)
    return replace(part, columns=tuple(columns), unchanged={})


def _origins(part: chunk.Part, key: Sequence[int], rows: np.ndarray) -> dict[int, Origin]:
    """For each row with a hole, where its values come from; walks the part once, in order."""
    keys = list(zip(*(part.columns[k].to_pylist() for k in key), strict=True))
    holes = set(rows.tolist())
    last: dict[Key, Origin] = {}
    moved: Origin | None = None
    found: dict[int, Origin] = {}
    for row, operation in enumerate(part.op.tolist()):
        own = last.get(keys[row], Origin(row, in_lake=True))
        if operation == chunk.DELETE:
            moved = own
            last.pop(keys[row], None)
            continue
        if row in holes:
            found[row] = moved if operation == chunk.INSERT and moved is not None else own
        last[keys[row]] = Origin(row, in_lake=False)
    return found


def _filled(
    column: pa.Array,
    mask: np.ndarray,
    origins: dict[int, Origin],
    stored: pa.ChunkedArray | None,
    place: dict[int, int],
) -> pa.Array:
    values = column.to_pylist()
    for row in np.flatnonzero(mask).tolist():
        origin = origins[row]
        if origin.in_lake:
            assert stored is not None
            values[row] = stored[place[origin.row]].as_py()
        else:
            values[row] = values[origin.row]
    return pa.array(values, type=column.type)
