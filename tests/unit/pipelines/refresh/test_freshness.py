from tidewright.pipelines.refresh import commits, freshness


def test_a_commit_counts_with_its_oldest_and_newest_row():
    brought = [
        commits.Included(committed_ms=900, oldest_ms=500, newest_ms=800),
        commits.Included(committed_ms=950, oldest_ms=None, newest_ms=None),
        commits.Included(committed_ms=960, oldest_ms=940, newest_ms=940),
    ]
    found = freshness.ages(brought, 1000)
    assert found[freshness.LAKE] == (100, 50, 40)
    assert sorted(found[freshness.SOURCE]) == [60, 200, 500]


def test_percentiles_are_values_that_were_seen():
    found = freshness.percentiles(float(n) for n in range(1, 101))
    assert (found.p50, found.p95, found.p99) == (51, 96, 100)
    assert freshness.percentiles([]) is None


def test_a_window_forgets_after_a_minute():
    window = freshness.Window()
    window.add(0, {"hop": [9000.0]})
    window.add(50_000, {"hop": [10.0]})
    assert window.hops(50_000)["hop"].p99 == 9000
    assert window.hops(freshness.MINUTE + 1)["hop"].p99 == 10
    assert window.hops(10 * freshness.MINUTE) == {}
