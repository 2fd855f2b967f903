"""Two sessions that make the same table at the same moment, in an order that is certain."""

from __future__ import annotations

import threading
from collections.abc import Callable

import psycopg

from tidewright.testing.postgres import TempPostgres

WAITING = "select 1 from pg_stat_activity where pid = %s and wait_event_type = 'Lock'"


def both(
    first: psycopg.Connection, server: TempPostgres, make: Callable[[psycopg.Connection], None]
) -> None:
    """``make`` by a second session while the first has made it and not committed yet."""
    with server.connect(first.info.dbname) as second:
        thread = threading.Thread(target=make, args=(second,))
        with first.transaction():
            make(first)
            thread.start()
            while not first.execute(WAITING, (second.info.backend_pid,)).fetchone():
                assert thread.is_alive()
        thread.join(20)
