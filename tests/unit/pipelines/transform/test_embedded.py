import duckdb
import pytest

from tidewright.pipelines.lake import reader
from tidewright.pipelines.transform import embedded, engine


@pytest.fixture
def at(tmp_path):
    it = embedded.Embedded(tmp_path)
    yield it
    it.close()


def test_a_scratch_file_of_an_earlier_process_is_not_used(tmp_path):
    first = embedded.Embedded(tmp_path)
    first.execute("create table t as select 1")
    first.close()
    again = embedded.Embedded(tmp_path)
    with pytest.raises(engine.QueryFailed, match="does not exist"):
        again.execute("from t")
    again.close()


def test_a_connection_of_the_stated_configuration_shares_the_instance(at):
    """What dbt does: it opens the same file with what its profile says."""
    at.execute("create table t as select 1 as n")
    with duckdb.connect(str(at.path), config=dict(embedded.CONFIGURATION)) as other:
        assert other.execute("from t").fetchall() == [(1,)]


def test_a_metadata_file_that_is_gone_is_said(at):
    with pytest.raises(engine.QueryFailed):
        at.point({"bank.users": reader.PinnedTable(1, "file:///nowhere/v1.metadata.json")})


def test_literals_and_names_are_quoted():
    assert engine.literal("it's") == "'it''s'"
    assert engine.quoted('a"b') == '"a""b"'
