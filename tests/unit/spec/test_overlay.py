"""Environments laid over the file."""

from __future__ import annotations

from typing import Any

import pytest

from tidewright.spec import overlay, tree


def _node(text: str) -> tree.Node:
    root = tree.parse(text, "f").root
    assert root is not None
    return root


@pytest.mark.parametrize(
    ("base", "over", "result"),
    [
        ("{a: {b: 1, c: 2}}", "{a: {c: 3, d: 4}}", {"a": {"b": 1, "c": 3, "d": 4}}),
        ("{a: [1, 2]}", "{a: [3]}", {"a": [3]}),
        ("{a: {b: 1, c: 2}}", "{a: {b: null}}", {"a": {"c": 2}}),
        ("{a: 1}", "{b: {c: null, d: 1}}", {"a": 1, "b": {"d": 1}}),
        ("{a: {b: 1}}", "{a: 7}", {"a": 7}),
        ("{a: 1}", "{}", {"a": 1}),
    ],
)
def test_maps_merge_lists_replace_null_removes(base: str, over: str, result: Any) -> None:
    assert tree.plain(overlay.merge(_node(base), _node(over))) == result


def test_a_value_keeps_the_place_of_whoever_said_it() -> None:
    merged = overlay.merge(_node("{a: {b: 1, c: 2}}"), _node("\n\n{a: {c: 3}}"))
    assert tree.at(merged, ("a", "b")).line == 1
    assert tree.at(merged, ("a", "c")).line == 3


def test_the_short_form_is_expanded() -> None:
    node = overlay.expand(_node("embedded"))
    assert tree.plain(node) == {"target": "local", "engines": "embedded"}
    assert tree.plain(overlay.expand(_node("elsewhere"))) == "elsewhere"


def test_own_keys_are_told_from_overrides() -> None:
    node = _node("{target: local, goals: {fresh: 1s}}")
    assert isinstance(node, tree.Fields)
    own, over = overlay.split(node, ("target", "engines"))
    assert tree.plain(own) == {"target": "local"}
    assert tree.plain(over) == {"goals": {"fresh": "1s"}}
