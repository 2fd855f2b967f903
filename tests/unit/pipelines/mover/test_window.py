from tidewright.pipelines.mover import window


def test_percentiles_are_values_that_were_seen():
    found = window.percentiles(float(n) for n in range(1, 101))
    assert (found.p50, found.p95, found.p99) == (51, 96, 100)
    assert window.percentiles([]) is None


def test_a_window_forgets_after_a_minute():
    kept = window.Window()
    kept.add(0, {"hop": [9000.0]})
    kept.add(50_000, {"hop": [10.0]})
    assert kept.hops(50_000)["hop"].p99 == 9000
    assert kept.hops(window.MINUTE + 1)["hop"].p99 == 10
    assert kept.hops(10 * window.MINUTE) == {}
