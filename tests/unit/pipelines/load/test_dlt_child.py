"""dlt's tables as streams, its values as JSON, and what went wrong at its root. Without dlt."""

import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest

from tidewright.pipelines.load import columns, dlt_child, messages


def column(name, kind, **hints):
    return {name: {"name": name, "data_type": kind, "nullable": True, **hints}}


def shaped(*found, **table):
    """The stream as the worker reads it, and its columns by kind."""
    listed = {k: v for one in found for k, v in one.items()}
    said = dlt_child.stream({"name": "orders", "columns": listed, **table})
    stream = messages._stream(said)
    shape = columns.shape(stream.schema, stream.key)
    return stream, {c.name: c.kind for c in shape.columns}


def test_every_type_has_its_column():
    kinds = (*dlt_child.TYPES, *dlt_child.PLACES)
    _, found = shaped(*(column(kind, kind) for kind in kinds))
    assert found == {
        "text": "string", "bigint": "long", "double": "double", "bool": "boolean",
        "timestamp": "timestamptz", "date": "date", "time": "time", "json": "json",
        "binary": "string", "decimal": "decimal:9", "wei": "decimal:0",
    }  # fmt: skip


def test_hints_of_a_column_count():
    _, found = shaped(
        column("price", "decimal", scale=2), column("at", "timestamp", timezone=False)
    )
    assert found == {"price": "decimal:2", "at": "timestamp"}


def test_columns_without_a_type_and_those_of_dlt_are_left_out():
    _, found = shaped(column("id", "bigint"), column("x", None), column("_dlt_id", "text"))
    assert found == {"id": "long"}


@pytest.mark.parametrize(
    ("disposition", "modes"),
    [
        ("replace", ("full_refresh",)),
        ("append", ("full_refresh", "incremental")),
        ("merge", ("full_refresh", "incremental")),
    ],
)
def test_only_what_replaces_is_a_full_stream(disposition, modes):
    key, at = column("id", "bigint", primary_key=True), column("at", "text", incremental=True)
    stream, _ = shaped(key, at, write_disposition=disposition)
    assert (stream.modes, stream.key, stream.cursor) == (modes, ("id",), ("at",))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (Decimal("1.10"), 1.1),
        (Decimal("12345678901234567.123456789"), "12345678901234567.123456789"),
        (datetime(2026, 1, 2, 3, tzinfo=UTC), "2026-01-02T03:00:00+00:00"),
        (date(2026, 1, 2), "2026-01-02"),
        (b"\x00\xff", "AP8="),
    ],
)
def test_values_as_json(value, told):
    assert dlt_child.plain(value) == told


def test_a_value_that_json_cannot_say_is_refused():
    with pytest.raises(dlt_child.Unfit, match="set, which JSON cannot say"):
        dlt_child.plain({1})


def test_a_table_of_a_resource_may_not_be_left_out():
    tables = [{"name": n, "resource": "events"} for n in ("clicks", "views")]
    with pytest.raises(dlt_child.Unfit, match="the resource events also brings views"):
        dlt_child._agree(tables, ["clicks"])
    dlt_child._agree(tables, ["clicks", "views"])
    dlt_child._agree(tables, [])


def test_the_root_is_told_with_the_users_own_line(tmp_path: Path):
    script = tmp_path / "orders.py"
    script.write_text("def fail():\n    raise ConnectionError('502\\nmore')\n")
    names = {}
    exec(compile(script.read_text(), str(script), "exec"), names)
    try:
        try:
            names["fail"]()
        except ConnectionError as inner:
            raise RuntimeError("a step of the pipeline failed") from inner
    except RuntimeError as outer:
        assert dlt_child.told(script, outer) == "orders.py:2: ConnectionError: 502"


def test_it_needs_nothing_but_the_standard_library():
    run = f"import runpy; runpy.run_path({dlt_child.__file__!r})"
    subprocess.run([sys.executable, "-I", "-S", "-c", run], check=True)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("x = 1\n", "no function source"),
        ("def source(config):\n    return [1]\n", "neither a source of dlt nor a list"),
        ("def source(config):\n    return []\n", "neither a source of dlt nor a list"),
    ],
)
def test_a_file_without_sources_is_named(tmp_path: Path, monkeypatch, text, what):
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "my-orders.py").write_text(text)
    with pytest.raises(dlt_child.Unfit, match=what):
        dlt_child.made(None, tmp_path / "my-orders.py", {})


class Source:
    """As much of dlt's as a choice needs."""

    def __init__(self, **tables):
        self.resources = {
            n: SimpleNamespace(name=n, table_name=table) for n, table in tables.items()
        }

    def with_resources(self, *names):
        return names


def test_resources_are_chosen_by_their_name_or_their_tables():
    source = Source(orders="orders", people="customers", events=lambda event: event["kind"])
    assert dlt_child.chosen(source, []) is source
    assert dlt_child.chosen(source, ["customers", "typo"]) == ("people",)
    assert dlt_child.chosen(source, ["events", "orders"]) == ("orders", "events")
    with pytest.raises(dlt_child.Unfit, match="of typo it has none; it has orders, people, events"):
        dlt_child.chosen(source, ["typo"])
