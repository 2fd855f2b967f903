from __future__ import annotations

import psycopg
import pytest

from tidewright.clients import topics
from tidewright.pipelines.topic import append, records, retention


def test_rows_go_when_the_lake_has_them_and_they_are_old() -> None:
    marks = retention.Retention()
    for offset, lsn, at in ((10, 100, 0.0), (20, 200, 5.0), (30, 300, 10.0)):
        marks.note(retention.Mark(offset, lsn, at))
    assert marks.due(position=99, now=1000.0) is None
    assert marks.due(position=250, now=1000.0) == 20
    assert marks.due(position=400, now=40.0) is None
    assert marks.due(position=400, now=70.0) == 30
    assert marks.due(position=400, now=1000.0) is None


def test_a_mark_without_news_is_not_kept() -> None:
    marks = retention.Retention()
    for at in range(100):
        marks.note(retention.Mark(10, 100 + at, at))
    assert len(marks.marks) == 1


def test_what_a_mark_counts_was_committed_before_its_position(
    database: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 3)
    topics.prepare(database, ("visits",))
    assert retention.mark(database, "visits", 0.0) is None
    mine = append.Appender(database, "visits", "web")
    mine.append(append.Batch(1, [records.Record(None, str(i)) for i in range(7)]))
    found = retention.mark(database, "visits", 0.0)
    assert found is not None
    assert found.offset == 7
    mine.append(append.Batch(2, [records.Record(None, "late")]))
    assert retention.remove(database, "visits", found.offset) == 7
    assert database.execute("select value from topics.visits").fetchall() == [("late",)]
