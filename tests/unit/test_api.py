"""The facade: its table and what type checkers see are the same."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tidewright import api


def test_the_table_and_the_typed_names_agree() -> None:
    assert api.__file__ is not None
    module = ast.parse(Path(api.__file__).read_text())
    block = next(b for b in module.body if isinstance(b, ast.If))
    typed = {
        alias.asname: f"{(node.module or '').removeprefix('tidewright.operations.')}:{alias.name}"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if not (alias.asname or "").startswith("_")
    }
    typed |= {
        ast.unparse(node.targets[0]): ast.unparse(node.value).lstrip("_").replace(".", ":")
        for node in block.body
        if isinstance(node, ast.Assign)
    }
    assert typed == dict(api.TABLE)


@pytest.mark.parametrize("name", list(api.TABLE))
def test_every_row_leads_somewhere(name: str) -> None:
    assert getattr(api, name) is not None


def test_a_name_without_a_row_is_an_ordinary_error() -> None:
    with pytest.raises(AttributeError, match="has no nonsense"):
        api.nonsense  # noqa: B018
