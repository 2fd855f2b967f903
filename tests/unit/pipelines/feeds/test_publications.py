from __future__ import annotations

import pytest

from tidewright import errors
from tidewright.pipelines.feeds import publications, tables


@pytest.fixture
def name(source):
    return source.publication


def test_tables_are_added_once(database, feed, name):
    database.execute('create table a (id int primary key); create table "B c" (id int primary key)')
    assert publications.ensure(feed.side, name, ["public.a"]) == ("public.a",)
    assert publications.ensure(feed.side, name, ["public.a", "public.B c"]) == ("public.B c",)
    assert publications.ensure(feed.side, name, ["public.a", "public.B c"]) == ()
    assert feed.published() == {"public.a", "public.B c"}


@pytest.mark.parametrize(
    "statement",
    [
        "create table t (id int)",
        "create table t (id int primary key) partition by range (id)",
        "create unlogged table t (id int primary key)",
        "create view t as select 1 as id",
        "create table t (id int primary key); alter table t replica identity nothing",
    ],
)
def test_a_table_that_cannot_be_followed_changes_nothing(database, feed, name, statement):
    database.execute(statement)
    with pytest.raises(errors.Refused) as raised:
        publications.ensure(feed.side, name, ["public.t"])
    assert raised.value.code == "source.table_unfit"
    assert feed.published() is None


@pytest.mark.parametrize("altered", ["t where (id > 1)", "t (id)"])
def test_a_publication_of_a_part_is_not_the_table(database, feed, name, altered):
    database.execute("create table t (id int primary key, v text)")
    database.execute(f"create publication {name} for table {altered}")
    assert feed.published() == set()
    with pytest.raises(errors.Refused) as raised:
        publications.ensure(feed.side, name, ["public.t"])
    assert raised.value.code == "source.publication_altered"


def test_a_publication_of_some_kinds_of_changes_is_not_the_table(database, feed, name):
    database.execute("create table t (id int primary key)")
    database.execute(f"create publication {name} for table t with (publish = 'insert')")
    assert feed.published() == set()


def test_children_do_not_come_in_with_their_parent(database, feed, name):
    database.execute("create table p (id int primary key); create table c () inherits (p)")
    publications.ensure(feed.side, name, ["public.p"])
    assert feed.published() == {"public.p"}


@pytest.mark.parametrize("listed", ["t", "t (id, v)"])
def test_a_generated_column_is_not_missed(database, feed, name, listed):
    database.execute(
        "create table t (id int primary key, v int, w int generated always as (v * 2) stored)"
    )
    database.execute(f"create publication {name} for table {listed}")
    assert feed.published() == {"public.t"}
    assert publications.ensure(feed.side, name, ["public.t"]) == ()


def test_a_generated_column_that_is_sent_is_not_the_table(database, feed, name):
    database.execute(
        "create table t (id int primary key, v int, w int generated always as (v * 2) stored)"
    )
    database.execute(f"create publication {name} for table t (id, v, w)")
    assert feed.published() == set()


def test_who_may_not_publish_is_told_the_statement(database, feed, name):
    database.execute("create table t (id int primary key); create role stranger")
    feed.side.ask("set role stranger")
    try:
        with pytest.raises(errors.Refused) as raised:
            publications.ensure(feed.side, name, ["public.t"])
    finally:
        feed.side.ask("reset role")
        database.execute("drop role stranger")
    assert raised.value.code == "source.publication"
    assert raised.value.hint.endswith(f'CREATE PUBLICATION "{name}" FOR TABLE "public"."t";')


def test_a_table_that_may_not_be_read_is_refused_before_its_copy(database, feed):
    database.execute("create table t (id int primary key); create role stranger")
    tables.require_readable(feed.side, "public.t")
    feed.side.ask("set role stranger")
    try:
        with pytest.raises(errors.Refused) as raised:
            tables.require_readable(feed.side, "public.t")
    finally:
        feed.side.ask("reset role")
        database.execute("drop role stranger")
    assert raised.value.code == "source.rights"
    assert raised.value.hint == 'GRANT SELECT ON "public"."t" TO "stranger";'
