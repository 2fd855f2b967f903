from pathlib import Path

import pytest

from tidewright import errors
from tidewright.pipelines.rollup import plan

TABLE = "create table t (m DateTime, p String, n UInt64) engine = SummingMergeTree order by (m, p);"
EXAMPLE = Path(__file__).parents[4] / "examples/clickstream/olap.sql"


def view(select: str, table: str = TABLE) -> str:
    return f"{table}\ncreate materialized view v to t as {select}"


GOOD = "select toStartOfMinute(at) as m, p, count() as n from clicks group by m, p"


def test_the_example_is_kept():
    views = plan.read(EXAMPLE.read_text(), "olap.sql")
    assert [v.table for v in views] == [
        "pages_per_minute", "devices_per_minute", "sessions_per_minute",
    ]  # fmt: skip
    assert list(plan.sources(views)) == ["clickstream.clicks", "clickstream.sessions"]
    assert views[0].key == ("minute", "page")


def test_columns_merge_as_the_table_says():
    table = (
        "create table t (m DateTime, p LowCardinality(String), n UInt64,"
        " b SimpleAggregateFunction(max, DateTime64(3)), a SimpleAggregateFunction(any, String))"
        " engine = SummingMergeTree order by (m, p);"
    )
    select = (
        "select toStartOfHour(at) m, p, sum(x) n, max(at) b, any(q) a from db.clicks group by m, p"
    )
    (found,) = plan.read(view(select, table), "f.sql")
    assert [(c.name, c.kind, c.merge) for c in found.columns] == [
        ("m", "timestamptz", None),
        ("p", "text", None),
        ("n", "bigint", "sum"),
        ("b", "timestamptz", "max"),
        ("a", "text", "any"),
    ]
    assert found.source == "db.clicks"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (view(GOOD.replace("count()", "uniqExact(v)")), "n of v cannot be merged by sum"),
        (view(GOOD.replace("count()", "avg(x)")), "cannot be merged"),
        (view(GOOD.replace("count()", "count(distinct x)")), "DISTINCT"),
        (view(GOOD.replace("count()", "max(x)")), "cannot be merged by sum"),
        (view(GOOD.replace("group by m, p", "group by m")), "GROUP BY exactly"),
        (view(GOOD + " having n > 1"), "HAVING"),
        (view(GOOD.replace("from clicks", "from clicks join d on d.p = clicks.p")), "JOIN"),
        (view(GOOD.replace("p, count", "p, 1 as q, count")), "exactly the columns"),
        (view(GOOD, TABLE.replace("SummingMergeTree", "MergeTree")), "does not merge rows"),
        (view(GOOD, TABLE.replace("UInt64", "Array(String)")), "type of n"),
        (view(GOOD, ""), "which the file does not create"),
        (TABLE, "no materialized view"),
        ("drop table t", "creates neither"),
        ("select from from", "not ClickHouse's SQL"),
    ],
)
def test_what_cannot_be_kept_exactly_is_refused(text, words):
    with pytest.raises(errors.Refused) as caught:
        plan.read(text, "olap.sql")
    assert words.lower() in caught.value.what.lower()
    assert caught.value.code == "stream.rollup_cannot_keep"
