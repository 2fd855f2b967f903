"""Parts made by hand: a relation from short words, rows from lists of text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psycopg
import pyarrow as pa
import pytest

from tidewright.model import flow, values
from tidewright.pipelines.decode import chunk, relation
from tidewright.pipelines.feeds import peek
from tidewright.testing.postgres import TempPostgres
from tidewright.vault import files as vault

TEXT = 25
Make = Callable[..., chunk.Part]


def part(
    columns: dict[str, tuple[int, list[str | None]]],
    op: str | None = None,
    identity: str = "d",
    typmod: int = -1,
) -> chunk.Part:
    """``columns``: name -> (type oid, texts); the first column is the key."""
    described = tuple(
        relation.Column(name, oid, typmod, key=identity == "f" or i == 0)
        for i, (name, (oid, _)) in enumerate(columns.items())
    )
    arrays = tuple(pa.array(texts, pa.string()) for _, texts in columns.values())
    count = len(arrays[0])
    numbers = np.arange(1, count + 1)
    return chunk.Part(
        relation.Relation(1, "s", "t", identity, described),
        np.frombuffer((op or "c" * count).encode(), np.uint8),
        numbers * 100, numbers + 700, numbers, numbers * 1_000_000, arrays, {},
    )  # fmt: skip


@pytest.fixture
def make() -> Make:
    return part


@pytest.fixture
def source_feed(
    database: psycopg.Connection, postgres: TempPostgres, tmp_path: Path
) -> Iterator[peek.PeekFeed]:
    vault.write(tmp_path / "secrets", "pw", postgres.password)
    name = database.info.dbname
    at = flow.Connection("127.0.0.1", postgres.port, name, "postgres", values.Secret("pw"))
    source = flow.PostgresSource("s", at, f"tw_{name}", f"tw_{name}", True)
    made = peek.PeekFeed(source, tmp_path / "secrets")
    yield made
    made.drop()
    made.close()
