"""YAML text to a tree with places."""

from __future__ import annotations

import pytest

from tidewright.spec import tree


def _codes(text: str) -> list[tuple[str, int | None, int | None]]:
    found = tree.parse(text, "platform.yaml").findings
    return [(f.code, f.where.line, f.where.column) for f in found]


def test_reads_plain_yaml() -> None:
    text = "a: 1\nb: [x, 2.5, true, ~]\nc: {d: '1', e: 30s, f: 2026-11-21, g: yes}\n"
    root = tree.parse(text, "f").root
    assert root is not None
    assert tree.plain(root) == {
        "a": 1,
        "b": ["x", 2.5, True, None],
        "c": {"d": "1", "e": "30s", "f": "2026-11-21", "g": "yes"},
    }


def test_knows_where_everything_stands() -> None:
    root = tree.parse("a:\n  - b: 1\n    c: 2\n", "f").root
    assert root is not None
    assert tree.at(root, ("a", 0, "c")) == tree.Mark(3, 5)
    assert tree.at(root, ("a", 0, "not there")) == tree.Mark(2, 5)


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("a: !!python/object/apply:os.system [id]\n", "file.yaml_feature", 1, 4),
        ("a: !env HOME\n", "file.yaml_feature", 1, 4),
        ("a: &x 1\n", "file.yaml_feature", 1, 4),
        ("b: *x\n", "file.yaml_feature", 1, 4),
        ("<<: {a: 1}\n", "file.yaml_feature", 1, 1),
        ("? [a]\n: 1\n", "file.yaml_feature", 1, 3),
        ("a: 1\n---\nb: 2\n", "file.yaml_feature", 2, 1),
        ("a: 1\na: 2\n", "file.duplicate_key", 2, 1),
        ("a: [1, 2\n", "file.yaml", 2, 1),
        ("\ta: 1\n", "file.yaml", 1, 1),
        ("a: " + "[" * 100 + "]" * 100, "file.yaml", 1, 27),
    ],
)
def test_refuses_what_can_hide_something(text: str, code: str, line: int, column: int) -> None:
    assert _codes(text) == [(code, line, column)]


def test_a_bomb_of_aliases_stays_small() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    parsed = tree.parse("\n".join(rows), "f")
    assert parsed.root is not None
    assert len(str(tree.plain(parsed.root))) < 2000
    assert {f.code for f in parsed.findings} == {"file.yaml_feature"}


def test_refuses_control_characters_and_a_huge_file() -> None:
    assert _codes("a: \x07") == [("file.yaml", None, None)]
    assert _codes("a: " + "x" * tree.LARGEST) == [("file.too_large", None, None)]


def test_interpolates_nothing() -> None:
    root = tree.parse("a: ${HOME} {{ b }} $(id)\n", "f").root
    assert root is not None
    assert tree.plain(root) == {"a": "${HOME} {{ b }} $(id)"}
