"""A truncate that waits for us must not make us wait for it."""

from __future__ import annotations

import threading
import time

import psycopg

from tidewright.pipelines.feeds import peek
from tidewright.pipelines.worker import watch
from tidewright.testing.postgres import TempPostgres


def test_a_look_at_the_publication_does_not_queue_behind_it(
    database: psycopg.Connection, feed: peek.PeekFeed, postgres: TempPostgres
) -> None:
    database.execute("create table t (id int primary key)")
    feed.ensure(("public.t",))
    name = database.info.dbname
    with postgres.connect(name) as reader, postgres.connect(name) as waiting:
        reader.execute("begin")
        reader.execute("lock table t in access share mode")
        waiting.execute("set lock_timeout = '5s'")
        thread = threading.Thread(target=waiting.execute, args=("truncate t",))
        thread.start()
        asked = "select count(*) from pg_locks where relation = 't'::regclass and not granted"
        while reader.execute(asked).fetchone() != (1,):
            time.sleep(0.01)
        found: list[object] = []
        look = threading.Thread(
            target=lambda: found.append(watch._check_published(feed, {"public.t": None}))  # type: ignore[dict-item]
        )
        look.start()
        look.join(3)
        late = look.is_alive()
        reader.execute("rollback")
        thread.join()
        look.join()
    assert not late
    assert found == [None]
    assert feed.published() == {"public.t"}
