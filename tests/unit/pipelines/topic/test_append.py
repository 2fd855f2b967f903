from __future__ import annotations

import json
from collections.abc import Iterator

import psycopg
import pytest

from tidewright import errors
from tidewright.clients import topics
from tidewright.pipelines.topic import append, pressure, records
from tidewright.testing.postgres import TempPostgres


@pytest.fixture
def log(database: psycopg.Connection) -> Iterator[psycopg.Connection]:
    topics.prepare(database, ("visits",))
    topics.prepare(database, ("visits",))  # again, as at each start
    yield database


def batch(sequence: int, *values: str, state: str | None = None) -> append.Batch:
    return append.Batch(sequence, [records.Record("k", v) for v in values], state)


def values(log: psycopg.Connection) -> list[str]:
    query = "select value from topics.visits order by topic_offset"
    return [value for (value,) in log.execute(query)]


def test_a_batch_that_is_there_already_is_not_appended_again(log: psycopg.Connection) -> None:
    mine = append.Appender(log, "visits", "web")
    assert mine.append(batch(1, "a", "b", state="s1"))
    assert not mine.append(batch(1, "a", "b", state="s1"))
    assert mine.append(batch(2, "c", state="s2"))
    assert values(log) == ["a", "b", "c"]
    place = mine.last()
    assert (place.sequence, place.events, place.state) == (2, 3, "s2")
    assert place.checksum == sum(records.number(v) for v in "abc")


def test_a_producer_that_skips_a_number_is_not_alone(log: psycopg.Connection) -> None:
    mine = append.Appender(log, "visits", "web")
    mine.append(batch(1, "a"))
    with pytest.raises(errors.Refused) as raised:
        mine.append(batch(3, "c"))
    assert raised.value.code == "topic.skipped"
    assert values(log) == ["a"]


def test_nothing_of_a_batch_that_did_not_commit_is_there(log: psycopg.Connection) -> None:
    def crash(point: str) -> None:
        if point == "appended":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        append.Appender(log, "visits", "web", fault=crash).append(batch(1, "a", state="s"))
    assert values(log) == []
    assert append.Appender(log, "visits", "web").last() == append.Place()


def test_any_text_can_be_appended(log: psycopg.Connection) -> None:
    odd = ["", "\\N", "\t\n\r\\", "not { json", "\0", "\ud800", "ü🌊", json.dumps("\0")]
    mine = append.Appender(log, "visits", "web")
    mine.append(batch(1, *odd))
    kept = [records.clean(v) for v in odd]
    assert values(log) == kept
    assert kept[4:6] == ["\ufffd", "\ufffd"]
    assert mine.last().checksum == sum(records.number(v) for v in kept)


def test_a_full_topic_takes_nothing_and_says_so(log: psycopg.Connection) -> None:
    mine = append.Appender(log, "visits", "web")
    mine.append(batch(1, *["x" * 100] * 500))
    full = append.Appender(log, "visits", "web", pressure.Pressure(limit=8192))
    with pytest.raises(pressure.Full) as raised:
        full.append(batch(2, "y"))
    assert raised.value.code == "topic.full"
    assert mine.last().sequence == 1


def test_an_appender_waits_for_the_one_before_it(
    log: psycopg.Connection, postgres: TempPostgres
) -> None:
    """Otherwise an offset could appear below one that was seen, and be taken for removed."""
    with postgres.connect(log.info.dbname) as other, other.transaction():
        other.execute(append._TURN.encode(), ("visits",))
        log.execute("set lock_timeout = '50ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            append.Appender(log, "visits", "web").append(batch(1, "a"))


def test_the_servers_number_of_a_value_is_ours(log: psycopg.Connection) -> None:
    query = "select ('x' || substr(md5(%s), 1, 15))::bit(60)::bigint"
    row = log.execute(query, ("ü🌊",)).fetchone()
    assert row == (records.number("ü🌊"),)
