"""Parquet files of a Delta table: written, synced, and described for the commit."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from tidewright.kit import files as kit

# Between commits few rows come together, and the open part is written again and again.
_SMALL = {"compression": "zstd", "compression_level": 1, "write_statistics": True}


@dataclass(frozen=True, slots=True)
class Written:
    """One data file. ``path`` is relative to the table; ``partition``: column to value."""

    path: str
    bytes: int
    rows: int
    partition: tuple[str, str] | None

    @property
    def stats(self) -> str:
        """What Delta's own readers want to know of it."""
        return json.dumps({"numRecords": self.rows})


def write(root: Path, rows: pa.Table, partition: tuple[str, str] | None) -> Written:
    """Write rows as one file, durable before this returns. No reader sees it before a commit."""
    folder = root if partition is None else root / "=".join(partition)
    folder.mkdir(exist_ok=True)
    file = folder / f"part-{uuid4()}.parquet"
    with file.open("xb") as out:
        pq.write_table(rows, out, **_SMALL)
        out.flush()
        os.fsync(out.fileno())
    kit.sync_folder(folder)
    name = str(file.relative_to(root))
    return Written(name, file.stat().st_size, rows.num_rows, partition)
