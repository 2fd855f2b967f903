"""Crashes at the fault points of a rollup, against a real PostgreSQL and a plain oracle."""

import random
from collections import Counter
from datetime import UTC, datetime

import psycopg
import pyarrow as pa
import pytest

from tidewright import errors
from tidewright.clients import scratch
from tidewright.pipelines.core import faults
from tidewright.pipelines.rollup import feed, keeping, plan

FILE = """
create table t (m DateTime, p String, n UInt64, top SimpleAggregateFunction(max, Int64))
engine = SummingMergeTree order by (m, p);
create materialized view v to t as
select toStartOfMinute(at) as m, p, count() as n, max(x) as top from clicks group by m, p
"""
VIEWS = plan.read(FILE, "olap.sql")


class Crash(Exception):
    pass


@pytest.fixture(scope="module")
def server():
    with scratch.TempPostgres() as found:
        yield found


@pytest.fixture
def marts(server, request):
    name = f"marts{abs(hash(request.node.name)) % 10**8}"
    server.create(name).close()
    return lambda: psycopg.connect(server.dsn(name), autocommit=True)


def events(dice: random.Random, count: int) -> list[tuple[int, str | None, int]]:
    """Seconds, page (sometimes none), a number."""
    return [
        (dice.randrange(240), dice.choice(("/a", "/b", "", None)), dice.randrange(-9, 9))
        for _ in range(count)
    ]


def table(part: list[tuple[int, str | None, int]]) -> pa.Table:
    seconds, pages, numbers = zip(*part, strict=True)
    return pa.table(
        {
            "at": pa.array([s * 1_000_000 for s in seconds], pa.timestamp("us", "UTC")),
            "p": pa.array(pages, pa.string()),
            "x": pa.array(numbers, pa.int64()),
        }
    )


def expected(log: list[tuple[int, str | None, int]]) -> dict[tuple, tuple]:
    counts = Counter((s // 60, p) for s, p, _ in log)
    tops = {k: max(x for s, p, x in log if (s // 60, p) == k) for k in counts}
    return {
        (datetime.fromtimestamp(m * 60, UTC), p): (n, tops[m, p]) for (m, p), n in counts.items()
    }


def kept(marts) -> dict[tuple, tuple]:
    with marts() as conn:
        rows = conn.execute("select m, p, n, top from olap.t").fetchall()
    return {(m.astimezone(UTC), p): (n, top) for m, p, n, top in rows}


@pytest.mark.parametrize("point", ["rolled", "rollup_committed"])
@pytest.mark.parametrize("seed", range(5))
def test_after_any_crash_every_event_counts_once(marts, point, seed):
    dice = random.Random(f"{point} {seed}")
    log = events(dice, 200)
    feeding = feed.Feed(VIEWS, "olap.sql")
    left = dice.randrange(1, 8)

    def fault(passed: str) -> None:
        nonlocal left
        left -= passed == point
        if left == 0 and passed == point:
            left = dice.randrange(2, 8)
            raise Crash

    keeper, at, crashes = keeping.Keeper(marts, "olap", VIEWS, fault), 0, 0
    while at < len(log):
        last = min(len(log), at + dice.choice((1, 7, 30)))
        results = feeding.results("clicks", table(log[at:last]))
        try:
            assert keeper.add("clicks", "log-1", (at, last), results)
        except Crash:
            crashes += 1
            keeper.close()
            keeper = keeping.Keeper(marts, "olap", VIEWS, fault)
        at = keeper.position("clicks", "log-1")
    keeper.close()
    assert crashes
    assert kept(marts) == expected(log)


def test_a_batch_that_is_there_is_left_out(marts):
    dice = random.Random(1)
    log = events(dice, 20)
    results = feed.Feed(VIEWS, "olap.sql").results("clicks", table(log))
    keeper = keeping.Keeper(marts, "olap", VIEWS, faults.none)
    assert keeper.add("clicks", "log-1", (0, 20), results)
    assert not keeper.add("clicks", "log-1", (0, 20), results)
    assert kept(marts) == expected(log)
    with pytest.raises(errors.Refused, match=r"stream\.rollup_other_source"):
        keeper.position("clicks", "log-2")
    keeper.close()


def test_a_table_with_other_columns_is_refused(marts):
    keeping_one = keeping.Keeper(marts, "olap", VIEWS, faults.none)
    keeping_one.position("clicks", "log-1")
    keeping_one.close()
    other = plan.read(FILE.replace("top", "highest"), "olap.sql")
    changed = keeping.Keeper(marts, "olap", other, faults.none)
    with pytest.raises(errors.Refused, match=r"stream\.rollup_other_columns"):
        changed.position("clicks", "log-1")
    changed.close()


def test_a_view_that_does_not_run_is_refused():
    views = plan.read(FILE.replace("max(x)", "max(missing)"), "olap.sql")
    with pytest.raises(errors.Refused) as caught:
        feed.Feed(views, "olap.sql").results("clicks", table([(0, "/a", 1)]))
    assert caught.value.code == "stream.rollup_does_not_run"


def test_a_moment_beyond_the_years_of_python_is_kept() -> None:
    far = pa.array([253_402_300_800_000_000], pa.timestamp("us", "UTC"))
    assert keeping._csv(pa.table({"m": far})) == '"10000-01-01 00:00:00.000000Z"\n'
