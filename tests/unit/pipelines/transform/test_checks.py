import pytest

from tidewright.pipelines.transform import checks, embedded


@pytest.fixture(scope="module")
def at(tmp_path_factory):
    it = embedded.Embedded(tmp_path_factory.mktemp("engine"))
    it.execute("create table t as select range as id, null as nothing from range(100)")
    yield it
    it.close()


def run(tmp_path, at, **texts):
    for name, text in texts.items():
        (tmp_path / f"{name}.sql").write_text(text)
    return checks.run(tmp_path, at)


def test_no_row_means_that_it_holds(tmp_path, at):
    done = run(tmp_path, at, holds="select * from t where id < 0; -- nothing\n")
    assert [(c.name, c.ok, c.failing) for c in done.checks] == [("holds", True, 0)]
    assert done.problems == ()


def test_wrong_rows_are_counted_and_some_are_shown(tmp_path, at):
    done = run(tmp_path, at, many="select * from t where id > 9", one="from t where id = 1 -- .")
    many, one = done.checks
    assert (many.failing, len(many.rows)) == (90, checks.SAMPLE)
    assert (one.failing, one.rows) == (1, ({"id": "1", "nothing": "NULL"},))
    assert list(checks.failing(done.checks)) == [
        f"check many: 90 rows, for example id={many.rows[0]['id']}, nothing=NULL",
        "check one: 1 rows, for example id=1, nothing=NULL",
    ]


def test_a_check_that_cannot_run_is_a_problem_with_its_line(tmp_path, at):
    done = run(tmp_path, at, good="from t limit 0", bad="-- a comment\nselect wrong\nfrom t")
    assert [c.name for c in done.checks] == ["good"]
    (problem,) = done.problems
    assert problem.code == "refresh.check_unusable"
    assert (problem.where.name, problem.where.line) == (f"{tmp_path.name}/bad.sql", 2)


@pytest.mark.parametrize("text", ["", "drop table t", "select 1; drop table t"])
def test_only_one_select_is_run(tmp_path, at, text):
    assert len(run(tmp_path, at, odd=text).problems) == 1
    assert at.look("from t", 1).count == 100


def test_a_missing_folder_is_a_problem(tmp_path, at):
    assert "does not exist" in checks.run(tmp_path / "none", at).problems[0].what
