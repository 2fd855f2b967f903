"""The rows of a table at one metadata file, by PyIceberg: a second reader beside DuckDB."""

from __future__ import annotations

import pyarrow as pa
from pyiceberg.table import StaticTable


def scan(metadata: str, columns: tuple[str, ...]) -> pa.Table:
    """These columns of all rows, deletes applied."""
    return StaticTable.from_metadata(metadata).scan(selected_fields=columns).to_arrow()
