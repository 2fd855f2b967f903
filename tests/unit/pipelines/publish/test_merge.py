import pytest
from tests.unit.pipelines.publish import rows

from tidewright.pipelines.publish import merge, shape


@pytest.fixture
def bring(database):
    """Publish rows; answers how many were written or removed."""
    database.execute("create schema marts")

    def call(*args, **kwargs):
        mart = rows.of("m", *args, **kwargs)
        with database.transaction():
            shape.fit(database, mart)
            merge.prepare(database, mart)
            merge.load(database, mart)
            return merge.apply(database, mart)

    return call


def content(database):
    return sorted(database.execute("select * from marts.m").fetchall(), key=str)


def test_only_differences_are_written(bring, database):
    assert bring([(1, "a"), (2, "b"), (3, None)]) == 3
    assert bring([(1, "a"), (2, "b"), (3, None)]) == 0
    assert bring([(1, "a"), (2, None), (4, "")]) == 3  # 2 updated, 3 removed, 4 added
    assert content(database) == [(1, "a"), (2, None), (4, "")]


def test_rows_without_a_key_may_occur_twice(bring, database):
    assert bring([(1, "a"), (1, "a"), (None, None)], key=()) == 3
    assert bring([(1, "a"), (1, "a"), (None, None)], key=()) == 0
    assert bring([(1, "a"), (1, "")], key=()) == 3
    assert content(database) == [(1, ""), (1, "a")]


def test_a_mart_that_is_all_key(bring, database):
    assert bring([(1, "a"), (2, "b")], key=("id", "text")) == 2
    assert bring([(1, "a"), (2, "c")], key=("id", "text")) == 2
    assert content(database) == [(1, "a"), (2, "c")]


def test_columns_may_have_any_name(bring, database):
    columns = (("order", "bigint"), ('a"b', "text"), ("text_", "text"), ("{x} %s", "text"))
    assert bring([(1, "a", "b", "c")], key=("order",), columns=columns) == 1
    bring([(1, "a", "b", "d")], key=(), columns=columns)
    assert bring([(1, "a", "b", "e")], key=(), columns=columns) == 2
    assert content(database) == [(1, "a", "b", "e")]


def test_an_empty_result_empties_the_mart(bring, database):
    bring([(1, "a")])
    assert bring([]) == 1
    assert content(database) == []


def test_names_that_share_their_first_letters_have_tables_of_their_own():
    assert merge.incoming("m" * 60 + "a") != merge.incoming("m" * 60 + "b")
