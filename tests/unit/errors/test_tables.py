"""Codes are stable and documented: raised means listed, listed means raised and tested."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tidewright.errors import tables

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "src" / "tidewright"
SHAPE = re.compile(r"[a-z]+\.[a-z][a-z0-9_]*")
LISTED = tables.all_codes()
AREAS = {code.partition(".")[0] for code in LISTED}


def strings(path: Path) -> set[str]:
    """Every string constant of a module, docstrings and all."""
    nodes = ast.walk(ast.parse(path.read_text()))
    return {n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def in_source() -> set[str]:
    files = [p for p in SOURCE.rglob("*.py") if not p.stem.endswith("_codes")]
    return set().union(*map(strings, files))


def raised() -> dict[str, str]:
    """Strings that stand where an error's code stands, with the module they are in."""
    found: dict[str, str] = {}
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and node.args and _is_error(node.func):
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    found[first.value] = str(path.relative_to(SOURCE))
    return found


FAMILIES = {
    "Bug", "Finding", "PlatformError", "PromiseBroken", "Refused", "StepFailed", "TimedOut",
    "Unsupported", "wrong",
}  # fmt: skip


def _is_error(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in FAMILIES


def test_every_raised_code_is_listed() -> None:
    codes = {code: place for code, place in raised().items() if SHAPE.fullmatch(code)}
    assert codes, "the search finds nothing: it is broken"
    assert {code: place for code, place in codes.items() if code not in LISTED} == {}


def test_every_listed_code_is_raised_somewhere() -> None:
    """Written out, or as a table's short name that gets its area when it is raised."""
    there = in_source()
    assert [c for c in LISTED if c not in there and c.partition(".")[2] not in there] == []


def test_every_listed_code_is_named_by_a_test() -> None:
    files = [p for p in (ROOT / "tests").rglob("*.py") if p != Path(__file__)]
    text = "\n".join(p.read_text() for p in files).replace(r"\.", ".")
    quoted = set(re.findall(r"[\"'\[](" + SHAPE.pattern + r")[\"'\]]", text))
    assert sorted(set(LISTED) - quoted) == []


@pytest.mark.parametrize("name", LISTED)
def test_entry_is_written_for_a_person(name: str) -> None:
    code = LISTED[name]
    assert SHAPE.fullmatch(name)
    assert code.title and not code.title.endswith(".")
    assert code.cause and code.remedy
    assert code.cause != code.remedy


def test_areas_are_few() -> None:
    assert len(AREAS) <= 14, sorted(AREAS)
