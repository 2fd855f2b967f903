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
