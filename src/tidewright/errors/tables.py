"""Every code with its documentation: the tables beside this file, joined."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from pathlib import Path

from tidewright.errors.codes import Code

SUFFIX = "_codes"


def all_codes() -> Mapping[str, Code]:
    """The codes of every area, sorted. A code that two tables claim is a defect."""
    found: dict[str, Code] = {}
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if module.name.endswith(SUFFIX):
            table = importlib.import_module(f"tidewright.errors.{module.name}").CODES
            twice = found.keys() & table.keys()
            assert not twice, f"two tables list {', '.join(sorted(twice))}"
            found |= table
    return dict(sorted(found.items()))
