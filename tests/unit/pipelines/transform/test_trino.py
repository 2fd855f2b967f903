"""What Trino is asked, by a fake that remembers; reading marts back is the end-to-end test's."""

import os

import pytest

from tidewright import errors
from tidewright.clients import trino as client
from tidewright.model import native, values
from tidewright.pipelines.lake import reader
from tidewright.pipelines.transform import checks, engine, leftovers, trino

AT = native.Trino("http://127.0.0.1:8080", native.Objects("http://x", "b", "k", values.Secret("s")))
VIEW = 'create or replace view "bank"."users" as select * from "lake"."bank"."users" '


class Fake:
    """Remembers statements and answers from a table: part of a statement -> answer or reason."""

    def __init__(self):
        self.asked, self.answers, self.as_ = [], {}, set()

    def __call__(self, url, query, *, user, catalog, limit=None):
        self.asked.append(query)
        self.as_.add((url, user, catalog))
        for part, answer in self.answers.items():
            if part in query:
                if isinstance(answer, Exception):
                    raise answer
                if isinstance(answer, str):
                    raise client.Refused(answer)
                return answer
        return client.Answer((), ())


@pytest.fixture
def fake():
    return Fake()


@pytest.fixture
def at(fake, monkeypatch):
    monkeypatch.setattr(trino.Trino, "_sweep", lambda self: fake.asked.append("sweep"))
    for name in trino.DIRECT:
        monkeypatch.setenv(name, "before")

    def secret(name):
        return name

    return trino.Trino(AT, lambda: None, secret, fake)


def pinned(snapshot):
    return {"bank.users": reader.PinnedTable(snapshot, "s3://b/m.json")}


def test_a_table_is_pinned_by_its_snapshot(at, fake):
    at.point(pinned(7))
    assert fake.asked == [
        'create schema if not exists "bank"', VIEW + "for version as of 7", "sweep",
    ]  # fmt: skip
    assert fake.as_ == {("http://127.0.0.1:8080", "tidewright-refresh", "refresh")}


def test_a_view_is_replaced_only_for_another_snapshot(at, fake):
    at.point(pinned(7))
    del fake.asked[:]
    at.point(pinned(7))
    assert fake.asked == []
    at.point(pinned(8))
    assert fake.asked == [VIEW + "for version as of 8"]


def test_a_table_that_never_had_rows_is_empty(at, fake):
    at.point(pinned(None))
    assert VIEW + "where false" in fake.asked


def test_a_view_that_failed_is_made_again(at, fake):
    fake.answers["version as of"] = "Iceberg snapshot ID does not exist: 7"
    with pytest.raises(engine.QueryFailed, match="snapshot ID does not exist"):
        at.point(pinned(7))
    fake.answers.clear()
    at.point(pinned(7))
    assert fake.asked[-2] == VIEW + "for version as of 7"


def test_a_trino_that_is_away_is_tried_again(at, fake):
    fake.answers["schema"] = client.Away("connection refused\nmore")
    with pytest.raises(engine.EngineAway) as caught:
        at.point(pinned(7))
    assert isinstance(caught.value, errors.Transient)
    assert caught.value.code == "refresh.engine_away"
    assert caught.value.what == "Trino does not answer: connection refused"


def test_leftovers_are_looked_for_now_and_then(at, fake):
    for snapshot in range(trino.SWEEP + 1):
        at.point(pinned(snapshot))
    assert fake.asked.count("sweep") == 2


def test_dbt_asks_the_same_server_without_a_proxy(at):
    profile = at.profile()
    assert (profile["host"], profile["port"]) == ("127.0.0.1", 8080)
    assert (profile["user"], profile["database"], profile["schema"]) == (
        "tidewright-refresh", "refresh", "marts",
    )  # fmt: skip
    assert {os.environ[name] for name in trino.DIRECT} == {"*"}


def test_few_wrong_rows_are_counted_as_they_are_read(at, fake):
    fake.answers["limit 5"] = client.Answer(("id", "name"), ((1, None),))
    seen = at.look("select id, name from bank.users -- wrong;\n;", 5)
    assert seen == engine.Look(1, ({"id": "1", "name": "NULL"},))
    assert fake.asked == ["select * from (\nselect id, name from bank.users -- wrong;\n\n) limit 5"]


def test_many_wrong_rows_are_counted_by_trino(at, fake):
    fake.answers["limit 2"] = client.Answer(("id",), ((1,), (2,)))
    fake.answers["count(*)"] = client.Answer(("_col0",), ((90,),))
    assert at.look("select 1", 2).count == 90
    assert fake.asked[-1] == "select count(*) from (\nselect 1\n)"


@pytest.mark.parametrize("text", ["", "delete from lake.bank.users", "select 1; drop table t"])
def test_only_one_select_is_asked(at, fake, text):
    with pytest.raises(engine.QueryFailed, match="not one SELECT"):
        at.look(text, 5)
    assert fake.asked == []


def test_a_check_that_cannot_run_is_a_problem_with_its_line(at, fake, tmp_path):
    fake.answers["select"] = "line 3:8: Column 'wrong' cannot be resolved"
    (tmp_path / "bad.sql").write_text("-- a comment\nselect wrong\nfrom t")
    (problem,) = checks.run(tmp_path, at).problems
    assert (problem.where.name, problem.where.line) == (f"{tmp_path.name}/bad.sql", 2)
    assert problem.what == "Column 'wrong' cannot be resolved"


def test_a_published_view_becomes_a_table(at, fake, monkeypatch):
    made = {"marts": leftovers.Made("marts", "m", "VIEW", "s3://b/v")}
    monkeypatch.setattr(at, "_made", lambda schema, name: made.get(schema))
    with pytest.raises(engine.QueryFailed, match="made no table"):
        at.mart(engine.Model("m", '"refresh"."marts"."m"', (), "marts", "M"))
    copy = '"tidewright_marts"."m"'
    assert fake.asked[-2:] == [
        f"drop table if exists {copy}",
        f'create table {copy} as select * from "refresh"."marts"."m"',
    ]
