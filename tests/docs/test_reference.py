"""Reference pages are what the code says today."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[2] / "docs"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PAGES = load().pages()


@pytest.mark.parametrize("name", sorted(PAGES))
def test_page_is_fresh(name: str) -> None:
    committed = (DOCS / "reference" / name).read_text()
    assert committed == PAGES[name], f"docs/reference/{name} is stale: just docs"


def test_every_committed_reference_page_is_generated() -> None:
    assert {p.name for p in (DOCS / "reference").glob("*.md")} == set(PAGES)
