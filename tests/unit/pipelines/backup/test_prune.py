"""What is forgotten, and that nothing which a kept point needs ever goes."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.pipelines.backup import points

from tidewright.model import backups, jobs
from tidewright.pipelines.backup import prune, retention
from tidewright.vault import sealing

NONE = jobs.Retention(last=1, daily=0, weekly=0, monthly=0)


def at(text: str) -> tuple[str, int]:
    return text, int(dt.datetime.fromisoformat(text + "+00:00").timestamp() * 1000)


HOURLY = [at(f"2026-03-{day:02}T{hour:02}:00:00") for day in (1, 2, 9, 10) for hour in (8, 12, 23)]


def test_the_newest_always_stays() -> None:
    assert retention.kept(HOURLY, jobs.Retention(0, 0, 0, 0), "UTC") == {"2026-03-10T23:00:00"}


def test_the_last_of_each_day_and_week() -> None:
    daily = retention.kept(HOURLY, jobs.Retention(1, 2, 0, 0), "UTC")
    assert daily == {"2026-03-09T23:00:00", "2026-03-10T23:00:00"}
    weekly = retention.kept(HOURLY, jobs.Retention(1, 0, 3, 0), "UTC")
    assert weekly == {"2026-03-01T23:00:00", "2026-03-02T23:00:00", "2026-03-10T23:00:00"}


def test_days_end_where_the_zone_says() -> None:
    """23:00 UTC is the next day in Berlin."""
    found = retention.kept(HOURLY, jobs.Retention(1, 2, 0, 0), "Europe/Berlin")
    assert found == {"2026-03-10T12:00:00", "2026-03-10T23:00:00"}


@pytest.fixture
def kept(tmp_path: Path) -> points.Kept:
    return points.keep(tmp_path)


def add(kept: points.Kept, number: int, content: bytes) -> None:
    """A newer point with a project of its own."""
    old = kept.point
    project = points.tree(kept.store, "project", {"platform.yaml": content})
    kept.sign(
        replace(
            old, id=f"20261121T12{number:02}00Z-0001", sequence=number, previous=old.id,
            at_ms=old.at_ms + number * 1000, project=project,
        )
    )  # fmt: skip


def run(kept: points.Kept) -> prune.Pruned:
    return prune.prune(kept.store, sealing.Checker(kept.maker.public), NONE)


def test_what_only_old_points_needed_goes(kept: points.Kept) -> None:
    before = len(kept.store.blobs())
    add(kept, 2, b"tidewright: 0\nplatform: two\n")
    found = run(kept)
    assert found.points == ("20261121T120000Z-0001",) and found.blobs == 2 and found.bytes > 0
    assert kept.codes() == {} and len(kept.store.blobs()) == before


def test_what_an_interrupted_run_left_goes(kept: points.Kept) -> None:
    kept.store.put_bytes(b"never named by a point", "x", pack=False)
    kept.store.place.settle()
    assert run(kept).blobs == 1
    assert kept.codes() == {}


def test_no_file_goes_while_a_point_cannot_be_read(kept: points.Kept) -> None:
    damaged = kept.manifest()
    add(kept, 2, b"another\n")
    damaged.write_bytes(damaged.read_bytes()[:100])
    found = run(kept)
    assert (found.points, found.blobs, found.unreadable) == ((), 0, (damaged.stem,))
    assert damaged.exists()


def test_the_newest_exact_point_stays_behind_newer_ones_that_are_not(kept: points.Kept) -> None:
    late = backups.Flow(
        "bank", 1, "postgres", "7/1/bank", "0/1", {}, "source-bank", False, "it was late"
    )
    first = kept.point.id
    for number in (2, 3):
        add(kept, number, f"tidewright: 0\nplatform: p{number}\n".encode())
        kept.sign(replace(kept.store.point(newest(kept), checker(kept)), flows=(late,)))
    assert run(kept).points == (f"20261121T12{2:02}00Z-0001",)
    assert set(kept.store.ids()) == {first, f"20261121T12{3:02}00Z-0001"}
    assert kept.codes() == {}


def newest(kept: points.Kept) -> str:
    return max(kept.store.ids())


def checker(kept: points.Kept) -> sealing.Checker:
    return sealing.Checker(kept.maker.public)
