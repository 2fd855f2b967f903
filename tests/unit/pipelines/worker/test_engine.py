from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from pyiceberg.types import StringType

from tidewright import errors
from tidewright.model import flow, jobs, values
from tidewright.pipelines.core import acts, faults
from tidewright.pipelines.decode import pgoutput
from tidewright.pipelines.lake import schema
from tidewright.pipelines.worker import engine, released
from tidewright.testing.postgres import TempPostgres
from tidewright.vault import files as vault


@pytest.fixture
def hands(
    database: psycopg.Connection, postgres: TempPostgres, tmp_path: Path
) -> Iterator[engine.Engine]:
    """A worker's hands on table ``t``, whose empty first copy is committed."""
    vault.write(tmp_path / "secrets", "pw", postgres.password)
    name = database.info.dbname
    at = flow.Connection("127.0.0.1", postgres.port, name, "postgres", values.Secret("pw"))
    made = engine.Engine(
        jobs.CaptureJob(
            name=name,
            source=flow.PostgresSource("s", at, f"tw_{name}", f"tw_{name}", managed=True),
            capture=flow.Capture("s", ("public.t",), "raw_data"),
            lake=jobs.Lake(at, str(tmp_path / "lake")),
            secrets=str(tmp_path / "secrets"),
            status=str(tmp_path / "run" / "capture.json"),
            commit_every=0.1,
        ),
        faults.none,
    )
    database.execute("create table t (id int primary key, v text)")
    made.perform(acts.Open())
    made.perform(acts.MakeSlot())
    copied(made)
    yield made
    made.feed.drop()
    made.close()


def copied(hands: engine.Engine) -> None:
    hands.perform(acts.StartCopy(("public.t",)))
    while (news := hands.copy_news()) is None:
        pass
    assert isinstance(news, acts.CopyFinished), news
    hands.perform(acts.Join(news.tables, news.at, news.at))
    assert isinstance(hands.perform(acts.Commit(news.at)), acts.Done)


def position(hands: engine.Engine) -> int:
    last = hands.lake.last_commit()
    assert last is not None
    return flow.lsn_value(last.position)


def test_a_peek_that_ended_at_its_limit_has_not_seen_everything(
    hands: engine.Engine, database: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server's limit counts the begin and the end of each transaction too."""
    monkeypatch.setattr(engine, "PEEK_MESSAGES", 9)
    for i in range(6):
        database.execute("insert into t values (%s, 'a')", (i,))
    pull = acts.Pull(position(hands), hands.feed.now())
    pulled = hands.perform(pull)
    assert hands.followed["public.t"].current.rows() < 6
    assert isinstance(pulled, acts.Pulled)
    assert not pulled.exhausted


def test_a_peek_that_went_past_its_end_has_seen_everything_before(
    hands: engine.Engine, database: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a large transaction whose commit begins right at a cut would keep it from its end."""
    monkeypatch.setattr(engine, "PEEK_MESSAGES", 9)
    database.execute("insert into t select g, 'a' from generate_series(1, 20) g")
    at = next_commit(hands)
    assert hands.perform(acts.Pull(position(hands), at)) == acts.Pulled(None, exhausted=True)


@pytest.mark.parametrize(
    ("statements", "why"),
    [
        ("alter table t rename id to ident; insert into t values (1, 'a')", "told apart by id"),
        ("alter table t replica identity full; alter table t alter v set not null;"
         " alter table t drop constraint t_pkey; alter table t add primary key (v);"
         " insert into t values (1, 'a'), (1, 'b')", "told apart by id"),
        ("alter table t add y text; insert into t values (1, 'a', 'old');"
         " alter table t drop y; alter table t add y text; insert into t values (2, 'b', 'new')",
         "changed again"),
    ],
)  # fmt: skip
def test_what_the_feed_tells_half_of_stops_the_table(
    hands: engine.Engine, database: psycopg.Connection, statements: str, why: str
) -> None:
    """Another key under FULL; a column whose namesake from before was dropped unseen."""
    for statement in statements.split(";"):
        database.execute(statement)
    stopped = hands.perform(acts.Pull(position(hands), None))
    assert isinstance(stopped, acts.TableStopped), stopped
    assert why in stopped.reason


@pytest.mark.parametrize(
    ("statements", "why"),
    [
        ("alter table t rename v to w; insert into t values (1, 'a')", "renamed to w"),
        ("alter table t drop v; insert into t values (1); alter table t add v int;"
         " insert into t values (2, 2)", "came back"),
    ],
)  # fmt: skip
def test_a_column_of_the_raw_log_never_turns_to_nulls_unsaid(
    hands: engine.Engine, database: psycopg.Connection, statements: str, why: str
) -> None:
    hands.followed["public.t"].raw_columns = ("id", "v")
    log = hands.followed["public.t"].lake[1]
    log.evolve([schema.AddColumn("v", StringType())])
    for statement in statements.split(";"):
        database.execute(statement)
        pulled = hands.perform(acts.Pull(position(hands), None))
        if isinstance(pulled, acts.Pulled) and pulled.end is not None:
            hands.perform(acts.Commit(pulled.end))
    assert isinstance(pulled, acts.TableStopped), pulled
    assert why in pulled.reason


def test_a_declared_column_that_comes_later_is_shown_in_the_raw_log(
    hands: engine.Engine, database: psycopg.Connection
) -> None:
    table = hands.followed["public.t"]
    table.raw_columns = ("id", "phone")
    database.execute("alter table t add phone int")
    database.execute("insert into t values (1, 'a', 5)")
    hands.perform(acts.Pull(position(hands), None))
    log = table.lake[1]
    rows = [log.read(number, ("id", "phone")).to_pylist() for number in log.data_files]
    assert rows == [[{"id": 1, "phone": 5}]]


def test_after_the_slot_was_given_back_no_old_position_returns(hands: engine.Engine) -> None:
    """The next slot may be of another source, whose positions begin anywhere."""
    assert hands.perform(acts.Reload()) == acts.Reloaded(position(hands), ("public.t",))
    mark = Path(str(hands.job.status)).with_name(released.MARK)
    mark.parent.mkdir()
    mark.write_text(hands.job.source.slot)
    opened = hands.perform(acts.Open())
    assert isinstance(opened, acts.Opened)
    assert opened.position is None
    assert hands.perform(acts.Reload()) == acts.Reloaded(None, ())


def test_another_source_behind_the_same_address_is_refused(
    hands: engine.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    promoted = replace(hands.feed.identity(), timeline=2)
    monkeypatch.setattr(hands.feed, "identity", lambda: promoted)
    with pytest.raises(errors.Refused, match=r"source\.timeline"):
        hands.perform(acts.Reload())


def next_commit(hands: engine.Engine) -> int:
    made = pgoutput.PureDecoder({})
    for frame in hands.feed.peek(1000):
        made.feed(frame)
    return int(made.finish().commit_lsn[0])
