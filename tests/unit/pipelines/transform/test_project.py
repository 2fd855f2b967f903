"""Real dbt on a small project; the engine's tables stand in for a lake."""

import pytest

from tidewright.pipelines.transform import embedded, project

PROJECT = """
name: small
version: '1.0.0'
model-paths: [models]
models: {+materialized: table}
"""
SCHEMA = """
version: 2
sources: [{name: bank, tables: [{name: users}]}]
models:
  - name: tested
    columns: [{name: id, data_tests: [unique, not_null]}, {name: email, data_tests: [not_null]}]
  - name: declared
    config: {unique_key: [id, email]}
  - name: loose
    columns: [{name: id, data_tests: [unique]}]
"""
MODEL = "select id,\n email\nfrom {{ source('bank', 'users') }}\n"


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The project in a state that works, and its engine."""
    root = tmp_path_factory.mktemp("small")
    folder, scratch = root / "project", root / "scratch"
    for path in (folder / "models", scratch):
        path.mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(PROJECT)
    (folder / "models" / "schema.yml").write_text(SCHEMA)
    for name in ("tested", "declared", "loose"):
        (folder / "models" / f"{name}.sql").write_text(MODEL)
    at = embedded.Embedded(scratch)
    at.execute("create schema bank")
    at.execute("create table bank.users (id bigint, email varchar)")
    yield project.Project(folder, scratch, at), at
    at.close()


@pytest.fixture
def rows(small):
    """Sets the source's rows."""

    def put(values):
        small[1].execute(
            f"create or replace table bank.users as from (values {values}) t(id, email)"
        )

    put("(1, 'a'), (2, 'b')")
    return put


def edited(made, file, text):
    path = made.folder / file
    before = path.read_text()
    path.write_text(text)
    return path, before


def test_sources_models_and_keys_are_read(small):
    parsed = small[0].parse()
    assert parsed.sources == ("bank.users",)
    assert {m.name: m.key for m in parsed.models.values()} == {
        "tested": ("id",),
        "declared": ("id", "email"),
        "loose": (),
    }
    assert parsed.models["tested"].relation == '"refresh"."marts"."tested"'


def test_models_are_built_and_tests_become_checks(small, rows):
    made, at = small
    made.parse()
    built = made.build()
    assert built.problems == ()
    assert {c.name: c.ok for c in built.checks}["unique_tested_id"]
    assert at.look("from marts.tested", 1).count == 2
    rows("(3, 'c')")
    made.build()
    assert at.look("from marts.tested", 9).rows == ({"id": "3", "email": "c"},)


def test_a_failing_test_shows_its_rows(small, rows):
    made, _ = small
    made.parse()
    rows("(1, 'a'), (2, null)")
    failed = [c for c in made.build().checks if not c.ok]
    assert [(c.name, c.failing) for c in failed] == [("not_null_tested_email", 1)]
    assert failed[0].rows == ({"email": "NULL"},)


def test_a_model_that_fails_is_named_with_its_line(small, rows):
    made, _ = small
    path, before = edited(made, "models/loose.sql", MODEL.replace(" email", " nonsense"))
    try:
        made.parse()
        (problem,) = made.build().problems
    finally:
        path.write_text(before)
    assert problem.code == "refresh.model_failed"
    assert (problem.where.name, problem.where.line) == ("models/loose.sql", 2)
    assert "nonsense" in problem.what


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("models/loose.sql", "select * from {{ ref('nothing') }}", "nothing"),
        ("models/schema.yml", "version: 2\nmodels: [\n", "schema.yml"),
    ],
)
def test_a_project_that_dbt_cannot_read_is_invalid(small, file, text, says):
    made, _ = small
    path, before = edited(made, file, text)
    try:
        with pytest.raises(project.ProjectInvalid) as caught:
            made.parse()
    finally:
        path.write_text(before)
    assert caught.value.code == "refresh.project_invalid"
    assert says in str(caught.value)


def test_nothing_is_written_into_the_project(small, rows):
    made, _ = small
    before = {p for p in made.folder.rglob("*")}
    made.parse()
    made.build()
    assert {p for p in made.folder.rglob("*")} == before
