"""The shipped JSON Schema."""

from __future__ import annotations

import re
from pathlib import Path

from tidewright.spec import schema, tree

EXAMPLES = Path(__file__).parents[3] / "examples"


def test_shipped_schema_is_fresh() -> None:
    """Red? Run: python -m tidewright.spec.schema > src/tidewright/spec/platform.schema.json"""
    assert schema.FILE.read_text() == schema.text()


def test_every_pattern_is_a_regular_expression() -> None:
    patterns = re.findall(r'"pattern": "(.*?)",?\n', schema.text().replace("\\\\", "\\"))
    assert len(patterns) > 3
    assert all(re.compile(p) for p in patterns)


def test_keys_of_the_examples_are_known() -> None:
    made = schema.schema()
    files = sorted(EXAMPLES.glob("*/platform.yaml"))
    assert files
    for file in files:
        root = tree.parse(file.read_text(), file.name).root
        assert isinstance(root, tree.Fields)
        assert set(root.entries) <= set(made["properties"])
