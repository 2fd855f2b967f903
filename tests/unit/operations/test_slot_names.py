"""The slot of an environment stays the one that its lake has followed so far."""

from __future__ import annotations

import dataclasses

from tests.unit.operations.conftest import capturing, platform

from tidewright.model import platform as nouns
from tidewright.operations import changes, slot_names


def slots(made: nouns.Platform) -> list[tuple[str, str]]:
    return [(c.source.slot, c.source.publication) for c in changes.captures(made)]


def renamed(made: nouns.Platform, slot: str) -> nouns.Platform:
    (service,) = [s for s in made.services if s.process.job is not None]
    (job,) = changes.captures(made)
    job = dataclasses.replace(
        job, source=dataclasses.replace(job.source, slot=slot, publication=slot)
    )
    process = dataclasses.replace(service.process, job=job)
    return dataclasses.replace(made, services=(dataclasses.replace(service, process=process),))


def test_an_environment_that_was_up_keeps_its_slot() -> None:
    new = platform(capturing("s.a", "s.b"))
    old = renamed(platform(capturing("s.a")), "tidewright_old")
    found = slot_names.names(new, old)
    assert slots(found) == [("tidewright_old", "tidewright_old")]
    assert changes.captures(found)[0].capture.tables == ("s.a", "s.b")


def test_a_new_environment_and_a_new_source_get_their_own() -> None:
    new = platform(capturing("s.a"))
    assert slot_names.names(new, None) == new
    assert slot_names.names(new, platform()) == new
