"""Destroy cleans the user's source first; when it cannot, nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.operations.conftest import Talking, capturing, platform

from tidewright import errors
from tidewright.operations import destroy, state
from tidewright.targets.local import layout


@pytest.fixture
def found(project: Path) -> state.Environment:
    """Follows a source that nobody can reach: no server listens on port 1."""
    place = layout.create(project, "laptop")
    return state.Environment("laptop", place, platform(capturing("bank.users")))


def test_a_source_out_of_reach_keeps_everything(found: state.Environment) -> None:
    with pytest.raises(errors.StepFailed, match="cannot be reached") as told:
        destroy.destroy(found, Talking().talk)
    assert told.value.code == "local.source_kept"
    assert found.place.secrets.is_dir()


def test_who_keeps_the_source_needs_not_reach_it(found: state.Environment) -> None:
    destroy.destroy(found, Talking().talk, keep_source=True)
    assert not found.place.root.exists()


def test_a_source_of_ours_goes_with_its_data(project: Path) -> None:
    place = layout.create(project, "laptop")
    applied = platform(capturing("bank.users", managed=True))
    destroy.destroy(state.Environment("laptop", place, applied), Talking().talk)
    assert not place.root.exists()
