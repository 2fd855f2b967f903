"""When the child refreshes, decided on real commits and a refresher that only notes the calls."""

import io

import pytest
from tests.unit.pipelines.refresh.test_waiter import commit

from tidewright.model import codec
from tidewright.pipelines.lake import catalog
from tidewright.pipelines.refresh import child, outcome


class Noted:
    """Stands in for the refresher: answers what it is told to."""

    class job:
        lands = ("bank", "shop")
        every = 0.0

    def __init__(self, conn):
        self.conn = conn
        self.progress = outcome.Progress({}, {}, 0)
        self.answers = []
        self.runs = 0
        self.edited = False

    def catalog(self):
        return self.conn

    def is_edited(self):
        return self.edited

    def saw(self, tried):
        self.progress = outcome.Progress(
            {**self.progress.seen, **tried}, self.progress.published, 0
        )

    def run(self):
        self.runs += 1
        state, again = self.answers.pop(0) if self.answers else ("published", False)
        if state == "published":
            newest = self.conn.execute("select flow, max(id) from tidewright_commits group by 1")
            self.saw(dict(newest.fetchall()))
        return outcome.Outcome(state, "", self.progress, again=again)


@pytest.fixture
def work(database):
    database.execute(catalog.LAYOUT)
    return Noted(database)


@pytest.fixture
def loop(work, monkeypatch):
    monkeypatch.setattr(child, "NICE", 0)  # it would stay with the tests
    return child.Loop(work, io.StringIO())


def told(loop):
    lines = loop.out.getvalue().splitlines()
    return [codec.loads(outcome.Outcome, line) for line in lines]


def test_the_first_turn_reads_the_project_without_a_commit(loop, work):
    work.answers = [("waiting", False)]
    assert loop.turn()
    assert not loop.turn()
    assert [o.state for o in told(loop)] == ["waiting"]


def test_each_commit_with_changes_is_one_refresh(loop, work, database):
    loop.turn()
    for changes in (1, 0, 3):
        commit(database, changes)
        loop.turn()
        loop.turn()
    assert work.runs == 1 + 2


def test_a_commit_of_another_flow_with_a_lower_number_is_seen_too(loop, work, database):
    loop.turn()
    commit(database)
    commit(database)
    database.execute("update tidewright_commits set flow = 'shop' where id = 2")
    database.execute("update tidewright_commits set flow = 'not ours' where id = 1")
    assert loop.turn()
    database.execute("update tidewright_commits set flow = 'bank' where id = 1")
    assert loop.turn()
    assert not loop.turn()


def test_while_waiting_for_a_table_every_commit_counts(loop, work, database):
    work.answers = [("waiting", False), ("waiting", False)]
    loop.turn()
    commit(database, changes=0)
    assert loop.turn()
    assert not loop.turn()
    commit(database, changes=0)
    assert loop.turn()


def test_a_commit_that_was_held_back_is_not_tried_again(loop, work, database):
    work.answers = [("degraded", False)]
    commit(database)
    loop.turn()
    assert not loop.turn()
    assert told(loop)[-1].progress.seen == {
        "bank": 1
    }  # so the waiter does not start another child for it


def test_a_passing_reason_is_tried_again(loop, work, database):
    work.answers = [("degraded", True)]
    commit(database)
    loop.turn()
    assert loop.turn()
    assert [o.state for o in told(loop)] == ["degraded", "published"]


def test_an_edit_is_a_reason(loop, work, database):
    commit(database)
    loop.turn()
    work.edited = True
    assert loop.turn()


def test_half_a_processor_is_used_at_most(loop, work, database):
    work.job.every = 1.0
    assert loop.pause(4.0, 4.0) == child.POLL  # reading the project for the first time
    commit(database)
    loop.turn()
    assert loop.pause(0.25, 0.25) == 0.75
    assert loop.pause(4.0, 1.0) == 1.0
    assert loop.pause(4.0, 6.0) == 6.0
    work.answers = [("degraded", False)]
    commit(database)
    loop.turn()
    assert loop.pause(0.1, 0.1) == child.BREATH


def test_without_a_change_it_ends(loop, monkeypatch):
    monkeypatch.setattr(child, "IDLE", 0.0)
    loop.run()
    assert told(loop) == []
