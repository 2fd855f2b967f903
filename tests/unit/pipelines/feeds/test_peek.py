from __future__ import annotations

from collections.abc import Iterable

import psycopg
import pytest

from tidewright import errors
from tidewright.pipelines.decode import chunk, pgoutput
from tidewright.pipelines.feeds import frames as framing
from tidewright.pipelines.feeds import peek


def decoded(frames: Iterable[bytes]) -> chunk.Chunk:
    made = pgoutput.PureDecoder({}, 1 << 40)
    for frame in frames:
        made.feed(frame)
    return made.finish()


@pytest.fixture
def table(database: psycopg.Connection, feed: peek.PeekFeed) -> psycopg.Connection:
    database.execute("create table t (id int primary key, v text)")
    feed.ensure(("public.t",))
    return database


def insert(conn: psycopg.Connection, *ids: int) -> None:
    for i in ids:
        conn.execute("insert into t values (%s, 'a')", (i,))


def test_a_peek_confirms_nothing(table, feed):
    insert(table, 1, 2, 3)
    before = feed.slot().confirmed
    first, second = list(feed.peek(100)), list(feed.peek(100))
    assert first == second
    assert decoded(first).changes == 3
    assert feed.slot().confirmed == before


def test_after_an_advance_exactly_the_transactions_from_there_on_come(table, feed):
    insert(table, 1, 2, 3, 4)
    whole = decoded(feed.peek(100))
    for position in (int(whole.commit_lsn[1]), int(whole.end_lsn[1])):
        feed.advance(position)
        left = decoded(feed.peek(100))
        assert left.commit_lsn.tolist() == [x for x in whole.commit_lsn if x >= position]
        assert feed.slot().confirmed == position


def test_going_back_is_not_tried(table, feed):
    insert(table, 1, 2)
    ends = decoded(feed.peek(100)).end_lsn
    feed.advance(int(ends[1]))
    feed.advance(int(ends[0]))
    assert feed.slot().confirmed == ends[1]


def test_a_peek_ends_with_a_whole_transaction(table, feed):
    for start in (0, 100, 200):
        table.execute(
            "insert into t select i, 'a' from generate_series(%s::int, %s::int) i",
            (start, start + 9),
        )
    got = decoded(feed.peek(11))
    assert (got.changes, got.open) == (20, False) or (got.changes, got.open) == (10, False)


def test_a_peek_says_whether_its_limit_ended_it(table, feed):
    insert(table, 1, 2, 3)
    list(feed.peek(4))
    assert not feed.exhausted, "the begin and the end of a transaction count as well"
    list(feed.peek(100))
    assert feed.exhausted


def test_a_limit_by_position_contains_what_commits_before_it(table, feed):
    insert(table, 1, 2, 3)
    whole = decoded(feed.peek(100))
    limit = int(whole.commit_lsn[2])
    part = decoded(feed.peek(100, upto_lsn=limit)).before(limit)
    assert part.commit_lsn.tolist() == whole.commit_lsn.tolist()[:2]


def test_frames_are_bounded_by_count(table, feed, monkeypatch):
    monkeypatch.setattr(framing, "FRAME_CHANGES", 10)
    insert(table, *range(20))
    frames = list(feed.peek(1000))
    assert len(frames) > 5
    assert decoded(frames).changes == 20


def test_frames_are_bounded_by_bytes(table, feed):
    table.execute("alter table t alter v set storage external")
    table.execute("insert into t select i, repeat('x', 131072) from generate_series(1, 100) i")
    frames = list(feed.peek(1000))
    assert max(map(len, frames)) <= framing.FRAME_BYTES + 131072 + 100
    assert decoded(frames).changes == 100


def test_a_peek_that_is_left_early_leaves_the_feed_usable(table, feed):
    table.execute("alter table t alter v set storage external")
    table.execute("insert into t select i, repeat('x', 100000) from generate_series(1, 150) i")
    frames = feed.peek(10_000)
    next(frames)
    frames.close()
    insert(table, 1000)
    assert decoded(feed.peek(10_000)).changes == 151


def test_messages_travel_in_the_feed(table, feed):
    feed.emit("inside", b"\x00\xff")
    feed.emit("outside", b"", transactional=False)
    insert(table, 1)  # before PostgreSQL 17 it is the next commit that flushes the message
    inside, outside = decoded(feed.peek(100)).pulses
    assert (inside.prefix, inside.content, inside.transactional) == ("inside", b"\x00\xff", True)
    assert (outside.prefix, outside.transactional) == ("outside", False)
    assert outside.commit_lsn == outside.lsn


