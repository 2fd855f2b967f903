from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from tidewright import errors
from tidewright.model import flow
from tidewright.pipelines.stream import batch, routing

VIEW = flow.Target("v.users", ("id",), "told")
SQL = """
select topic_offset, try_cast(value ->> 'id' as bigint) as id, (value ->> 'told')::bigint as told,
  if(value ->> 'bad' is null, null, 'it says so') as rejected
from events;
"""


@pytest.fixture
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        batch.empty(made)
        yield made


def filled(duck: duckdb.DuckDBPyConnection, *values: str) -> None:
    for offset, value in enumerate(values, 11):
        duck.execute("insert into batch values (?, now(), null, ?)", [offset, value])


def router(sql: str = SQL) -> routing.Router:
    return routing.Router.of(flow.Stream("t", "s.sql", "v.all", "v.dead", (VIEW,)), sql)


def dead(duck: duckdb.DuckDBPyConnection) -> dict[int, str]:
    return dict(duck.execute("select topic_offset, reason from dead").fetchall())


def accepted(duck: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    return duck.execute("select * from accepted order by topic_offset").fetchall()


def test_every_event_gets_one_place(duck: duckdb.DuckDBPyConnection) -> None:
    filled(
        duck, '{"id": 1, "told": 5}', '{"id": 2, "told": 5, "bad": 1}', '{"id": "x", "told": 5}',
        '{"id": 3}',
    )  # fmt: skip
    router().route(duck, lambda: None)
    assert accepted(duck) == [(11, 1, 5)]
    assert dead(duck) == {12: "it says so", 13: "id is missing", 14: "told is missing"}


def test_an_event_on_which_the_sql_fails_stands_alone(duck: duckdb.DuckDBPyConnection) -> None:
    good = '{"id": 1, "told": 5}'
    filled(duck, good, good, "not { json", good, '{"id": 1, "told": "soon"}', good, good)
    router().route(duck, lambda: None)
    assert [row[0] for row in accepted(duck)] == [11, 12, 14, 16, 17]
    assert set(dead(duck)) == {13, 15}
    assert "alformed JSON" in dead(duck)[13]
    assert "soon" in dead(duck)[15]


def test_a_batch_of_bad_events_alone(duck: duckdb.DuckDBPyConnection) -> None:
    filled(duck, "a", "b", "c")
    router().columns(duck)
    router().route(duck, lambda: None)
    assert set(dead(duck)) == {11, 12, 13}


def test_nothing_of_nothing(duck: duckdb.DuckDBPyConnection) -> None:
    router().route(duck, lambda: None)
    assert accepted(duck) == []
    assert dead(duck) == {}


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("select topic_offset, 1 as id, 1 as told from events where topic_offset > 11", "none for"),
        ("select topic_offset, 1 as id, 1 as told from events, range(2)", "several for"),
        ("select topic_offset + 50 as topic_offset, 1 as id, 1 as told from events", "none for"),
        ("select 1 as id, 1 as told from events limit 0", "topic_offset"),
        ("select nothing from events", "nothing"),
        ("select from from", "syntax"),
    ],
)
def test_sql_that_could_lose_an_event_is_refused(
    duck: duckdb.DuckDBPyConnection, sql: str, what: str
) -> None:
    filled(duck, "{}", "{}")
    with pytest.raises(errors.StepFailed, match=what) as raised:
        router(sql).columns(duck)
        router(sql).route(duck, lambda: None)
    assert raised.value.code == "stream.sql"


def test_a_view_needs_its_columns(duck: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(errors.StepFailed, match="no column told"):
        router("select topic_offset, 1 as id from events").columns(duck)
    assert router().columns(duck) == {"topic_offset": "BIGINT", "id": "BIGINT", "told": "BIGINT"}


def test_of_one_key_the_greatest_order_stays_then_the_last(
    duck: duckdb.DuckDBPyConnection,
) -> None:
    filled(
        duck, '{"id": 1, "told": 9}', '{"id": 1, "told": 7}', '{"id": 2, "told": 4}',
        '{"id": 2, "told": 4}',
    )  # fmt: skip
    router().route(duck, lambda: None)
    found = duck.execute(routing.last_of_each(VIEW, ("topic_offset", "id"))).fetchall()
    assert sorted(found) == [(11, 1), (14, 2)]


def test_what_postgresql_cannot_hold_is_a_dead_letter(duck: duckdb.DuckDBPyConnection) -> None:
    named = SQL.replace("as told,", "as told, value ->> 'name' as name,")
    filled(duck, '{"id": 1, "told": 5, "name": "a\\u0000b"}', '{"id": 2, "told": 5, "name": "b"}')
    router(named).route(duck, lambda: None)
    assert dead(duck) == {11: "name has the character U+0000, which no PostgreSQL holds"}
    assert accepted(duck) == [(12, 2, 5, "b")]
