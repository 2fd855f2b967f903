"""Bounds as Iceberg stores them, delete files there and back, and errors of the disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyiceberg.schema import Schema
from pyiceberg.typedef import Record
from pyiceberg.types import DecimalType, DoubleType, LongType, NestedField, StringType

from tidewright import errors
from tidewright.pipelines.lake import durable, files


def write(folder: Path, name: str, kind: object, values: pa.Array) -> files.LiveFile:
    field = NestedField(5, name, kind)  # type: ignore[arg-type]  # an Iceberg type
    how = files.layout(Schema(field))
    return files.write_rows(folder, 0, [pa.table({name: values})], how, Record())


def test_bounds_counts_and_sizes(tmp_path: Path) -> None:
    file = write(tmp_path, "x", LongType(), pa.array([3, None, -4]))
    found = file.data_file
    assert found.lower_bounds == {5: (-4).to_bytes(8, "little", signed=True)}
    assert found.upper_bounds == {5: (3).to_bytes(8, "little")}
    assert (found.value_counts, found.null_value_counts) == ({5: 3}, {5: 1})
    assert found.file_size_in_bytes == Path(file.path).stat().st_size


def test_decimal_bounds_compare_as_numbers_over_row_groups(tmp_path: Path) -> None:
    values = pa.array(["-1.00", "2.50"]).cast(pa.decimal128(30, 2))
    how = files.layout(Schema(NestedField(5, "x", DecimalType(30, 2))))
    parts = [pa.table({"x": values.slice(i, 1)}) for i in range(2)]
    found = files.write_rows(tmp_path, 0, parts, how, Record()).data_file
    assert found.lower_bounds == {5: (-100).to_bytes(1, "big", signed=True)}
    assert found.upper_bounds == {5: (250).to_bytes(2, "big")}


def test_long_texts_have_cut_bounds_that_still_hold(tmp_path: Path) -> None:
    found = write(tmp_path, "x", StringType(), pa.array(["b" * 20, "é" * 30])).data_file
    assert found.lower_bounds == {5: b"b" * 16}
    assert found.upper_bounds == {5: ("é" * 15 + "ê").encode()}


@pytest.mark.parametrize(
    ("last", "above"), [("\ud7ff", "\ue000"), ("\U0010ffff", None), ("\x7f", "\x80")]
)
def test_a_cut_text_is_rounded_up_to_a_character(
    tmp_path: Path, last: str, above: str | None
) -> None:
    """U+D7FF and one is half a pair of UTF-16, which UTF-8 cannot hold."""
    found = write(tmp_path, "x", StringType(), pa.array(["a" * 15 + last + "b"])).data_file
    assert found.upper_bounds[5].decode() == ("a" * 15 + above if above else "a" * 14 + "b")


def test_a_text_that_cannot_be_rounded_up_has_no_upper_bound(tmp_path: Path) -> None:
    found = write(tmp_path, "x", StringType(), pa.array(["\U0010ffff" * 20])).data_file
    assert 5 not in found.upper_bounds


def test_only_nulls_or_only_nan_have_no_bounds(tmp_path: Path) -> None:
    for values in (pa.array([None], pa.float64()), pa.array([float("nan")])):
        assert write(tmp_path, "x", DoubleType(), values).data_file.lower_bounds == {}


def test_deletes_there_and_back(tmp_path: Path) -> None:
    dead = {"file:///b": np.array([4, 9]), "file:///a": np.array([0])}
    file = files.write_deletes(tmp_path, 1, dead)
    found = files.read_deletes(file)
    assert {u: r.tolist() for u, r in found.items()} == {"file:///a": [0], "file:///b": [4, 9]}
    assert file.data_file.lower_bounds[files.PATH_ID] == b"file:///a"
    assert file.data_file.upper_bounds[files.PATH_ID] == b"file:///b"


def test_a_folder_that_is_gone_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(errors.StepFailed, match=r"lake\.write_failed"):
        durable.write_bytes(f"{tmp_path}/nowhere/x", b"")
    with pytest.raises(errors.StepFailed, match=r"lake\.write_failed"):
        write(tmp_path / "nowhere", "x", LongType(), pa.array([1]))


def test_a_full_disk_has_its_own_code() -> None:
    rows = pa.table({"pos": pa.array(range(100_000))})
    with pytest.raises(errors.StepFailed, match=r"lake\.disk_full"):
        files._write("/dev/full", iter([rows]), 1000)


def test_a_file_that_vanished_before_its_sync_is_told(tmp_path: Path) -> None:
    syncer = durable.Syncer()
    syncer.add(f"{tmp_path}/gone")
    with pytest.raises(errors.StepFailed, match=r"lake\.write_failed"):
        syncer.wait()
    syncer.close()
