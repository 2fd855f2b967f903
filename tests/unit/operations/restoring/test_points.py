"""A time means the newest point that is not after it, and what lies between is said."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.pipelines.backup import points as made

from tidewright import errors
from tidewright.operations.restoring import points


def iso(at_ms: int) -> str:
    return dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC).isoformat()


def test_a_time_between_two_points_is_rounded_down_and_the_distance_said(tmp_path: Path) -> None:
    kept = made.keep(tmp_path)
    first = kept.point
    kept.sign(replace(first, id="20261121T130000Z-0002", at_ms=first.at_ms + 30_000))
    source = points.Source(kept.store, kept.recovery)
    wanted = iso(first.at_ms + 12_500)
    chosen = points.choose(source, wanted)
    assert chosen.id == first.id
    far = points.distance(source, wanted, chosen)
    assert far is not None and far.seconds == 12.5
    for named in ("latest", first.id):
        assert points.distance(source, named, points.choose(source, named)) is None


def test_a_time_before_the_first_point_or_in_the_future_is_refused(tmp_path: Path) -> None:
    kept = made.keep(tmp_path)
    source = points.Source(kept.store, kept.recovery)
    for moment, words in ((-1000, "oldest"), (86_400_000, "not come yet")):
        with pytest.raises(errors.Refused, match=words) as caught:
            points.choose(source, iso(kept.point.at_ms + moment))
        assert caught.value.code == "backup.no_point"
