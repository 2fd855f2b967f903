import psycopg
import pytest
from tests.unit.pipelines.publish import rows

from tidewright.pipelines.publish import shape


@pytest.fixture
def conn(database):
    database.execute("create schema marts")
    return database


def fit(conn, mart):
    with conn.transaction():
        return shape.fit(conn, mart)


def privileges(conn):
    return conn.execute("select relacl::text from pg_class where relname = 'm'").fetchone()[0]


def test_a_new_mart_has_types_and_a_key(conn):
    fit(conn, rows.of("m", []))
    assert shape.columns(conn, "m") == {"id": "bigint", "text": "text"}
    with pytest.raises(psycopg.errors.UniqueViolation):
        conn.execute("insert into marts.m values (1, ''), (1, '')")


def test_nothing_is_done_when_it_fits(conn):
    fit(conn, rows.of("m", []))
    assert fit(conn, rows.of("m", [])) == ()


def test_an_added_column_keeps_rows_grants_and_views(conn):
    fit(conn, rows.of("m", []))
    conn.execute("insert into marts.m values (1, 'a')")
    conn.execute("grant select on marts.m to public")
    conn.execute("create view v as select * from marts.m")
    before = privileges(conn)
    said = fit(conn, rows.of("m", [], columns=(("id", "bigint"), ("text", "text"), ("n", "date"))))
    assert said == ("mart m: added n",)
    assert conn.execute("select * from marts.m").fetchall() == [(1, "a", None)]
    assert conn.execute("select * from v").fetchall() == [(1, "a")]
    assert privileges(conn) == before


def test_a_changed_type_keeps_the_table_and_its_grants(conn):
    fit(conn, rows.of("m", []))
    conn.execute("grant select on marts.m to public")
    before = privileges(conn)
    said = fit(conn, rows.of("m", [], columns=(("id", "bigint"), ("text", "numeric(18,2)"))))
    assert said == ("mart m: dropped text", "mart m: added text")
    assert shape.columns(conn, "m") == {"id": "bigint", "text": "numeric(18,2)"}
    assert privileges(conn) == before


def test_a_column_that_a_view_needs_is_not_dropped(conn):
    fit(conn, rows.of("m", []))
    conn.execute("create view v as select text from marts.m")
    with pytest.raises(psycopg.errors.DependentObjectsStillExist):
        fit(conn, rows.of("m", [], columns=(("id", "bigint"),)))
    assert shape.columns(conn, "m") == {"id": "bigint", "text": "text"}


@pytest.mark.parametrize("key", [(), ("text",), ("text", "id")])
def test_the_key_may_change(conn, key):
    fit(conn, rows.of("m", []))
    conn.execute("insert into marts.m values (1, null)")
    assert fit(conn, rows.of("m", [], key=key)) != ()
    assert fit(conn, rows.of("m", [], key=key)) == ()


def test_abandoned_marts_are_found_and_other_tables_are_not_ours(conn):
    fit(conn, rows.of("m", []))
    fit(conn, rows.of("old", []))
    conn.execute("create table marts.notes (n int)")
    assert shape.abandoned(conn, ("m",)) == ("old",)
