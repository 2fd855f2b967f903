"""Reads a model's result from DuckDB as a mart: its columns, and its rows as CSV text."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import partial
from typing import Any, Protocol

import pyarrow as pa
from pyarrow import csv

from tidewright.pipelines.publish import mart as marts
from tidewright.pipelines.publish import types

BATCH = 100_000  # rows of CSV text in memory at once
FORMAT = csv.WriteOptions(include_header=False, quoting_style="all_valid")


class Engine(Protocol):
    """What is used of a DuckDB connection, so that the driver keeps its one owner."""

    def execute(self, query: str, /) -> Any: ...


def read(engine: Engine, relation: str, name: str, key: tuple[str, ...]) -> marts.Mart:
    """The mart ``name``, made of everything in ``relation`` (already quoted)."""
    described = engine.execute(f"describe {relation}").fetchall()
    types_of = {str(row[0]): str(row[1]) for row in described}
    columns = tuple(marts.Column(c, types.postgres_type(t)) for c, t in types_of.items())
    texts = ", ".join(f"{types.as_text(c, t)} as {types.quoted(c)}" for c, t in types_of.items())
    query = f"select {texts} from {relation}"  # noqa: S608  names are quoted
    return marts.Mart(name, columns, key, partial(_rows, engine, query))


def _rows(engine: Engine, query: str) -> Iterator[bytes]:
    for batch in engine.execute(query).to_arrow_reader(BATCH):
        if batch.num_rows:
            yield _text(batch)


def _text(batch: pa.RecordBatch) -> bytes:
    out = io.BytesIO()
    csv.write_csv(batch, out, FORMAT)
    return out.getvalue()
