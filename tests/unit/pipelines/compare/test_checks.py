"""The file's own checks at a cut: which hold, which do not, and which belong to the refresh."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tidewright.pipelines.compare import checks


@pytest.fixture
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as conn:
        conn.execute("create table accounts (id int, balance int)")
        conn.execute("insert into accounts values (1, 5), (2, -1), (3, -2)")
        yield conn


def run(duck: duckdb.DuckDBPyConnection, folder: Path, **files: str) -> list[tuple[bool, str]]:
    for name, sql in files.items():
        (folder / f"{name}.sql").write_text(sql)
    return [(found.ok, found.detail) for found in checks.run(duck, folder)]


def test_rows_are_what_is_wrong(duck: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    found = run(
        duck, tmp_path,
        b="select * from accounts where balance < 0", a="select * from accounts where id > 9",
    )  # fmt: skip
    assert found == [(True, "0 rows are wrong"), (False, "2 rows are wrong")]


@pytest.mark.parametrize("end", [";", ";\n\n", " -- why", "; -- why\n", "\n/* why */"])
def test_a_semicolon_and_comments_are_no_matter(
    duck: duckdb.DuckDBPyConnection, tmp_path: Path, end: str
) -> None:
    sql = f"-- No debts.\nselect * from accounts where balance < 0{end}"
    assert run(duck, tmp_path, a=sql) == [(False, "2 rows are wrong")]


def test_two_columns_of_one_name_are_no_matter(
    duck: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    sql = "select a.id, b.id from accounts a join accounts b on a.id = b.id"
    assert run(duck, tmp_path, a=sql) == [(False, "3 rows are wrong")]


def test_one_that_reads_a_model_is_left_to_the_refresh(
    duck: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    assert run(duck, tmp_path, a="select * from top_accounts", b="select 1 where false") == [
        (True, "0 rows are wrong")
    ]


@pytest.mark.parametrize(
    "sql",
    [
        "selec 1",
        "select nothing from accounts",
        "select 1 from accounts where ('x' || id)::int = 1",
        "select no_such_function(id) from accounts",
        "drop table accounts",
        "select 1; drop table accounts",
    ],
)
def test_one_that_cannot_be_run_does_not_hold(
    duck: duckdb.DuckDBPyConnection, tmp_path: Path, sql: str
) -> None:
    ((ok, detail),) = run(duck, tmp_path, a=sql)
    assert not ok
    assert detail.startswith("the check cannot be run: ")
    assert duck.execute("select count(*) from accounts").fetchone() == (3,)
