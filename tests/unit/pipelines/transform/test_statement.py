import pytest

from tidewright.pipelines.transform import statement


@pytest.mark.parametrize(
    ("text", "is_"),
    [
        ("select 1", "select 1"),
        ("-- why\nselect ';' as \"a;b\" -- ;\n;\n-- after; that\n", None),
        ("/* a; b */ with t as (select 1) select * from t;", None),
        ("(select 1) union (select 2)", "(select 1) union (select 2)"),
        ("VALUES (1), (2) ; /* end */", "VALUES (1), (2) "),
        ("select 'it''s; fine'", "select 'it''s; fine'"),
    ],
)
def test_one_select_is_what_is_before_its_semicolon(text, is_):
    wanted = text[: text.rindex(";\n-- after")] if is_ is None and "after" in text else is_
    assert statement.only(text) == (text[:-1] if wanted is None else wanted)


@pytest.mark.parametrize(
    "text",
    [
        "", "-- nothing", "drop table t", "select 1; drop table t", "select 1;;", "selection",
        "select 1) union (select 2", "select (1", "call system.flush()",
    ],
)  # fmt: skip
def test_anything_else_is_refused(text):
    with pytest.raises(statement.NotOne):
        statement.only(text)
