"""What a view makes of rows, and of none at all."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from tidewright.pipelines.rollup import feed, plan

FILE = Path(__file__).parents[4] / "examples" / "clickstream" / "olap.sql"


def test_before_the_first_session_there_is_nothing_and_no_error() -> None:
    views = plan.read(FILE.read_text(), "olap.sql")
    for source in plan.sources(views):
        found = feed.Feed(views, "olap.sql").results(source, pa.table({}))
        assert {v.source for v in found} == {source}
        assert all(rows.num_rows == 0 for rows in found.values())
