"""Data written as YAML is read back as what it was."""

from __future__ import annotations

from typing import Any

import pytest

from tidewright.spec import tree, written

ODD = (
    "yes", "null", "~", "", " ", "1", "1.5", ".5", "0x1", "1e3", "a: b", "a, b", "#no", "it's",
    '"q"', "Order ID", "Größe", "tab\there", "line\nbreak", "-", "- a", "[x]", "{y}", "*a", "&b",
    "!c", "%d", "@e", "`f`", "5s", "10", "2026-01-01", "a ", "\u2028", "\x85", "true integer", ".",
)  # fmt: skip


def read(text: str) -> Any:
    parsed = tree.parse(text, "x")
    assert parsed.root is not None and not parsed.findings, (text, parsed.findings)
    return tree.plain(parsed.root)


@pytest.mark.parametrize("value", [*ODD, 0, -1.5, True, None])
def test_a_scalar_is_what_it_was_as_value_and_as_key(value: Any) -> None:
    assert read(written.flow({"a": value, "b": [value]})) == {"a": value, "b": [value]}
    if isinstance(value, str):
        assert read("\n".join(written.block({value: {"b": {"c": value}}}, 0))) == {
            value: {"b": {"c": value}}
        }


def test_short_maps_are_one_line_and_maps_of_maps_are_blocks() -> None:
    value = {"one": {"a": 1, "b": [2]}, "two": {"c": {"d": 1}}}
    assert list(written.block(value, 2)) == ["  one: {a: 1, b: [2]}", "  two:", "    c: {d: 1}"]


def test_a_line_has_an_end() -> None:
    tables, keys = [f"schema.table_{n}" for n in range(20)], {f"k{n}": n for n in range(40)}
    value = {"tables": tables, "keys": keys}
    lines = list(written.block(value, 4))
    assert max(map(len, lines)) <= written.WIDTH
    assert read("\n".join(lines)) == value
