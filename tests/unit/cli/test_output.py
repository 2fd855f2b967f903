"""Answers as tables, JSON and YAML."""

from __future__ import annotations

import datetime
import decimal
import json
from dataclasses import dataclass

import pytest
from ruamel.yaml import YAML

from tidewright.cli import output

DATA = {
    "name": "a",
    "empty": [],
    "none": None,
    "no": "no",
    "number": "1",
    "nested": {"list": [{"x": 1.5}, ["deep"]], "odd": "a: b # c"},
}


@dataclass(frozen=True)
class Point:
    x: int
    tags: tuple[str, ...] = ("t",)


def test_yaml_and_json_say_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    output.emit(DATA, "json", "")
    from_json = json.loads(capsys.readouterr().out)
    output.emit(DATA, "yaml", "")
    assert YAML(typ="safe").load(capsys.readouterr().out) == from_json
    assert from_json["schemaVersion"] == 1


def test_records_become_maps() -> None:
    assert output.plain({"p": Point(1)}) == {"p": {"x": 1, "tags": ["t"]}}


def test_tables_are_aligned() -> None:
    table = output.Table(("name", "rows"), [("a", 10), ("long", 5)], frozenset({"rows"}))
    assert output.text(table).splitlines() == ["name  rows", "a       10", "long     5"]


def test_row_content_cannot_move_the_cursor() -> None:
    shown = output.text(output.Table(("a",), [("x\x1b[2J\ny",)]))
    assert "\x1b" not in shown
    assert len(shown.splitlines()) == 2


def test_without_a_terminal_the_answer_is_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output.sys.stdin, "isatty", lambda: False, raising=False)
    assert not output.ask("sure?")
    assert output.ask("sure?", yes=True)


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output.sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert output.paint("x", "red") != "x"
    monkeypatch.setenv("NO_COLOR", "")
    assert output.paint("x", "red") == "x"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        (True, True),
        (2**70, 2**70),
        (1.5, 1.5),
        (float("nan"), "nan"),
        (decimal.Decimal("1.50"), "1.50"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (b"\x00\xff", "00ff"),
    ],
)
def test_values_of_rows_are_exact(value: object, shown: object) -> None:
    assert output.exact(value) == shown
    assert type(output.exact(value)) is type(shown)
