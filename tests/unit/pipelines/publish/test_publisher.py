import threading

import psycopg
import pytest
from tests.unit.pipelines.publish import rows

from tidewright.pipelines.publish import mart, publisher


@pytest.fixture
def marts(postgres, database):
    """A publisher that is superuser of the test's database."""
    it = publisher.Publisher(lambda: postgres.connect(database.info.dbname))
    yield it
    it.close()


def numbered(name, value, count=50):
    return rows.of(name, [(n, value) for n in range(count)])


def content(conn, name):
    return {row[0] for row in conn.execute(f"select text from marts.{name}")}


def publications(conn):
    return conn.execute(
        "select commit_id, position, source, marts from marts.tidewright_publications order by id"
    ).fetchall()


def test_all_marts_and_the_row_about_them(marts, database):
    done = marts.publish([numbered("a", "x"), numbered("b", "x", 3)], rows.ORIGIN)
    assert [(m.name, m.rows, m.changed) for m in done.marts] == [("a", 50, 50), ("b", 3, 3)]
    assert publications(database) == [(7, "0/1A", "1/1/bank", {"a": 50, "b": 3})]
    again = marts.publish([numbered("a", "x"), numbered("b", "y", 3)], rows.ORIGIN)
    assert [m.changed for m in again.marts] == [0, 3]


def test_a_reader_sees_only_complete_states(marts, postgres, database):
    """Both marts carry one value; a mixture, an empty mart or a wait would be seen here."""
    marts.publish([numbered("a", 0), numbered("b", 0)], rows.ORIGIN)
    seen, stop = [], threading.Event()

    def poll():
        with postgres.connect(database.info.dbname) as conn:
            conn.execute("set lock_timeout = '1ms'")  # a reader that has to wait fails
            while not stop.is_set():
                found = conn.execute(
                    "select array_agg(distinct text), count(*)"
                    " from (select text from marts.a union all select text from marts.b) x"
                ).fetchone()
                seen.append((len(found[0]), found[1]))

    reader = threading.Thread(target=poll)
    reader.start()
    for value in range(1, 30):
        marts.publish([numbered("a", value), numbered("b", value)], rows.ORIGIN)
    stop.set()
    reader.join()
    assert len(seen) > 30
    assert set(seen) == {(1, 100)}


def test_an_old_snapshot_keeps_its_rows(marts, postgres, database):
    marts.publish([numbered("a", "old")], rows.ORIGIN)
    with postgres.connect(database.info.dbname) as conn, conn.transaction():
        conn.execute("set transaction isolation level repeatable read")
        conn.execute("select 1")
        marts.publish([numbered("a", "new")], rows.ORIGIN)
        assert content(conn, "a") == {"old"}


def test_grants_and_a_view_survive(marts, database):
    marts.publish([numbered("a", "x")], rows.ORIGIN)
    database.execute("grant select on marts.a to public")
    database.execute("create view seen as select text from marts.a")
    marts.publish([numbered("a", "y", 3)], rows.ORIGIN)
    granted = database.execute("select has_table_privilege('pg_monitor', 'marts.a', 'select')")
    assert granted.fetchone()[0]
    assert {row[0] for row in database.execute("select text from seen")} == {"y"}


def test_killed_in_the_middle_leaves_the_old_state(marts, database):
    marts.publish([numbered("a", "old"), numbered("b", "old")], rows.ORIGIN)

    def cut():
        yield b'"1","new"\n'
        database.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        yield b'"2","new"\n' * 100_000

    broken = mart.Mart("b", numbered("b", "").columns, ("id",), cut)
    with pytest.raises(publisher.PublishLater) as caught:
        marts.publish([numbered("a", "new"), broken], rows.ORIGIN)
    assert caught.value.code == "refresh.marts_away"
    assert content(database, "a") == content(database, "b") == {"old"}
    assert len(publications(database)) == 1
    marts.publish([numbered("a", "new"), numbered("b", "new")], rows.ORIGIN)
    assert content(database, "a") == content(database, "b") == {"new"}


@pytest.mark.parametrize(
    ("second", "code"),
    [
        (rows.of("b", [(1, "x"), (1, "y")]), "refresh.bad_key"),
        (rows.of("b", [(None, "x")]), "refresh.bad_key"),
        (rows.of("b", [("no number", "x")]), "refresh.publish_failed"),
    ],
)
def test_one_bad_mart_holds_back_all(marts, database, second, code):
    marts.publish([numbered("a", "old")], rows.ORIGIN)
    with pytest.raises(publisher.PublishFailed) as caught:
        marts.publish([numbered("a", "new"), second], rows.ORIGIN)
    assert caught.value.code == code
    assert "mart b" in str(caught.value)
    assert content(database, "a") == {"old"}


def test_a_view_that_needs_a_column_is_named(marts, database):
    marts.publish([numbered("a", "x")], rows.ORIGIN)
    database.execute("create view mine as select text from marts.a")
    with pytest.raises(publisher.PublishFailed) as caught:
        marts.publish([rows.of("a", [(1,)], columns=(("id", "bigint"),))], rows.ORIGIN)
    assert caught.value.code == "refresh.mart_in_use"
    assert "view mine" in caught.value.what


def test_columns_wait_for_a_reader_only_so_long(marts, postgres, database, monkeypatch):
    monkeypatch.setattr(publisher.shape, "LOCK_TIMEOUT", "10ms")
    marts.publish([numbered("a", "x")], rows.ORIGIN)
    with postgres.connect(database.info.dbname) as conn, conn.transaction():
        conn.execute("select * from marts.a")
        with pytest.raises(publisher.PublishLater) as caught:
            marts.publish([rows.of("a", [(1,)], columns=(("id", "bigint"),))], rows.ORIGIN)
    assert caught.value.code == "refresh.mart_locked"


def test_a_mart_no_longer_in_the_file_stays(marts, database):
    marts.publish([numbered("a", "x"), numbered("b", "x")], rows.ORIGIN)
    done = marts.publish([numbered("a", "y")], rows.ORIGIN)
    assert done.notes == ("mart b is not in the file: it stays, and is no longer refreshed",)
    assert content(database, "b") == {"x"}


def test_new_columns_of_a_mart_arrive(marts, database):
    marts.publish([numbered("a", "x")], rows.ORIGIN)
    wider = rows.of("a", [(1, "y", 3)], columns=(("id", "bigint"), ("text", "text"), ("n", "int")))
    assert marts.publish([wider], rows.ORIGIN).notes == ("mart a: added n",)
    assert database.execute("select * from marts.a").fetchall() == [(1, "y", 3)]


def test_the_reader_role_may_read_what_comes_later(marts, postgres, database):
    database.execute("create role marts_reader")
    try:
        marts.publish([numbered("a", "x")], rows.ORIGIN)
        marts.publish([numbered("a", "x"), numbered("b", "x")], rows.ORIGIN)
        database.execute("set role marts_reader")
        assert content(database, "b") == {"x"}
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            database.execute("delete from marts.b")
    finally:
        database.execute("reset role; drop owned by marts_reader; drop role marts_reader")


def test_old_publications_are_forgotten(marts, database):
    marts.publish([numbered("a", "x")], rows.ORIGIN)
    database.execute("update marts.tidewright_publications set published_at = '2020-01-01'")
    marts.publish([numbered("a", "y")], rows.ORIGIN)
    assert len(publications(database)) == 1
