"""The snapshot of a table at a checkpoint, from metadata as Iceberg writes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pyarrow import fs

from tidewright.pipelines.lake.catalog import TablePoint
from tidewright.pipelines.record import points

HERE = "s3://b/now.json"


def table(*made: int | None, parent: int | None = None) -> dict[str, Any]:
    """Snapshots 1, 2, ... by these checkpoints; None: by somebody else."""
    snapshots = []
    for number, checkpoint in enumerate(made, start=1):
        told = {} if checkpoint is None else {points.CHECKPOINT: str(checkpoint)}
        one = {"snapshot-id": number, "timestamp-ms": number * 10, "summary": told}
        above = number - 1 or parent
        snapshots.append(one | ({} if above is None else {"parent-snapshot-id": above}))
    logged = [{"timestamp-ms": n * 10, "metadata-file": f"s3://b/{n}"} for n in range(1, len(made))]
    return {
        "snapshots": snapshots, "metadata-log": logged,
        "current-snapshot-id": len(made) or -1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("made", "number", "expected"),
    [
        ((4, 5, 6), 5, TablePoint(2, "s3://b/2")),
        ((4, 5, 6), 6, TablePoint(3, HERE)),
        ((4, 5, 6), 9, TablePoint(3, HERE)),  # no rows came since
        ((4, 6), 5, TablePoint(1, "s3://b/1")),
        ((4, None, 6), 5, TablePoint(2, "s3://b/2")),  # merged by somebody else: the same rows
        ((4, None), 5, TablePoint(2, HERE)),
        ((6, None), 5, TablePoint(None, HERE)),
        ((7,), 5, TablePoint(None, HERE)),  # its first rows came later
        ((), 5, TablePoint(None, HERE)),
    ],
)
def test_the_newest_that_shows_no_later_checkpoint(
    made: tuple[int | None, ...], number: int, expected: TablePoint
) -> None:
    assert points.point("bank.users", HERE, table(*made), number) == expected


def test_a_forgotten_checkpoint_is_no_empty_table() -> None:
    with pytest.raises(points.Gone, match="users has forgotten checkpoint 5"):
        points.point("bank.users", HERE, table(7, 8, parent=99), 5)


def test_forgotten_metadata_is_said() -> None:
    found = table(4, 5)
    found["metadata-log"] = []
    with pytest.raises(points.Gone, match="the metadata of checkpoint 4"):
        points.point("bank.users", HERE, found, 4)


def test_a_branch_that_was_rolled_back_does_not_count() -> None:
    """Only what the current snapshot descends from is in the table."""
    found = table(4, 5)
    found["current-snapshot-id"] = 1
    assert points.point("bank.users", HERE, found, 5) == TablePoint(1, HERE)


def test_every_table_is_read_from_the_store(tmp_path: Path) -> None:
    file = tmp_path / "m.json"
    file.write_text(json.dumps(table(4)))
    found = points.at_checkpoint(fs.LocalFileSystem(), {"bank.users": f"file://{file}"}, 4)
    assert found == {"bank.users": TablePoint(1, f"file://{file}")}
