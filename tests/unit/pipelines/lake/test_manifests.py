"""Manifests as PyIceberg reads them: status, sequence numbers and counts of every entry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.manifest import ManifestContent, ManifestEntryStatus, ManifestFile

from tidewright.pipelines.lake import avro, store
from tidewright.pipelines.lake import table as lake_table
from tidewright.testing import lakes
from tidewright.testing.postgres import TempPostgres

ADDED, EXISTING, DELETED = (
    ManifestEntryStatus.ADDED,
    ManifestEntryStatus.EXISTING,
    ManifestEntryStatus.DELETED,
)


@pytest.fixture
def lake(postgres: TempPostgres, tmp_path: Path) -> Iterator[lakes.TempLake]:
    with lakes.TempLake(postgres, tmp_path) as lake:
        yield lake


def three_commits(lake: lakes.TempLake) -> lake_table.Table:
    """File 1 and 2; then a delete in file 1; then file 2 replaced by file 3."""
    opened = lake.open()
    table = opened.create("bank.a", lakes.USERS, lakes.PLAIN, {})
    first = table.add_rows(lakes.rows(range(10)))
    second = table.add_rows(lakes.rows(range(10, 15)))
    assert isinstance(opened.commit(lakes.facts(1)), store.Done)
    table.set_deletes({first.number: np.array([0])})
    assert isinstance(opened.commit(lakes.facts(2)), store.Done)
    table.replace([second.number], lakes.rows(range(10, 15)))
    assert isinstance(opened.commit(lakes.facts(3)), store.Done)
    return table


def manifest(lake: lakes.TempLake, content: ManifestContent) -> ManifestFile:
    current = lake.catalog().load_table("bank.a").current_snapshot()
    assert current is not None
    (found,) = [m for m in current.manifests(PyArrowFileIO()) if m.content == content]
    return found


def test_entries_keep_the_sequence_number_that_brought_them(lake: lakes.TempLake) -> None:
    three_commits(lake)
    found = manifest(lake, ManifestContent.DATA)
    entries = found.fetch_manifest_entry(PyArrowFileIO(), discard_deleted=False)
    seen = {(e.status, e.sequence_number, e.data_file.record_count) for e in entries}
    assert seen == {(EXISTING, 1, 10), (ADDED, 3, 5), (DELETED, 1, 5)}
    assert (found.sequence_number, found.min_sequence_number) == (3, 1)
    assert (found.added_files_count, found.existing_files_count, found.deleted_files_count) == (
        1, 1, 1,
    )  # fmt: skip
    assert (found.added_rows_count, found.existing_rows_count, found.deleted_rows_count) == (
        5, 10, 5,
    )  # fmt: skip
    assert Path(found.manifest_path.removeprefix("file://")).stat().st_size == found.manifest_length


def test_an_untouched_delete_manifest_is_carried_as_it_is(lake: lakes.TempLake) -> None:
    table = three_commits(lake)
    found = manifest(lake, ManifestContent.DELETES)
    assert (found.sequence_number, found.min_sequence_number) == (2, 2)
    (entry,) = found.fetch_manifest_entry(PyArrowFileIO())
    assert (entry.status, entry.sequence_number) == (ADDED, 2)
    assert table.state.deletes[0].location == found.manifest_path


@pytest.mark.parametrize(
    ("number", "content"),
    [(0, b"\x00"), (-1, b"\x01"), (1, b"\x02"), (64, b"\x80\x01"), (-65, b"\x81\x01")],
)
def test_avro_longs(number: int, content: bytes) -> None:
    assert avro.varint(number) == content
    assert len(avro.varint(2**63 - 1)) == 10
