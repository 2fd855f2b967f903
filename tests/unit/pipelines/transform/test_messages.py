"""The texts are what dbt 1.11 and DuckDB 1.5 print."""

import pytest

from tidewright.pipelines.transform import messages

BINDER = (
    "Runtime Error in model top_accounts (marts/top_accounts.sql)\n"
    '  Binder Error: Referenced column "nonsense" not found in FROM clause!\n'
    '  Candidate bindings: "customer_name", "opened_at", "balance"\n'
    "  \n"
    '  LINE 6:  nonsense from "r"."marts"."customer_accounts"\n'
    "           ^"
)
COMPILED = 'select 1 as account_id,\n nonsense from "r"."marts"."customer_accounts"'
REF = (
    "Compilation Error\n  Model 'model.bank.top_accounts' (marts/top_accounts.sql)"
    " depends on a node named 'nothing' which was not found"
)
JINJA = (
    "Compilation Error in model top_accounts (marts/top_accounts.sql)\n"
    "  unexpected '}', expected ')'\n    line 2\n      from {{ ref('nothing'  }"
)
YAML = (
    "Parsing Error\n  Error reading bank: schema.yml - Runtime Error\n"
    "    Syntax error near line 4\n    ------------------------------\n    1  | version: 2\n"
)


def test_duckdbs_line_becomes_the_users_line():
    found = messages.of_query(BINDER, "x.y", "marts/top_accounts.sql", COMPILED)
    assert (found.where.name, found.where.line) == ("marts/top_accounts.sql", 2)
    assert found.what == (
        'Binder Error: Referenced column "nonsense" not found in FROM clause!'
        ' Candidate bindings: "customer_name", "opened_at", "balance"'
    )


def test_a_line_that_is_not_in_the_file_is_not_guessed():
    assert messages.of_query(BINDER, "x.y", "a.sql", "select 1").where.line is None


@pytest.mark.parametrize(
    ("text", "name", "line", "says"),
    [
        (REF, "marts/top_accounts.sql", None, "depends on a node named 'nothing'"),
        (JINJA, "marts/top_accounts.sql", 2, "unexpected '}', expected ')'"),
        (YAML, "schema.yml", 4, "Syntax error near line 4"),
        ("Runtime Error\n  No dbt_project.yml found", "models/", None, "No dbt_project.yml found"),
    ],
)
def test_dbts_file_and_line_are_found(text, name, line, says):
    found = messages.of_dbt(text, "x.y", "models/")
    assert (found.where.name, found.where.line) == (name, line)
    assert says in found.what
    assert "\n" not in found.what


@pytest.mark.parametrize("text", ["", "odd", "LINE 1: x\n ^"])
def test_any_text_gives_a_sentence(text):
    assert messages.sentence(text) == text.strip()


TRINO = (
    "Database Error in model top_accounts (models/marts/top_accounts.sql)\n"
    "  TrinoUserError(type=USER_ERROR, name=COLUMN_NOT_FOUND, message=\"line 9:2: Column 'nonsense'"
    ' cannot be resolved", query_id=20261122_034119_00014_ah9px)\n'
    "  compiled code at target/run/bank/models/marts/top_accounts.sql"
)


def test_trinos_reason_and_the_users_line_are_found():
    assert messages.has_place(TRINO)
    found = messages.of_query(TRINO, "x.y", "marts/top_accounts.sql", COMPILED)
    assert found.where.line == 2
    assert found.what == "Column 'nonsense' cannot be resolved"


def test_of_several_lines_the_one_with_the_column_counts():
    text = "line 9:8: Column 'a.x' cannot be resolved"
    source = "with t as (select\n    x from b)\nselect a.x\nfrom a"
    assert messages.of_query(text, "x.y", "a.sql", source).where.line == 3


def test_what_trino_names_and_the_file_lacks_gives_no_line():
    assert (
        messages.of_query("line 9:8: Column 'z' is odd", "x.y", "a.sql", "select").where.line
        is None
    )
    assert messages.of_query("line 9:8: odd", "x.y", "a.sql", "select").where.line is None
