"""Every component says who makes it, and its runners start our own modules."""

from __future__ import annotations

import pytest

from tidewright.assemble import catalog


@pytest.mark.parametrize("name", list(catalog.COMPONENTS))
def test_says_what_it_is(name: str) -> None:
    component = catalog.component(name)
    assert component.name == name
    assert component.why
    assert component.licence
    assert component.supplier
    assert component.runs or component.provides
