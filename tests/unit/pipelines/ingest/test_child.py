"""One run: assets in order, rows of every kind, the audit; and what is said when it goes wrong."""

from __future__ import annotations

from tests.unit.pipelines.ingest.projects import Project

from tidewright.pipelines.lake import branches

LINES = """
import json
@asset(table="raw.lines", cursor="batch")
def lines(landing, after):
    return [r for f in sorted(landing.glob("*.json")) for r in json.loads(f.read_text())
            if after is None or r["batch"] > after]
"""
CHECKS = """
class Lines(pa.DataFrameModel):
    id: int = pa.Field(unique=True)
    amount: int = pa.Field(ge=0)
CHECKS = {"raw.lines": Lines, "raw.not_there": Lines}
"""


def send(project: Project, batch: int, amount: int = 5) -> None:
    row = f'{{"id": {batch}, "batch": {batch}, "amount": {amount}}}'
    (project.landing / f"{batch}.json").write_text(f"[{row}]")


def test_each_run_takes_what_main_does_not_have_yet(project: Project) -> None:
    project.asset(LINES)
    send(project, 1)
    project.merge()
    send(project, 2)
    project.merge()
    assert project.rows("raw.lines") == [(1, 1, 5), (2, 2, 5)]
    news, _ = project.run()
    assert news.state == "nothing"


def test_a_red_run_names_the_rows_and_the_next_one_takes_them_again(project: Project) -> None:
    project.asset(LINES)
    project.checks(CHECKS)
    send(project, 1)
    project.merge()
    send(project, 2, amount=-7)
    news, branch = project.run()
    assert (news.state, branch.state) == ("red", "red")
    assert news.message == (
        "raw.lines.amount: greater_than_or_equal_to(0): 1 row, for example id=2, batch=2, amount=-7"
    )
    assert branch.touched["raw.lines"].rows == 2
    send(project, 2, amount=7)
    project.merge()
    assert project.rows("raw.lines") == [(1, 1, 5), (2, 2, 7)]


def test_a_key_that_main_has_already_is_found(project: Project) -> None:
    project.asset('@asset(table="raw.lines")\ndef lines():\n    return [{"id": 1, "amount": 1}]\n')
    project.checks(CHECKS)
    project.merge()
    news, _ = project.run()
    assert news.state == "red"
    assert "raw.lines.id: field_uniqueness: 2 rows" in news.message


def test_a_missing_column_and_a_check_that_raises_are_red(project: Project) -> None:
    project.asset('@asset(table="raw.lines")\ndef lines():\n    return [{"id": 1}]\n')
    project.checks(CHECKS)
    assert project.run()[0].state == "red"
    project.checks(
        "def broken(rows):\n    raise KeyError('no such thing')\n"
        'CHECKS = {"raw.lines": pa.DataFrameSchema(checks=pa.Check(broken))}\n'
    )
    news, _ = project.run()
    assert news.state == "red"
    assert "no such thing" in news.message


def test_assets_run_after_those_whose_rows_they_read(project: Project) -> None:
    project.asset(
        '@asset(table="raw.total", deps=["raw.lines"], mode="replace")\n'
        "def a_total(lines):\n"
        '    return [{"rows": lines.num_rows}]\n'
        '@asset(table="raw.lines")\n'
        "def lines():\n"
        '    return [{"id": 1}, {"id": 2}]\n'
    )
    project.merge()
    assert project.rows("raw.total") == [(2,)]
    branch = project.merge()
    assert project.rows("raw.total") == [(4,)]
    assert set(branch.touched) == {"raw.lines", "raw.total"}


def test_a_table_that_is_replaced_by_the_same_rows_is_not_touched(project: Project) -> None:
    project.asset('@asset(table="raw.a", mode="replace")\ndef a():\n    return [{"id": 1}]\n')
    project.merge()
    assert project.run()[0].state == "nothing"


