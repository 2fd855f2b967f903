from __future__ import annotations

from tidewright.targets.local import backoff


def test_it_doubles_to_half_a_minute() -> None:
    found = backoff.Backoff()
    assert [found.next(0.0) for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_a_minute_in_good_health_starts_it_over() -> None:
    found = backoff.Backoff()
    found.next(0.0)
    found.next(1.0)
    found.healthy(10.0)
    found.healthy(50.0)
    assert found.next(69.9) == 2
    found.healthy(100.0)
    assert found.next(160.0) == 0.5