def test_the_slot_tells_its_state(table, feed):
    insert(table, 1)
    state = feed.slot()
    assert state.exists
    assert state.status == "reserved"
    assert state.kept_bytes >= state.lag_bytes > 0
    assert state.lost is None
    assert feed.log_snapshot() is (table.info.server_version >= 160000)


def test_the_identity_names_cluster_timeline_and_database(table, feed):
    found = feed.identity()
    assert found.timeline == 1
    assert found.database == table.info.dbname
    feed.same_source(found)


def test_another_timeline_is_refused(table, feed):
    found = feed.identity()
    other = type(found)(found.system_id, 2, found.database)
    with pytest.raises(errors.Refused, match="what was read so far came from") as raised:
        feed.same_source(other)
    assert raised.value.code == "source.timeline"


def test_a_dropped_slot_is_named(table, feed):
    table.execute("select pg_drop_replication_slot(slot_name) from pg_replication_slots"
                  " where database = current_database()")  # fmt: skip
    with pytest.raises(errors.Refused) as raised:
        list(feed.peek(10))
    assert raised.value.code == "source.slot_missing"


def test_a_slot_in_use_is_a_matter_of_time(table, feed, postgres):
    name = feed.slot().name
    reader = psycopg.connect(postgres.dsn(table.info.dbname), replication="database")
    command = f"START_REPLICATION SLOT {name} LOGICAL 0/0 (proto_version '1',"
    reader.pgconn.send_query(f"{command} publication_names '{name}')".encode())
    while feed.slot().active_pid is None:
        pass
    with pytest.raises(errors.Transient) as raised:
        list(feed.peek(10))
    assert raised.value.code == "source.slot_busy"
    reader.close()
    while feed.slot().active_pid is not None:
        pass


def test_changes_made_without_the_publication_are_never_skipped_in_silence(table, feed):
    # PostgreSQL 18 only warns, and leaves the changes out.
    table.execute(f"drop publication {table.info.dbname.replace('test', 'tw_test')}")
    insert(table, 1)
    with pytest.raises(errors.Refused) as raised:
        list(feed.peek(10))
    assert raised.value.code == "source.publication_missing"
    table.execute(f"create publication tw_{table.info.dbname} for table t")
    insert(table, 2)
    with pytest.raises(errors.Refused) as raised:
        list(feed.peek(10))
    assert raised.value.code == "source.publication_missing"


def test_a_slot_that_kept_too_much_is_lost(servers, secrets):
    server, source = servers(max_slot_wal_keep_size="1MB")
    feed = peek.PeekFeed(source, secrets)
    with server.connect() as conn:
        conn.execute("create table t (id int primary key)")
        feed.ensure(("public.t",))
        for i in range(4):
            conn.execute("insert into t values (%s)", (i,))
            conn.execute("select pg_switch_wal()")
        conn.execute("checkpoint")
        assert feed.slot().lost == "wal_removed"
        with pytest.raises(errors.Refused) as raised:
            list(feed.peek(10))
    assert raised.value.code == "source.slot_lost"
    feed.close()


def test_a_source_without_logical_wal_is_refused(servers, secrets):
    server, source = servers(wal_level="replica")
    with server.connect() as conn:
        conn.execute("create table t (id int primary key)")
    feed = peek.PeekFeed(source, secrets)
    with pytest.raises(errors.Refused) as raised:
        feed.ensure(("public.t",))
    assert raised.value.code == "source.wal_level"
    feed.close()


def test_a_source_that_went_away_comes_back(servers, secrets):
    server, source = servers()
    feed = peek.PeekFeed(source, secrets)
    with server.connect() as conn:
        conn.execute("create table t (id int primary key)")
        feed.ensure(("public.t",))
        conn.execute("insert into t values (1)")
    list(feed.peek(10))
    server.stop()
    for act in (lambda: list(feed.peek(10)), lambda: feed.advance(1), feed.slot):
        with pytest.raises(errors.Transient) as raised:
            act()
        assert raised.value.code == "source.unreachable"
    server.start()
    assert decoded(feed.peek(10)).changes == 1
    feed.close()


def test_nothing_of_ours_stays_after_drop(table, feed):
    feed.drop()
    assert not feed.slot().exists
    assert feed.published() is None


def test_a_standby_is_refused(servers, secrets):
    server, source = servers()
    server.stop()
    (server.data / "standby.signal").touch()
    server.start()
    feed = peek.PeekFeed(source, secrets)
    with pytest.raises(errors.Refused) as raised:
        feed.identity()
    assert raised.value.code == "source.standby"
    feed.close()
