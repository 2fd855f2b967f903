import pytest

from tidewright.pipelines.lake import catalog
from tidewright.pipelines.refresh import commits

INSERT = """
insert into tidewright_commits
  (flow, epoch, token, kind, source, position, committed_at, newest_ms, oldest_ms, changes, tables)
values (%s, 1, gen_random_uuid(), 'postgres', 's', '0/1', to_timestamp(%s), %s, %s, %s, '{}')
"""


@pytest.fixture
def conn(database):
    database.execute(catalog.LAYOUT)
    return database


def test_no_catalog_yet_is_no_commit(database):
    assert commits.head(database, ["bank"], {}) is None


def test_head_says_whether_rows_changed_since(conn):
    assert commits.head(conn, ["bank"], {}) is None
    for changes in (5, 0, 0):
        conn.execute(INSERT, ["bank", 1, None, None, changes])
    conn.execute(INSERT, ["other", 1, None, None, 9])
    assert commits.head(conn, ["bank"], {}) == commits.Head({"bank": 3}, True)
    assert commits.head(conn, ["bank"], {"bank": 1}) == commits.Head({"bank": 3}, False)
    assert commits.head(conn, ["bank"], {"bank": 3}) is None


def test_included_commits_are_those_after_the_last_publication(conn):
    for second in (1, 2, 3, 4):
        conn.execute(INSERT, ["bank", second, second * 1000 - 100, second * 1000 - 200, 1])
    found = commits.included(conn, {"bank": 1}, {"bank": 3}, 0)
    assert found == (commits.Included(2000, 1800, 1900), commits.Included(3000, 2800, 2900))
    assert len(commits.included(conn, {}, {"bank": 4}, 3000)) == 2
