"""The one place that speaks to Trino: a query in, rows out, refusals in Trino's own words."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tidewright.model import native


class Refused(Exception):
    """Trino did not run a query; the text is its reason."""


_DECIMAL = re.compile(r"decimal\((\d+), ?(\d+)\)")
_TYPES: Mapping[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "tinyint": pa.int32(),
    "smallint": pa.int32(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "real": pa.float32(),
    "double": pa.float64(),
    "date": pa.date32(),
    "timestamp(6)": pa.timestamp("us"),
    "timestamp(6) with time zone": pa.timestamp("us", "UTC"),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """Names of the columns, their types in Trino's words, and the rows that were asked for."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def table(url: str, query: str) -> pa.Table:
    """All rows of a query, typed; a type without a counterpart is text. Raises Refused."""
    told = ask(url, query)
    kinds = [_arrow(one) for one in told.types]
    fields = [pa.field(name, kind) for name, kind in zip(told.columns, kinds, strict=True)]
    by_column = list(zip(*told.rows, strict=True)) or [()] * len(fields)
    arrays = [pa.array(c, f.type) for c, f in zip(by_column, fields, strict=True)]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def ask(url: str, query: str, limit: int | None = None, user: str = native.READER) -> Answer:
    """Run one query in the lake's catalog, and end it after ``limit`` rows. Raises Refused."""
    import requests  # noqa: PLC0415  an extra, installed when it is used
    from trino import dbapi  # noqa: PLC0415  the same
    from trino import exceptions as reasons  # noqa: PLC0415  the same

    host, _, port = url.partition("://")[2].partition(":")
    direct = requests.Session()
    direct.trust_env = False  # an engine of ours is on this machine, whatever proxy is named
    conn = dbapi.Connection(
        host=host, port=int(port), user=user, catalog=native.CATALOG, http_session=direct
    )
    cursor = conn.cursor()
    try:
        cursor.execute(query.strip().rstrip(";"))
        found: Sequence[Any] = cursor.fetchall() if limit is None else cursor.fetchmany(limit)
        described = cursor.description or ()
    except reasons.TrinoUserError as reason:
        raise Refused(str(reason.message)) from None
    except (reasons.Error, requests.RequestException) as reason:
        raise Refused(str(reason)) from None
    finally:
        with contextlib.suppress(Exception):  # one that is done cannot be cancelled
            cursor.cancel()
        conn.close()
    return Answer(
        tuple(str(c[0]) for c in described),
        tuple(str(c[1]) for c in described),
        tuple(tuple(row) for row in found),
    )


def _arrow(kind: str) -> pa.DataType:
    if sized := _DECIMAL.fullmatch(kind):
        return pa.decimal128(int(sized.group(1)), int(sized.group(2)))
    return _TYPES.get(kind, pa.string())