def test_rows_of_every_kind(project: Project) -> None:
    project.asset(
        "import datetime, decimal, duckdb, pandas, pyarrow\n"
        '@asset(table="raw.dicts")\n'
        "def dicts():\n"
        '    return [{"a": 1, "b": "x", "c": None}, {"a": 2, "b": None, "c": None}]\n'
        '@asset(table="raw.arrow")\n'
        "def arrow():\n"
        '    return pyarrow.table({"a": [decimal.Decimal("1.50")], "l": [["p", "q"]]})\n'
        '@asset(table="raw.pandas")\n'
        "def of_pandas():\n"
        '    at = pandas.Timestamp("2026-01-01", tz="UTC")\n'
        '    return pandas.DataFrame({"a": [1.5], "at": [at]})\n'
        '@asset(table="raw.duck")\n'
        "def duck():\n"
        "    return duckdb.sql(\"select 7::bigint as a, date '2026-01-01' as d\")\n"
        '@asset(table="raw.none")\n'
        "def none():\n"
        "    return None\n"
    )
    branch = project.merge()
    assert set(branch.touched) == {"raw.dicts", "raw.arrow", "raw.pandas", "raw.duck"}
    assert len(project.rows("raw.dicts")[0]) == 2, "a column of nulls waits until it has a value"
    assert str(project.rows("raw.arrow")[0][0]) == "1.50"
    assert project.rows("raw.duck")[0][0] == 7


def test_new_columns_appear_and_another_type_is_refused(project: Project) -> None:
    project.asset('@asset(table="raw.a")\ndef a():\n    return [{"id": 1}]\n')
    project.merge()
    project.asset('@asset(table="raw.a")\ndef a():\n    return [{"id": 2, "new": "x"}]\n')
    project.merge()
    assert project.rows("raw.a") == [(1, None), (2, "x")]
    project.asset('@asset(table="raw.a")\ndef a():\n    return [{"id": "three"}]\n')
    assert "table raw.a: column id is long and would become string [ingest.columns]" in (
        project.failed()
    )
    assert project.rows("raw.a") == [(1, None), (2, "x")]


def test_what_the_users_code_raises_names_its_line(project: Project) -> None:
    project.asset('@asset(table="raw.a")\ndef a():\n    return 1 / 0\n')
    told = project.failed()
    assert told.startswith("rows.py:4: ZeroDivisionError: division by zero [ingest.asset_failed]")
    project.asset("def (:\n")
    assert project.failed().startswith("rows.py:2: SyntaxError")


def test_marks_that_cannot_be_run(project: Project) -> None:
    for text, told in (
        ("x = 1\n", "no function is marked with @asset"),
        ('@asset(table="a")\ndef a():\n    pass\n', "is not written schema.table"),
        ('@asset(table="raw.a")\ndef a(b):\n    pass\n', "a wants b, and can be given after"),
        ('@asset(table="raw.a")\ndef a(after):\n    pass\n', "names no cursor column"),
        ('@asset(table="raw.a", mode="x")\ndef a():\n    pass\n', "it is append or replace"),
        (
            '@asset(table="raw.a")\ndef a():\n    pass\n'
            '@asset(table="raw.a")\ndef b():\n    pass\n',
            "a fills raw.a already",
        ),
        (
            '@asset(table="raw.a", deps=["raw.b"])\ndef a(b):\n    pass\n'
            '@asset(table="raw.b", deps=["raw.a"])\ndef b(a):\n    pass\n',
            "tables wait for each other",
        ),
    ):
        project.asset(text)
        said = project.failed()
        assert told in said
        assert "[ingest.bad_asset]" in said


def test_rows_that_are_no_table(project: Project) -> None:
    project.asset('@asset(table="raw.a")\ndef a():\n    return 7\n')
    assert "a returned int, which holds no rows [ingest.bad_rows]" in project.failed()
    project.asset('@asset(table="raw.a")\ndef a():\n    return [{"a": 1}, {"a": "x"}]\n')
    assert "[ingest.bad_rows]" in project.failed()


def test_a_table_that_nobody_filled(project: Project) -> None:
    project.asset('@asset(table="raw.a", deps=["raw.b"])\ndef a(b):\n    return None\n')
    assert "a reads raw.b, which has no rows yet [ingest.no_table]" in project.failed()


def test_a_file_without_checks(project: Project) -> None:
    project.asset('@asset(table="raw.a")\ndef a():\n    return [{"id": 1}]\n')
    project.checks("CHECKS = 1\n")
    assert "[ingest.bad_checks]" in project.failed()
    left = branches.every(project.conn, "ingest")
    assert left[0].touched, "what it wrote can be looked at"
