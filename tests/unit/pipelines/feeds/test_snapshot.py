from __future__ import annotations

import pytest
from psycopg import errors as pg

from tidewright import errors
from tidewright.pipelines.decode import chunk
from tidewright.pipelines.feeds import snapshot

ODD = ("", None, "a\nb", 'q"x', "\\.", "\\N", ",", "\r\n", "é漢🙂", "NULL", " ")


def rows(parts: list[chunk.Part]) -> list[tuple[str | None, ...]]:
    return [row for p in parts for row in zip(*(c.to_pylist() for c in p.columns), strict=True)]


@pytest.fixture
def table(database, feed):
    database.execute(
        "create table t (id int primary key, v text, g int generated always as (id) stored)"
    )
    for i, text in enumerate(ODD):
        database.execute("insert into t values (%s, %s)", (i, text))
    feed.ensure(("public.t",))
    return database


def test_every_text_arrives_as_it_is_and_null_is_not_empty(table, source, secrets):
    with snapshot.Snapshot(source, secrets) as snap:
        found = rows(list(snap.copy("public.t")))
    assert sorted(found) == sorted((str(i), v) for i, v in enumerate(ODD))


def test_a_table_of_one_column_keeps_its_nulls(database, feed, source, secrets):
    database.execute("create table one (v text unique)")
    database.execute("alter table one replica identity full")
    database.execute("insert into one values (null), (''), (null), ('x')")
    with snapshot.Snapshot(source, secrets) as snap:
        found = rows(list(snap.copy("public.one")))
    assert [v for (v,) in found] == [None, "", None, "x"]


def test_parts_are_bounded_and_numbered(table, source, secrets):
    with snapshot.Snapshot(source, secrets) as snap:
        parts = list(snap.copy("public.t", part_rows=4))
        assert [p.rows for p in parts] == [4, 4, 3]
        assert [int(n) for p in parts for n in p.seq] == list(range(1, 12))
        assert {int(n) for p in parts for n in p.commit_lsn} == {snap.point}
        assert {int(n) for p in parts for n in p.op} == {chunk.READ}
        assert {int(n) for p in parts for n in p.xid} == {0}


def test_copy_and_changes_meet_without_gap_or_overlap(table, source, secrets, feed):
    with snapshot.Snapshot(source, secrets) as snap:
        table.execute("insert into t values (100, 'later')")
        table.execute("delete from t where id = 1")
        upto = feed.emit("cut", b"")
        table.execute("insert into t values (101, 'too late')")
        copied = {int(r[0] or 0) for r in rows(list(snap.copy("public.t")))}
        late = [p for c in snap.catch_up(upto, {}) for p in c.parts]
    assert copied == set(range(len(ODD)))
    changes = [(chr(op), p.columns[0][i].as_py()) for p in late for i, op in enumerate(p.op)]
    assert changes == [("c", "100"), ("d", "1")]


def test_the_slot_is_gone_afterwards(table, source, secrets):
    with snapshot.Snapshot(source, secrets):
        pass
    query = "select count(*) from pg_replication_slots where slot_name like 'tidewright_copy%'"
    while table.execute(query).fetchone() != (0,):
        pass


def test_an_open_transaction_is_named_when_the_deadline_passes(table, source, secrets, postgres):
    with postgres.connect(table.info.dbname) as other:
        other.execute("begin")
        other.execute("insert into t values (200)")
        with pytest.raises(errors.TimedOut, match=f"process {other.info.backend_pid} ") as raised:
            snapshot.Snapshot(source, secrets, deadline=0.3).__enter__()
        other.execute("rollback")
    assert raised.value.code == "source.slot_wait"


@pytest.mark.parametrize(
    "statement",
    [
        "alter table t alter v type varchar(9)",
        "truncate t",
        "alter table t rename v to w",
        "drop table t",
    ],
)
def test_a_table_that_changed_its_form_meanwhile_is_not_copied(table, source, secrets, statement):
    with snapshot.Snapshot(source, secrets) as snap:
        table.execute(statement)
        with pytest.raises(errors.PlatformError) as raised:
            list(snap.copy("public.t"))
    gone = statement.startswith("drop")
    assert raised.value.code == ("source.table_missing" if gone else "source.copy_overtaken")


REWRITES = ("truncate t", "alter table t alter v type varchar(9)")


@pytest.mark.parametrize("statement", REWRITES)
def test_the_other_tables_of_a_snapshot_are_not_concerned(table, source, secrets, statement):
    table.execute("create table calm (id int primary key)")
    table.execute("insert into calm values (1)")
    with snapshot.Snapshot(source, secrets) as snap:
        table.execute(statement)
        with pytest.raises(snapshot.Overtaken) as raised:
            snap.hold(("public.calm", "public.t"))
        assert raised.value.tables == ("public.t",)
        assert snap.overtaken(("public.calm", "public.t")) == ("public.t",)
        table.execute("set lock_timeout = '2s'")
        table.execute("truncate t")  # nobody holds it for nothing
        assert rows(list(snap.copy("public.calm"))) == [("1",)]


def test_a_renamed_column_does_not_end_the_snapshot(table, source, secrets):
    table.execute("create table calm (id int primary key)")
    with snapshot.Snapshot(source, secrets) as snap:
        table.execute("alter table t rename v to w")
        with pytest.raises(snapshot.Overtaken):
            list(snap.copy("public.t"))
        assert list(snap.copy("public.calm")) == []


def test_a_held_table_cannot_be_truncated_until_it_is_let_go(table, source, secrets):
    table.execute("set lock_timeout = '50ms'")
    with snapshot.Snapshot(source, secrets) as snap:
        snap.hold(("public.t",))
        with pytest.raises(pg.LockNotAvailable):
            table.execute("truncate t")
        snap.let_go()
        table.execute("truncate t")
        assert snap.overtaken(("public.t",)) == ("public.t",)


def test_a_table_that_somebody_keeps_locked_is_not_waited_for(
    table, source, secrets, postgres, monkeypatch
):
    monkeypatch.setattr(snapshot, "HOLD_SECONDS", 0.05)
    with postgres.connect(table.info.dbname) as other, snapshot.Snapshot(source, secrets) as snap:
        other.execute("begin")
        other.execute("lock table t in access exclusive mode")
        with pytest.raises(snapshot.Overtaken):
            snap.hold(("public.t",))
        other.execute("rollback")
        snap.hold(("public.t",))
        assert len(rows(list(snap.copy("public.t")))) == len(ODD)


def test_a_copy_that_policies_would_filter_is_refused(table, source, secrets, postgres):
    database = table.info.dbname
    table.execute("create role reader login replication password 'x'")
    try:
        table.execute("grant select on t to reader")
        table.execute("alter table t enable row level security")
        (secrets / "pw").write_text("x")
        connection = type(source.connection)(
            source.connection.host, source.connection.port, database, "reader",
            source.connection.password,
        )  # fmt: skip
        other = type(source)("bank", connection, source.publication, source.slot, False)
        with snapshot.Snapshot(other, secrets) as snap, pytest.raises(errors.Refused) as raised:
            list(snap.copy("public.t"))
        assert raised.value.code == "source.rights"
    finally:
        (secrets / "pw").write_text(postgres.password)
        table.execute("drop owned by reader")
        table.execute("drop role reader")
