"""Which types a file's columns get; in doubt none is guessed."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tidewright import errors
from tidewright.operations.adding import inferred


def columns(file: Path, text: str) -> list[str]:
    file.write_text(text)
    found: list[str] = inferred.infer(file, "csv", "t.csv").entry["columns"]
    return found


def kind(file: Path, *values: str) -> str:
    (found,) = columns(file, "\n".join(("v", *values)) + "\n")
    return found.removeprefix("v ")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (("1", "-20"), "integer"),
        (("1", "2.5"), "number"),
        (("1.50", "-20.00"), "decimal(2)"),
        (("1.50", "2.5"), "number"),
        (("007", "8"), "text"),
        (("1234567890123456789012",), "text"),
        (("0.1234567890123456789",), "text"),
        (("true", "False"), "boolean"),
        (("2026-01-31",), "date"),
        (("2026-02-30",), "text"),
        (("31.01.2026",), "text"),
        (("01/02/2026",), "text"),
        (("2026-01-31 10:00:00", "2026-01-31T10:00"), "timestamp"),
        (("2026-01-31T10:00:00Z", "2026-01-31 10:00:00+02"), "timestamptz"),
        (("2026-01-31T10:00:00Z", "2026-01-31T10:00:00"), "text"),
        (("10:00", "23:59:59.5"), "time"),
        (("1", "n/a"), "text"),
    ],
)
def test_a_type_fits_every_field(tmp_path: Path, values: tuple[str, ...], expected: str) -> None:
    assert kind(tmp_path / "t.csv", *values) == expected


def test_empty_fields_say_nothing_of_a_type(tmp_path: Path) -> None:
    assert columns(tmp_path / "t.csv", "a,b\n1,\n,\n") == ["a integer", "b text"]


def test_the_delimiter_is_what_cuts_the_first_line(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('a;b;c\n1;"x;y";2,5\n')
    found = inferred.infer(tmp_path / "t.csv", "csv", "t.csv")
    assert found.entry == {"delimiter": ";", "columns": ["a integer", "b text", "c text"]}
    assert found.rows == 1


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "it is empty"),
        ("1,2\n3,4\n", "1 is a value"),
        ("a,,c\n", "a column ''"),
        ("a,A\n1,2\n", "two columns are called a"),
        ("a,b\n1,2\n3\n", "line 3 has 1 fields, the first 2"),
        ("_seq\n1\n_SEQ\n", None),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, text: str, what: str | None) -> None:
    if what is None:
        assert columns(tmp_path / "t.csv", text) == ["_seq text"]
        return
    with pytest.raises(errors.Refused) as caught:
        columns(tmp_path / "t.csv", text)
    assert caught.value.code == "source.unreadable"
    assert what in caught.value.what


def test_a_parquet_file_says_its_types(tmp_path: Path) -> None:
    at = dt.datetime(2026, 1, 2, 3, tzinfo=dt.UTC)
    table = pa.table({
        "id": [1], "price": pa.array([Decimal("1.10")], pa.decimal128(12, 2)),
        "at": pa.array([at], pa.timestamp("us", "UTC")), "tags": [["a"]], "raw": [b"\x01"],
        "on": [at.date()], "f": [1.5], "s": pa.array(["x"]).dictionary_encode(),
    })  # fmt: skip
    pq.write_table(table, tmp_path / "t.parquet")
    found = inferred.infer(tmp_path / "t.parquet", "parquet", "t.parquet")
    assert found.entry["columns"] == [
        "id integer", "price decimal(2)", "at timestamptz", "tags json", "raw text", "on date",
        "f number", "s text",
    ]  # fmt: skip
    assert found.rows == 1


def test_a_value_that_json_cannot_say_is_refused_beforehand(tmp_path: Path) -> None:
    pq.write_table(pa.table({"f": [float("nan")]}), tmp_path / "t.parquet")
    with pytest.raises(errors.Refused):
        inferred.infer(tmp_path / "t.parquet", "parquet", "t.parquet")


def test_a_file_that_is_no_parquet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_text("a,b\n")
    with pytest.raises(errors.Refused):
        inferred.infer(tmp_path / "t.parquet", "parquet", "t.parquet")


@pytest.mark.parametrize(
    "text", ["<html><body>login</body></html>\n", '{"a": 1}\n', '[{"a": 1}]\n']
)
def test_a_login_page_is_no_table(tmp_path: Path, text: str) -> None:
    with pytest.raises(errors.Refused, match="a web page or JSON"):
        columns(tmp_path / "t.csv", text)
