"""When it is due, how long the wait is at worst, and what is no schedule."""

from __future__ import annotations

import datetime as dt

import pytest

from tidewright.kit import schedule
from tidewright.kit.schedule import Rule

HOUR = 3600.0


def ms(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).timestamp() * 1000)


def test_every_counts_from_the_last_one() -> None:
    now = ms("2026-11-21T12:00:00+00:00")
    assert schedule.due(Rule(every=900), now - 60_000, now) == now + 840_000
    assert schedule.due(Rule(every=900), None, now) == now


def test_a_last_one_in_the_future_is_not_waited_for() -> None:
    now = ms("2026-11-21T12:00:00+00:00")
    assert schedule.due(Rule(every=900), now + 86_400_000, now) == now


def test_cron_is_read_in_its_zone() -> None:
    """03:00 in Berlin is 01:00 UTC in summer and 02:00 UTC in winter."""
    rule = Rule(cron="0 3 * * *", zone="Europe/Berlin")
    for last, due in (
        ("2026-07-01T05:00", "2026-07-02T01:00"),
        ("2026-12-01T05:00", "2026-12-02T02:00"),
    ):
        last_ms = ms(last + "+00:00")
        assert schedule.due(rule, last_ms, last_ms) == ms(due + "+00:00")


@pytest.mark.parametrize(
    ("rule", "gap"),
    [
        (Rule(every=900), 900),
        (Rule(cron="*/15 * * * *"), 900),
        (Rule(cron="0 3 * * *"), 24 * HOUR),
        # The night in October has an hour more.
        (Rule(cron="0 3 * * *", zone="Europe/Berlin"), 25 * HOUR),
        (Rule(cron="0 8 * * 1-5"), 72 * HOUR),
        (Rule(), None),
    ],
)
def test_longest_gap(rule: Rule, gap: float | None) -> None:
    assert schedule.longest_gap(rule) == gap


def test_the_worst_loss_is_a_gap_and_a_run() -> None:
    assert schedule.worst_loss(Rule(every=900)) == 900 + schedule.RUN_SECONDS


def test_what_is_no_schedule() -> None:
    assert schedule.problem("0 3 * * *") == "" and schedule.zone_problem("Europe/Berlin") == ""
    assert schedule.problem("61 * * * *") and schedule.problem("daily")
    assert schedule.zone_problem("Europe/Atlantis") and schedule.zone_problem("../etc/passwd")
